#include "core/kernels/softmax.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "core/kernels/vecmath.hpp"

namespace unroll::kernels {
namespace {

/// The last n lanes, zeros in the others.
template <class T>
typename Simd<T>::V last_lanes(typename Simd<T>::V v, int64_t n) {
    typename Simd<T>::I lane;
    for (int k = 0; k < Simd<T>::width; k++) lane[k] = k;
    return lane >= typename Simd<T>::I{} + static_cast<decltype(lane[0] + 0)>(Simd<T>::width - n)
               ? v
               : typename Simd<T>::V{};
}

/// A row read in vectors. What is left over is read as the last vector's worth of it, which overlaps others; a row
/// shorter than a vector is filled up with -inf: no largest number, and 0 as a term of the sum.
template <class T>
struct Row {
    using S = Simd<T>;
    using V = typename S::V;
    int64_t n, whole;  // numbers, those in whole vectors
    const T* x;
    V tail = S::set(-std::numeric_limits<T>::infinity());
    Row(int64_t n, const T* x) : n(n), whole(n / S::width * S::width), x(x) {
        if (n >= S::width)
            tail = S::load(x + n - S::width);
        else
            std::memcpy(&tail, x, size_t(n) * sizeof(T));
    }

    T largest() const {
        V m = tail;
        for (int64_t i = 0; i < whole; i += S::width) {
            const V v = S::load(x + i);
            m = v > m ? v : m;
        }
        return fold<T>(m, [](V a, V b) { return b > a ? b : a; });
    }

    /// Σ exp(x_i - m), the terms kept in y unless it is null. Vectors are added up to blocks in T, blocks in double.
    double exponentials(T m, T* y) const {
        constexpr int64_t block = 32 * S::width;
        const auto add = [](V a, V b) { return a + b; };
        const V shift = S::set(m);
        double sum = 0;
        for (int64_t first = 0; first < whole; first += block) {
            V s{};
            for (int64_t i = first; i < std::min(whole, first + block); i += S::width) {
                const V e = vexp<T>(S::load(x + i) - shift);
                if (y != nullptr) S::store(y + i, e);
                s += e;
            }
            sum += double(fold<T>(s, add));
        }
        if (whole == n) return sum;
        const V e = vexp<T>(tail - shift);
        if (y != nullptr) S::store(y + std::max<int64_t>(0, n - S::width), e, n);
        return sum + double(fold<T>(n < S::width ? e : last_lanes<T>(e, n - whole), add));
    }
};

}  // namespace

template <class T>
Normalizer softmax(int64_t n, const T* x, T* y) {
    const Row<T> row(n, x);
    const T m = row.largest();
    const double sum = row.exponentials(m, y);
    const T scale = T(1 / sum);
    for (int64_t i = 0; y != nullptr && i < n; i++) y[i] *= scale;
    return {double(m), sum};
}

template Normalizer softmax(int64_t, const float*, float*);
template Normalizer softmax(int64_t, const double*, double*);

}  // namespace unroll::kernels
