#include "models/caption_network.hpp"

#include <algorithm>
#include <numeric>

#include "core/ops/losses.hpp"
#include "core/ops/pooling.hpp"
#include "models/decoding.hpp"
#include "models/search_rows.hpp"
#include "nn/init.hpp"

namespace unroll {

using Vars = std::vector<Var, PoolAllocator<Var>>;

int64_t CaptionNetwork::poolings() const {
    int64_t n = 2;
    while (options_.picture_size >> n > 14) n++;
    return n;
}

CaptionNetwork::CaptionNetwork(const CaptionNetworkOptions& o, Generator& gen, Where at) : options_(o) {
    if (o.picture_size < 8 || o.channels < 1 || o.features < o.channels || !(o.dropout >= 0 && o.dropout < 1))
        fail("CaptionNetwork", at,
             "picture_size {}, channels {}, features {}, dropout {}: expected 8 or more, 1 or more, at least "
             "`channels`, and 0 to below 1",
             o.picture_size, o.channels, o.features, o.dropout);
    const int64_t Dv = o.features, H = o.hidden_size;
    int64_t in = 3, width = o.channels;
    for (int64_t i = 0; i <= poolings(); i++) {
        const int64_t out = i == poolings() ? Dv : std::min(width, Dv);
        convolutions.emplace_back(Conv2dOptions{.in = in, .out = out, .padding = 1, .bias = false, .dtype = o.dtype},
                                  gen, at);
        norms.emplace_back(BatchNormOptions{.channels = out, .dtype = o.dtype}, at);
        in = out, width *= 2;
    }
    places = init::parameter("places", {Dv * grid() * grid()}, o.dtype, Dv, gen);
    start = Linear({.in = 4 * Dv, .out = 2 * H, .dtype = o.dtype}, gen, at);
    embedding = Embedding(
        {.vocabulary = {o.vocabulary, 'V'}, .embedding_size = {o.embedding_size, 'E'}, .dtype = o.dtype}, gen, at);
    word = Linear({.in = o.embedding_size, .out = 4 * H, .bias = false, .dtype = o.dtype}, gen, at);
    if (o.attention)
        attention = SpatialAttention(
            {.hidden_size = H, .feature_size = Dv, .attention_size = o.attention_size, .dtype = o.dtype}, gen, at);
    cell =
        LstmCell({.input_size = o.attention ? Dv : 4 * Dv, .hidden_size = H, .forget_bias = 1, .dtype = o.dtype}, gen);
    out = Linear({.in = H, .out = {o.vocabulary, 'V'}, .dtype = o.dtype}, gen, at);
}

void CaptionNetwork::visit(Visitor& v) {
    for (size_t i = 0; i < convolutions.size(); i++) {
        v(fmt::format("conv{}", i), convolutions[i]);
        v(fmt::format("norm{}", i), norms[i]);
    }
    v("places", places);
    v("start", start);
    v("embedding", embedding);
    v("word", word);
    if (options_.attention) v("attention", attention);
    v("cell", cell);
    v("out", out);
}

std::string CaptionNetwork::pretty() const {
    return fmt::format("CaptionNetwork({0} x {0} pixels to {1} x {1} regions of {2}, {3}, {4}, {5})",
                       options_.picture_size, grid(), options_.features, embedding.pretty(), cell.pretty(),
                       options_.attention ? attention.pretty() : "plain");
}

CaptionNetwork::Encoded CaptionNetwork::encode(Tape& tape, const Tensor& pictures, bool training, Where at) const {
    const int64_t S = options_.picture_size, G = grid(), H = options_.hidden_size;
    if (pictures.rank() != 4 || pictures.dim(0) < 1 || pictures.dim(1) != 3 || pictures.dim(2) != S ||
        pictures.dim(3) != S)
        fail("CaptionNetwork", at, "the pictures are {}, expected [B, 3, {}, {}]", pictures.shape().str(), S, S);
    Var x = tape.constant(pictures.to(places.value.dtype()));
    for (size_t i = 0; i < convolutions.size(); i++) {
        const Var normed = norms[i](convolutions[i](x), training);
        const bool last = i + 1 == convolutions.size();
        x = relu(last ? normed : max_pool2d(normed, {.kernel = 2}));  // of relu, the same: it is monotonic
    }
    const int64_t B = x.dim(0), Dv = x.dim(1);
    const Var placed = reshape(reshape(x, {B, -1}) + places, {B, Dv, G, G});
    const Var halves = avg_pool2d(placed, {.kernel = (G + 1) / 2, .stride = G / 2});  // 2 x 2, overlapping for odd G
    const Var v = reshape(halves, {{B, 'B'}, 4 * Dv});                                // v = CNN(I)
    const Var first = start(v);
    Encoded e;
    e.start = {tanh(columns(first, 0, H)), columns(first, H, 2 * H)};
    if (options_.attention) {
        const auto regions = attention.prepare(reshape(permute(placed, {2, 3, 0, 1}), {-1, B, Dv}), at);
        e.side = regions.side, e.values = regions.values;
    } else {
        e.side = matmul(v, transposed(cell.W_xh));
    }
    return e;
}

CaptionNetwork::Output CaptionNetwork::decode(const Encoded& x, const Ids& before, States& s, Generator* gen,
                                              Where at) const {
    check_decode("CaptionNetwork", x.side, s.h, before, at);
    Tape& tape = *x.side.tape();
    const Var projected = word(dropped(embedding(tape, before, at), options_.dropout, gen));  // of all steps
    const int64_t T = projected.dim(0), B = projected.dim(1);
    // The cell gets W_xh [x_t, v_t], rows of a table, ready made.
    Ids rows = Ids::empty({{T, 'T'}, {B, 'B'}});
    std::iota(rows.mutable_data(), rows.mutable_data() + rows.size(), 0);
    const auto run = [&](const Var& inputs, const Ids& which) {
        Scanned scanned = cell.sequence(inputs, s, {.words = which});
        s = std::move(scanned.last);
        return std::move(scanned.y);
    };
    Output result;
    if (!options_.attention) {
        const Var inputs = projected + stack(Vars(size_t(T), x.side));  // W_xh [x_t, v]
        result.h = run(reshape(inputs, {T * B, -1}), rows);
    } else {
        Vars h(static_cast<size_t>(T)), weights(static_cast<size_t>(T));
        for (int t : tape.steps(int(T))) {
            const auto attended = attention(s.h, {x.side, x.values});
            const Var seen = matmul(attended.context, transposed(cell.W_xh));
            h[size_t(t)] = row(run(row(projected, t) + seen, rows.slice(0, 1)), 0);
            weights[size_t(t)] = attended.weights;
        }
        result = {stack(h), stack(weights)};
    }
    result.h = dropped(result.h, options_.dropout, gen);
    return result;
}

DecoderStep CaptionNetwork::decoder_step(Tape& tape, const Tensor& pictures, Where at) const {
    const Encoded x = encode(tape, pictures, false, at);
    return search_step(x, x.start, pictures.dim(0), [this](const Encoded& x, const Ids& before, States& s) {
        return scores(decode(x, before, s).h).value()[0];
    });
}

Var CaptionNetwork::loss(const Encoded& x, const Ids& before, const Ids& targets, int32_t padding, Generator* gen,
                         Where at) const {
    States s = x.start;
    return cross_entropy({scores(decode(x, before, s, gen, at).h), at}, targets, {.ignore_index = padding});
}

}  // namespace unroll
