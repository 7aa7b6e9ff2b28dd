#include "nn/attention.hpp"

#include "core/ops/shape.hpp"
#include "nn/layer_norm.hpp"
#include "nn/spatial_attention.hpp"
#include "tests/conformance/case.hpp"

namespace unroll::conformance {

void attention(Case& c) {
    const std::string name = c.word("score");
    if (name != "dot" && name != "general" && name != "concat") throw Error("the score " + name + " is not known");
    const Var query = c.input("query"), keys = c.input("keys");
    const Score score = name == "dot" ? Score::dot : name == "general" ? Score::general : Score::concat;
    const Parameter W_a = score == Score::dot ? Parameter() : c.parameter("W_a");
    Generator gen(1);
    Attention layer({.query_size = query.dim(-1),
                     .key_size = keys.dim(-1),
                     .score = score,
                     .attention_size = score == Score::concat ? W_a.value.dim(0) : 0,
                     .dtype = c.dtype},
                    gen);
    layer.W_a = W_a;
    if (score == Score::concat) layer.v_a = c.parameter("v_a");
    const auto source = layer.prepare(permute(keys, {1, 0, 2}), c.has("in.lengths") ? c.ids("in.lengths") : Ids());
    const auto out = layer(query, source);
    c.output("context", out.context);
    c.output("weights", out.weights);
    c.backward();
}

void spatial_attention(Case& c) {
    SpatialAttention layer;
    layer.W_h = c.parameter("W_h"), layer.W_v = c.parameter("W_v");
    layer.b_a = c.parameter("b_a"), layer.w_a = c.parameter("w_a");
    const auto out = layer(c.input("h"), layer.prepare(permute(c.input("V"), {1, 0, 2})));
    c.output("v", out.context);
    c.output("alpha", out.weights);
    c.backward();
}

void layer_norm(Case& c) {
    const Var x = c.input("x");
    LayerNorm layer({.size = x.dim(-1), .eps = c.number("eps", 1e-5), .dtype = c.dtype});
    layer.weight = c.parameter("weight");
    layer.bias = c.parameter("bias");
    c.output("y", layer(x));
    c.backward();
}

}  // namespace unroll::conformance
