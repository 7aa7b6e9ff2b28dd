#include "core/ops/normalise.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/kernels/reduce.hpp"
#include "core/kernels/simd.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/rows.hpp"

namespace unroll {
namespace {

using kernels::inputs;
using kernels::outputs;

void check(const Operand& x, const Operand& weight, const Operand& bias, double eps) {
    if (x.shape().rank() == 0 || x.shape()[-1] < 1)
        fail("layer_norm", x.at, fmt::format("{}, expected [.., H] with H of 1 or more", x.label("x")));
    const Shape expected{x.shape().dim(-1)};
    for (const auto& [operand, role] : {std::pair(&weight, "weight"), std::pair(&bias, "bias")}) {
        common_dtype("layer_norm", x.value(), operand->value(), x.at);
        if (!(operand->shape() == expected))
            fail("layer_norm", x.at,
                 fmt::format("{}, expected {} for {}", operand->label(role), expected.str(), x.label("x")));
    }
    if (!(eps >= 0)) fail("layer_norm", x.at, fmt::format("eps is {}, expected 0 or more", eps));
}

/// y; x̂ and r = 1/√(σ² + eps) of each row are kept where they are defined. Means and differences in double precision:
/// a row far from 0 keeps its digits.
Tensor forward(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps, Tensor& x_hat, Tensor& r) {
    Tensor y = Tensor::empty(x.shape(), x.dtype());
    dispatch(x.dtype(), [&](auto zero) {
        using T = decltype(zero);
        const int64_t H = x.dim(-1);
        const T *from = x.data<T>(), *w = weight.data<T>(), *b = bias.data<T>();
        T *to = y.mutable_data<T>(), *hats = x_hat.defined() ? x_hat.mutable_data<T>() : to;
        T* rs = r.defined() ? r.mutable_data<T>() : nullptr;
        each_row(x.shape().rows(), H, [&](int64_t n) {
            const T* row = from + n * H;
            T* hat = hats + n * H;
            const double mean = kernels::sum(H, row) / static_cast<double>(H);
            for (int64_t i = 0; i < H; i++) hat[i] = static_cast<T>(static_cast<double>(row[i]) - mean);
            const double variance = kernels::sum_squares(H, hat) / static_cast<double>(H);
            const T scale = static_cast<T>(1 / std::sqrt(variance + eps));
            if (rs != nullptr) rs[n] = scale;
            kernels::map(H, inputs<T>(hat, w, b), outputs(hat, to + n * H),
                         [=](auto d, auto w, auto b, auto& h, auto& y) {
                             h = scale * d;
                             y = w * h + b;
                         });
        });
    });
    return y;
}

/// dx; dy_hat becomes dy ⊙ x̂, whose rows' sum is dweight.
Tensor backward_of(const Tensor& dy, const Tensor& weight, const Tensor& x_hat, const Tensor& r, Tensor& dy_hat) {
    Tensor dx = Tensor::empty(dy.shape(), dy.dtype());
    dispatch(dy.dtype(), [&](auto zero) {
        using T = decltype(zero);
        const int64_t H = dy.dim(-1);
        const T *from = dy.data<T>(), *hats = x_hat.data<T>(), *rs = r.data<T>(), *w = weight.data<T>();
        T *to = dx.mutable_data<T>(), *products = dy_hat.mutable_data<T>();
        each_row(dy.shape().rows(), H, [&](int64_t n) {
            const T* hat = hats + n * H;
            T* g = to + n * H;
            kernels::map(H, inputs<T>(from + n * H, hat, w), outputs(g, products + n * H),
                         [](auto d, auto h, auto w, auto& g, auto& p) { g = d * w, p = d * h; });
            const T mean = static_cast<T>(kernels::sum(H, g) / static_cast<double>(H));
            const T along = static_cast<T>(kernels::dot(H, g, hat) / static_cast<double>(H)), scale = rs[n];
            kernels::map(H, inputs<T>(g, hat), outputs(g),
                         [=](auto g, auto h, auto& dx) { dx = scale * (g - mean - h * along); });
        });
    });
    return dx;
}

}  // namespace

Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps, Where at) {
    check({x, at}, {weight, at}, {bias, at}, eps);
    Tensor x_hat, r;  // not kept
    return forward(x, weight, bias, eps, x_hat, r);
}

namespace ops {

struct LayerNorm final : Record {
    Edge x;
    Saved weight;
    Edge bias, y;
    Tensor x_hat, r;  // r = 1/√(σ² + eps), one a row
    LayerNorm(Recording& rec, const Operand& x, const Operand& weight, const Operand& bias, double eps)
        : x(rec.input(x)), weight(rec.saved(weight)), bias(rec.input(bias)) {
        if (rec.wanted && rec.tape.recording()) {
            x_hat = Tensor::empty(x.shape(), x.value().dtype());
            r = Tensor::empty({x.shape().rows()}, x.value().dtype());
        }
        y = rec.output(forward(x.value(), weight.value(), bias.value(), eps, x_hat, r));
    }
    void backward(Tape& tape) override {
        Tensor dy_hat = Tensor::empty(dy->shape(), dy->dtype());
        const Tensor dx = backward_of(*dy, weight, x_hat, r, dy_hat);
        if (tape.wants(x)) tape.add(x, dx);
        if (tape.wants(weight)) tape.add(weight, sum_to(dy_hat, weight.value.shape()));
        if (tape.wants(bias)) tape.add(bias, sum_to(*dy, weight.value.shape()));
    }
    const char* name() const override { return "layer_norm"; }
    const char* equation() const override { return "x̂ = (x - μ) / √(σ² + eps), y = weight ⊙ x̂ + bias"; }
    const char* gradient() const override {
        return "g = dy ⊙ weight, dx += (g - mean(g) - x̂ mean(g ⊙ x̂)) / √(σ² + eps), dweight += Σ dy ⊙ x̂, dbias += Σ dy";
    }
    void symbols(Symbols& list) const override { list.in("x", x).in("weight", weight).in("bias", bias).out("y", y); }
};

}  // namespace ops

Var layer_norm(const Operand& x, const Operand& weight, const Operand& bias, double eps) {
    check(x, weight, bias, eps);
    return tape_of("layer_norm", {&x, &weight, &bias}).record<ops::LayerNorm>(x.at, x, weight, bias, eps);
}

}  // namespace unroll
