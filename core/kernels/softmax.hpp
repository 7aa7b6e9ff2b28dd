#pragma once
#include <cstdint>

namespace unroll::kernels {

/// log Σ_i exp(x_i) = max + log(sum), in two parts so that differences to it keep their digits.
struct Normalizer {
    double max, sum;
};

/// y_i = exp(x_i) / Σ_k exp(x_k) for n >= 1 numbers, by the differences to the largest; y may be x, or null where only
/// the sum is wanted. -inf gives 0; a NaN, a +inf, or -inf throughout give NaN throughout.
template <class T>
Normalizer softmax(int64_t n, const T* x, T* y);

}  // namespace unroll::kernels
