#include "nn/spatial_attention.hpp"

#include "core/ops/attention.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/reductions.hpp"
#include "nn/init.hpp"

namespace unroll {

SpatialAttention::SpatialAttention(const SpatialAttentionOptions& options, Generator& gen, Where at) {
    const auto [H, Dv, A, dtype] = options;
    if (H < 1 || Dv < 1 || A < 1)
        fail("SpatialAttention", at, "hidden_size {}, feature_size {}, attention_size {}: each must be 1 or more", H,
             Dv, A);
    W_h = init::parameter("W_h", {{A, 'A'}, {H, 'H'}}, dtype, H, gen);
    W_v = init::parameter("W_v", {{A, 'A'}, Dv}, dtype, Dv, gen);
    b_a = init::parameter("b_a", {{A, 'A'}}, dtype, Dv, gen);
    w_a = init::parameter("w_a", {{A, 'A'}}, dtype, A, gen);
}

SpatialAttention::Regions SpatialAttention::prepare(const Var& V, Where at) const {
    if (V.tape() == nullptr || V.shape().rank() != 3 || V.dim(0) < 1 || V.dim(2) != W_v.value.dim(1))
        fail("SpatialAttention", at, "V is {}, expected [K, B, Dv={}] with K of 1 or more", V.shape().str(),
             W_v.value.dim(1));
    return {matmul(V, transposed(W_v)) + b_a, V};
}

SpatialAttention::Output SpatialAttention::operator()(const Var& h, const Regions& regions, Where at) const {
    const Shape& s = h.shape();
    const int64_t B = regions.values.dim(1), H = W_h.value.dim(1);
    if (h.tape() == nullptr || (s.rank() != 2 && s.rank() != 3) || s[-2] != B || s[-1] != H)
        fail("SpatialAttention", at, "h is {}, expected [B={}, H={}], or [T, B, H], for V {}", s.str(), B, H,
             regions.values.shape().str());
    const Var alpha = softmax(additive_scores(matmul(h, transposed(W_h)), regions.side, w_a));
    return {weighted_sum(alpha, regions.values), alpha};
}

void SpatialAttention::visit(Visitor& v) {
    v("W_h", W_h);
    v("W_v", W_v);
    v("b_a", b_a);
    v("w_a", w_a);
}

std::string SpatialAttention::pretty() const {
    return fmt::format("SpatialAttention(hidden={}, feature={}, attention={})", W_h.value.dim(1), W_v.value.dim(1),
                       W_h.value.dim(0));
}

}  // namespace unroll
