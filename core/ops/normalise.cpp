#include "core/ops/normalise.hpp"

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
        fail("layer_norm", x.at, "{}, expected [.., H] with H of 1 or more", x.label("x"));
    const Shape expected{x.shape().dim(-1)};
    for (const auto& [operand, role] : {std::pair(&weight, "weight"), std::pair(&bias, "bias")}) {
        common_dtype("layer_norm", x.value(), operand->value(), x.at);
        if (!(operand->shape() == expected))
            fail("layer_norm", x.at, "{}, expected {} for {}", operand->label(role), expected.str(), x.label("x"));
    }
    if (!(eps >= 0)) fail("layer_norm", x.at, "eps is {}, expected 0 or more", eps);
}

struct Normalised {
    Tensor y, x_hat, r;  // r = 1/√(σ² + eps), one a row
};

/// Means and differences in double precision: a row far from 0 keeps its digits.
Normalised normalise(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
    const DType dtype = x.dtype();
    Normalised n{Tensor::empty(x.shape(), dtype), Tensor::empty(x.shape(), dtype),
                 Tensor::empty({x.shape().rows()}, dtype)};
    dispatch(dtype, [&]<class T>(T) {
        const int64_t H = x.dim(-1);
        const T *from = x.data<T>(), *w = weight.data<T>(), *b = bias.data<T>();
        T *to = n.y.mutable_data<T>(), *hats = n.x_hat.mutable_data<T>(), *rs = n.r.mutable_data<T>();
        each_row(x.shape().rows(), H, [&](int64_t row) {
            T* hat = hats + row * H;
            const double mean = kernels::sum(H, from + row * H) / double(H);
            for (int64_t i = 0; i < H; i++) hat[i] = T(double(from[row * H + i]) - mean);
            const double variance = kernels::dot(H, hat, hat) / double(H);
            const T r = rs[row] = T(1 / std::sqrt(variance + eps));
            kernels::map(H, inputs<T>(hat, w, b), outputs(hat, to + row * H),
                         [=](auto d, auto w, auto b, auto& h, auto& y) {
                             h = r * d;
                             y = w * h + b;
                         });
        });
    });
    return n;
}

/// dx; dy_hat becomes dy ⊙ x̂, whose rows' sum is dweight.
Tensor backward_of(const Tensor& dy, const Tensor& weight, const Tensor& x_hat, const Tensor& r, Tensor& dy_hat) {
    Tensor dx = Tensor::empty(dy.shape(), dy.dtype());
    dispatch(dy.dtype(), [&]<class T>(T) {
        const int64_t H = dy.dim(-1);
        const T *from = dy.data<T>(), *hats = x_hat.data<T>(), *rs = r.data<T>(), *w = weight.data<T>();
        T *to = dx.mutable_data<T>(), *products = dy_hat.mutable_data<T>();
        each_row(dy.shape().rows(), H, [&](int64_t n) {
            const T* hat = hats + n * H;
            T* g = to + n * H;
            kernels::map(H, inputs<T>(from + n * H, hat, w), outputs(g, products + n * H),
                         [](auto d, auto h, auto w, auto& g, auto& p) { g = d * w, p = d * h; });
            const T mean = T(kernels::sum(H, g) / double(H));
            const T along = T(kernels::dot(H, g, hat) / double(H)), scale = rs[n];
            kernels::map(H, inputs<T>(g, hat), outputs(g),
                         [=](auto g, auto h, auto& dx) { dx = scale * (g - mean - h * along); });
        });
    });
    return dx;
}

}  // namespace

Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps, Where at) {
    check({x, at}, {weight, at}, {bias, at}, eps);
    return normalise(x, weight, bias, eps).y;
}

namespace ops {

struct LayerNorm final : Record {
    Edge x;
    Saved weight;
    Edge bias;
    Normalised n;
    Edge y;
    LayerNorm(Recording& r, const Operand& x, const Operand& weight, const Operand& bias, double eps)
        : x(r.input(x)),
          weight(r.saved(weight)),
          bias(r.input(bias)),
          n(normalise(x.value(), weight.value(), bias.value(), eps)),
          y(r.output(n.y)) {}
    void backward(Tape& tape) override {
        Tensor dy_hat = Tensor::empty(dy->shape(), dy->dtype());
        const Tensor dx = backward_of(*dy, weight, n.x_hat, n.r, dy_hat);
        if (tape.wants(x)) tape.add(x, dx);
        if (tape.wants(weight)) tape.add(weight, sum_to(dy_hat, weight.value.shape()));
        if (tape.wants(bias)) tape.add(bias, sum_to(*dy, weight.value.shape()));
    }
    Text text() const override {
        return {
            "layer_norm", "x̂ = (x - μ) / √(σ² + eps), y = weight ⊙ x̂ + bias",
            "g = dy ⊙ weight, dx += (g - mean(g) - x̂ mean(g ⊙ x̂)) / √(σ² + eps), dweight += Σ dy ⊙ x̂, dbias += Σ dy"};
    }
    void symbols(Symbols& list) const override { list.in("x", x).in("weight", weight).in("bias", bias).out("y", y); }
};

}  // namespace ops

Var layer_norm(const Operand& x, const Operand& weight, const Operand& bias, double eps) {
    check(x, weight, bias, eps);
    return tape_of("layer_norm", {&x, &weight, &bias}).record<ops::LayerNorm>(x.at, x, weight, bias, eps);
}

}  // namespace unroll
