#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "core/kernels/simd.hpp"

using namespace unroll::kernels;

TEST_CASE_TEMPLATE("Simd: partial loads and stores touch no other element", T, float, double) {
    using S = Simd<T>;
    for (int64_t n = 0; n <= S::width; n++) {
        std::vector<T> x(static_cast<size_t>(n)), y(size_t(S::width) + 1, T(-1));
        for (int64_t i = 0; i < n; i++) x[size_t(i)] = T(i + 1);
        const typename S::V v = S::load(x.data(), n);
        for (int64_t i = 0; i < S::width; i++) CHECK(v[i] == (i < n ? T(i + 1) : T(0)));
        S::store(y.data(), S::set(7), n);
        for (int64_t i = 0; i <= S::width; i++) CHECK(y[size_t(i)] == (i < n ? T(7) : T(-1)));
    }
    CHECK(std::signbit(S::set(-T(0))[0]));
}

TEST_CASE_TEMPLATE("map: several inputs and outputs, any length, output in place of an input", T, float, double) {
    for (int64_t n = 0; n <= 100; n++) {
        std::vector<T> a(static_cast<size_t>(n)), b(a.size()), sum(a.size()), product(a.size());
        for (size_t i = 0; i < a.size(); i++) {
            a[i] = T(i) / 3;
            b[i] = T(7) - T(i);
        }
        map(n, inputs(a.data(), b.data()), outputs(sum.data(), product.data()), [](auto x, auto y, auto& s, auto& p) {
            s = x + y;
            p = x * y;
        });
        for (size_t i = 0; i < a.size(); i++) {
            CHECK(sum[i] == a[i] + b[i]);
            CHECK(product[i] == a[i] * b[i]);
        }
        map(n, inputs(a.data(), b.data()), outputs(a.data()), [](auto x, auto y, auto& out) { out = x - y; });
        for (size_t i = 0; i < a.size(); i++) CHECK(a[i] == T(i) / 3 - b[i]);
    }
}
