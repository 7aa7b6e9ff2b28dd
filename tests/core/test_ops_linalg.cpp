#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/reductions.hpp"
#include "tests/core/numbers.hpp"
#include "tests/failure.hpp"

using namespace unroll;

/// op(a) op(b) of two matrices.
static Tensor naive(const Tensor& a, bool ta, const Tensor& b, bool tb) {
    const int64_t M = a.dim(ta ? 1 : 0), K = a.dim(ta ? 0 : 1), N = b.dim(tb ? 0 : 1);
    Tensor y = Tensor::empty({M, N}, a.dtype());
    for (int64_t i = 0; i < M; i++)
        for (int64_t j = 0; j < N; j++) {
            double s = 0;
            for (int64_t k = 0; k < K; k++) s += a.at({ta ? k : i, ta ? i : k}) * b.at({tb ? j : k, tb ? k : j});
            y.set({i, j}, s);
        }
    return y;
}

TEST_CASE("matmul in its three forms: values and gradients") {
    const int64_t sizes[][3] = {{1, 1, 1}, {2, 3, 4}, {7, 5, 3}, {1, 17, 33}, {33, 1, 2},
                                {5, 6, 0}, {0, 3, 2}, {3, 0, 2}, {31, 65, 47}};
    for (DType dtype : both_types) {
        for (const auto& [M, K, N] : sizes) {
            const double tolerance = 10 * rounding(dtype);
            const Tensor x = random({M, K}, dtype, 1), xT = random({K, M}, dtype, 2), W = random({K, N}, dtype, 3);
            const Tensor WT = random({N, K}, dtype, 4), g = random({M, N}, dtype, 5);
            const Parameter P("P", W.clone()), Q("Q", WT.clone());
            check_close(matmul(x, W), naive(x, false, W, false), tolerance);
            check_close(matmul(x, transposed(WT)), naive(x, false, WT, true), tolerance);
            check_close(matmul(transposed(xT), W), naive(xT, true, W, false), tolerance);
            {
                Tape tape;
                const Var a = tape.input(x), b = tape.input(W);
                const Var y = matmul(a, b), z = matmul(a, P);
                check_close(y.value(), naive(x, false, W, false), tolerance);
                check_close(z.value(), y.value(), tolerance);  // packed
                tape.backward(sum(y * g) + sum(z * g));
                check_close(tape.grad(a), naive(g, false, W, true) * 2, tolerance);
                check_close(tape.grad(b), naive(x, true, g, false), tolerance);
                check_close(tape.grad(P), naive(x, true, g, false), tolerance);
            }
            {
                Tape tape;
                const Var a = tape.input(x), b = tape.input(WT);
                const Var y = matmul(a, transposed(b)), z = matmul(a, transposed(Q));
                check_close(y.value(), naive(x, false, WT, true), tolerance);
                check_close(z.value(), y.value(), tolerance);
                tape.backward(sum(y * g) + sum(z * g));
                check_close(tape.grad(a), naive(g, false, WT, false) * 2, tolerance);
                check_close(tape.grad(b), naive(g, true, x, false), tolerance);
                check_close(tape.grad(Q), naive(g, true, x, false), tolerance);
            }
            {
                Tape tape;
                const Var a = tape.input(xT), b = tape.input(W);
                const Var y = matmul(transposed(a), b), z = matmul(transposed(a), P);
                check_close(y.value(), naive(xT, true, W, false), tolerance);
                tape.backward(sum(y * g) + sum(z * g));
                check_close(tape.grad(a), naive(W, false, g, true) * 2, tolerance);
                check_close(tape.grad(b), naive(xT, false, g, false), tolerance);
                check_close(tape.grad(P), naive(xT, false, g, false), tolerance);
            }
        }
    }
}

TEST_CASE("matmul: leading dimensions count as rows") {
    for (DType dtype : both_types) {
        const Tensor x = random({{4, 'T'}, {3, 'B'}, {5, 'D'}}, dtype), W = random({{6, 'H'}, 5}, dtype, 2);
        const Tensor flat = matmul(x.reshape({12, 5}), transposed(W));
        const Tensor y = matmul(x, transposed(W));
        CHECK(y.shape().str() == "[T=4, B=3, H=6]");
        CHECK(y.to_vector() == flat.to_vector());
        CHECK(matmul(x.row(0).row(0), transposed(W)).shape().str() == "[H=6]");  // a vector is one row
        const Parameter P("P", W.clone());
        Tape tape;
        const Var v = tape.input(x);
        const Tensor g = random({4, 3, 6}, dtype, 3);
        tape.backward(sum(matmul(v, transposed(P)) * g));
        check_close(tape.grad(P), naive(g.reshape({12, 6}), true, x.reshape({12, 5}), false), 10 * rounding(dtype));
        check_close(tape.grad(v).reshape({12, 5}), naive(g.reshape({12, 6}), false, W, false), 10 * rounding(dtype));
        Tape vector;
        const Var u = vector.input(x.row(1).row(2));
        const Tensor gu = random({6}, dtype, 4);
        vector.backward(sum(matmul(u, transposed(P)) * gu));
        CHECK(vector.grad(u).shape() == Shape{5});
        check_close(vector.grad(P), naive(gu.reshape({1, 6}), true, u.value().reshape({1, 5}), false),
                    10 * rounding(dtype));
    }
}

