#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "core/kernels/gemm.hpp"
#include "core/kernels/parallel.hpp"

using namespace unroll::kernels;

namespace {

/// A matrix in memory that ends with its last element: with the address sanitizer, a read or write beyond it is found.
template <class T>
struct Matrix {
    int64_t rows, columns, ld;
    std::vector<T> data;

    Matrix(int64_t rows, int64_t columns, int64_t ld, uint64_t seed)
        : rows(rows), columns(columns), ld(ld), data(rows && columns ? size_t((rows - 1) * ld + columns) : 0) {
        for (T& x : data) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            x = T(double(seed >> 40) / double(1 << 24) - 0.5);
        }
    }
    T& at(int64_t i, int64_t j) { return data[size_t(i * ld + j)]; }
    const T& at(int64_t i, int64_t j) const { return data[size_t(i * ld + j)]; }
};

template <class T>
bool same_bits(const Matrix<T>& a, const Matrix<T>& b) {
    return a.data.empty() || std::memcmp(a.data.data(), b.data.data(), a.data.size() * sizeof(T)) == 0;
}

template <class T>
std::vector<T> packed(bool transposed, int64_t K, int64_t N, const Matrix<T>& B) {
    std::vector<T> p(size_t(packed_size<T>(K, N)));
    pack(transposed, K, N, B.data.data(), B.ld, p.data());
    return p;
}

/// How far C is from the product in long double, in units of the error bound of a sum of K products and C's old value.
template <class T>
double worst_error(bool ta, bool tb, int64_t K, const Matrix<T>& A, const Matrix<T>& B, const Matrix<T>& C,
                   const std::type_identity_t<Matrix<T>>* old) {
    double worst = 0;
    for (int64_t i = 0; i < C.rows; i++)
        for (int64_t j = 0; j < C.columns; j++) {
            long double sum = old ? old->at(i, j) : 0, size = std::fabs(sum);
            for (int64_t k = 0; k < K; k++) {
                const long double ab = (long double)(ta ? A.at(k, i) : A.at(i, k)) * (tb ? B.at(j, k) : B.at(k, j));
                sum += ab;
                size += std::fabs(ab);
            }
            const long double bound = std::numeric_limits<T>::epsilon() * (K + 2) * size;
            const long double error = std::fabs(C.at(i, j) - sum);
            if (error > 0 || std::isnan(error)) worst = error <= bound ? std::max(worst, double(error / bound)) : 1e9;
        }
    return worst;
}

/// Gaps between C's rows keep what they held.
template <class T>
bool gaps_untouched(const Matrix<T>& C, const Matrix<T>& before) {
    if (C.columns == 0) return true;
    for (int64_t i = 0; i + 1 < C.rows; i++)
        for (int64_t j = C.columns; j < C.ld; j++)
            if (C.at(i, j) != before.at(i, j)) return false;
    return true;
}

template <class T>
void check(int64_t M, int64_t N, int64_t K, bool ta, bool tb, bool accumulate, int64_t gap) {
    CAPTURE(M);
    CAPTURE(N);
    CAPTURE(K);
    CAPTURE(ta);
    CAPTURE(tb);
    CAPTURE(accumulate);
    CAPTURE(gap);
    const Matrix<T> A(ta ? K : M, ta ? M : K, (ta ? M : K) + gap, 1);
    const Matrix<T> B(tb ? N : K, tb ? K : N, (tb ? K : N) + gap, 2);
    const Matrix<T> before(M, N, N + gap, 3);

    Matrix<T> C = before;
    gemm(ta, tb, M, N, K, A.data.data(), A.ld, B.data.data(), B.ld, C.data.data(), C.ld, accumulate);
    CHECK(worst_error(ta, tb, K, A, B, C, accumulate ? &before : nullptr) <= 1);
    CHECK(gaps_untouched(C, before));
    if (ta) return;

    const std::vector<T> p = packed(tb, K, N, B);
    Matrix<T> D = before;
    gemm_packed(M, N, K, A.data.data(), A.ld, p.data(), D.data.data(), D.ld, accumulate);
    CHECK(same_bits(C, D));
    Matrix<T> E = before;
    gemm_packed_parallel(M, N, K, A.data.data(), A.ld, p.data(), E.data.data(), E.ld, accumulate);
    CHECK(same_bits(C, E));
}

struct Size {
    int64_t M, N, K;
};

const int64_t sizes[] = {0, 1, 2, 3, 5, 7, 8, 9, 13, 16, 17, 31, 33, 65, 97};

}  // namespace

