#pragma once
#include "core/tape.hpp"

namespace unroll {

/// Of each channel of a batch: [C], f64. The variance is divided by the count n, not by n - 1.
struct ChannelStatistics {
    Tensor mean, variance;
};

/// Batch normalisation (Ioffe and Szegedy, 2015) of x [B, C, ..], each channel over the batch and all places:
///     y = weight_c x̂ + bias_c,   x̂ = (x - μ_c) / √(σ_c² + eps);   weight, bias [C]
/// with the batch's own μ and σ² (written to `found` where wanted), through which gradients flow: training, with 2
/// numbers or more a channel. Or with `fixed` ones, those gathered in training. As torch.nn.functional.batch_norm.
Tensor batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps = 1e-5,
                  ChannelStatistics* found = nullptr, Where at = {});
Tensor batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, const ChannelStatistics& fixed,
                  double eps = 1e-5, Where at = {});
Var batch_norm(const Operand& x, const Operand& weight, const Operand& bias, double eps = 1e-5,
               ChannelStatistics* found = nullptr);
Var batch_norm(const Operand& x, const Operand& weight, const Operand& bias, const ChannelStatistics& fixed,
               double eps = 1e-5);

}  // namespace unroll
