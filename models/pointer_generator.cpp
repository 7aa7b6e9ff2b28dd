#include "models/pointer_generator.hpp"

#include <cmath>
#include <numeric>

#include "core/ops/attention.hpp"
#include "core/ops/losses.hpp"
#include "core/ops/reductions.hpp"
#include "models/decoding.hpp"
#include "models/search_rows.hpp"
#include "nn/init.hpp"

namespace unroll {

PointerGenerator::PointerGenerator(const PointerGeneratorOptions& o, Generator& gen, Where at) : options_(o) {
    const int64_t E = o.embedding_size, He = 2 * o.encoder_size, H = o.hidden_size;
    if (o.unknown < 0 || o.unknown >= o.written || o.written > o.vocabulary ||
        !(o.unknown_share >= 0 && o.unknown_share <= 1) || !(o.dropout >= 0 && o.dropout < 1))
        fail("PointerGenerator", at,
             "vocabulary {}, written {}, unknown {}, unknown_share {}, dropout {}: expected the unknown word "
             "among those written, these among those read, a share of 0 to 1, and dropout from 0 to below 1",
             o.vocabulary, o.written, o.unknown, o.unknown_share, o.dropout);
    words = Embedding({.vocabulary = {o.vocabulary, 'R'}, .embedding_size = {E, 'E'}, .dtype = o.dtype}, gen, at);
    init::inverse_root(words.E.value, E, gen);  // as a matrix that scores words begins
    encoder = Lstm(
        {.input_size = E, .hidden_size = o.encoder_size, .forget_bias = 1, .dtype = o.dtype, .bidirectional = true},
        gen, at);
    const int64_t read = o.copying && o.selective_reading ? E + He : E;
    decoder = Lstm({.input_size = read, .hidden_size = H, .forget_bias = 1, .dtype = o.dtype}, gen, at);
    bridge_h = Linear({.in = He, .out = H, .dtype = o.dtype}, gen, at);
    bridge_C = Linear({.in = He, .out = H, .dtype = o.dtype}, gen, at);
    attention = Attention({.query_size = H, .key_size = He, .score = Score::general, .dtype = o.dtype}, gen, at);
    combine = Linear({.in = He + H, .out = E, .dtype = o.dtype}, gen, at);
    if (o.copying) gate = Linear({.in = He + H + read, .out = 1, .dtype = o.dtype}, gen, at);
    b = Parameter("b", Tensor::zeros({{o.written, 'V'}}, o.dtype));
}

void PointerGenerator::visit(Visitor& v) {
    v("words", words);
    v("encoder", encoder);
    v("decoder", decoder);
    v("bridge_h", bridge_h);
    v("bridge_C", bridge_C);
    v("attention", attention);
    v("combine", combine);
    if (options_.copying) v("gate", gate);
    v("b", b);
}

std::string PointerGenerator::pretty() const {
    return fmt::format("PointerGenerator({}, {} written, encoder {}, decoder {}, {}, {} unknown{})", words.pretty(),
                       options_.written, encoder.pretty(), decoder.pretty(), attention.pretty(), options_.unknown_share,
                       !options_.copying            ? ", without copying"
                       : options_.selective_reading ? ", selective reading"
                                                    : "");
}

Var PointerGenerator::read(Tape& tape, const Ids& ids, Generator* gen) const {
    Ids known = ids.clone();
    for (int64_t i = 0; i < known.size(); i++) {
        int32_t& id = known.mutable_data()[i];
        if (id >= options_.vocabulary ||
            (gen != nullptr && id > options_.unknown && gen->uniform() < options_.unknown_share))
            id = options_.unknown;
    }
    return dropped(words(tape, known), options_.dropout, gen);
}

PointerGenerator::Encoded PointerGenerator::encode(Tape& tape, const CopySource& source, Generator* gen,
                                                   Where at) const {
    if (!source.words.defined() || source.words.shape().rank() != 2 || source.words.shape()[0] < 1)
        fail("PointerGenerator", at, "the source is {}, expected words [S, B] with S of 1 or more",
             source.words.shape().str());
    const RecurrentOutput s = encoder(read(tape, source.words, gen), {.lengths = source.lengths}, at);
    const Var h = bridge_h(concat(row(s.last.h, 0), row(s.last.h, 1)));
    const Var C = bridge_C(concat(row(s.last.C, 0), row(s.last.C, 1)));
    const auto layer = [](const Var& x) { return reshape(x, x.shape().prepend({1, 'L'})); };
    return {attention.prepare(s.y, source.lengths, at), source, {layer(tanh(h)), layer(C)}};
}

/// ρ [T, B, S]: 1/n at the n places of the source that hold the word before, else 0.
static Tensor places_of(const Ids& before, const CopySource& source, DType dtype) {
    const int64_t S = source.words.shape()[0], B = source.words.shape()[1];
    Tensor rho = Tensor::zeros(before.shape().append({S, 'S'}), dtype);
    dispatch(dtype, [&]<class T>(T) {
        T* to = rho.mutable_data<T>();
        for (int64_t r = 0; r < before.size(); r++) {
            const int64_t length = source.lengths.defined() ? source.lengths[r % B] : S;
            const auto here = [&](int64_t s) { return source.words[s * B + r % B] == before[r]; };
            T n = 0;
            for (int64_t s = 0; s < length; s++) n += T(here(s));
            for (int64_t s = 0; s < length; s++)
                if (here(s)) to[r * S + s] = 1 / n;
        }
    });
    return rho;
}

PointerGenerator::Output PointerGenerator::decode(const Encoded& source, const Ids& before, States& state,
                                                  Generator* gen, Where at) const {
    const Var& s = source.memory.values;
    check_decode("PointerGenerator", s, state.h, before, at);
    Tape& tape = *s.tape();
    Var y = read(tape, before, gen);
    if (options_.copying && options_.selective_reading)
        y = concat(y, weighted_sum(places_of(before, source.source, s.dtype()), s));
    RecurrentOutput h = decoder(y, {.initial = state});
    state = std::move(h.last);
    const Attention::Output attended = attention(h.y, source.memory);
    const Var both = concat(attended.context, h.y);
    const Var o = dropped(tanh(combine(both)), options_.dropout, gen);
    Output out;
    out.x = matmul(o, transposed(slice(tape.watch(words.E), 0, options_.written))) + b;
    if (!options_.copying) return out;
    const Var g = gate(concat(both, y));
    out.g = reshape(g, g.shape().without(-1));
    out.e = attended.scores;
    return out;
}

Var PointerGenerator::loss(Tape& tape, const CopySource& source, const Ids& before, const Ids& targets, int32_t padding,
                           Generator* gen, Where at) const {
    const Encoded encoded = encode(tape, source, gen, at);
    States state = encoded.start;
    const Output out = decode(encoded, before, state, gen, at);
    if (!(targets.shape() == before.shape()) || !targets.defined())
        fail("PointerGenerator", at, "targets {} for words before {}", targets.shape().str(), before.shape().str());
    if (options_.copying) return copy_loss(out.x, out.g, out.e, source, targets, padding);
    Ids generated = targets.clone();  // all that can't be is the unknown word
    for (int64_t i = 0; i < generated.size(); i++)
        if (generated[i] >= options_.written) generated.mutable_data()[i] = options_.unknown;
    return cross_entropy(out.x, generated, {.ignore_index = padding});
}

Tensor PointerGenerator::log_probabilities(const Encoded& source, const Output& out, int64_t W) const {
    if (options_.copying) return copy_log_probabilities(out.x.value(), out.g.value(), out.e.value(), source.source, W);
    const Tensor log_p = log_softmax(out.x.value());
    return concat(log_p, Tensor::full(log_p.shape().with(-1, W - options_.written), -INFINITY, log_p.dtype()));
}

DecoderStep PointerGenerator::decoder_step(Tape& tape, const CopySource& source, int64_t W, Where at) const {
    const Encoded x = encode(tape, source, nullptr, at);
    return search_step(x, x.start, source.words.shape()[1], [this, W](const Encoded& x, const Ids& before, States& s) {
        return log_probabilities(x, decode(x, before, s), W)[0];
    });
}

}  // namespace unroll
