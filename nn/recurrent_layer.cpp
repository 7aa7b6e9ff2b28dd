#include "nn/recurrent_layer.hpp"

#include "nn/gru.hpp"
#include "nn/lstm.hpp"
#include "nn/rnn.hpp"

namespace unroll {

template <class Layer>
static std::shared_ptr<RecurrentLayer> make(const RecurrentOptions& o, typename Layer::Options options, Generator& gen,
                                            Where at) {
    options.input_size = o.input_size;
    options.hidden_size = o.hidden_size;
    options.dtype = o.dtype;
    options.num_layers = o.num_layers;
    options.bidirectional = o.bidirectional;
    options.dropout = o.dropout;
    options.variational = o.variational;
    return std::make_shared<Layer>(options, gen, at);
}

std::shared_ptr<RecurrentLayer> recurrent_layer(const RecurrentOptions& options, Generator& gen, Where at) {
    if (options.cell == CellKind::rnn) return make<Rnn>(options, {}, gen, at);
    if (options.cell == CellKind::gru) return make<Gru>(options, {.reset_after = true}, gen, at);
    return make<Lstm>(options, {.forget_bias = 1}, gen, at);
}

}  // namespace unroll
