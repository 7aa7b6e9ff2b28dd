#include "core/kernels/parallel.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/reductions.hpp"
#include "tests/core/numbers.hpp"
#include "tests/failure.hpp"

using namespace unroll;

constexpr double inf = INFINITY;

TEST_CASE("sum and mean of all") {
    for (DType dtype : both_types) {
        const Tensor x = Tensor::of({{1, 2, 3}, {4, 5, 6}}, dtype);
        CHECK(sum(x).shape() == Shape{});
        CHECK(sum(x).item() == 21);
        CHECK(mean(x).item() == 3.5);
        CHECK(sum(Tensor::zeros({0, 3}, dtype)).item() == 0);
        CHECK(sum(Tensor::of(7, dtype)).item() == 7);
        CHECK(mean(Tensor::of(7, dtype)).item() == 7);
        Tape tape;
        const Var v = tape.input(x);
        const Var s = sum(v), m = mean(v);
        CHECK(s.item() == 21);
        CHECK(m.item() == 3.5);
        tape.backward(2 * s + 12 * m);
        CHECK(tape.grad(v).to_vector() == std::vector<double>(6, 4.0));
        CHECK(tape.grad(v).shape() == Shape{2, 3});
    }
    CHECK(failure([&] { mean(Tensor::zeros({0, 3})); }) == "mean (HERE): there is nothing to average in [0, 3]");
    Tape tape;
    CHECK(failure([&] { mean(tape.input(Tensor::zeros({0}))); }) == "mean (HERE): there is nothing to average in [0]");
}

TEST_CASE("a long sum in f32 keeps its digits") {
    const int64_t n = 1 << 20;
    const Tensor x = Tensor::full({n}, 0.1);
    CHECK(sum(x).item() == doctest::Approx(n * static_cast<double>(0.1f)).epsilon(1e-7));
    CHECK(mean(x).item() == doctest::Approx(static_cast<double>(0.1f)).epsilon(1e-7));
    CHECK(sum(Tensor::full({n, 2}, 0.1), 0).flat(1) == doctest::Approx(n * static_cast<double>(0.1f)).epsilon(2e-7));
}

TEST_CASE("sum and mean over an axis: against naive sums") {
    for (DType dtype : both_types) {
        for (const Shape& s :
             {Shape{3}, Shape{1}, Shape{3, 4}, Shape{1, 5}, Shape{5, 1}, Shape{2, 3, 5}, Shape{3, 1, 7},
              Shape{2, 3, 4, 5}, Shape{0, 3}, Shape{2, 0, 3}, Shape{257, 129}, Shape{3, 70, 300}}) {
            for (int axis = -s.rank(); axis < s.rank(); axis++) {
                CAPTURE(s.str());
                CAPTURE(axis);
                const int a = axis < 0 ? axis + s.rank() : axis;
                const Tensor x = random(s, dtype);
                int64_t outer = 1, inner = 1;
                for (int i = 0; i < a; i++) outer *= s[i];
                for (int i = a + 1; i < s.rank(); i++) inner *= s[i];
                std::vector<double> sums(static_cast<size_t>(outer * inner));
                for (int64_t o = 0; o < outer; o++)
                    for (int64_t k = 0; k < s[a]; k++)
                        for (int64_t i = 0; i < inner; i++)
                            sums[static_cast<size_t>(o * inner + i)] += x.flat((o * s[a] + k) * inner + i);
                std::vector<double> means = sums;
                for (double& m : means) m /= static_cast<double>(s[a]);
                const double tolerance = 10 * rounding(dtype);
                check_close(sum(x, axis), s.without(a), sums, tolerance);
                if (s[a] > 0) check_close(mean(x, axis), s.without(a), means, tolerance);
                const Tensor g = random(s.without(a), dtype, 2);
                for (bool average : {false, true}) {
                    if (average && s[a] == 0) continue;
                    Tape tape;
                    const Var v = tape.input(x);
                    tape.backward(sum((average ? mean(v, axis) : sum(v, axis)) * g));
                    std::vector<double> dx;
                    for (int64_t n = 0; n < x.size(); n++)
                        dx.push_back(g.flat(n / (s[a] * inner) * inner + n % inner) /
                                     (average ? static_cast<double>(s[a]) : 1.0));
                    check_close(tape.grad(v), s, dx, tolerance);
                }
            }
        }
    }
    const Tensor x = Tensor::zeros({{7, 'T'}, {3, 'B'}, 5});
    CHECK(sum(x, 1).shape().str() == "[T=7, 5]");
    CHECK(failure([&] { sum(x, 3); }) == "sum (HERE): axis 3 of [T=7, B=3, 5], expected -3 to 2");
    CHECK(failure([&] { mean(x, -4); }) == "mean (HERE): axis -4 of [T=7, B=3, 5], expected -3 to 2");
    CHECK(failure([&] { sum(Tensor::of(1), 0); }) == "sum (HERE): a scalar has no axis");
    CHECK(failure([&] { mean(Tensor::zeros({3, 0}), 1); }) == "mean (HERE): there is nothing to average in [3, 0]");
    Tape tape;
    const Var v = tape.input(x);
    CHECK(failure([&] { sum(v, 3); }) == "sum (HERE): axis 3 of [T=7, B=3, 5], expected -3 to 2");
    CHECK(failure([&] { mean(v, 3); }) == "mean (HERE): axis 3 of [T=7, B=3, 5], expected -3 to 2");
}

