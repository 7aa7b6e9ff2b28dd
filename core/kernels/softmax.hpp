#pragma once
#include <cstdint>

namespace unroll::kernels {

/// log Σ_i exp(x_i) in two parts, so that differences to it keep their digits: max + log_sum.
struct LogSumExp {
    double max, log_sum;
};

/// y_i = exp(x_i) / Σ_k exp(x_k) for n >= 1 numbers, by the differences to the largest; y may be x, or null where only
/// the sum is wanted. The sum is taken in double precision. -inf gives 0; a NaN, a +inf, or -inf throughout give NaN
/// throughout.
template <class T>
LogSumExp softmax(int64_t n, const T* x, T* y);

}  // namespace unroll::kernels
