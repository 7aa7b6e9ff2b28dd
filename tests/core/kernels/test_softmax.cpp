#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "core/kernels/softmax.hpp"
#include "core/random.hpp"

using namespace unroll;

TEST_CASE_TEMPLATE("softmax of a row: every length, in place, and without writing", T, float, double) {
    const double tolerance = sizeof(T) == 4 ? 1e-6 : 1e-15;
    Generator rng(1);
    for (int64_t n = 1; n <= 140; n++) {
        CAPTURE(n);
        std::vector<T> x(static_cast<size_t>(n) + 1), y(x.size(), T(7));
        for (T& v : x) v = static_cast<T>(3 * rng.normal());
        double max = -INFINITY, sum = 0;
        for (int64_t i = 0; i < n; i++) max = std::max(max, static_cast<double>(x[static_cast<size_t>(i)]));
        for (int64_t i = 0; i < n; i++) sum += std::exp(static_cast<double>(x[static_cast<size_t>(i)]) - max);
        const kernels::Normalizer z = kernels::softmax(n, x.data(), y.data());
        CHECK(z.max == max);
        CHECK(z.sum == doctest::Approx(sum).epsilon(tolerance));
        bool close = true;
        for (size_t i = 0; i < x.size() - 1; i++)
            close = close && std::abs(y[i] - std::exp(static_cast<double>(x[i]) - max) / sum) < tolerance;
        CHECK(close);
        CHECK(y[static_cast<size_t>(n)] == 7);  // behind the end
        const kernels::Normalizer only = kernels::softmax<T>(n, x.data(), nullptr);
        CHECK(only.max == z.max);
        CHECK(only.sum == z.sum);
        y.back() = x.back();
        kernels::softmax(n, x.data(), x.data());
        CHECK(x == y);
    }
}
