#include "models/language_model.hpp"

#include <algorithm>
#include <cmath>

#include "core/ops/lookup.hpp"
#include "core/ops/losses.hpp"
#include "core/ops/reductions.hpp"

namespace unroll {

LanguageModel::LanguageModel(const LanguageModelOptions& options, Generator& gen, Where at)
    : embedding(
          {.vocabulary = {options.vocabulary, 'V'}, .embedding_size = options.embedding_size, .dtype = options.dtype},
          gen, at),
      rnn(recurrent_layer({.cell = options.cell,
                           .input_size = options.embedding_size,
                           .hidden_size = options.hidden_size,
                           .dtype = options.dtype,
                           .num_layers = options.num_layers,
                           .dropout = options.dropout,
                           .variational = options.variational},
                          gen, at)),
      out({.in = options.hidden_size, .out = {options.vocabulary, 'V'}, .dtype = options.dtype}, gen, at),
      options_(options) {
    if (!options.tied) return;
    if (options.embedding_size != options.hidden_size)
        fail("LanguageModel", at, "tied weights: embedding_size {} and hidden_size {} must be equal",
             options.embedding_size, options.hidden_size);
    gen.fill_uniform(embedding.E.value, -0.1, 0.1);
    out.W = embedding.E;
    out.b.value.fill(0);
}

void LanguageModel::visit(Visitor& v) {
    v("embedding", embedding);
    v("rnn", *rnn);
    v("out", out);
}

std::string LanguageModel::pretty() const {
    return fmt::format("LanguageModel({}, {}, {}{}, dropout {}{})", embedding.pretty(), rnn->pretty(), out.pretty(),
                       options_.tied ? " tied" : "", options_.dropout, options_.variational ? " variational" : "");
}

LanguageModel::Scores LanguageModel::scores(Tape& tape, const Ids& inputs, const StateValues& state, Generator* dropout,
                                            Where at) const {
    const double p = dropout != nullptr ? options_.dropout : 0;
    const auto thinned = [&](const Var& x) {
        return p == 0                 ? x
               : options_.variational ? variational_dropout(x, p, *dropout)
                                      : unroll::dropout(x, p, *dropout);
    };
    const Var E = tape.watch(embedding.E);
    const RecurrentCall call{.initial = state.on(tape), .dropout = dropout};
    const RecurrentOutput h =
        p == 0 ? over_words(*rnn, E, inputs, call, at) : (*rnn)(thinned(unroll::embedding({E, at}, inputs)), call, at);
    return {out(thinned(h.y)), h.last};  // W_out h_t + b_out, of all steps at once
}

LanguageModel::Output LanguageModel::loss(Tape& tape, const Ids& inputs, const Ids& targets, const StateValues& state,
                                          Generator* dropout, Where at) const {
    Scores s = scores(tape, inputs, state, dropout, at);
    return {cross_entropy({s.scores, at}, targets), std::move(s.state)};
}

double TextScore::bits() const { return nats / std::log(2.0); }
double TextScore::perplexity() const { return std::exp(nats); }

/// Steps of `width` sequences at a time, so that the scores of a large vocabulary stay within 16 MB or so.
static int64_t steps_at_once(const LanguageModel& model, int64_t width) {
    return std::clamp<int64_t>((int64_t{1} << 22) / (width * model.out.W.value.dim(0)), 1, 128);
}

TextScore evaluate(const LanguageModel& model, const std::vector<int32_t>& text, Where at) {
    // One stream after the other would be exact but slow; side by side each but the first loses the state at its
    // beginning. A few long streams cost next to nothing.
    const int64_t predictions = int64_t(text.size()) - 1;
    if (predictions < 1) fail("evaluate", at, "a text of {} tokens: expected two or more", predictions + 1);
    const int64_t B = std::clamp<int64_t>(predictions / 1000, 1, 16), T = steps_at_once(model, B);
    const int64_t length = predictions / B;
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
            LanguageModel::Output chunk = model.loss(tape, inputs, targets, state, nullptr, at);
            state = std::move(chunk.state);
            total += chunk.loss.item() * double(steps * width);
        }
    };
    run(0, B, length, length);
    if (B * length < predictions) run(B * length, 1, 0, predictions - B * length);  // what is left at the end
    return {total / double(predictions), predictions};
}

std::vector<double> surprisals(const LanguageModel& model, const std::vector<int32_t>& text, Where at) {
    const int64_t n = int64_t(text.size()) - 1, most = steps_at_once(model, 1);
    if (n < 1) fail("surprisals", at, "a text of {} tokens: expected two or more", n + 1);
    std::vector<double> all;
    StateValues state;
    Tape tape(Tape::Mode::forward_only);
    for (int64_t begin = 0; begin < n; begin += most) {
        const int64_t T = std::min(most, n - begin);
        const Ids inputs(std::vector<int32_t>(text.begin() + begin, text.begin() + begin + T), {{T, 'T'}, {1, 'B'}});
        LanguageModel::Scores s = model.scores(tape, inputs, state, nullptr, at);
        state = std::move(s.state);
        const Tensor log_p = log_softmax(s.scores.value());
        for (int64_t t = 0; t < T; t++) all.push_back(-log_p.at({t, 0, text[size_t(begin + t + 1)]}));
    }
    return all;
}

}  // namespace unroll