TEST_CASE_TEMPLATE("gemm: every small odd size, transposition, leading dimension", T, float, double) {
    int count = 0;
    for (int64_t M : sizes)
        for (int64_t N : sizes)
            for (int64_t K : {0, 1, 2, 4, 7, 16, 19, 65}) {
                const int mode = count++;  // all 16 combinations come up at neighbouring sizes
                check<T>(M, N, K, mode & 1, mode >> 1 & 1, mode >> 2 & 1, mode & 8 ? 3 : 0);
                check<T>(M, N, K, ~mode & 1, ~mode >> 1 & 1, ~mode >> 2 & 1, mode & 8 ? 0 : 1);
            }
}

TEST_CASE_TEMPLATE("gemm: sizes about the edges of the blocks", T, float, double) {
    const Size edges[] = {{3, 33, 511},   {3, 33, 512},   {3, 33, 513},   {2, 5, 1025},  {33, 40, 600},  {95, 7, 40},
                          {96, 7, 40},    {97, 7, 300},   {193, 40, 20},  {5, 255, 11},  {5, 256, 11},   {5, 257, 11},
                          {9, 511, 300},  {9, 512, 3},    {4, 513, 300},  {1, 1, 2000},  {1, 1030, 517}, {200, 1, 600},
                          {130, 1100, 7}, {67, 129, 300}, {300, 65, 129}, {32, 300, 70}, {1, 2, 128},    {2, 1, 129}};
    for (auto [M, N, K] : edges)
        for (int mode = 0; mode < 8; mode++) check<T>(M, N, K, mode & 1, mode >> 1 & 1, mode >> 2, mode % 3);
}

TEST_CASE_TEMPLATE("gemm: the same bits for any number of threads", T, float, double) {
    const int before = threads();
    const Size shapes[] = {{150, 130, 90}, {1, 1030, 517},   {1030, 3, 300},
                           {33, 700, 513}, {300, 1025, 270}, {513, 65, 40}};
    for (auto [M, N, K] : shapes)
        for (int mode = 0; mode < 4; mode++) {
            const bool ta = mode & 1, tb = mode & 2;
            const Matrix<T> A(ta ? K : M, ta ? M : K, ta ? M : K, 1), B(tb ? N : K, tb ? K : N, tb ? K : N, 2);
            const Matrix<T> old(M, N, N, 3);
            const std::vector<T> p = packed(tb, K, N, B);
            Matrix<T> one = old;
            set_threads(1);
            gemm(ta, tb, M, N, K, A.data.data(), A.ld, B.data.data(), B.ld, one.data.data(), N, true);
            for (int n : {2, 3, 5}) {
                CAPTURE(n);
                set_threads(n);
                Matrix<T> C = old;
                gemm(ta, tb, M, N, K, A.data.data(), A.ld, B.data.data(), B.ld, C.data.data(), N, true);
                CHECK(same_bits(one, C));
                if (ta) continue;
                Matrix<T> D = old;
                gemm_packed_parallel(M, N, K, A.data.data(), A.ld, p.data(), D.data.data(), N, true);
                CHECK(same_bits(one, D));
            }
        }
    set_threads(before);
}

TEST_CASE_TEMPLATE("gemm: a row has the same bits in a slice of any height, at any place", T, float, double) {
    const int64_t M = 37;
    for (auto [rows, N, K] : {Size{M, 1, 3}, Size{M, 5, 300}, Size{M, 16, 31}, Size{M, 33, 40}, Size{M, 65, 515},
                              Size{M, 130, 64}, Size{M, 3, 5}}) {
        const Matrix<T> A(rows, K, K, 1), B(K, N, N, 2);
        const std::vector<T> p = packed(false, K, N, B);
        Matrix<T> whole(M, N, N, 3);
        gemm_packed(M, N, K, A.data.data(), K, p.data(), whole.data.data(), N, false);
        for (int64_t slice = 1; slice <= 19; slice++) {
            Matrix<T> C(M, N, N, 4), D(M, N, N, 5), E(M, N, N, 6);
            for (int64_t i = 0; i < M; i += slice) {
                const int64_t m = std::min(slice, M - i);
                gemm_packed(m, N, K, &A.at(i, 0), K, p.data(), &C.at(i, 0), N, false);
                gemm(false, false, m, N, K, &A.at(i, 0), K, B.data.data(), N, &D.at(i, 0), N, false);
            }
            for (int64_t j = 0; j < N; j += slice)  // and columns
                gemm(false, false, M, std::min(slice, N - j), K, A.data.data(), K, &B.at(0, j), N, &E.at(0, j), N,
                     false);
            CAPTURE(slice);
            CHECK(same_bits(whole, C));
            CHECK(same_bits(whole, D));
            CHECK(same_bits(whole, E));
        }
    }
}

