#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "core/kernels/vecmath.hpp"

using namespace unroll;

namespace {

long double sigmoid_reference(long double x) {
    return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
}

template <class T>
struct Function {
    const char* name;
    void (*ours)(int64_t, const T*, T*);
    long double (*reference)(long double);
    double bound;  // units in the last place, by trial over 4 billion (f32) and 26 million (f64) values
};

template <class T>
const std::vector<Function<T>> functions = {
    {"exp", kernels::exp, [](long double x) { return std::exp(x); }, 1.0},
    {"log", kernels::log, [](long double x) { return std::log(x); }, 1.0},
    {"sigmoid", kernels::sigmoid, sigmoid_reference, sizeof(T) == 4 ? 2.5 : 3.0},
    {"tanh", kernels::tanh, [](long double x) { return std::tanh(x); }, sizeof(T) == 4 ? 2.5 : 3.0},
};

/// |y - exact| in units of the last place of exact; infinite where one is NaN or infinite and the other isn't.
template <class T>
double ulps(T y, long double exact) {
    using Limits = std::numeric_limits<T>;
    const T rounded = T(exact);
    if (std::isnan(rounded)) return std::isnan(y) ? 0 : INFINITY;
    if (std::isinf(rounded)) return y == rounded ? 0 : INFINITY;
    int exponent;
    std::frexp(exact, &exponent);
    const long double unit = std::ldexp(1.0L, std::max(exponent, Limits::min_exponent) - Limits::digits);
    const double error = double(std::fabs(y - exact) / unit);
    return std::isnan(error) ? INFINITY : error;
}

template <class T>
void check(const Function<T>& f, const std::vector<T>& x) {
    std::vector<T> y(x.size());
    f.ours(int64_t(x.size()), x.data(), y.data());
    double worst = 0;
    size_t at = 0;
    for (size_t i = 0; i < x.size(); i++) {
        const double error = ulps(y[i], f.reference(x[i]));
        if (error > worst) {
            worst = error;
            at = i;
        }
    }
    const std::string name = f.name;
    CAPTURE(name);
    CAPTURE(x[at]);
    CAPTURE(y[at]);
    CHECK(worst <= f.bound);
}

}  // namespace

TEST_CASE_TEMPLATE("exp, log, sigmoid, tanh: all magnitudes, NaN and infinity among them", T, float, double) {
    using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
    std::vector<T> x;
    const Bits count = 400'000, stride = Bits(~Bits(0) / count) | 1;
    for (Bits i = 0; i < count; i++) {
        const Bits bits = i * stride;
        T value;
        std::memcpy(&value, &bits, sizeof value);
        x.push_back(value);
    }
    for (const auto& f : functions<T>) check(f, x);
}

TEST_CASE_TEMPLATE("exp, log, sigmoid, tanh: densely where the values are", T, float, double) {
    std::vector<T> x;
    for (int i = -300'000; i <= 300'000; i++) {
        x.push_back(T(i) / T(11'111.1));              // -27 ... 27
        x.push_back(T(i) * T(i) * T(i) / T(2.7e16));  // -1 ... 1, dense near 0
        x.push_back(T(i) / T(400));                   // -750 ... 750
        x.push_back(1 + T(i) / T(600'000));           // log's delicate place
    }
    for (const auto& f : functions<T>) check(f, x);
}

TEST_CASE_TEMPLATE("exp, log, sigmoid, tanh: about the ends of the range", T, float, double) {
    using Limits = std::numeric_limits<T>;
    std::vector<T> x = {T(0),
                        -T(0),
                        Limits::denorm_min(),
                        -Limits::denorm_min(),
                        Limits::min(),
                        -Limits::min(),
                        Limits::max(),
                        Limits::lowest(),
                        Limits::infinity(),
                        -Limits::infinity(),
                        Limits::quiet_NaN(),
                        Limits::epsilon(),
                        -Limits::epsilon(),
                        1,
                        std::nextafter(T(1), T(0))};
    for (T edge : {std::log(Limits::max()), std::log(Limits::min()), std::log(Limits::denorm_min()), T(-89), T(89),
                   T(-104), T(-103.97), T(710), T(-746), T(-745.13), T(9.01), T(10), T(19.06), T(20), T(0.34657359)})
        for (T sign : {T(1), T(-1)}) {
            T up = sign * edge, down = up;
            for (int i = 0; i < 300; i++) {
                x.push_back(up);
                x.push_back(down);
                up = std::nextafter(up, Limits::infinity());
                down = std::nextafter(down, -Limits::infinity());
            }
        }
    for (const auto& f : functions<T>) check(f, x);
}

TEST_CASE_TEMPLATE("exact values", T, float, double) {
    using Limits = std::numeric_limits<T>;
    const T inf = Limits::infinity(), nan = Limits::quiet_NaN();
    const auto at = [](void (*f)(int64_t, const T*, T*), T x) {
        T y;
        f(1, &x, &y);
        return y;
    };
    CHECK(at(kernels::exp, 0) == 1);
    CHECK(at(kernels::exp, -inf) == 0);
    CHECK(at(kernels::exp, inf) == inf);
    CHECK(at(kernels::log, 1) == 0);
    CHECK(at(kernels::log, 0) == -inf);
    CHECK(at(kernels::log, -T(0)) == -inf);
    CHECK(at(kernels::log, inf) == inf);
    CHECK(std::isnan(at(kernels::log, -1)));
    CHECK(std::isnan(at(kernels::log, -inf)));
    CHECK(at(kernels::sigmoid, 0) == T(0.5));
    CHECK(at(kernels::sigmoid, -T(0)) == T(0.5));
    CHECK(at(kernels::sigmoid, inf) == 1);
    CHECK(at(kernels::sigmoid, -inf) == 0);
    CHECK(at(kernels::tanh, inf) == 1);
    CHECK(at(kernels::tanh, -inf) == -1);
    CHECK(at(kernels::tanh, 0) == 0);
    CHECK(std::signbit(at(kernels::tanh, -T(0))));
    for (T tiny : {Limits::denorm_min(), Limits::min(), Limits::min() * 3, Limits::epsilon() / 4})
        CHECK(at(kernels::tanh, -tiny) == -tiny);
    for (const auto& f : functions<T>) CHECK(std::isnan(at(f.ours, nan)));
}

TEST_CASE_TEMPLATE("tanh is odd, and rises", T, float, double) {
    std::vector<T> x(100'000), y(x.size());
    for (size_t i = 0; i < x.size(); i++) x[i] = (T(i) - 50'000) / 4096;
    kernels::tanh(int64_t(x.size()), x.data(), y.data());
    bool odd = true, bounded = true;
    for (size_t i = 1; i < x.size(); i++) {
        odd = odd && y[i] == -y[x.size() - i];
        bounded = bounded && std::fabs(y[i]) <= 1;
    }
    CHECK(odd);
    CHECK(bounded);
}

TEST_CASE_TEMPLATE("a value's result does not depend on where it stands; any length; in place", T, float, double) {
    for (const auto& f : functions<T>) {
        for (int64_t n = 0; n <= 70; n++) {
            std::vector<T> x(static_cast<size_t>(n)),
                y(x.size());  // exactly sized: the address sanitizer sees the ends
            for (size_t i = 0; i < x.size(); i++) x[i] = T(0.37) * T(i % 29) + T(0.01);
            f.ours(n, x.data(), y.data());
            for (size_t i = 0; i < x.size(); i++) {
                T alone;
                f.ours(1, &x[i], &alone);
                CHECK(alone == y[i]);
            }
            f.ours(n, x.data(), x.data());
            CHECK(x == y);
        }
    }
}
