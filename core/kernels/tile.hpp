#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

#include "core/kernels/parallel.hpp"
#include "core/kernels/simd.hpp"

// The inside of a matrix product: `kernel` keeps a small tile of C in registers over a block of k, `tiles` runs it over
// all rows and columns. B comes packed into panels one vector wide: panel j holds, for k = 0 ... K-1, the elements [k,
// j * width ...], the last panel padded with zeros. A tile reads its panels as that many streams of memory.
namespace unroll::kernels {

/// The tallest tile.
constexpr int max_rows = Simd<float>::registers == 32 ? 8 : 6;
/// The widest tile of R rows: its accumulators leave enough registers to B and A (24 of 32 were spilled).
constexpr int max_vectors(int R) { return std::min(8, (max_rows == 8 ? 18 : 12) / R); }

/// C [R, columns] = A [R, K] B [K, columns] (C += where accumulate), columns at most V vectors. Panel j of B is at
/// B + j * panel; A is row-major or packed by pack_left.
template <class T, bool PackedA, int R, int V>
void kernel(int64_t K, const T* A, int64_t lda, const T* B, int64_t panel, T* C, int64_t ldc, int64_t columns,
            bool accumulate) {
    using S = Simd<T>;
    typename S::V c[R][V] = {};
    for (int r = 0; r < R; r++)
        for (int v = 0; v < V; v++) __builtin_prefetch(C + r * ldc + v * S::width, 1);
    for (int64_t k = 0; k < K; k++) {
        typename S::V b[V];
#pragma GCC unroll 8
        for (int v = 0; v < V; v++) {
            b[v] = S::load(B + v * panel + k * S::width);
            if (R > 2)  // the next tile's, to the L2 cache; few rows only wait for memory as it is
                __builtin_prefetch(B + (V + v) * panel + k * S::width, 0, 2);
        }
#pragma GCC unroll 8
        for (int r = 0; r < R; r++) {
            const T a = PackedA ? A[k * max_rows + r] : A[r * lda + k];
#pragma GCC unroll 8
            for (int v = 0; v < V; v++) c[r][v] += a * b[v];
        }
    }
    if (columns >= V * S::width) {
#pragma GCC unroll 8
        for (int r = 0; r < R; r++)
#pragma GCC unroll 8
            for (int v = 0; v < V; v++) {
                T* p = C + r * ldc + v * S::width;
                S::store(p, accumulate ? S::load(p) + c[r][v] : c[r][v]);
            }
    } else {
        T tile[R][V * S::width];
        std::memcpy(tile, c, sizeof c);
        for (int r = 0; r < R; r++)
            for (int64_t j = 0; j < columns; j++)
                C[r * ldc + j] = accumulate ? C[r * ldc + j] + tile[r][j] : tile[r][j];
    }
}

template <class T>
using Kernel = void (*)(int64_t, const T*, int64_t, const T*, int64_t, T*, int64_t, int64_t, bool);

/// kernel<T, PackedA, R, V> is at index (R - 1) * 8 + V - 1, for V up to max_vectors(R).
template <class T, bool PackedA>
constexpr auto kernel_table = []<int... i>(std::integer_sequence<int, i...>) {
    return std::array<Kernel<T>, sizeof...(i)>{
        kernel<T, PackedA, i / 8 + 1, std::min(i % 8 + 1, max_vectors(i / 8 + 1))>...};
}
(std::make_integer_sequence<int, max_rows * 8>());

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Where tile i of M rows begins: heights as even as can be, for a tile of few rows wastes time.
inline int64_t row_begin(int64_t M, int64_t i) { return chunk_begin(M, ceil_div(M, max_rows), i); }

/// C [M, N] = A B (C += where accumulate; each of its rows begins as `row` where given) for K <= block_k, panel j of B
/// at B + j * panel.
template <class T, bool PackedA>
void tiles(int64_t M, int64_t N, int64_t K, const T* A, int64_t lda, const T* B, int64_t panel, T* C, int64_t ldc,
           bool accumulate, const T* row) {
    const int64_t width = Simd<T>::width;
    const int64_t rows = ceil_div(M, max_rows), panels = ceil_div(N, width);
    const auto begin = [&](int64_t r, int64_t R, int64_t j, int64_t n) {
        for (int64_t i = r; row != nullptr && i < r + R; i++) std::copy_n(row + j, n, C + i * ldc + j);
        return accumulate || row != nullptr;
    };
    if (M <= max_rows && panels == 1) {
        // A single vector is computed twice (panel = 0): tuned for some processors, GCC compiles one lone chain of
        // multiply-adds to separate instructions, and all elements must be rounded alike.
        const int64_t V = M == 1 ? 2 : 1;
        kernel_table<T, PackedA>[(M - 1) * 8 + V - 1](K, A, lda, B, 0, C, ldc, N, begin(0, M, 0, N));
        return;
    }
    const int64_t groups = ceil_div(panels, max_vectors(int(ceil_div(M, rows))));
    for (int64_t g = 0; g < groups; g++) {
        const int64_t j = chunk_begin(panels, groups, g), V = chunk_begin(panels, groups, g + 1) - j;
        for (int64_t i = 0; i < rows; i++) {
            const int64_t r = row_begin(M, i), R = row_begin(M, i + 1) - r;
            const bool onto = begin(r, R, j * width, std::min(V * width, N - j * width));
            kernel_table<T, PackedA>[(R - 1) * 8 + V - 1](K, PackedA ? A + i * K * max_rows : A + r * lda, lda,
                                                          B + j * panel, panel, C + r * ldc + j * width, ldc,
                                                          N - j * width, onto);
        }
    }
}

}  // namespace unroll::kernels
