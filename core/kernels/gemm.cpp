#include "core/kernels/gemm.hpp"

namespace unroll::kernels {

template <class T>
int64_t packed_size(int64_t K, int64_t N) {
    return K * N;
}

template <class T>
void pack(bool transposed, int64_t K, int64_t N, const T* B, int64_t ldb, T* packed) {
    for (int64_t k = 0; k < K; k++)
        for (int64_t j = 0; j < N; j++) packed[k * N + j] = transposed ? B[j * ldb + k] : B[k * ldb + j];
}

template <class T>
void gemm(bool ta, bool tb, int64_t M, int64_t N, int64_t K, const T* A, int64_t lda, const T* B, int64_t ldb, T* C,
          int64_t ldc, bool accumulate) {
    for (int64_t i = 0; i < M; i++)
        for (int64_t j = 0; j < N; j++) {
            T sum = 0;
            for (int64_t k = 0; k < K; k++)
                sum += (ta ? A[k * lda + i] : A[i * lda + k]) * (tb ? B[j * ldb + k] : B[k * ldb + j]);
            C[i * ldc + j] = accumulate ? C[i * ldc + j] + sum : sum;
        }
}

template <class T>
void gemm_packed(int64_t M, int64_t N, int64_t K, const T* A, int64_t lda, const T* packed, T* C, int64_t ldc,
                 bool accumulate) {
    gemm(false, false, M, N, K, A, lda, packed, N, C, ldc, accumulate);
}

template <class T>
void gemm_packed_parallel(int64_t M, int64_t N, int64_t K, const T* A, int64_t lda, const T* packed, T* C, int64_t ldc,
                          bool accumulate) {
    gemm_packed(M, N, K, A, lda, packed, C, ldc, accumulate);
}

template int64_t packed_size<float>(int64_t, int64_t);
template int64_t packed_size<double>(int64_t, int64_t);
template void pack(bool, int64_t, int64_t, const float*, int64_t, float*);
template void pack(bool, int64_t, int64_t, const double*, int64_t, double*);
template void gemm_packed(int64_t, int64_t, int64_t, const float*, int64_t, const float*, float*, int64_t, bool);
template void gemm_packed(int64_t, int64_t, int64_t, const double*, int64_t, const double*, double*, int64_t, bool);
template void gemm_packed_parallel(int64_t, int64_t, int64_t, const float*, int64_t, const float*, float*, int64_t,
                                   bool);
template void gemm_packed_parallel(int64_t, int64_t, int64_t, const double*, int64_t, const double*, double*, int64_t,
                                   bool);
template void gemm(bool, bool, int64_t, int64_t, int64_t, const float*, int64_t, const float*, int64_t, float*, int64_t,
                   bool);
template void gemm(bool, bool, int64_t, int64_t, int64_t, const double*, int64_t, const double*, int64_t, double*,
                   int64_t, bool);

}  // namespace unroll::kernels
