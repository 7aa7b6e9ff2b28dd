// The cells that are compared.
#include "nn/gru.hpp"
#include "nn/lstm.hpp"
#include "nn/rnn.hpp"
#include "tutorials/03_gru/chapter.hpp"

namespace unroll {
namespace {

template <class Layer>
std::shared_ptr<RecurrentLayer> layer(typename Layer::Options options, int64_t D, int64_t H, Generator& gen) {
    options.input_size = D;
    options.hidden_size = H;
    return std::make_shared<Layer>(options, gen);
}

/// The largest GRU (reset after the matrix) with no more parameters than an LSTM of H: 3 H' (H' + D + 1) + H'.
int64_t as_large_as_lstm(int64_t D, int64_t H) {
    const int64_t lstm = 4 * H * (H + D + 1);
    int64_t h = H;
    while (3 * (h + 1) * (h + 1 + D + 1) + h + 1 <= lstm) h++;
    return h;
}

}  // namespace

std::vector<Contestant> contestants() {
    using Size = int64_t;
    return {
        {"RNN", "rnn", [](Size D, Size H, Generator& gen) { return layer<Rnn>({}, D, H, gen); }},
        {"LSTM", "lstm", [](Size D, Size H, Generator& gen) { return layer<Lstm>({.forget_bias = 1}, D, H, gen); }},
        {"GRU, reset before", "gru_before", [](Size D, Size H, Generator& gen) { return layer<Gru>({}, D, H, gen); }},
        {"GRU, reset after", "gru_after",
         [](Size D, Size H, Generator& gen) { return layer<Gru>({.reset_after = true}, D, H, gen); }},
        {"GRU, as large as LSTM", "gru_large",
         [](Size D, Size H, Generator& gen) {
             return layer<Gru>({.reset_after = true}, D, as_large_as_lstm(D, H), gen);
         }},
    };
}

}  // namespace unroll
