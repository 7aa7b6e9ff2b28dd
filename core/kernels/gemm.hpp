#pragma once
#include <cstdint>

// Matrix products. T is float or double, matrices are row-major: element [i, j] of one with leading dimension ld is p[i
// * ld + j].
//
// Every element is computed alike, c = sum over blocks of 512 k of (a_0 b_0 + a_1 b_1 + ...), each block's terms added
// in order of k by fused multiply-adds, so a result has the same bits for any number of threads, any split of rows or
// columns into calls, and in all functions here. Zeros are not skipped (0 * NaN is NaN). K = 0 gives zeros.
namespace unroll::kernels {

/// Elements of the packed form of op(B) [K, N].
template <class T>
int64_t packed_size(int64_t K, int64_t N);

/// Packs op(B) [K, N] for gemm_packed. B is stored [K, N], or [N, K] when transposed.
template <class T>
void pack(bool transposed, int64_t K, int64_t N, const T* B, int64_t ldb, T* packed);

/// C [M, N] = A [M, K] op(B), or C += where accumulate, or plus `row` [N] in each of its rows where given; on the
/// calling thread: what a worker calls on its slice of the batch.
template <class T>
void gemm_packed(int64_t M, int64_t N, int64_t K, const T* A, int64_t lda, const T* packed, T* C, int64_t ldc,
                 bool accumulate, const T* row = nullptr);

/// The same, split over threads where that pays.
template <class T>
void gemm_packed_parallel(int64_t M, int64_t N, int64_t K, const T* A, int64_t lda, const T* packed, T* C, int64_t ldc,
                          bool accumulate, const T* row = nullptr);

/// C [M, N] = op(A) op(B), or C += where accumulate, or plus `row` in each of its rows, over threads where that pays.
/// op(A) is [M, K]; A is stored [M, K], or [K, M] where ta; op(B) is [K, N]; B is stored [K, N], or [N, K] where tb. C
/// overlaps neither.
template <class T>
void gemm(bool ta, bool tb, int64_t M, int64_t N, int64_t K, const T* A, int64_t lda, const T* B, int64_t ldb, T* C,
          int64_t ldc, bool accumulate, const T* row = nullptr);

}  // namespace unroll::kernels
