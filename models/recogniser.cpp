#include "models/recogniser.hpp"

#include "core/ops/dropout.hpp"
#include "core/ops/reductions.hpp"
#include "models/options_file.hpp"

namespace unroll {
namespace {

template <class F>
void each_option(RecogniserOptions& o, F f) {
    f("input_size", o.input_size), f("hidden_size", o.hidden_size), f("num_layers", o.num_layers, 64);
    f("labels", o.labels), f("dropout", o.dropout, 1), f("dtype", o.dtype, 1);
}

}  // namespace

Recogniser::Recogniser(const RecogniserOptions& o, Generator& gen, Where at)
    : rnn({.input_size = o.input_size,
           .hidden_size = o.hidden_size,
           .reset_after = true,
           .dtype = o.dtype,
           .num_layers = o.num_layers,
           .bidirectional = true,
           .dropout = o.dropout},
          gen, at),
      out({.in = rnn.output_size(), .out = {1 + o.labels, 'C'}, .dtype = o.dtype}, gen, at),
      options_(o) {
    if (o.labels < 1) fail("Recogniser", at, "labels {}: expected 1 or more", o.labels);
}

Var Recogniser::scores(const Var& x, const Ids& lengths, Generator* gen, Where at) const {
    const Var h = rnn(x, {.lengths = lengths, .dropout = gen}, at).y;
    return out(dropped(h, options_.dropout, gen));
}

Var Recogniser::loss(Tape& tape, const SpeechBatch& batch, Generator* dropout, Where at) const {
    const Var x = tape.constant(batch.x.to(out.W.value.dtype()));
    return ctc_loss({scores(x, batch.targets.input_lengths, dropout, at), at}, batch.targets, {.zero_infinity = true});
}

std::vector<Tensor> Recogniser::log_probs(const std::vector<Tensor>& features, Where at) const {
    const SpeechBatch batch = speech_batch(features, std::vector<std::vector<int>>(features.size()), at);
    Tape tape(Tape::Mode::forward_only);
    const Var x = tape.constant(batch.x.to(out.W.value.dtype()));
    const Tensor all = log_softmax(scores(x, batch.targets.input_lengths, nullptr, at)).value();
    std::vector<Tensor> each;
    for (int64_t b = 0; b < all.dim(1); b++) {
        each.push_back(Tensor::empty({{features[size_t(b)].dim(0), 'T'}, {all.dim(2), 'C'}}, all.dtype()));
        for (int64_t t = 0; t < each.back().dim(0); t++) each.back()[t].copy_from(all[t][b]);
    }
    return each;
}

std::map<std::string, std::string> Recogniser::configuration() const {
    RecogniserOptions o = options_;
    o.dtype = out.W.value.dtype();
    return options_as_text([&](auto f) { each_option(o, f); });
}

Recogniser Recogniser::load(const std::string& path) {
    RecogniserOptions o;
    load_options(path, "recogniser", [&](auto f) { each_option(o, f); });
    return load_model<Recogniser>(path, o);
}

void Recogniser::visit(Visitor& v) {
    v("rnn", rnn);
    v("out", out);
}

std::string Recogniser::pretty() const { return fmt::format("Recogniser({}, {})", rnn.pretty(), out.pretty()); }

}  // namespace unroll
