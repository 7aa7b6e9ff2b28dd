#include "models/char_lm.hpp"

#include <algorithm>
#include <cmath>

#include "core/ops/lookup.hpp"
#include "core/ops/losses.hpp"

namespace unroll {

CharLm::CharLm(const CharLmOptions& options, Generator& gen)
    : embedding(
          {.vocabulary = {options.vocabulary, 'V'}, .embedding_size = options.embedding_size, .dtype = options.dtype},
          gen),
      rnn(recurrent_layer({.cell = options.cell,
                           .input_size = options.embedding_size,
                           .hidden_size = options.hidden_size,
                           .dtype = options.dtype,
                           .num_layers = options.num_layers},
                          gen)),
      out({.in = options.hidden_size, .out = {options.vocabulary, 'V'}, .dtype = options.dtype}, gen),
      options_(options) {}

void CharLm::visit(Visitor& v) {
    v("embedding", embedding);
    v("rnn", *rnn);
    v("out", out);
}

std::string CharLm::pretty() const {
    return fmt::format("CharLm({}, {}, {})", embedding.pretty(), rnn->pretty(), out.pretty());
}

CharLm::Output CharLm::loss(Tape& tape, const Ids& inputs, const Ids& targets, const StateValues& state) const {
    const RecurrentOutput h = over_words(*rnn, tape.watch(embedding.E), inputs, {.initial = state.on(tape)});
    const Var scores = out(h.y);  // W_out h_t + b_out, of all steps at once
    return {cross_entropy(scores, targets), h.last};
}

Tensor CharLm::next(const Var& table, const Ids& characters, StateValues& state) const {
    const Ids words = characters.reshape({1, characters.size()});
    const RecurrentOutput h = (*rnn)(table, {.initial = state.on(*table.tape()), .words = words});
    state = h.last;
    return out(h.y).value()[0];
}

double TextScore::bits() const { return nats / std::log(2.0); }
double TextScore::perplexity() const { return std::exp(nats); }

TextScore evaluate(const CharLm& model, const std::vector<int32_t>& text) {
    // One stream after the other would be exact but slow; side by side each but the first loses the state at its
    // beginning. A few long streams cost next to nothing.
    constexpr int64_t streams = 16, T = 128;
    const int64_t predictions = int64_t(text.size()) - 1;
    if (predictions < 1) throw Error("evaluate: a text of two characters or more is needed");
    const int64_t B = std::min(streams, predictions), length = predictions / B;
    double total = 0;
    const auto run = [&](int64_t first, int64_t width, int64_t stride, int64_t count) {
        Tape tape(Tape::Mode::forward_only);
        StateValues state;
        for (int64_t begin = 0; begin < count; begin += T) {
            const int64_t steps = std::min(T, count - begin);
            Ids inputs = Ids::empty({{steps, 'T'}, {width, 'B'}}), targets = Ids::empty({{steps, 'T'}, {width, 'B'}});
            for (int64_t t = 0; t < steps; t++)
                for (int64_t b = 0; b < width; b++) {
                    const size_t at = size_t(first + b * stride + begin + t);
                    inputs.mutable_data()[t * width + b] = text[at];
                    targets.mutable_data()[t * width + b] = text[at + 1];
                }
            CharLm::Output chunk = model.loss(tape, inputs, targets, state);
            state = std::move(chunk.state);
            total += chunk.loss.item() * double(steps * width);
        }
    };
    run(0, B, length, length);
    if (B * length < predictions) run(B * length, 1, 0, predictions - B * length);  // what is left at the end
    return {total / double(predictions), predictions};
}

/// One draw from softmax(scores / temperature), among the top_k largest.
static int32_t draw(const Tensor& scores, const SampleOptions& options, Generator& gen) {
    const std::vector<double> s = scores.to_vector();
    std::vector<int32_t> order(s.size());
    for (size_t i = 0; i < order.size(); i++) order[i] = int32_t(i);
    std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return s[size_t(a)] > s[size_t(b)]; });
    if (options.temperature == 0) return order[0];
    if (options.top_k > 0) order.resize(std::min(order.size(), size_t(options.top_k)));
    double total = 0;
    std::vector<double> weight;
    for (int32_t i : order)
        total += weight.emplace_back(std::exp((s[size_t(i)] - s[size_t(order[0])]) / options.temperature));
    double u = gen.uniform() * total;
    for (size_t i = 0; i < order.size(); i++)
        if ((u -= weight[i]) < 0) return order[i];
    return order.back();
}

std::string sample(const CharLm& model, const Vocabulary& vocabulary, const std::string& prompt,
                   const SampleOptions& options, Generator& gen, Where at) {
    if (!(options.temperature >= 0)) fail("sample", at, "temperature {}: expected 0 or more", options.temperature);
    if (options.length < 0 || options.top_k < 0)
        fail("sample", at, "length {}, top_k {}: expected 0 or more", options.length, options.top_k);
    const std::vector<int32_t> start = vocabulary.encode(decode_utf8(prompt, "the prompt"));
    if (start.empty()) fail("sample", at, "the prompt is empty: give at least one character to start from");
    Tape tape(Tape::Mode::forward_only);
    const Var table = model.rnn->projection(tape.watch(model.embedding.E));
    StateValues state;
    Tensor scores;
    for (int32_t c : start) scores = model.next(table, Ids({c}), state);
    std::vector<int32_t> written;
    for (int64_t i = 0; i < options.length; i++) {
        written.push_back(draw(scores.reshape({-1}), options, gen));
        scores = model.next(table, Ids({written.back()}), state);
    }
    return vocabulary.text(written);
}

}  // namespace unroll
