#include <algorithm>
#include <functional>

#include "core/kernels/parallel.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/reductions.hpp"
#include "tests/core/numbers.hpp"
#include "tests/failure.hpp"

using namespace unroll;

namespace {

constexpr double inf = INFINITY;

/// f(a, b) as NumPy repeats them: aligned at the last dimension, sizes of 1 repeated.
Tensor naive(const Tensor& a, const Tensor& b, const std::function<double(double, double)>& f) {
    const int rank = std::max(a.rank(), b.rank());
    Shape shape;
    const auto size = [&](const Tensor& t, int i) { return i - rank + t.rank() < 0 ? 1 : t.dim(i - rank + t.rank()); };
    for (int i = 0; i < rank; i++) shape = shape.append(size(a, i) == 1 ? size(b, i) : size(a, i));
    Tensor y = Tensor::empty(shape, a.dtype());
    for (int64_t n = 0; n < y.size(); n++) {
        const auto of = [&](const Tensor& t) {
            int64_t rest = n, flat = 0, stride = 1;
            for (int i = rank - 1; i >= 0; i--) {
                const int64_t k = rest % shape[i];
                rest /= shape[i];
                if (size(t, i) > 1) flat += k * stride;
                stride *= size(t, i);
            }
            return t.flat(flat);
        };
        y.set_flat(n, f(of(a), of(b)));
    }
    return y;
}

struct Function {
    const char* name;
    Tensor (*tensor)(const Tensor&, Where);
    Var (*var)(const Operand&);
    double (*f)(double);
    double (*derivative)(double);
};

const Function functions[] = {
    {"sigmoid", sigmoid, sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); },
     [](double x) { return 1 / (1 + std::exp(-x)) / (1 + std::exp(x)); }},
    {"tanh", tanh, tanh, [](double x) { return std::tanh(x); },
     [](double x) { return 1 - std::tanh(x) * std::tanh(x); }},
    {"relu", relu, relu, [](double x) { return std::isnan(x) ? x : std::max(0.0, x); },
     [](double x) { return x > 0 ? 1.0 : 0.0; }},
    {"exp", exp, exp, [](double x) { return std::exp(x); }, [](double x) { return std::exp(x); }},
    {"log", log, log, [](double x) { return std::log(x); }, [](double x) { return 1 / x; }},
    {"sqrt", sqrt, sqrt, [](double x) { return std::sqrt(x); }, [](double x) { return 0.5 / std::sqrt(x); }},
};

}  // namespace

TEST_CASE("functions of one operand: values and gradients, any size") {
    for (const Function& g : functions) {
        for (DType dtype : both_types) {
            for (int64_t n : {0, 1, 7, 37, 16385, 50000}) {
                CAPTURE(g.name);
                CAPTURE(n);
                Tensor x = random({n}, dtype);
                const bool positive = g.tensor == static_cast<Tensor (*)(const Tensor&, Where)>(log) ||
                                      g.tensor == static_cast<Tensor (*)(const Tensor&, Where)>(sqrt);
                if (positive) x = x * x + 0.1;
                const Tensor dy = random({n}, dtype, 2);
                std::vector<double> y, dx;
                for (int64_t i = 0; i < n; i++) {
                    y.push_back(g.f(x.flat(i)));
                    dx.push_back(dy.flat(i) * g.derivative(x.flat(i)));
                }
                check_close(g.tensor(x, {}), {n}, y, rounding(dtype));
                Tape tape;
                const Var v = tape.input(x);
                const Var r = g.var(v);
                CHECK(r.value().to_vector() == g.tensor(x, {}).to_vector());
                tape.backward(sum(r * dy));
                check_close(tape.grad(v), {n}, dx, rounding(dtype));
                CHECK(std::string(tape.record(0).name()) == g.name);
            }
        }
    }
}

TEST_CASE("functions of one operand: the ends of the numbers") {
    for (DType dtype : both_types) {
        const Tensor x = Tensor::of({NAN, inf, -inf, 0, -0.0, 1000, -1000}, dtype);
        const Shape s{7};
        check_close(sigmoid(x), s, {NAN, 1, 0, 0.5, 0.5, 1, 0}, 1e-300);
        check_close(tanh(x), s, {NAN, 1, -1, 0, 0, 1, -1}, 0);
        check_close(relu(x), s, {NAN, inf, 0, 0, 0, 1000, 0}, 0);
        check_close(exp(x), s, {NAN, inf, 0, 1, 1, inf, 0}, 0);
        check_close(log(x), s, {NAN, inf, NAN, -inf, -inf, std::log(1000.0), NAN}, rounding(dtype));
        check_close(sqrt(x), s, {NAN, inf, NAN, 0, 0, std::sqrt(1000.0), NAN}, rounding(dtype));
    }
}

TEST_CASE("shapes keep their letters through operations") {
    const Tensor x = Tensor::zeros({{2, 'B'}, {3, 'H'}}), b = Tensor::zeros({3});
    CHECK(tanh(x).shape().str() == "[B=2, H=3]");
    CHECK((x + b).shape().str() == "[B=2, H=3]");
    CHECK((b + x).shape().str() == "[B=2, H=3]");
    CHECK((x * 2).shape().str() == "[B=2, H=3]");
}

