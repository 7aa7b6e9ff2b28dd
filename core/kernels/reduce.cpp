#include "core/kernels/reduce.hpp"

#include <algorithm>
#include <cstring>

#include "core/kernels/parallel.hpp"
#include "core/kernels/simd.hpp"

namespace unroll::kernels {
namespace {

using D = Simd<double>;

/// The first n elements (D::width at most) as doubles, zeros behind.
template <class T>
D::V load_double(const T* p, int64_t n) {
    typedef T Lanes __attribute__((vector_size(D::width * sizeof(T))));
    Lanes lanes{};
    std::memcpy(&lanes, p, n >= D::width ? sizeof lanes : size_t(n) * sizeof(T));
    return __builtin_convertvector(lanes, D::V);
}

/// Sums term(p + i), pairwise from blocks of 1024 elements on. A term takes a vector at an element, and its valid
/// lanes.
template <class Term>
double pairwise(int64_t begin, int64_t end, Term term) {
    const int64_t n = end - begin;
    if (n > 1024) {
        const int64_t middle = begin + (n + 1024) / 2048 * 1024;
        return pairwise(begin, middle, term) + pairwise(middle, end, term);
    }
    D::V s[4] = {};
    int64_t i = begin;
    for (; i + 4 * D::width <= end; i += 4 * D::width)
        for (int v = 0; v < 4; v++) s[v] += term(i + v * D::width, D::width);
    for (; i < end; i += D::width) s[0] += term(i, end - i);
    s[0] = (s[0] + s[1]) + (s[2] + s[3]);
    double sum = 0;
    for (int lane = 0; lane < D::width; lane++) sum += s[0][lane];
    return sum;
}

/// The same in chunks over threads: their bounds depend on n alone.
template <class Term>
double parallel_sum(int64_t n, Term term) {
    constexpr int64_t max_chunks = 64;
    const int64_t chunks = std::clamp<int64_t>(n / 32768, 1, max_chunks);
    double partial[max_chunks];
    parallel(chunks,
             [&](int64_t c) { partial[c] = pairwise(chunk_begin(n, chunks, c), chunk_begin(n, chunks, c + 1), term); });
    for (int64_t step = 1; step < chunks; step *= 2)
        for (int64_t c = 0; c + step < chunks; c += 2 * step) partial[c] += partial[c + step];
    return partial[0];
}

/// Sums V vectors of columns, the last one of n columns, over rows: term(r, v) is row r's vector v. Blocks of 16 rows
/// are added like the digits of a binary counter: level l holds the sum of 2^l of them, and two of one level make one
/// of the next.
template <class T, int V, class Term>
void column_tile(int64_t R, T* y, int64_t n, bool accumulate, Term term) {
    using S = Simd<T>;
    constexpr int64_t block = 16;
    typename S::V level[60][V];
    int levels = 0;
    for (int64_t r = 0; r < R; r += block) {
        typename S::V s[V] = {};
        for (int64_t i = r; i < std::min(R, r + block); i++)
            for (int v = 0; v < V; v++) s[v] += term(i, v);
        for (int64_t carry = r / block; carry & 1; carry >>= 1, levels--)
            for (int v = 0; v < V; v++) s[v] = level[levels - 1][v] + s[v];
        std::memcpy(level[levels++], s, sizeof s);
    }
    for (; levels > 1; levels--)
        for (int v = 0; v < V; v++) level[levels - 2][v] += level[levels - 1][v];
    for (int v = 0; v < V; v++) {
        T* p = y + v * S::width;
        S::store(p, accumulate ? S::load(p, n - v * S::width) + level[0][v] : level[0][v], n - v * S::width);
    }
}

/// The same for C columns, over threads: term(r, j, n) is the vector of row r at column j, n columns long.
template <class T, class Term>
void each_column_tile(int64_t R, int64_t C, T* y, bool accumulate, Term term) {
    if (R == 0 && !accumulate) std::fill(y, y + C, T(0));
    if (R == 0) return;
    constexpr int64_t width = Simd<T>::width, tile = 4 * width;
    const int64_t tiles = (C + tile - 1) / tile;
    const int64_t chunks = R * C < 1 << 17 ? 1 : std::min<int64_t>(tiles, 2 * threads());
    parallel(chunks, [&](int64_t c) {
        for (int64_t t = chunk_begin(tiles, chunks, c); t < chunk_begin(tiles, chunks, c + 1); t++) {
            int64_t j = t * tile;
            const auto at_j = [&](int64_t r, int v) { return term(r, j + v * width, C - j - v * width); };
            if (j + tile <= C)
                column_tile<T, 4>(R, y + j, tile, accumulate, at_j);
            else
                for (; j < C; j += width) column_tile<T, 1>(R, y + j, C - j, accumulate, at_j);
        }
    });
}

}  // namespace

template <class T>
double sum(int64_t n, const T* x) {
    return parallel_sum(n, [x](int64_t i, int64_t lanes) { return load_double(x + i, lanes); });
}

template <class T>
double dot(int64_t n, const T* x, const T* y) {
    return parallel_sum(
        n, [x, y](int64_t i, int64_t lanes) { return load_double(x + i, lanes) * load_double(y + i, lanes); });
}

template <class T>
void column_sums(int64_t R, int64_t C, const T* x, T* y, bool accumulate) {
    each_column_tile(R, C, y, accumulate, [=](int64_t r, int64_t j, int64_t n) {
        __builtin_prefetch(x + (r + 4) * C + j);  // rows lie too far apart to be foreseen
        return Simd<T>::load(x + r * C + j, n);
    });
}

template <class T>
void column_dots(int64_t R, int64_t C, const T* x, int64_t ldx, const T* w, T* y) {
    using S = Simd<T>;
    each_column_tile(R, C, y, false, [=](int64_t r, int64_t j, int64_t n) {
        return S::load(x + r * ldx + j, n) * S::load(w + r * C + j, n);
    });
}

template double sum(int64_t, const float*);
template double sum(int64_t, const double*);
template double dot(int64_t, const float*, const float*);
template double dot(int64_t, const double*, const double*);
template void column_sums(int64_t, int64_t, const float*, float*, bool);
template void column_sums(int64_t, int64_t, const double*, double*, bool);
template void column_dots(int64_t, int64_t, const float*, int64_t, const float*, float*);
template void column_dots(int64_t, int64_t, const double*, int64_t, const double*, double*);

}  // namespace unroll::kernels
