#pragma once
#include "nn/module.hpp"

namespace unroll {

struct LayerNormOptions {
    Dim size = 0;       // H
    double eps = 1e-5;  // inside the root
    DType dtype = DType::f32;
};

/// layer_norm with a weight [H] of ones and a bias [H] of zeros to start with:  h_t = LayerNorm(h_t)
///                                                                                    (book: Layer Normalization)
class LayerNorm : public Module {
  public:
    LayerNorm() = default;
    explicit LayerNorm(const LayerNormOptions& options, Where at = {});
    /// x [.., H] to y [.., H].
    Var operator()(const Operand& x) const;

    void visit(Visitor& v) override;
    std::string pretty() const override;

    Parameter weight, bias;

  private:
    double eps_ = 1e-5;
};

}  // namespace unroll