TEST_CASE("linear: matmul and a sum in one, values and gradients") {
    const Shape shapes[] = {{3, 2, 5}, {4, 5}, {5}, {1, 5}, {0, 5}};
    for (DType dtype : both_types)
        for (const Shape& shape : shapes) {
            const double tolerance = 10 * rounding(dtype);
            const Tensor x = random(shape, dtype, 1), g = random(shape.with(-1, 7), dtype, 2);
            const Parameter W("W", random({7, 5}, dtype, 3)), b("b", random({7}, dtype, 4));
            Tape one, two;
            const Var v = one.input(x), u = two.input(x);
            const Var y = linear(v, W, b), z = matmul(u, transposed(W)) + b;
            check_close(y.value(), z.value(), tolerance);
            check_close(linear(x, W.value, b.value), z.value(), tolerance);
            one.backward(sum(y * g)), two.backward(sum(z * g));
            check_close(one.grad(v), two.grad(u), tolerance);
            for (const Parameter* p : {&W, &b}) check_close(one.grad(*p), two.grad(*p), tolerance);
        }
    const Tensor x = Tensor::zeros({{3, 'B'}, {5, 'D'}}), W = Tensor::zeros({{4, 'H'}, {5, 'D'}});
    CHECK(failure([&] { linear(x, W, Tensor::zeros({5})); }) ==
          "linear (HERE): b [5], expected [H=4] for W [H=4, D=5]");
    CHECK(failure([&] { linear(x, W, Tensor::zeros({4}, DType::f64)); }).find("both must be of one type") !=
          std::string::npos);
    CHECK(failure([&] {
              linear(W, Tensor::zeros({4, 4}), Tensor::zeros({4}));
          }).find("inner sizes differ") != std::string::npos);
}

TEST_CASE("matmul: taught errors") {
    const Tensor x = Tensor::zeros({{7, 'T'}, {3, 'B'}, {5, 'D'}}), h = Tensor::zeros({{3, 'B'}, {4, 'H'}});
    const Parameter W_hh("lstm.W_hh", Tensor::zeros({{4, 'H'}, {4, 'H'}})),
        W_xh("W_xh", Tensor::zeros({{5, 'D'}, {4, 'H'}}));
    Tape tape;
    const Var vx = tape.input(x), vh = tape.input(h);
    CHECK(failure([&] { matmul(vx, W_hh); }) ==
          "matmul (HERE): inner sizes differ: x [T=7, B=3, D=5] times lstm.W_hh [H=4, H=4]");
    CHECK(failure([&] { matmul(vh, W_xh); }) ==
          "matmul (HERE): inner sizes differ: x [B=3, H=4] times W_xh [D=5, H=4]; it would fit as transposed(W_xh)");
    CHECK(
        failure([&] { matmul(vx, transposed(W_xh)); }) ==
        "matmul (HERE): inner sizes differ: x [T=7, B=3, D=5] times W_xh [D=5, H=4] transposed; W_xh would fit without "
        "transposed()");
    CHECK(failure([&] { matmul(h, W_xh.value); }) ==
          "matmul (HERE): inner sizes differ: x [B=3, H=4] times W [D=5, H=4]; it would fit as transposed(W)");
    CHECK(failure([&] { matmul(transposed(h), x.row(0).slice(0, 2)); }) ==
          "matmul (HERE): inner sizes differ: x [B=3, H=4] transposed times W [B=2, D=5]");
    CHECK(failure([&] { matmul(vh, x); }) ==
          "matmul (HERE): x [B=3, H=4] times W [T=7, B=3, D=5]: the right operand must be a matrix and the left one "
          "have a "
          "dimension");
    CHECK(failure([&] { matmul(Tensor::of(1), h); }).find("the left one have a dimension") != std::string::npos);
    CHECK(failure([&] { matmul(transposed(x), h); }) ==
          "matmul (HERE): x [T=7, B=3, D=5] times W [B=3, H=4]: the right operand must be a matrix, and a transposed "
          "left "
          "one too");
    CHECK(failure([&] { matmul(h, h.to(DType::f64)); }) ==
          "matmul (HERE): [B=3, H=4] f32 with [B=3, H=4] f64: both must be of one type (convert with .to)");
    CHECK(failure([&] { matmul(vh, Tensor()); }) == "matmul (HERE): an operand is an empty Tensor");
    CHECK(tape.size() == 0);
}