TEST_CASE("dividing by a number is a division, not a product with its reciprocal") {
    const Tensor x = Tensor::of({0, 1e-310, 5, 9, 11}, DType::f64);
    CHECK((x.slice(0, 2) / 1e-310).to_vector() == std::vector<double>{0, 1});
    CHECK((x.slice(2, 5) / 49.0).to_vector() == std::vector<double>{5 / 49.0, 9 / 49.0, 11 / 49.0});
    CHECK((Tensor::of({3e38}) / 1e39).item() == double(float(double(3e38f) / 1e39)));
    CHECK(failure([] { div(Tensor(), 2.0); }) == "div (HERE): an operand is an empty Tensor");
    Tape tape;
    CHECK((tape.input(x.slice(2, 5)) / 49.0).value().to_vector() == std::vector<double>{5 / 49.0, 9 / 49.0, 11 / 49.0});
}

TEST_CASE("functions of one operand name the line that gave them nothing") {
    CHECK(failure([] { tanh(Tensor()); }) == "tanh (HERE): an operand is an empty Tensor");
    CHECK(failure([] { relu(Tensor()); }) == "relu (HERE): an operand is an empty Tensor");
}

TEST_CASE("numbers as operands") {
    for (DType dtype : both_types) {
        const Tensor x = Tensor::of({1, -2, 4}, dtype);
        CHECK((x + 1).to_vector() == std::vector<double>{2, -1, 5});
        CHECK((1 + x).to_vector() == std::vector<double>{2, -1, 5});
        CHECK((x - 1).to_vector() == std::vector<double>{0, -3, 3});
        CHECK((1 - x).to_vector() == std::vector<double>{0, 3, -3});
        CHECK((x * 2).to_vector() == std::vector<double>{2, -4, 8});
        CHECK((2 * x).to_vector() == std::vector<double>{2, -4, 8});
        CHECK((x / 2).to_vector() == std::vector<double>{0.5, -1, 2});
        CHECK((-x).to_vector() == std::vector<double>{-1, 2, -4});
        CHECK((1.0 - x * x).to_vector() == std::vector<double>{0, -3, -15});
        Tape tape;
        const Var v = tape.input(x);
        Var y = v + 1;
        y = 1 + y;
        y = y - 3;
        y = 5 - y;
        y = y * 2;
        y = 3 * y;
        y = y / 4;
        y = -y;  // -6/4 (5 - (x - 1)) = 1.5 (x - 6)
        CHECK(y.value().to_vector() == std::vector<double>{-7.5, -12, -3});
        tape.backward(sum(y));
        CHECK(tape.grad(v).to_vector() == std::vector<double>{1.5, 1.5, 1.5});
    }
}

TEST_CASE("two operands: each way to repeat one over the other, in both orders") {
    const std::pair<Shape, Shape> pairs[] = {
        {{3, 4}, {3, 4}},
        {{}, {}},
        {{0}, {0}},
        {{0, 3}, {3}},
        {{3, 0}, {0}},
        {{3, 4}, {4}},
        {{2, 3, 5}, {5}},
        {{2, 2, 2, 3}, {3}},
        {{1, 1}, {1}},
        {{7}, {1}},
        {{3, 4}, {3, 1}},
        {{2, 3, 5}, {2, 3, 1}},
        {{1, 4}, {1, 1}},
        {{3, 4}, {}},
        {{3, 4}, {1}},
        {{2, 3, 4}, {1, 1}},
        {{2, 3, 4}, {1, 1, 1}},
        {{0, 3}, {1}},
        {{0, 3}, {1, 1}},
        {{1}, {}},
        {{1, 3}, {3}},
        {{5000, 7}, {7}},
        {{5000, 7}, {5000, 1}},
        {{40001}, {40001}},
        {{3, 20000}, {20000}},
        {{40001}, {1}},
    };
    for (DType dtype : both_types) {
        for (const auto& [big, small] : pairs) {
            for (bool swapped : {false, true}) {
                const Shape &sa = swapped ? small : big, &sb = swapped ? big : small;
                CAPTURE(sa.str());
                CAPTURE(sb.str());
                const Tensor a = random(sa, dtype, 1), b = random(sb, dtype, 2) + (big.size() > 1000 ? 10 : 3);
                const auto plus = [](double x, double y) { return x + y; };
                const auto minus = [](double x, double y) { return x - y; };
                const auto times = [](double x, double y) { return x * y; };
                const auto over = [](double x, double y) { return x / y; };
                const double tolerance = rounding(dtype);
                check_close(a + b, naive(a, b, plus), tolerance);
                check_close(a - b, naive(a, b, minus), tolerance);
                check_close(a * b, naive(a, b, times), tolerance);
                check_close(a / b, naive(a, b, over), tolerance);

                // Gradients: the upstream gradient times the derivative, summed over what was repeated.
                const Tensor dy = random((a + b).shape(), dtype, 3);
                const Tensor zero_a = Tensor::zeros(sa, dtype), zero_b = Tensor::zeros(sb, dtype);
                const auto summed = [&](const Tensor& g, const Shape& shape) {
                    std::vector<double> s(static_cast<size_t>(shape.size()));
                    Tensor index = Tensor::empty(shape, DType::f64);
                    for (int64_t i = 0; i < index.size(); i++) index.set_flat(i, static_cast<double>(i));
                    const Tensor where = naive(index, Tensor::zeros(g.shape(), DType::f64), plus);
                    for (int64_t i = 0; i < g.size(); i++) s[static_cast<size_t>(where.flat(i))] += g.flat(i);
                    return s;
                };
                const Tensor A = naive(a, zero_b, plus), B = naive(zero_a, b, plus);  // repeated
                for (int op = 0; op < 4; op++) {
                    Tape tape;
                    const Var va = tape.input(a), vb = tape.input(b);
                    const Var y = op == 0 ? va + vb : op == 1 ? va - vb : op == 2 ? va * vb : va / vb;
                    tape.backward(sum(y * dy));
                    Tensor ga = dy, gb = dy;
                    if (op == 1) gb = naive(dy, zero_b, [](double x, double) { return -x; });
                    if (op == 2) ga = naive(dy, B, times), gb = naive(dy, A, times);
                    if (op == 3) {
                        ga = naive(dy, B, over);
                        gb = naive(naive(dy, A, times), B, [](double x, double v) { return -x / (v * v); });
                    }
                    const double wide = tolerance * std::max(1.0, std::sqrt(static_cast<double>(big.size())));
                    check_close(tape.grad(va), sa, summed(ga, sa), wide);
                    check_close(tape.grad(vb), sb, summed(gb, sb), wide);
                }
            }
        }
    }
}

