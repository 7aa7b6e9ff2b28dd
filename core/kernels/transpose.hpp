#pragma once
#include <algorithm>
#include <cstdint>
#include <utility>

#include "core/kernels/simd.hpp"

namespace unroll::kernels {

/// Transposes a square of one vector's width: log2(width) times, row i of the upper half is interleaved with row i of
/// the lower half, which moves the highest bit of an element's row index to the lowest of its column index, and so on
/// round.
template <class T>
void transpose(typename Simd<T>::V x[]) {
    constexpr int W = Simd<T>::width;
    [&]<int... i>(std::integer_sequence<int, i...>) {
        for (int round = 1; round < W; round *= 2) {
            typename Simd<T>::V y[W];
#pragma GCC unroll 16
            for (int r = 0; r < W / 2; r++) {
                y[2 * r] = __builtin_shufflevector(x[r], x[r + W / 2], (i / 2 + i % 2 * W)...);
                y[2 * r + 1] = __builtin_shufflevector(x[r], x[r + W / 2], (W / 2 + i / 2 + i % 2 * W)...);
            }
#pragma GCC unroll 16
            for (int r = 0; r < W; r++) x[r] = y[r];
        }
    }
    (std::make_integer_sequence<int, W>());
}

/// to [C, R] = the transpose of from [R, C], their rows ld_from and ld_to apart; on the calling thread.
template <class T>
void transpose(int64_t R, int64_t C, const T* from, int64_t ld_from, T* to, int64_t ld_to) {
    using S = Simd<T>;
    for (int64_t r = 0; r < R; r += S::width)
        for (int64_t c = 0; c < C; c += S::width) {
            const int64_t rows = std::min(S::width, R - r), columns = std::min(S::width, C - c);
            typename S::V x[S::width] = {};
            for (int64_t i = 0; i < rows; i++) x[i] = S::load(from + (r + i) * ld_from + c, columns);
            transpose<T>(x);
            for (int64_t i = 0; i < columns; i++) S::store(to + (c + i) * ld_to + r, x[i], rows);
        }
}

}  // namespace unroll::kernels
