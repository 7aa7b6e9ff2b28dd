#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "core/kernels/parallel.hpp"
#include "core/kernels/reduce.hpp"

using namespace unroll::kernels;

namespace {

template <class T>
std::vector<T> numbers(int64_t n, uint64_t seed, double offset = 0) {
    std::vector<T> x(static_cast<size_t>(n));
    for (T& v : x) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        v = T(double(seed >> 40) / double(1 << 24) - 0.5 + offset);
    }
    return x;
}

}  // namespace

TEST_CASE_TEMPLATE("sum, dot: against long double, same bits for any threads", T, float, double) {
    const int before = threads();
    for (int64_t n :
         {0, 1, 2, 7, 8, 9, 31, 33, 63, 1023, 1024, 1025, 2048, 2049, 3072, 5000, 65535, 65536, 98304, 300001}) {
        const std::vector<T> x = numbers<T>(n, 1), y = numbers<T>(n, 2);
        long double s = 0, d = 0, q = 0, size = 0, product_size = 0;
        for (size_t i = 0; i < x.size(); i++) {
            s += x[i];
            d += (long double)(x[i]) * y[i];
            q += (long double)(x[i]) * x[i];
            size += std::fabs(x[i]);
            product_size += std::fabs((long double)(x[i]) * y[i]);
        }
        CAPTURE(n);
        const double bound = 100 * std::numeric_limits<double>::epsilon();  // a plain sum's grows with n
        set_threads(1);
        const double s1 = sum(n, x.data()), d1 = dot(n, x.data(), y.data()), q1 = dot(n, x.data(), x.data());
        CHECK(std::fabs(s1 - s) <= bound * size);
        CHECK(std::fabs(d1 - d) <= bound * product_size);
        CHECK(std::fabs(q1 - q) <= bound * q);
        for (int t : {2, 3, 5}) {
            set_threads(t);
            CHECK(sum(n, x.data()) == s1);
            CHECK(dot(n, x.data(), y.data()) == d1);
            CHECK(dot(n, x.data(), x.data()) == q1);
        }
    }
    set_threads(before);
}

TEST_CASE("sum is pairwise: rounding that always errs to one side does not pile up") {
    const int64_t n = 1 << 22;
    const std::vector<double> x(n, 0.1);
    const double exact = double(n * (long double)(0.1));
    CHECK(std::fabs(sum(n, x.data()) - exact) <= 4 * std::numeric_limits<double>::epsilon() * exact);
}

TEST_CASE("sum of squares of floats neither overflows nor vanishes") {
    const std::vector<float> big(1000, 1e30f), small(1000, 1e-30f);
    CHECK(dot(1000, big.data(), big.data()) == doctest::Approx(1e63));
    CHECK(dot(1000, small.data(), small.data()) / 1e-57 == doctest::Approx(1));
}

TEST_CASE_TEMPLATE("sums: NaN and infinity come through from any place", T, float, double) {
    for (int64_t n : {1, 9, 1500})
        for (int64_t i : {int64_t(0), n / 2, n - 1}) {
            std::vector<T> x = numbers<T>(n, 1), y(size_t(1), T(0));
            x[size_t(i)] = std::numeric_limits<T>::infinity();
            CHECK(std::isinf(sum(n, x.data())));
            column_sums(n, 1, x.data(), y.data(), false);
            CHECK(std::isinf(y[0]));
            x[size_t(i)] = std::numeric_limits<T>::quiet_NaN();
            CHECK(std::isnan(sum(n, x.data())));
            CHECK(std::isnan(dot(n, x.data(), x.data())));
        }
}

TEST_CASE_TEMPLATE("column_sums: against long double, same bits for any threads", T, float, double) {
    const int before = threads();
    for (int64_t R : {0, 1, 2, 15, 16, 17, 33, 100, 255, 256, 257, 2048})
        for (int64_t C : {1, 3, 8, 15, 16, 17, 64, 65, 67, 131}) {
            CAPTURE(R);
            CAPTURE(C);
            const std::vector<T> x = numbers<T>(R * C, 1), old = numbers<T>(C, 2);
            set_threads(1);
            std::vector<T> y = old, added = old;
            column_sums(R, C, x.data(), y.data(), false);
            column_sums(R, C, x.data(), added.data(), true);
            for (size_t c = 0; c < size_t(C); c++) {
                long double s = 0, size = 0;
                for (size_t r = 0; r < size_t(R); r++) {
                    s += x[r * size_t(C) + c];
                    size += std::fabs(x[r * size_t(C) + c]);
                }
                CHECK(std::fabs(y[c] - s) <= 20 * std::numeric_limits<T>::epsilon() * size);
                CHECK(added[c] == T(old[c] + y[c]));
            }
            for (int t : {2, 5}) {
                set_threads(t);
                std::vector<T> z = old;
                column_sums(R, C, x.data(), z.data(), false);
                CHECK(std::memcmp(z.data(), y.data(), z.size() * sizeof(T)) == 0);
            }
        }
    set_threads(before);
}

TEST_CASE_TEMPLATE("column_dots: against long double, same bits for any threads", T, float, double) {
    const int before = threads();
    for (int64_t R : {0, 1, 17, 300, 2048})
        for (int64_t C : {1, 15, 64, 131}) {
            const int64_t ldx = 3 * C + 1;
            const std::vector<T> x = numbers<T>(R * ldx, 1), w = numbers<T>(R * C, 2);
            std::vector<T> y(static_cast<size_t>(C), T(7)), z = y;
            set_threads(1);
            column_dots(R, C, x.data(), ldx, w.data(), y.data());
            for (int64_t c = 0; c < C; c++) {
                long double s = 0, size = 0;
                for (int64_t r = 0; r < R; r++) {
                    const long double term = (long double)(x[size_t(r * ldx + c)]) * w[size_t(r * C + c)];
                    s += term;
                    size += std::fabs(term);
                }
                CHECK(std::fabs(y[size_t(c)] - s) <= 20 * std::numeric_limits<T>::epsilon() * size);
            }
            for (int t : {2, 5}) {
                set_threads(t);
                column_dots(R, C, x.data(), ldx, w.data(), z.data());
                CHECK(std::memcmp(z.data(), y.data(), z.size() * sizeof(T)) == 0);
            }
        }
    set_threads(before);
}

TEST_CASE("column_sums of floats is more accurate than adding row after row") {
    const int64_t R = 1 << 16;
    const std::vector<float> x = numbers<float>(R, 1, 1);
    double exact = 0;
    float plain = 0, ours = 0;
    for (float v : x) {
        exact += v;
        plain += v;
    }
    column_sums(R, 1, x.data(), &ours, false);
    CHECK(std::fabs(ours - exact) * 10 < std::fabs(plain - exact));
}