TEST_CASE("two operands: refused pairs of shapes") {
    const std::pair<Shape, Shape> pairs[] = {
        {{3, 4}, {3}},       {{3, 4}, {5}},    {{3, 4}, {4, 3}},       {{3, 4}, {1, 4}}, {{2, 3, 4}, {3, 4}},
        {{2, 3, 4}, {3, 1}}, {{3}, {4}},       {{2, 3, 4}, {4, 1}},    {{3, 1}, {1, 4}}, {{2, 3}, {2, 3, 1}},
        {{0}, {3}},          {{3, 4}, {3, 0}}, {{2, 1, 4}, {2, 3, 1}},
    };
    for (const auto& [sa, sb] : pairs) {
        for (bool swapped : {false, true}) {
            const Tensor a = Tensor::zeros(swapped ? sb : sa), b = Tensor::zeros(swapped ? sa : sb);
            const std::string rest = " (HERE): shapes differ: " + a.shape().str() + " and " + b.shape().str() +
                                     "; only a row [H], a column [.., 1] or a scalar is repeated";
            CHECK(failure([&] { a + b; }) == "add" + rest);
            CHECK(failure([&] { a - b; }) == "sub" + rest);
            CHECK(failure([&] { a* b; }) == "mul" + rest);
            CHECK(failure([&] { a / b; }) == "div" + rest);
            Tape tape;
            const Var v = tape.input(a);
            CHECK(failure([&] { v + b; }) == "add" + rest);
            CHECK(failure([&] { v - b; }) == "sub" + rest);
            CHECK(failure([&] { v* b; }) == "mul" + rest);
            CHECK(failure([&] { v / b; }) == "div" + rest);
            CHECK(tape.size() == 0);
        }
    }
    const Tensor h = Tensor::zeros({{32, 'B'}, {4, 'H'}}), g = Tensor::zeros({{32, 'B'}, {5, 'D'}});
    CHECK(failure([&] { h + g; }) ==
          "add (HERE): shapes differ: [B=32, H=4] and [B=32, D=5]; only a row [H], a column [.., 1] or a scalar is "
          "repeated");
    CHECK(failure([&] { h + g.to(DType::f64); }) ==
          "add (HERE): [B=32, H=4] f32 with [B=32, D=5] f64: both must be of one type (convert with .to)");
    CHECK(failure([&] { h + Tensor(); }) == "add (HERE): an operand is an empty Tensor");
    CHECK(failure([&] { Tensor() * h; }) == "mul (HERE): an operand is an empty Tensor");
}

TEST_CASE("element by element, the bits don't depend on threads") {
    const int before = kernels::threads();
    std::vector<std::vector<double>> results;
    for (int threads : {1, 2, 3, 5}) {
        kernels::set_threads(threads);
        std::vector<double> all;
        Tape tape;
        const Var x = tape.input(random({300, 211}, DType::f32)), b = tape.input(random({211}, DType::f32, 2));
        const Var c = tape.input(random({300, 1}, DType::f32, 3));
        const Var y = tanh(x + b) * c;
        tape.backward(sum(y * y));
        for (const Tensor& t : {y.value(), tape.grad(x), tape.grad(b), tape.grad(c)})
            for (double v : t.to_vector()) all.push_back(v);
        results.push_back(all);
    }
    kernels::set_threads(before);
    for (const auto& r : results) CHECK(r == results[0]);
}
