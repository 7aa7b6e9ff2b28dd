#pragma once
#include <array>
#include <cstdint>
#include <limits>

#include "core/kernels/simd.hpp"

// exp, log, sigmoid and tanh, within 2.5 (f32) and 3 (f64) units in the last place over the whole range, among it
// subnormal results, infinities, NaN and signed zeros. The functions of a vector are inline, for fused passes:
// vtanh<float>(x).
namespace unroll::kernels {

/// What the functions need to know of a type.
template <class T>
struct FloatFormat;
template <>
struct FloatFormat<float> {
    static constexpr int mantissa_bits = 23, exponent_bias = 127;
    static constexpr float round_to_integer =
        0x1.8p23f;                                 // x + this - this rounds x, and leaves the integer in the low bits
    static constexpr float ln2_high = 0x1.63p-1f;  // 9 bits: n * ln2_high is exact
    static constexpr float ln2_low = -0x1.bd0106p-13f;    // ln 2 - ln2_high
    static constexpr float min_exp = -104, max_exp = 89;  // beyond them e^x is 0 or infinite
    static constexpr float tanh_is_one = 10;
    static constexpr int exp_terms = 8, log_terms = 5;
};
template <>
struct FloatFormat<double> {
    static constexpr int mantissa_bits = 52, exponent_bias = 1023;
    static constexpr double round_to_integer = 0x1.8p52;
    static constexpr double ln2_high = 0x1.62e42fee00000p-1;  // 32 bits
    static constexpr double ln2_low = 0x1.a39ef35793c76p-33;
    static constexpr double min_exp = -746, max_exp = 710;
    static constexpr double tanh_is_one = 20;
    static constexpr int exp_terms = 14, log_terms = 11;
};

/// 2^n for integers n, of which the exponent field must hold n + bias.
template <class T>
inline typename Simd<T>::V power_of_two(typename Simd<T>::I n) {
    using F = FloatFormat<T>;
    return (typename Simd<T>::V)((n + F::exponent_bias) << F::mantissa_bits);
}

/// e^x - 1 = 2^n (1 + p) - 1, with n = round(x / ln 2), r = x - n ln 2 in [-ln2/2, ln2/2] and p = e^r - 1 by Taylor's
/// series r + r^2 (1/2! + r (1/3! + ...)): cut off where the next term is below a quarter unit. Near 0, n = 0 and p
/// keeps all digits of r, which e^x - 1 would lose.
template <class T>
struct Expm1 {
    typename Simd<T>::V p;
    typename Simd<T>::I n;

    explicit Expm1(typename Simd<T>::V x) {
        using F = FloatFormat<T>;
        using S = Simd<T>;
        const typename S::V shifted = x * T(1.4426950408889634074) + F::round_to_integer;  // 1 / ln 2
        const typename S::V rounded = shifted - F::round_to_integer;
        n = (typename S::I)shifted - (typename S::I)S::set(F::round_to_integer);
        const typename S::V r = (x - rounded * F::ln2_high) - rounded * F::ln2_low;
        typename S::V series = S::set(coefficient[F::exp_terms]);
#pragma GCC unroll 16
        for (int k = F::exp_terms - 1; k >= 2; k--) series = series * r + coefficient[k];
        p = r * r * series + r;
    }

