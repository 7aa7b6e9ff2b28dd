#pragma once
#include "core/ops/window.hpp"

namespace unroll {

struct ConvolutionOptions {
    Pair stride = 1;
    Pair padding = 0;  // zeros around the picture
};

/// Convolution as networks have it (the kernel is not turned round), of pictures x [B, C, H, W]:
///     y[b,o,i,j] = bias[o] + Σ_{c,k,l} W[o,c,k,l] x[b, c, i stride + k - padding, j stride + l - padding]
/// W [O, C, height, width], bias [O]; y [B, O, (H + 2 padding - height) / stride + 1, ...]. As
/// torch.nn.functional.conv2d. Throws Error where the kernel is larger than the padded picture.
Tensor conv2d(const Tensor& x, const Tensor& W, const Tensor& bias, const ConvolutionOptions& options = {},
              Where at = {});
Tensor conv2d(const Tensor& x, const Tensor& W, const ConvolutionOptions& options = {}, Where at = {});  // no bias
Var conv2d(const Operand& x, const Operand& W, const Operand& bias, const ConvolutionOptions& options = {});
Var conv2d(const Operand& x, const Operand& W, const ConvolutionOptions& options = {});

}  // namespace unroll
