#include "core/kernels/parallel.hpp"
#include "core/ops/batch_norm.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/reductions.hpp"
#include "tests/core/numbers.hpp"
#include "tests/core/same_bits.hpp"
#include "tests/failure.hpp"

using namespace unroll;

TEST_CASE("batch_norm: against the equation, values, statistics and gradients") {
    for (DType dtype : both_types)
        for (const Shape& shape : {Shape{3, 2, 5, 4}, Shape{7, 1}, Shape{2, 17}, Shape{1, 3, 2}, Shape{4, 16, 1, 9}})
            for (bool is_fixed : {false, true}) {
                CAPTURE(shape.str());
                const double eps = 0.01;
                const int64_t C = shape[1], P = shape.size() / (shape[0] * C);
                const Tensor x = random(shape, dtype) * 3 + 2, g = random(shape, dtype, 2);
                const Tensor weight = random({C}, dtype, 3), bias = random({C}, dtype, 4);
                const ChannelStatistics fixed{random({C}, dtype, 5), exp(random({C}, dtype, 6))};
                std::vector<double> means, variances, dw, db;
                std::vector<double> y(static_cast<size_t>(x.size())), dx(y);
                for (int64_t c = 0; c < C; c++) {
                    std::vector<size_t> places;
                    for (int64_t i = 0; i < x.size(); i++)
                        if (i / P % C == c) places.push_back(static_cast<size_t>(i));
                    const double n = static_cast<double>(places.size());
                    const auto at = [](const Tensor& t, size_t i) { return t.flat(static_cast<int64_t>(i)); };
                    double mean = 0, variance = 0, of_g = 0, of_gx = 0;
                    for (size_t i : places) mean += at(x, i) / n;
                    for (size_t i : places) variance += std::pow(at(x, i) - mean, 2) / n;
                    if (is_fixed) mean = fixed.mean.flat(c), variance = fixed.variance.flat(c);
                    const double r = 1 / std::sqrt(variance + eps);
                    for (size_t i : places) of_g += at(g, i), of_gx += at(g, i) * (at(x, i) - mean) * r;
                    means.push_back(mean), variances.push_back(variance), dw.push_back(of_gx), db.push_back(of_g);
                    for (size_t i : places) {
                        const double hat = (at(x, i) - mean) * r;
                        y[i] = weight.flat(c) * hat + bias.flat(c);
                        dx[i] = weight.flat(c) * r * (at(g, i) - (is_fixed ? 0 : (of_g + hat * of_gx) / n));
                    }
                }
                const double tolerance = 10 * rounding(dtype);
                ChannelStatistics found;
                check_close(
                    is_fixed ? batch_norm(x, weight, bias, fixed, eps) : batch_norm(x, weight, bias, eps, &found),
                    shape, y, tolerance);
                Tape tape;
                const Var v = tape.input(x);
                const Parameter W("weight", weight.clone()), b("bias", bias.clone());
                ChannelStatistics again;
                const Var out = is_fixed ? batch_norm(v, W, b, fixed, eps) : batch_norm(v, W, b, eps, &again);
                check_close(out.value(), shape, y, tolerance);
                tape.backward(sum(out * g));
                check_close(tape.grad(v), shape, dx, tolerance);
                check_close(tape.grad(W), {C}, dw, tolerance);
                check_close(tape.grad(b), {C}, db, tolerance);
                if (is_fixed) continue;
                for (const ChannelStatistics& s : {found, again}) {
                    check_close(s.mean, {C}, means, tolerance);
                    check_close(s.variance, {C}, variances, tolerance);
                }
            }
}

TEST_CASE("batch_norm: what is found, and what was fixed, may be changed before backward") {
    const Tensor x = random({4, 2, 3}), w = random({2}, DType::f64, 2), b = random({2}, DType::f64, 3);
    const auto gradient = [&](bool changed) {
        Tape tape;
        const Var v = tape.input(x);
        ChannelStatistics found, fixed{random({2}), exp(random({2}))};
        const Var y = batch_norm(v, w, b, 1e-5, &found), z = batch_norm(v, w, b, fixed);
        if (changed)
            for (Tensor* t : {&found.mean, &found.variance, &fixed.mean, &fixed.variance}) t->fill(100);
        tape.backward(sum(y * y * y) + sum(z * z));
        return tape.grad(v).to_vector();
    };
    CHECK(gradient(true) == gradient(false));
}

TEST_CASE("batch_norm: a channel far from 0 keeps its digits") {
    Tensor far = Tensor::empty({64, 1});
    for (int64_t i = 0; i < 64; i++) far.set_flat(i, 3e7 + static_cast<double>(i % 2) * 2);  // the mean is no f32
    for (double y : batch_norm(far, Tensor::full({1}, 1), Tensor::zeros({1}), 0).to_vector()) CHECK(std::abs(y) == 1);
}

TEST_CASE("batch_norm: the bits don't depend on threads") {
    check_same_bits([] {
        Tape tape;
        const Var x = tape.input(random({30, 20, 7, 11}, DType::f32)), w = tape.input(random({20}, DType::f32, 2));
        const Var b = tape.input(random({20}, DType::f32, 3));
        const Var y = batch_norm(x, w, b);
        tape.backward(sum(y * y * y));
        return std::vector<Tensor>{y.value(), tape.grad(x), tape.grad(w), tape.grad(b)};
    });
}

TEST_CASE("batch_norm: wrong use") {
    const Tensor x = Tensor::zeros({{3, 'B'}, {5, 'C'}, 2}), w = Tensor::zeros({5}), four = Tensor::zeros({4});
    const Parameter W("norm.weight", four);
    Tape tape;
    const Var v = tape.input(x);
    CHECK(failure([&] { batch_norm(v, W, w); }) ==
          "batch_norm (HERE): norm.weight [4], expected [C=5] for x [B=3, C=5, 2]");
    CHECK(failure([&] { batch_norm(x, w, four); }).find("bias [4], expected [C=5]") != std::string::npos);
    CHECK(failure([&] { batch_norm(w, w, w); }) == "batch_norm (HERE): x [5], expected [B, C, ..] with C of 1 or more");
    CHECK(failure([&] {
              batch_norm(x.slice(0, 1).reshape({1, 5, 2}).slice(0, 0), w, w);
          }).find("2 numbers or more") != std::string::npos);
    CHECK(failure([&] {
              batch_norm(Tensor::zeros({1, 5}), w, w);
          }) == "batch_norm (HERE): x [1, 5]: a batch's variance needs 2 numbers or more a channel");
    CHECK(failure([&] { batch_norm(Tensor::zeros({1, 5}), w, w, ChannelStatistics{w, w}); }) == "");
    CHECK(failure([&] {
              batch_norm(x, w, w, ChannelStatistics{w, four});
          }) == "batch_norm (HERE): mean [5], variance [4]: expected [C=5] both for x [B=3, C=5, 2]");
    CHECK(failure([&] { batch_norm(x, w, w, ChannelStatistics{}); }).find("expected [C=5] both") != std::string::npos);
    CHECK(failure([&] { batch_norm(x, w, w, -1.0); }) == "batch_norm (HERE): eps is -1, expected 0 or more");
    CHECK(failure([&] { batch_norm(x, w.to(DType::f64), w); }).find("f64") != std::string::npos);
    CHECK(tape.size() == 0);
}
