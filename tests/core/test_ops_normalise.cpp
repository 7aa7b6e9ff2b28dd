#include "core/kernels/parallel.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/normalise.hpp"
#include "core/ops/reductions.hpp"
#include "tests/core/numbers.hpp"
#include "tests/core/same_bits.hpp"
#include "tests/failure.hpp"

using namespace unroll;

TEST_CASE("layer_norm: against the equation, values and gradients") {
    for (DType dtype : both_types)
        for (const Shape& shape :
             {Shape{2, 3, 5}, Shape{1, 1}, Shape{7, 37}, Shape{16}, Shape{3, 1, 2, 64}, Shape{0, 4}}) {
            CAPTURE(shape.str());
            const double eps = 0.01, H = static_cast<double>(shape[-1]);
            const Tensor x = random(shape, dtype) * 3 + 2, g = random(shape, dtype, 2);
            const Tensor weight = random({shape[-1]}, dtype, 3), bias = random({shape[-1]}, dtype, 4);
            std::vector<double> y, dx, dw(static_cast<size_t>(H)), db(static_cast<size_t>(H));
            for (int64_t begin = 0; begin < x.size(); begin += shape[-1]) {
                double mean = 0, variance = 0, of_g = 0, of_gx = 0;
                const auto hat = [&](int64_t i) { return (x.flat(begin + i) - mean) / std::sqrt(variance + eps); };
                const auto up = [&](int64_t i) { return g.flat(begin + i) * weight.flat(i); };
                for (int64_t i = 0; i < shape[-1]; i++) mean += x.flat(begin + i) / H;
                for (int64_t i = 0; i < shape[-1]; i++) variance += std::pow(x.flat(begin + i) - mean, 2) / H;
                for (int64_t i = 0; i < shape[-1]; i++) of_g += up(i) / H, of_gx += up(i) * hat(i) / H;
                for (int64_t i = 0; i < shape[-1]; i++) {
                    y.push_back(weight.flat(i) * hat(i) + bias.flat(i));
                    dx.push_back((up(i) - of_g - hat(i) * of_gx) / std::sqrt(variance + eps));
                    dw[static_cast<size_t>(i)] += g.flat(begin + i) * hat(i);
                    db[static_cast<size_t>(i)] += g.flat(begin + i);
                }
            }
            const double tolerance = 5 * rounding(dtype);
            check_close(layer_norm(x, weight, bias, eps), shape, y, tolerance);
            Tape tape;
            const Var v = tape.input(x);
            const Parameter W("weight", weight.clone()), b("bias", bias.clone());
            const Var out = layer_norm(v, W, b, eps);
            check_close(out.value(), shape, y, tolerance);
            tape.backward(sum(out * g));
            check_close(tape.grad(v), shape, dx, tolerance);
            check_close(tape.grad(W), {shape[-1]}, dw, tolerance);
            check_close(tape.grad(b), {shape[-1]}, db, tolerance);
        }
}

TEST_CASE("layer_norm: eps is inside the root and divides nothing else; a row far from 0 keeps its digits") {
    const Tensor one = Tensor::of({1, 1}, DType::f64), none = Tensor::of({0, 0}, DType::f64);
    // σ² = 4, eps = 5: x̂ = ±2 / √9.  Outside the root it would be ±2 / (2 + 5), with H - 1 ±2 / √13.
    check_close(layer_norm(Tensor::of({10, 14}, DType::f64), one, none, 5), {2}, {-2 / 3.0, 2 / 3.0}, 1e-15);
    check_close(layer_norm(Tensor::of({3, 3}, DType::f64), one, none, 1e-5), {2}, {0, 0}, 0);
    const Tensor weight = Tensor::full({64}, 1), bias = Tensor::zeros({64});
    Tensor far = Tensor::empty({64});
    for (int64_t i = 0; i < 64; i++) far.set_flat(i, 1e6 + static_cast<double>(i % 2) * 2);
    for (double y : layer_norm(far, weight, bias, 0).to_vector()) CHECK(std::abs(y) == 1);
}

TEST_CASE("layer_norm: on a forward-only tape nothing is kept, the values are the same") {
    Tape forward(Tape::Mode::forward_only), recording;
    const Tensor x = random({5, 33}), w = random({33}, DType::f64, 2), b = random({33}, DType::f64, 3);
    const Var y = layer_norm(forward.input(x), w, b);
    CHECK(forward.size() == 0);
    CHECK(y.value().to_vector() == layer_norm(recording.input(x), w, b).value().to_vector());
    CHECK(y.value().to_vector() == layer_norm(x, w, b).to_vector());
}

TEST_CASE("layer_norm: the bits don't depend on threads") {
    check_same_bits([] {
        Tape tape;
        const Var x = tape.input(random({30, 40, 77}, DType::f32)), w = tape.input(random({77}, DType::f32, 2));
        const Var b = tape.input(random({77}, DType::f32, 3));
        const Var y = layer_norm(x, w, b);
        tape.backward(sum(y * y * y));
        return std::vector<Tensor>{y.value(), tape.grad(x), tape.grad(w), tape.grad(b)};
    });
}

TEST_CASE("layer_norm: wrong use") {
    const Tensor x = Tensor::zeros({{3, 'B'}, {5, 'H'}}), w = Tensor::zeros({5}), four = Tensor::zeros({4});
    Tape tape;
    const Var v = tape.input(x);
    const Parameter W("norm.weight", four);
    CHECK(failure([&] { layer_norm(v, W, w); }) ==
          "layer_norm (HERE): norm.weight [4], expected [H=5] for x [B=3, H=5]");
    CHECK(failure([&] { layer_norm(x, w, four); }) == "layer_norm (HERE): bias [4], expected [H=5] for x [B=3, H=5]");
    CHECK(failure([&] { layer_norm(x, w, w.reshape({5, 1})); }).find("bias [5, 1], expected") != std::string::npos);
    CHECK(failure([&] { layer_norm(Tensor::of(1), w, w); }).find("x [], expected [.., H]") != std::string::npos);
    CHECK(failure([&] { layer_norm(Tensor::zeros({3, 0}), w, w); }).find("H of 1 or more") != std::string::npos);
    CHECK(failure([&] { layer_norm(x, w, w, -1e-5); }) == "layer_norm (HERE): eps is -1e-05, expected 0 or more");
    CHECK(failure([&] { layer_norm(v, w, w, NAN); }) == "layer_norm (HERE): eps is nan, expected 0 or more");
    CHECK(failure([&] { layer_norm(x, w.to(DType::f64), w); }).find("f64") != std::string::npos);
    CHECK(failure([&] { layer_norm(x, w, Tensor()); }) != "");
    CHECK(tape.size() == 0);
}
