#pragma once
#include <cstdint>

// Sums in a fixed order, so they have the same bits for any number of threads. T is float or double.
namespace unroll::kernels {

/// x_0 + ... + x_{n-1}, pairwise and in double precision.
template <class T>
double sum(int64_t n, const T* x);

/// x . y, likewise; x . x is what a gradient's norm is made of.
template <class T>
double dot(int64_t n, const T* x, const T* y);

/// y [C] = the sum of the rows of x [R, C] (y += where accumulate), added pairwise: a bias gradient. A plain sum in f32
/// is several times less accurate.
template <class T>
void column_sums(int64_t R, int64_t C, const T* x, T* y, bool accumulate);

/// y [C] = the sum over r of x_r ⊙ w_r, likewise: rows of x [R, .] ldx apart, w [R, C]. The gradient of a weight that
/// multiplies element by element.
template <class T>
void column_dots(int64_t R, int64_t C, const T* x, int64_t ldx, const T* w, T* y);

}  // namespace unroll::kernels
