#include "core/kernels/gemm.hpp"

#include <algorithm>
#include <memory>
#include <new>

#include "core/kernels/parallel.hpp"
#include "core/kernels/simd.hpp"
#include "core/kernels/tile.hpp"
#include "core/kernels/transpose.hpp"

namespace unroll::kernels {
namespace {

// Terms summed in registers: part of the result's definition.
constexpr int64_t block_k = 512;
// Rows: block_m x block_k elements of A, used again for every panel, stay in the L2 cache.
constexpr int64_t block_m = 96;
// Rows of A that is not packed: they and their rows of C stay in the L2 cache from one block of k to the next.
constexpr int64_t block_rows = 32;
// Columns: 1 MB of packed B.
template <class T>
constexpr int64_t block_n = (1 << 20) / (block_k * sizeof(T));
// Rows copied at a time by packing: as many as the L1 cache has ways, for rows may lie a power of two apart.
constexpr int64_t pack_rows = 8;

/// Packs A^T for `tiles`: of A [K, M] each tile's columns, [K, max_rows] (a tile of fewer rows leaves some unused).
template <class T>
void pack_left(int64_t M, int64_t K, const T* A, int64_t lda, T* packed) {
    for (int64_t k0 = 0; k0 < K; k0 += pack_rows)
        for (int64_t i = 0; i < ceil_div(M, max_rows); i++) {
            const int64_t r = row_begin(M, i), n = std::min<int64_t>(max_rows, M - r);
            for (int64_t k = k0; k < std::min(K, k0 + pack_rows); k++) {
                T* to = packed + (i * K + k) * max_rows;
                __builtin_prefetch(A + (k + 2 * pack_rows) * lda + r);
                n == max_rows ? std::copy_n(A + k * lda + r, max_rows, to) : std::copy_n(A + k * lda + r, n, to);
            }
        }
}

/// Packs n columns of B [K, ..] for gemm_packed.
template <class T>
void pack_plain(int64_t K, int64_t n, const T* B, int64_t ldb, T* packed) {
    using S = Simd<T>;
    for (int64_t k0 = 0; k0 < K; k0 += pack_rows)
        for (int64_t j = 0; j < n; j += S::width)
            for (int64_t k = k0; k < std::min(K, k0 + pack_rows); k++)
                S::store(packed + j * K + k * S::width, S::load(B + k * ldb + j, n - j));
}

/// The same of the transpose of B [.., K]: n of its rows.
template <class T>
void pack_transposed(int64_t K, int64_t rows, const T* B, int64_t ldb, T* packed) {
    using S = Simd<T>;
    for (int64_t j = 0; j < rows; j += S::width, packed += K * S::width, B += S::width * ldb) {
        const int64_t n = std::min(S::width, rows - j);
        int64_t k = 0;
        for (; n == S::width && k + S::width <= K; k += S::width) {
            typename S::V x[S::width];
            for (int64_t i = 0; i < S::width; i++) x[i] = S::load(B + i * ldb + k);
            transpose<T>(x);
            for (int64_t i = 0; i < S::width; i++) S::store(packed + (k + i) * S::width, x[i]);
        }
        for (; k < K; k++) {
            S::store(packed + k * S::width, S::set(0));
            for (int64_t i = 0; i < n; i++) packed[k * S::width + i] = B[i * ldb + k];
        }
    }
}

/// An empty product, which is zeros (or rows) where K = 0, is done here (its operands may be null pointers).
template <class T>
bool done_empty(int64_t M, int64_t N, int64_t K, T* C, int64_t ldc, bool accumulate, const T* row) {
    if (M == 0 || N == 0) return true;
    for (int64_t i = 0; K == 0 && !accumulate && i < M; i++)
        row != nullptr ? std::copy_n(row, N, C + i * ldc) : std::fill_n(C + i * ldc, N, T(0));
    return K == 0;
}

/// This thread's memory for packed blocks, kept.
template <class T>
T* scratch() {
    struct Free {
        void operator()(T* p) const { operator delete[](p, std::align_val_t(64)); }
    };
    thread_local std::unique_ptr<T[], Free> memory(new (std::align_val_t(64)) T[block_k * (block_n<T> + block_m)]);
    return memory.get();
}

template <class T>
void gemm_serial(bool ta, bool tb, int64_t M, int64_t N, int64_t K, const T* A, int64_t lda, const T* B, int64_t ldb,
                 T* C, int64_t ldc, bool accumulate, const T* row) {
    T* const right = scratch<T>();
    T* const left = right + block_k * block_n<T>;
    for (int64_t j = 0; j < N; j += block_n<T>)
        for (int64_t k = 0; k < K; k += block_k) {
            const int64_t n = std::min(block_n<T>, N - j), kc = std::min(block_k, K - k);
            pack(tb, kc, n, tb ? B + j * ldb + k : B + k * ldb + j, ldb, right);
            for (int64_t i = 0; i < M; i += block_m) {
                const int64_t m = std::min(block_m, M - i);
                if (ta) pack_left(m, kc, A + k * lda + i, lda, left);
                (ta ? tiles<T, true> : tiles<T, false>)(m, n, kc, ta ? left : A + i * lda + k, lda, right,
                                                        kc * Simd<T>::width, C + i * ldc + j, ldc, accumulate || k > 0,
                                                        k == 0 && row != nullptr ? row + j : nullptr);
            }
        }
}

/// Calls part(i, m, j, n) for blocks of rows i ... i+m and columns j ... j+n that make up C [M, N]: over threads, each
/// taking so many, along the longer side, if the product is worth waking them (some 5 us).
template <class T, class F>
void split(int64_t M, int64_t N, int64_t K, int each, F part) {
    const bool worth = M * N * K > 1 << 19 || N * K > 1 << 18;
    const bool by_rows = M > N;
    const int64_t unit = by_rows ? 8 : 2 * Simd<T>::width;
    const int64_t size = by_rows ? M : N, units = ceil_div(size, unit);
    const int64_t chunks = worth && threads() > 1 ? std::min<int64_t>(units, each * threads()) : 1;
    parallel(chunks, [&](int64_t c) {
        const int64_t begin = chunk_begin(units, chunks, c) * unit;
        const int64_t end = std::min(size, chunk_begin(units, chunks, c + 1) * unit);
        by_rows ? part(begin, end - begin, 0, N) : part(0, M, begin, end - begin);
    });
}

}  // namespace

template <class T>
int64_t packed_size(int64_t K, int64_t N) {
    return K * ceil_div(N, Simd<T>::width) * Simd<T>::width;
}

template <class T>
void pack(bool transposed, int64_t K, int64_t N, const T* B, int64_t ldb, T* packed) {
    const int64_t width = Simd<T>::width, panels = ceil_div(N, width);
    const int64_t chunks = K * N < 1 << 16 ? 1 : std::min<int64_t>(panels, threads());
    parallel(chunks, [&](int64_t c) {
        const int64_t j = chunk_begin(panels, chunks, c) * width, end = chunk_begin(panels, chunks, c + 1) * width;
        const int64_t n = std::min(N, end) - j;
        transposed ? pack_transposed(K, n, B + j * ldb, ldb, packed + j * K)
                   : pack_plain(K, n, B + j, ldb, packed + j * K);
    });
}

template <class T>
void gemm_packed(int64_t M, int64_t N, int64_t K, const T* A, int64_t lda, const T* packed, T* C, int64_t ldc,
                 bool accumulate, const T* row) {
    const int64_t width = Simd<T>::width;
    if (done_empty(M, N, K, C, ldc, accumulate, row)) return;
    // What is packed of a block stays in the L2 cache from one block of rows to the next.
    for (int64_t j = 0; j < N; j += block_n<T>)
        for (int64_t k = 0; k < K; k += block_k)
            for (int64_t i = 0; i < M; i += block_rows)
                tiles<T, false>(std::min(block_rows, M - i), std::min(block_n<T>, N - j), std::min(block_k, K - k),
                                A + i * lda + k, lda, packed + j * K + k * width, K * width, C + i * ldc + j, ldc,
                                accumulate || k > 0, k == 0 && row != nullptr ? row + j : nullptr);
}

template <class T>
void gemm_packed_parallel(int64_t M, int64_t N, int64_t K, const T* A, int64_t lda, const T* packed, T* C, int64_t ldc,
                          bool accumulate, const T* row) {
    if (done_empty(M, N, K, C, ldc, accumulate, row)) return;
    split<T>(M, N, K, 2, [&](int64_t i, int64_t m, int64_t j, int64_t n) {
        gemm_packed(m, n, K, A + i * lda, lda, packed + j * K, C + i * ldc + j, ldc, accumulate,
                    row != nullptr ? row + j : nullptr);
    });
}

template <class T>
void gemm(bool ta, bool tb, int64_t M, int64_t N, int64_t K, const T* A, int64_t lda, const T* B, int64_t ldb, T* C,
          int64_t ldc, bool accumulate, const T* row) {
    if (done_empty(M, N, K, C, ldc, accumulate, row)) return;
    split<T>(M, N, K, 1, [&](int64_t i, int64_t m, int64_t j, int64_t n) {  // each packs what it reads
        gemm_serial(ta, tb, m, n, K, ta ? A + i : A + i * lda, lda, tb ? B + j * ldb : B + j, ldb, C + i * ldc + j, ldc,
                    accumulate, row != nullptr ? row + j : nullptr);
    });
}

template int64_t packed_size<float>(int64_t, int64_t);
template int64_t packed_size<double>(int64_t, int64_t);
template void pack(bool, int64_t, int64_t, const float*, int64_t, float*);
template void pack(bool, int64_t, int64_t, const double*, int64_t, double*);
template void gemm_packed(int64_t, int64_t, int64_t, const float*, int64_t, const float*, float*, int64_t, bool,
                          const float*);
template void gemm_packed(int64_t, int64_t, int64_t, const double*, int64_t, const double*, double*, int64_t, bool,
                          const double*);
template void gemm_packed_parallel(int64_t, int64_t, int64_t, const float*, int64_t, const float*, float*, int64_t,
                                   bool, const float*);
template void gemm_packed_parallel(int64_t, int64_t, int64_t, const double*, int64_t, const double*, double*, int64_t,
                                   bool, const double*);
template void gemm(bool, bool, int64_t, int64_t, int64_t, const float*, int64_t, const float*, int64_t, float*, int64_t,
                   bool, const float*);
template void gemm(bool, bool, int64_t, int64_t, int64_t, const double*, int64_t, const double*, int64_t, double*,
                   int64_t, bool, const double*);

}  // namespace unroll::kernels