TEST_CASE_TEMPLATE("gemm: terms are added in order of k, in blocks of 512", T, float, double) {
    // 2^p + 1 is the sum of 2^p and of any number of terms below half a unit: lost one by one, kept where added first.
    const T big = std::ldexp(T(1), std::numeric_limits<T>::digits), half = T(0.5);
    const int64_t K = 600;
    Matrix<T> A(1, K, K, 1), B(K, 1, 1, 2), C(1, 1, 1, 3);
    std::fill(A.data.begin(), A.data.end(), half);
    std::fill(B.data.begin(), B.data.end(), T(1));
    A.at(0, 0) = big;
    gemm(false, false, 1, 1, K, A.data.data(), K, B.data.data(), 1, C.data.data(), 1, false);
    CHECK(C.at(0, 0) == big + half * (K - 512));
}

TEST_CASE_TEMPLATE("gemm: NaN and infinity come through, also times zero", T, float, double) {
    const T nan = std::numeric_limits<T>::quiet_NaN(), inf = std::numeric_limits<T>::infinity();
    for (auto [M, N, K] : {Size{3, 4, 5}, Size{9, 33, 20}, Size{1, 65, 300}})
        for (bool in_A : {false, true})
            for (T bad : {nan, inf}) {
                Matrix<T> A(M, K, K, 1), B(K, N, N, 2), C(M, N, N, 3);
                std::fill(in_A ? B.data.begin() : A.data.begin(), in_A ? B.data.end() : A.data.end(), T(0));
                const int64_t i = M - 1, j = N - 1, k = K / 2;
                (in_A ? A.at(i, k) : B.at(k, j)) = bad;
                gemm(false, false, M, N, K, A.data.data(), K, B.data.data(), N, C.data.data(), N, false);
                for (int64_t r = 0; r < M; r++)
                    for (int64_t c = 0; c < N; c++) CHECK(std::isnan(C.at(r, c)) == (in_A ? r == i : c == j));
            }
}

TEST_CASE_TEMPLATE("gemm: what C held doesn't matter unless it is added to", T, float, double) {
    for (int64_t K : {0, 1, 5, 300}) {
        Matrix<T> A(20, K, K, 1), B(K, 40, 40, 2), C(20, 40, 40, 3), D = C;
        std::fill(C.data.begin(), C.data.end(), std::numeric_limits<T>::quiet_NaN());
        gemm(false, false, 20, 40, K, A.data.data(), K, B.data.data(), 40, C.data.data(), 40, false);
        CHECK(worst_error(false, false, K, A, B, C, nullptr) <= 1);
        const Matrix<T> before = D;
        gemm(false, false, 20, 40, K, A.data.data(), K, B.data.data(), 40, D.data.data(), 40, true);
        if (K == 0) CHECK(same_bits(before, D));
    }
}

TEST_CASE_TEMPLATE("gemm: onto a row in each of C's rows, the bits of adding to such a C", T, float, double) {
    const int64_t sizes[][3] = {{1, 3, 1},      {1, 5, 40}, {3, 1, 17}, {9, 33, 35},  {70, 520, 50},
                                {5, 600, 1100}, {4, 0, 3},  {0, 2, 3},  {600, 40, 64}};
    for (const auto& [M, K, N] : sizes)
        for (bool ta : {false, true})
            for (bool tb : {false, true}) {
                const Matrix<T> A(ta ? K : M, ta ? M : K, ta ? M : K, 1), B(tb ? N : K, tb ? K : N, tb ? K : N, 2);
                const Matrix<T> row(1, N, N, 3);
                Matrix<T> added(M, N, N, 4), begun(M, N, N, 5), begun_packed(M, N, N, 6);
                for (int64_t i = 0; i < M; i++)
                    for (int64_t j = 0; j < N; j++) added.at(i, j) = row.at(0, j);
                gemm(ta, tb, M, N, K, A.data.data(), A.ld, B.data.data(), B.ld, added.data.data(), N, true);
                gemm(ta, tb, M, N, K, A.data.data(), A.ld, B.data.data(), B.ld, begun.data.data(), N, false,
                     row.data.data());
                CHECK(same_bits(added, begun));
                if (ta) continue;
                gemm_packed_parallel(M, N, K, A.data.data(), A.ld, packed(tb, K, N, B).data(), begun_packed.data.data(),
                                     N, false, row.data.data());
                CHECK(same_bits(added, begun_packed));
            }
}
