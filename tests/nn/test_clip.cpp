#include <cmath>
#include <limits>

#include "core/kernels/parallel.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/reductions.hpp"
#include "core/random.hpp"
#include "nn/clip.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;

TEST_CASE("clip_grad_norm: exactly tau / norm, over all gradients as one vector") {
    const Tensor a = Tensor::of({3, 0}, DType::f64), b = Tensor::of({{0, 4}, {0, 12}}, DType::f64);
    CHECK(clip_grad_norm({a, b}, 6.5) == 13);
    CHECK(a.to_vector() == std::vector<double>{1.5, 0});
    CHECK(b.to_vector() == std::vector<double>{0, 2, 0, 6});
    CHECK(global_norm({a, b}) == 6.5);
}

TEST_CASE("clip_grad_norm: at or below tau nothing changes") {
    for (double max_norm : {5.0, 5.1, std::numeric_limits<double>::infinity()}) {
        const Tensor a = Tensor::of({3, -4});
        CHECK(clip_grad_norm({a}, max_norm) == 5);
        CHECK(a.to_vector() == std::vector<double>{3, -4});
    }
    const Tensor zero = Tensor::zeros({3});
    CHECK(clip_grad_norm({zero}, 1) == 0);
    CHECK(clip_grad_norm({zero}, 0) == 0);
    CHECK(zero.to_vector() == std::vector<double>(3, 0));
    CHECK(clip_grad_norm(std::vector<Tensor>{}, 1) == 0);
}

TEST_CASE("clip_grad_norm: numbers of any size") {
    struct Row {
        double size;
        DType dtype;
        double precision;
    };
    // In f32 squares of 1e30 overflow, and the factor for 3e38 has few bits; in f64 squares of 1e200 and 1e-200 don't
    // fit.
    for (const Row& row : {Row{1e30, DType::f32, 1e-6}, Row{1e38, DType::f32, 1e-6}, Row{1e-30, DType::f32, 1e-6},
                           Row{1e200, DType::f64, 1e-14}, Row{1e-200, DType::f64, 1e-14}}) {
        CAPTURE(row.size);
        const Tensor a = Tensor::full({10000}, row.size, row.dtype);
        const double max_norm = row.size < 1 ? 1e-2 * row.size : 1;
        CHECK(clip_grad_norm({a}, max_norm) == doctest::Approx(100 * row.size).epsilon(row.precision));
        CHECK(a.flat(9999) == doctest::Approx(max_norm / 100).epsilon(row.precision));
        CHECK(global_norm({a}) == doctest::Approx(max_norm).epsilon(row.precision));
    }
}

TEST_CASE("clip_grad_norm: the same bits for any number of threads") {
    const int before = kernels::threads();
    Tensor g = Tensor::empty({100003});
    std::vector<double> norms;
    for (int n : {1, 2, 3, 5}) {
        kernels::set_threads(n);
        Generator(1).fill_normal(g, 0, 1);
        norms.push_back(clip_grad_norm({g}, 1));
        CHECK(norms.back() == norms[0]);
    }
    kernels::set_threads(before);
}

TEST_CASE("clip_grad_norm: on a tape") {
    const Parameter W("W", Tensor::of({1, 2}, DType::f64)), b("b", Tensor::of({0, 0}, DType::f64));
    Tape tape;
    const Var x = tape.input(Tensor::of({3, 4}, DType::f64));
    // The gradient of the sum is shared by W, b and x at first: each is to be scaled once, and x not at all.
    tape.backward(sum(add(add(x, W), b)));
    CHECK(clip_grad_norm(tape, {W, b}, 1) == 2);
    CHECK(tape.grad(W).to_vector() == std::vector<double>{0.5, 0.5});
    CHECK(tape.grad(b).to_vector() == std::vector<double>{0.5, 0.5});
    CHECK(tape.grad(x).to_vector() == std::vector<double>{1, 1});
}

TEST_CASE("clip_grad_norm: the terms of a sum over time stay what they were") {
    const Parameter W("W", Tensor::of({{2}}, DType::f64));
    Tape tape;
    const Var x = tape.input(Tensor::of({{3}}, DType::f64));
    tape.keep_terms(W);
    const Var y = x * W;
    const Var z = y * W;
    tape.backward(sum(z));
    CHECK(clip_grad_norm(tape, {W}, 1) == 12);
    CHECK(tape.grad(W).item() == 1);
    double terms = 0;
    for (const Term& term : tape.terms(W)) terms += term.value.item();
    CHECK(terms == 12);
}

TEST_CASE("clip_grad_value") {
    const Tensor g = Tensor::of({-3, -1, 0, 0.5, 7, INFINITY});
    clip_grad_value({g}, 1);
    CHECK(g.to_vector() == std::vector<double>{-1, -1, 0, 0.5, 1, 1});
    const Parameter W("W", Tensor::of({1, 2}));
    Tape tape;
    tape.backward(sum(tape.watch(W) * 5));
    clip_grad_value(tape, {W}, 2);
    CHECK(tape.grad(W).to_vector() == std::vector<double>{2, 2});
}

TEST_CASE("clipping: wrong use is told") {
    const Parameter W("W", Tensor::of({1, 2})), other("other", Tensor::of({1}));
    const Tensor nan = Tensor::of({1, NAN}), good = Tensor::of({3, 4});
    CHECK(contains(error_of([&] { clip_grad_norm({good, nan}, 1); }), "clip_grad_norm (test_clip.cpp"));
    CHECK(contains(error_of([&] { clip_grad_norm({good, nan}, 1); }), "the gradient of parameter 1 [2] holds NaN"));
    CHECK(good.to_vector() == std::vector<double>{3, 4});
    CHECK(contains(error_of([&] { clip_grad_norm({good}, -1); }), "max_norm is -1"));
    CHECK(contains(error_of([&] { clip_grad_norm({good}, NAN); }), "max_norm is nan"));
    CHECK(contains(error_of([&] { clip_grad_value({good}, -1); }), "limit is -1"));
    CHECK(contains(error_of([&] { clip_grad_norm({good, good}, 1); }), "parameter 0 and parameter 1 are one gradient"));
    Tape tape;
    tape.backward(sum(log(tape.watch(W) * 0.0 + 1e-44) * 1e-30));  // a finite loss with an infinite slope
    CHECK(contains(error_of([&] { clip_grad_norm(tape, {other}, 1); }), "other [1] took no part"));
    CHECK(contains(error_of([&] { clip_grad_norm(tape, {W, W}, 1); }), "W and W are one gradient"));
    tape.mutable_grad(W).fill(INFINITY);
    CHECK(contains(error_of([&] { clip_grad_norm(tape, {W}, 1); }), "the gradient of W [2] holds NaN or infinity"));
}
