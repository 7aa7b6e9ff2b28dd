#include "models/seq2seq.hpp"

#include "core/ops/losses.hpp"
#include "models/decoding.hpp"
#include "models/search_rows.hpp"
#include "nn/init.hpp"

namespace unroll {

Seq2Seq::Seq2Seq(const Seq2SeqOptions& o, Generator& gen, Where at) : options_(o) {
    const bool attends = o.decoder != DecoderKind::fixed;
    if (o.source_forms < 0) fail("Seq2Seq", at, "source_forms {}: expected 0 or more", o.source_forms);
    if (o.tied && o.hidden_size != o.embedding_size)
        fail("Seq2Seq", at, "tied: hidden_size {} must be embedding_size {}", o.hidden_size, o.embedding_size);
    if (o.input_feeding && o.decoder != DecoderKind::luong)
        fail("Seq2Seq", at, "input feeding is of Luong's decoder alone");
    const auto table = [&](Dim words) {
        Embedding e({.vocabulary = words, .embedding_size = {o.embedding_size, 'E'}, .dtype = o.dtype}, gen, at);
        if (o.tied) init::inverse_root(e.E.value, o.embedding_size, gen);  // as W_out would begin
        return e;
    };
    source = table({o.source_vocabulary, 'V'});
    if (o.source_forms > 0) forms = table({o.source_forms, 'F'});
    target = table({o.target_vocabulary, 'V'});
    encoder = recurrent_layer({.cell = o.cell,
                               .input_size = o.embedding_size,
                               .hidden_size = o.encoder_size,
                               .dtype = o.dtype,
                               .num_layers = o.encoder_layers,
                               .bidirectional = o.bidirectional,
                               .dropout = o.dropout},
                              gen, at);
    const int64_t He = encoder->output_size(), H = o.hidden_size;
    const int64_t M = He + (o.memory_embedding ? o.embedding_size : 0);
    const int64_t context = !attends ? He : o.decoder == DecoderKind::book ? M : o.input_feeding ? H : 0;
    decoder = recurrent_layer({.cell = o.cell,
                               .input_size = o.embedding_size + context,
                               .hidden_size = H,
                               .dtype = o.dtype,
                               .num_layers = o.decoder_layers,
                               .dropout = o.dropout},
                              gen, at);
    if (o.bidirectional || o.encoder_size != H || o.encoder_layers != o.decoder_layers) {
        bridge_h = Linear({.in = He, .out = o.decoder_layers * H, .dtype = o.dtype}, gen, at);
        if (o.cell == CellKind::lstm)
            bridge_C = Linear({.in = He, .out = o.decoder_layers * H, .dtype = o.dtype}, gen, at);
    }
    if (attends)
        attention = Attention({.query_size = H,
                               .key_size = M,
                               .score = o.score,
                               .attention_size = o.attention_size > 0 ? o.attention_size : H,
                               .dtype = o.dtype},
                              gen, at);
    if (o.decoder == DecoderKind::luong) combine = Linear({.in = M + H, .out = H, .dtype = o.dtype}, gen, at);
    out = Linear({.in = H, .out = {o.target_vocabulary, 'V'}, .dtype = o.dtype}, gen, at);
    if (o.tied) out.W = target.E;
}

void Seq2Seq::visit(Visitor& v) {
    v("source", source);
    if (options_.source_forms > 0) v("forms", forms);
    v("target", target);
    v("encoder", *encoder);
    v("decoder", *decoder);
    if (bridge_h.W.value.defined()) v("bridge_h", bridge_h);
    if (bridge_C.W.value.defined()) v("bridge_C", bridge_C);
    v("attention", attention);
    if (combine.W.value.defined()) v("combine", combine);
    v("out", out);
}

std::string Seq2Seq::pretty() const {
    const char* kinds[] = {"fixed", "book", "luong"};
    return fmt::format("Seq2Seq({}, {}, encoder {}, {} decoder {}{}, {}{})", source.pretty(), target.pretty(),
                       encoder->pretty(), kinds[int(options_.decoder)], decoder->pretty(),
                       options_.input_feeding ? " with input feeding" : "", attention.pretty(),
                       options_.tied ? ", tied" : "");
}

/// The last states of the top layer, [L, B, H] to [B, directions * H].
static Var top(const Var& last, bool bidirectional) {
    const int64_t n = last.dim(0);
    return bidirectional ? concat(row(last, n - 2), row(last, n - 1)) : row(last, n - 1);
}

/// [B, layers * H] to [layers, B, H]
static Var by_layers(const Var& x, int64_t layers) {
    const int64_t H = x.dim(1) / layers;
    std::vector<Var, PoolAllocator<Var>> parts;
    for (int64_t i = 0; i < layers; i++) parts.push_back(columns(x, i * H, (i + 1) * H));
    return stack(parts, 'L');
}

Seq2Seq::Encoded Seq2Seq::encode(Tape& tape, const Source& x, Generator* gen, Where at) const {
    if (!x.words.defined() || x.words.shape().rank() != 2 || x.words.shape()[0] < 1)
        fail("Seq2Seq", at, "the source is {}, expected words [S, B] with S of 1 or more", x.words.shape().str());
    if (x.lengths.defined()) check_lengths("Seq2Seq", x.lengths, x.words.shape()[1], 1, {x.words.shape()[0], 'S'}, at);
    if (x.forms.defined() != (options_.source_forms > 0))
        fail("Seq2Seq", at, "forms of the source's words are {}",
             x.forms.defined() ? "given, but not known" : "missing");
    Var embedded = source(tape, x.words, at);
    if (options_.source_forms > 0) embedded = embedded + forms(tape, x.forms, at);
    embedded = dropped(embedded, options_.dropout, gen);
    const RecurrentOutput s = (*encoder)(embedded, {.lengths = x.lengths, .dropout = gen}, at);
    Encoded e;
    e.last = top(s.last.h, options_.bidirectional);
    e.start = s.last;
    if (bridge_h.W.value.defined()) {
        e.start.h = by_layers(tanh(bridge_h(e.last)), options_.decoder_layers);
        if (given(s.last.C))
            e.start.C = by_layers(bridge_C(top(s.last.C, options_.bidirectional)), options_.decoder_layers);
    }
    if (options_.decoder != DecoderKind::fixed)
        e.memory = attention.prepare(options_.memory_embedding ? concat(s.y, embedded) : s.y, x.lengths, at);
    return e;
}

Seq2Seq::State Seq2Seq::start(const Encoded& x) const {
    State state{x.start, {}};
    if (options_.input_feeding)
        state.fed = x.last.tape()->constant(
            Tensor::zeros({x.last.shape().dim(0), {options_.hidden_size, 'H'}}, x.last.dtype()));
    return state;
}

/// h̃ = tanh(W_c [c, h] + b_c), of one step or of all
Var Seq2Seq::attend(const Var& h, const Encoded& x, Var& weights) const {
    const Attention::Output attended = attention(h, x.memory);
    weights = attended.weights;
    const Var both = concat(attended.context, h);
    return tanh(combine(both));
}

Seq2Seq::Output Seq2Seq::decode(const Encoded& x, const Ids& before, State& state, Generator* gen, Where at) const {
    check_decode("Seq2Seq", x.last, options_.input_feeding ? state.fed : state.s.h, before, at);
    Tape& tape = *x.last.tape();
    const Var y = dropped(target(tape, before, at), options_.dropout, gen);
    const int64_t T = y.dim(0), B = y.dim(1);
    const auto run = [&](const Var& input) {
        RecurrentOutput h = (*decoder)(input, {.initial = state.s, .dropout = gen}, at);
        state.s = std::move(h.last);
        return std::move(h.y);
    };
    Output result;
    std::vector<Var, PoolAllocator<Var>> h, weights;
    if (options_.decoder == DecoderKind::fixed) {
        h.assign(size_t(T), x.last);
        result.h = run(concat(y, stack(h)));
    } else if (options_.decoder == DecoderKind::luong && !options_.input_feeding) {
        const Var all = run(y);
        result.h = attend(all, x, result.weights);
    } else {
        h.resize(size_t(T)), weights.resize(size_t(T));
        for (int t : tape.steps(int(T))) {
            const Var y_t = slice(y, t, t + 1);
            if (options_.decoder == DecoderKind::book) {
                const Attention::Output attended = attention(row(state.s.h, options_.decoder_layers - 1), x.memory);
                weights[size_t(t)] = attended.weights;
                h[size_t(t)] = row(run(concat(y_t, reshape(attended.context, {1, B, -1}))), 0);
            } else {
                const Var h_t = row(run(concat(y_t, reshape(state.fed, {1, B, -1}))), 0);
                h[size_t(t)] = state.fed = attend(h_t, x, weights[size_t(t)]);
            }
        }
        result = {stack(h), stack(weights)};
    }
    result.h = dropped(result.h, options_.dropout, gen);
    return result;
}

DecoderStep Seq2Seq::decoder_step(Tape& tape, const Source& source, Where at) const {
    const Encoded x = encode(tape, source, nullptr, at);
    return search_step(x, start(x), source.words.shape()[1], [this](const Encoded& x, const Ids& before, State& s) {
        return scores(decode(x, before, s).h).value()[0];
    });
}

Var Seq2Seq::loss(Tape& tape, const Source& x, const Ids& before, const Ids& targets, const Loss& o, Where at) const {
    const Encoded encoded = encode(tape, x, o.dropout, at);
    State state = start(encoded);
    const Var h = decode(encoded, before, state, o.dropout, at).h;
    return cross_entropy({scores(h), at}, targets, {.ignore_index = o.padding, .label_smoothing = o.label_smoothing});
}

}  // namespace unroll