  private:
    static constexpr auto coefficient = [] {  // 1 / k!
        std::array<T, FloatFormat<T>::exp_terms + 1> c{};
        double factorial = 1;  // exact up to 18!
        for (size_t k = 0; k < c.size(); k++, factorial *= double(k)) c[k] = T(1 / factorial);
        return c;
    }();
};

/// e^x. The factor 2^n is applied in two halves, for at both ends of the range it is not a number of the type itself.
template <class T>
inline typename Simd<T>::V vexp(typename Simd<T>::V x) {
    using F = FloatFormat<T>;
    x = x < F::min_exp ? Simd<T>::set(F::min_exp) : x;  // NaN stays
    x = x > F::max_exp ? Simd<T>::set(F::max_exp) : x;
    const Expm1<T> e(x);
    const typename Simd<T>::I half = e.n >> 1;
    return (T(1) + e.p) * power_of_two<T>(half) * power_of_two<T>(e.n - half);
}

/// 1 / (1 + e^-x), by e^-|x| so that nothing overflows and small results keep their digits.
template <class T>
inline typename Simd<T>::V vsigmoid(typename Simd<T>::V x) {
    const typename Simd<T>::V e = vexp<T>(x < T(0) ? x : -x);
    return (x < T(0) ? e : Simd<T>::set(1)) / (T(1) + e);
}

/// tanh |x| = u / (u + 2) with u = e^2|x| - 1.
template <class T>
inline typename Simd<T>::V vtanh(typename Simd<T>::V x) {
    using F = FloatFormat<T>;
    using I = typename Simd<T>::I;
    const I sign = (I)x & (I)Simd<T>::set(T(-0.0));
    typename Simd<T>::V a = (typename Simd<T>::V)((I)x ^ sign);
    a = a > F::tanh_is_one ? Simd<T>::set(F::tanh_is_one) : a;
    const Expm1<T> e(a + a);
    const typename Simd<T>::V scale = power_of_two<T>(e.n);
    const typename Simd<T>::V u = scale * e.p + (scale - T(1));
    return (typename Simd<T>::V)((I)(u / (u + T(2))) | sign);
}

/// ln x = k ln 2 + ln(1 + f), with x = 2^k (1 + f), 1 + f in [sqrt(1/2), sqrt 2). By s = f / (2 + f),
/// ln(1 + f) = 2 artanh s = 2 s + s R with R = 2 (s^2/3 + s^4/5 + ...), cut off like Expm1's series; and as 2 s = f - s
/// f, ln(1 + f) = f - s (f - R): the exact f and a small correction.
template <class T>
inline typename Simd<T>::V vlog(typename Simd<T>::V x) {
    using F = FloatFormat<T>;
    using S = Simd<T>;
    using V = typename S::V;
    using I = typename S::I;
    const T tiny = T(1) / (T(1) * (int64_t(1) << 62)) / (int64_t(1) << 62);  // 2^-124
    const I is_tiny = x < tiny;
    const V y = x > T(0) ? (is_tiny ? x * T(int64_t(1) << 62) : x) : S::set(1);  // subnormal numbers become normal ones
    // In the bits of y / sqrt(1/2) the exponent is k, and the rest that of 1 + f over sqrt(1/2).
    const I root = (I)S::set(T(0.70710678118654752440));
    const I bits = (I)y - root;
    const I k = bits >> F::mantissa_bits;
    const V f = (V)(bits - (k << F::mantissa_bits) + root) - T(1);
    const V exponent =
        (V)(k + (I)S::set(F::round_to_integer)) - F::round_to_integer - (is_tiny ? S::set(62) : S::set(0));
    const V s = f / (f + T(2));
    const V z = s * s;
    V series = S::set(T(2.0 / (2 * F::log_terms + 1)));
#pragma GCC unroll 16
    for (int i = F::log_terms - 1; i >= 1; i--) series = series * z + T(2.0 / (2 * i + 1));
    const V result = exponent * F::ln2_high + (f - (s * (f - z * series) - exponent * F::ln2_low));
    const T infinity = std::numeric_limits<T>::infinity();
    return x > T(0) ? (x < infinity ? result : x) : (x == T(0) ? S::set(-infinity) : x * (infinity - infinity));
}

/// y_i = f(x_i) for i < n; y may be x. Serial: a caller splits long arrays, results don't depend on where.
template <class T>
void exp(int64_t n, const T* x, T* y) {
    map(n, inputs(x), outputs(y), [](auto x, auto& y) { y = vexp<T>(x); });
}
template <class T>
void log(int64_t n, const T* x, T* y) {
    map(n, inputs(x), outputs(y), [](auto x, auto& y) { y = vlog<T>(x); });
}
template <class T>
void sigmoid(int64_t n, const T* x, T* y) {
    map(n, inputs(x), outputs(y), [](auto x, auto& y) { y = vsigmoid<T>(x); });
}
template <class T>
void tanh(int64_t n, const T* x, T* y) {
    map(n, inputs(x), outputs(y), [](auto x, auto& y) { y = vtanh<T>(x); });
}

}  // namespace unroll::kernels
