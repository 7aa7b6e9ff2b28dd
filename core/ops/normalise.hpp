#pragma once
#include "core/tape.hpp"

namespace unroll {

/// Layer normalisation (Ba, Kiros and Hinton, 2016) over the last axis, each row of x [.., H] by itself:
///     y = weight ⊙ x̂ + bias,   x̂ = (x - μ) / √(σ² + eps),   μ = 1/H Σ x,   σ² = 1/H Σ (x - μ)²
/// weight, bias [H]. eps is inside the root, and σ² is divided by H (not by H - 1), as in torch.nn.LayerNorm.
Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps = 1e-5, Where at = {});
Var layer_norm(const Operand& x, const Operand& weight, const Operand& bias, double eps = 1e-5);

}  // namespace unroll
