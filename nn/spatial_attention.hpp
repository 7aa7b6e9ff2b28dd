#pragma once
#include "core/random.hpp"
#include "nn/module.hpp"

namespace unroll {

struct SpatialAttentionOptions {
    int64_t hidden_size = 0, feature_size = 0, attention_size = 0;  // H, Dv, A
    DType dtype = DType::f32;
};

/// Attention over the K regions of a picture (Xu et al., ICML 2015):
///     α_t = softmax(w_a · tanh(W_h h_{t-1} + W_v V + b_a)),   v_t = Σ_i α_{t,i} V_i          (book: Spatial Attention)
/// W_h [A, H], W_v [A, Dv], b_a [A] and w_a [A] (the book's W_a, one row). They start uniform in ±1/√n, n the numbers
/// that a sum goes over.
class SpatialAttention : public Module {
  public:
    /// Pictures, and what depends on them alone: computed once for all steps.
    struct Regions {
        Var side, values;  // W_v V + b_a [K, B, A], V [K, B, Dv]
    };
    struct Output {
        Var context;  // v [.., B, Dv]
        Var weights;  // α [.., B, K]
    };

    SpatialAttention() = default;
    SpatialAttention(const SpatialAttentionOptions& options, Generator& gen, Where at = {});

    /// V [K, B, Dv]: of a network's features [B, Dv, rows, columns], those of a place are
    /// reshape(permute(features, {2, 3, 0, 1}), {-1, B, Dv}).
    Regions prepare(const Var& V, Where at = {}) const;
    /// h [B, H], or those of all steps at once, [T, B, H].
    Output operator()(const Var& h, const Regions& regions, Where at = {}) const;

    void visit(Visitor& v) override;
    std::string pretty() const override;

    Parameter W_h, W_v, b_a, w_a;
};

}  // namespace unroll
