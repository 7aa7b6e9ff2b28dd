#include "nn/attention.hpp"

#include "core/ops/attention.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/reductions.hpp"
#include "core/ops/shape.hpp"
#include "nn/init.hpp"

namespace unroll {

Attention::Attention(const AttentionOptions& options, Generator& gen, Where at) : options_(options) {
    const auto [Hd, He, score, A, dtype] = options;
    if (Hd < 1 || He < 1 || (score == Score::concat && A < 1))
        fail("Attention", at, "query_size {}, key_size {}, attention_size {}: each must be 1 or more{}", Hd, He, A,
             score == Score::concat ? "" : " (the last for concat only)");
    if (score == Score::dot && Hd != He)
        fail("Attention", at, "query_size {} and key_size {}: for the dot score they must be equal", Hd, He);
    if (score == Score::dot) return;
    if (score == Score::concat) {
        W_a = init::parameter("W_a", {{A, 'A'}, Hd + He}, dtype, Hd + He, gen);
        v_a = init::parameter("v_a", {{A, 'A'}}, dtype, A, gen);
    } else {
        W_a = init::parameter("W_a", {Hd, He}, dtype, He, gen);
    }
}

Var Attention::side(const Var& keys, const Var& W_k) const {
    if (options_.score == Score::dot) return keys;
    return options_.score == Score::general ? matmul(keys, transposed(W_a)) : matmul(keys, transposed(W_k));
}

Attention::Keys Attention::prepare(const Var& keys, const Ids& lengths, Where at) const {
    if (keys.tape() == nullptr || keys.shape().rank() != 3 || keys.dim(0) < 1 || keys.dim(2) != options_.key_size)
        fail("Attention", at, "keys are {}, expected [S, B, He={}] with S of 1 or more", keys.shape().str(),
             options_.key_size);
    if (lengths.defined()) check_lengths("Attention", lengths, keys.dim(1), 1, {keys.dim(0), 'S'}, at);
    Keys source{{}, keys, {}, {}, lengths};
    if (options_.score == Score::concat) {
        const Var W = keys.tape()->watch(W_a);
        source.W_q = columns(W, 0, options_.query_size);
        source.W_k = columns(W, options_.query_size, W.dim(1));
    }
    source.side = side(keys, source.W_k);
    return source;
}

Attention::Keys Attention::extended(const Keys& source, const Var& key, Where at) const {
    if (source.lengths.defined()) fail("Attention", at, "keys of unequal lengths can't be extended");
    const Var last = reshape(key, key.shape().prepend({1, 'S'}));
    Keys longer = source;
    longer.values = concat({source.values, last}, 0);
    longer.side = options_.score == Score::dot ? longer.values : concat({source.side, side(last, source.W_k)}, 0);
    return longer;
}

Attention::Output Attention::operator()(const Var& query, const Keys& source, Where at) const {
    const Shape& q = query.shape();
    const int64_t B = source.values.dim(1);
    if (query.tape() == nullptr || (q.rank() != 2 && q.rank() != 3) || q[-2] != B || q[-1] != options_.query_size)
        fail("Attention", at, "query is {}, expected [B={}, Hd={}], or [T, B, Hd], for keys {}", q.str(), B,
             options_.query_size, source.values.shape().str());
    const Var e = options_.score == Score::concat
                      ? additive_scores(matmul(query, transposed(source.W_q)), source.side, v_a)
                      : dot_scores(query, source.side);
    const Var alpha = softmax(e, source.lengths);
    return {weighted_sum(alpha, source.values), alpha, e};
}

void Attention::visit(Visitor& v) {
    if (W_a.value.defined()) v("W_a", W_a);
    if (v_a.value.defined()) v("v_a", v_a);
}

std::string Attention::pretty() const {
    const char* names[] = {"dot", "general", "concat"};
    return fmt::format("Attention(query={}, key={}, {})", options_.query_size, options_.key_size,
                       names[int(options_.score)]);
}

}  // namespace unroll
