#pragma once
#include "core/ops/window.hpp"

namespace unroll {

struct PoolOptions {
    Pair kernel;
    Pair stride = 0;   // 0: the kernel's size
    Pair padding = 0;  // at most half the kernel
};

/// The largest number under each place of the kernel on pictures x [B, C, H, W]; padding counts as -∞. Of equal ones
/// the first, row by row, gets the gradient, and a NaN is larger than all: as torch.nn.functional.max_pool2d.
Tensor max_pool2d(const Tensor& x, const PoolOptions& options, Where at = {});
Var max_pool2d(const Operand& x, const PoolOptions& options);

/// The mean; padding counts as zeros, and is divided by too (torch's count_include_pad).
Tensor avg_pool2d(const Tensor& x, const PoolOptions& options, Where at = {});
Var avg_pool2d(const Operand& x, const PoolOptions& options);

}  // namespace unroll
