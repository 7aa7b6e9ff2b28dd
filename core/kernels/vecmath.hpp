#pragma once
#include <cmath>

#include "core/kernels/simd.hpp"

namespace unroll::kernels {

// Functions of a vector, for fused passes. T is float or double: vtanh<float>(x).
template <class T>
inline typename Simd<T>::V vexp(typename Simd<T>::V x) {
    for (int i = 0; i < Simd<T>::width; i++) x[i] = std::exp(x[i]);
    return x;
}
template <class T>
inline typename Simd<T>::V vlog(typename Simd<T>::V x) {
    for (int i = 0; i < Simd<T>::width; i++) x[i] = std::log(x[i]);
    return x;
}
template <class T>
inline typename Simd<T>::V vsigmoid(typename Simd<T>::V x) {
    for (int i = 0; i < Simd<T>::width; i++)
        x[i] = x[i] >= 0 ? 1 / (1 + std::exp(-x[i])) : std::exp(x[i]) / (1 + std::exp(x[i]));
    return x;
}
template <class T>
inline typename Simd<T>::V vtanh(typename Simd<T>::V x) {
    for (int i = 0; i < Simd<T>::width; i++) x[i] = std::tanh(x[i]);
    return x;
}

/// y_i = f(x_i) for i < n; y may be x. Serial: a caller splits long arrays, results don't depend on where.
template <class T>
void exp(int64_t n, const T* x, T* y);
template <class T>
void log(int64_t n, const T* x, T* y);
template <class T>
void sigmoid(int64_t n, const T* x, T* y);
template <class T>
void tanh(int64_t n, const T* x, T* y);

}  // namespace unroll::kernels
