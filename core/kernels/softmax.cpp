#include "core/kernels/softmax.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/kernels/vecmath.hpp"

namespace unroll::kernels {
namespace {

template <class T>
T largest(int64_t n, const T* x) {
    using S = Simd<T>;
    T m = -std::numeric_limits<T>::infinity();
    int64_t i = 0;
    if (n >= S::width) {
        typename S::V v = S::load(x);
        for (i = S::width; i + S::width <= n; i += S::width) {
            const typename S::V next = S::load(x + i);
            v = next > v ? next : v;
        }
        for (int k = 0; k < S::width; k++) m = std::max(m, v[k]);
    }
    for (; i < n; i++) m = std::max(m, x[i]);
    return m;
}

/// Σ exp(x_i - m), the terms kept in y unless it is null. Vectors are added up to blocks in T, blocks in double.
template <class T>
double exponentials(int64_t n, const T* x, T m, T* y) {
    using S = Simd<T>;
    constexpr int64_t block = 32 * S::width;
    double sum = 0;
    for (int64_t first = 0; first < n; first += block) {
        typename S::V s{};
        for (int64_t i = first, end = std::min(n, first + block); i < end; i += S::width) {
            typename S::V e = vexp<T>(S::load(x + i, n - i) - S::set(m));
            if (y != nullptr) S::store(y + i, e, n - i);
            for (int64_t k = n - i; k < S::width; k++) e[k] = 0;  // behind the end
            s += e;
        }
        for (int k = 0; k < S::width; k++) sum += static_cast<double>(s[k]);
    }
    return sum;
}

}  // namespace

template <class T>
LogSumExp softmax(int64_t n, const T* x, T* y) {
    const T m = largest(n, x);
    const double sum = exponentials(n, x, m, y);
    const T scale = static_cast<T>(1 / sum);
    for (int64_t i = 0; y != nullptr && i < n; i++) y[i] *= scale;
    return {static_cast<double>(m), std::log(sum)};
}

template LogSumExp softmax(int64_t, const float*, float*);
template LogSumExp softmax(int64_t, const double*, double*);

}  // namespace unroll::kernels