TEST_CASE("softmax and log_softmax: against naive ones, any length of a row") {
    for (DType dtype : both_types) {
        for (int64_t V : {1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 65, 511, 513, 1000, 20011}) {
            CAPTURE(V);
            const Tensor x = random({2, 3, V}, dtype) * 3, g = random({2, 3, V}, dtype, 2);
            std::vector<double> p, log_p, dx, log_dx;
            for (int64_t r = 0; r < 6; r++) {
                double s = 0, gp = 0, gs = 0;
                for (int64_t i = r * V; i < (r + 1) * V; i++) s += std::exp(x.flat(i));
                for (int64_t i = r * V; i < (r + 1) * V; i++) {
                    p.push_back(std::exp(x.flat(i)) / s);
                    log_p.push_back(x.flat(i) - std::log(s));
                    gp += g.flat(i) * p.back();
                    gs += g.flat(i);
                }
                for (int64_t i = r * V; i < (r + 1) * V; i++) {
                    dx.push_back(p[static_cast<size_t>(i)] * (g.flat(i) - gp));
                    log_dx.push_back(g.flat(i) - p[static_cast<size_t>(i)] * gs);
                }
            }
            const double tolerance = (V > 1000 ? 30 : 3) * rounding(dtype);
            check_close(softmax(x), x.shape(), p, tolerance);
            check_close(log_softmax(x), x.shape(), log_p, tolerance);
            Tape tape;
            const Var a = tape.input(x), b = tape.input(x);
            tape.backward(sum(softmax(a) * g) + sum(log_softmax(b) * g));
            check_close(tape.grad(a), x.shape(), dx, tolerance);
            check_close(tape.grad(b), x.shape(), log_dx, tolerance);
        }
    }
}

TEST_CASE("softmax: large numbers, masks, NaN, nothing") {
    for (DType dtype : both_types) {
        const Shape s{3};
        const double tolerance = rounding(dtype), big = dtype == DType::f32 ? 3e38 : 1e308;
        check_close(softmax(Tensor::of({1000, 1000, 1000}, dtype)), s, {1 / 3., 1 / 3., 1 / 3.}, tolerance);
        check_close(softmax(Tensor::of({big, 0, -big}, dtype)), s, {1, 0, 0}, 0);
        check_close(log_softmax(Tensor::of({1000, 0, -1000}, dtype)), s, {0, -1000, -2000}, 0);
        check_close(softmax(Tensor::of({-inf, 0, 0}, dtype)), s, {0, 0.5, 0.5}, tolerance);
        check_close(log_softmax(Tensor::of({-inf, 0, 0}, dtype)), s, {-inf, -std::log(2.0), -std::log(2.0)}, tolerance);
        check_close(softmax(Tensor::of({-inf, -inf, -inf}, dtype)), s, {NAN, NAN, NAN}, 0);
        check_close(softmax(Tensor::of({0, NAN, 0}, dtype)), s, {NAN, NAN, NAN}, 0);
        check_close(softmax(Tensor::of({0, inf, 0}, dtype)), s, {NAN, NAN, NAN}, 0);
        Tensor long_row = Tensor::zeros({100}, dtype);
        for (int64_t place : {0, 50, 99}) {
            long_row.set_flat(place, NAN);
            check_close(softmax(long_row), {100}, std::vector<double>(100, NAN), 0);
            long_row.set_flat(place, 0);
        }
        CHECK(softmax(Tensor::zeros({0, 3}, dtype)).shape() == Shape{0, 3});
        CHECK(softmax(Tensor::zeros({3, 0}, dtype)).shape() == Shape{3, 0});
        CHECK(log_softmax(Tensor::zeros({3, 0}, dtype)).size() == 0);
    }
    Tape tape;
    const Var v = tape.input(Tensor::of(1));
    CHECK(failure([&] { softmax(Tensor::of(1)); }) == "softmax (HERE): a scalar has no last axis");
    CHECK(failure([&] { softmax(v); }) == "softmax (HERE): a scalar has no last axis");
    CHECK(failure([&] { log_softmax(v); }) == "log_softmax (HERE): a scalar has no last axis");
}

TEST_CASE("reductions: the bits don't depend on threads") {
    const int before = kernels::threads();
    std::vector<std::vector<double>> results;
    for (int threads : {1, 2, 3, 5}) {
        kernels::set_threads(threads);
        std::vector<double> all;
        const Tensor x = random({40, 30, 50}, DType::f32);
        for (const Tensor& t : {sum(x), sum(x, 0), sum(x, 1), sum(x, 2), softmax(x), log_softmax(x)})
            for (double v : t.to_vector()) all.push_back(v);
        results.push_back(all);
    }
    kernels::set_threads(before);
    for (const auto& r : results) CHECK(r == results[0]);
}
