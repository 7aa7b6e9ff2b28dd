#include "core/ops/batch_norm.hpp"

#include <cmath>

#include "core/kernels/reduce.hpp"
#include "core/kernels/simd.hpp"
#include "core/ops/rows.hpp"

namespace unroll {
namespace {

using kernels::inputs;
using kernels::outputs;

/// B pictures of C channels of P places; a thread owns whole channels.
struct Channels {
    int64_t B, C, P;
    explicit Channels(const Shape& s) : B(s[0]), C(s[1]), P(B * C == 0 ? 0 : s.size() / (B * C)) {}
    double count() const { return double(B * P); }
    template <class F>
    void each(F f) const {
        each_row(C, B * P, f);
    }
    /// Calls f(where its numbers begin) for every picture's plane of channel c.
    template <class F>
    void each_plane(int64_t c, F f) const {
        for (int64_t b = 0; b < B; b++) f((b * C + c) * P);
    }
};

void check(const Operand& x, const Operand& weight, const Operand& bias, double eps, const ChannelStatistics* fixed) {
    const Shape& s = x.shape();
    if (s.rank() < 2 || s[1] < 1) fail("batch_norm", x.at, "{}, expected [B, C, ..] with C of 1 or more", x.label("x"));
    const Shape expected{s.dim(1)};
    for (const auto& [operand, role] : {std::pair(&weight, "weight"), std::pair(&bias, "bias")}) {
        common_dtype("batch_norm", x.value(), operand->value(), x.at);
        if (!(operand->shape() == expected))
            fail("batch_norm", x.at, "{}, expected {} for {}", operand->label(role), expected.str(), x.label("x"));
    }
    if (!(eps >= 0)) fail("batch_norm", x.at, "eps is {}, expected 0 or more", eps);
    if (fixed == nullptr && s.size() < 2 * s[1])
        fail("batch_norm", x.at, "{}: a batch's variance needs 2 numbers or more a channel", x.label("x"));
    if (fixed == nullptr) return;
    for (const Tensor* t : {&fixed->mean, &fixed->variance})
        if (!t->defined() || !(t->shape() == expected))
            fail("batch_norm", x.at, "mean {}, variance {}: expected {} both for {}", fixed->mean.shape().str(),
                 fixed->variance.shape().str(), expected.str(), x.label("x"));
}

/// y; the statistics are found, or taken as they are where fixed. Differences in double precision: a channel far from 0
/// keeps its digits.
Tensor normalise(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps, ChannelStatistics& s,
                 bool fixed) {
    const Channels z(x.shape());
    Tensor y = Tensor::empty(x.shape(), x.dtype());
    double *means = s.mean.mutable_data<double>(), *variances = s.variance.mutable_data<double>();
    dispatch(x.dtype(), [&]<class T>(T) {
        const T *from = x.data<T>(), *w = weight.data<T>(), *b = bias.data<T>();
        T* to = y.mutable_data<T>();
        z.each([&](int64_t c) {
            double sum = 0, squares = 0;
            if (!fixed) {
                z.each_plane(c, [&](int64_t p) { sum += kernels::sum(z.P, from + p); });
                means[c] = sum / z.count();
            }
            z.each_plane(c, [&](int64_t p) {
                for (int64_t i = p; i < p + z.P; i++) to[i] = T(double(from[i]) - means[c]);
                if (!fixed) squares += kernels::dot(z.P, to + p, to + p);
            });
            if (!fixed) variances[c] = squares / z.count();
            const T scale = T(double(w[c]) / std::sqrt(variances[c] + eps)), shift = b[c];
            z.each_plane(c, [&](int64_t p) {
                kernels::map(z.P, inputs<T>(to + p), outputs(to + p), [=](auto d, auto& y) { y = scale * d + shift; });
            });
        });
    });
    return y;
}

struct Gradients {
    Tensor x, weight, bias;
};

/// With d = x - μ and r = 1/√(σ² + eps), x̂ = r d.
Gradients gradients(const Tensor& dy, const Tensor& x, const Tensor& weight, double eps, const ChannelStatistics& s,
                    bool fixed) {
    const Channels z(x.shape());
    Gradients g{Tensor::empty(x.shape(), x.dtype()), Tensor::empty(weight.shape(), x.dtype()),
                Tensor::empty(weight.shape(), x.dtype())};
    const double *means = s.mean.data<double>(), *variances = s.variance.data<double>();
    dispatch(x.dtype(), [&]<class T>(T) {
        const T *up = dy.data<T>(), *from = x.data<T>(), *w = weight.data<T>();
        T *dx = g.x.mutable_data<T>(), *dw = g.weight.mutable_data<T>(), *db = g.bias.mutable_data<T>();
        z.each([&](int64_t c) {
            double sum = 0, along = 0;
            z.each_plane(c, [&](int64_t p) {
                for (int64_t i = p; i < p + z.P; i++) dx[i] = T(double(from[i]) - means[c]);
                sum += kernels::sum(z.P, up + p);
                along += kernels::dot(z.P, up + p, dx + p);
            });
            const double r = 1 / std::sqrt(variances[c] + eps);
            dw[c] = T(r * along), db[c] = T(sum);
            const T scale = T(w[c] * r), mean = fixed ? T(0) : T(sum / z.count()),
                    slope = fixed ? T(0) : T(r * r * along / z.count());
            z.each_plane(c, [&](int64_t p) {
                kernels::map(z.P, inputs<T>(up + p, dx + p), outputs(dx + p),
                             [=](auto g, auto d, auto& dx) { dx = scale * (g - mean - slope * d); });
            });
        });
    });
    return g;
}

ChannelStatistics empty_statistics(const Shape& shape) {
    return {Tensor::empty(shape, DType::f64), Tensor::empty(shape, DType::f64)};
}
/// Of its own, that nobody changes later.
ChannelStatistics copy(const ChannelStatistics& s) {
    return {s.mean.to(DType::f64).clone(), s.variance.to(DType::f64).clone()};
}

}  // namespace

Tensor batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps, ChannelStatistics* found,
                  Where at) {
    check({x, at}, {weight, at}, {bias, at}, eps, nullptr);
    ChannelStatistics s = empty_statistics(weight.shape());
    const Tensor y = normalise(x, weight, bias, eps, s, false);
    if (found != nullptr) *found = s;
    return y;
}
Tensor batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, const ChannelStatistics& fixed, double eps,
                  Where at) {
    check({x, at}, {weight, at}, {bias, at}, eps, &fixed);
    ChannelStatistics s = copy(fixed);
    return normalise(x, weight, bias, eps, s, true);
}

namespace ops {

struct BatchNorm final : Record {
    Saved x, weight;
    Edge bias;
    ChannelStatistics statistics;
    Edge y;
    double eps;
    bool fixed;
    BatchNorm(Recording& r, const Operand& x, const Operand& weight, const Operand& bias, double eps,
              const ChannelStatistics& s, bool fixed)
        : x(r.saved(x)),
          weight(r.saved(weight)),
          bias(r.input(bias)),
          statistics(s),
          y(r.output(normalise(x.value(), weight.value(), bias.value(), eps, statistics, fixed))),
          eps(eps),
          fixed(fixed) {}
    void backward(Tape& tape) override {
        const Gradients g = gradients(*dy, x, weight, eps, statistics, fixed);
        if (tape.wants(x)) tape.add(x, g.x);
        if (tape.wants(weight)) tape.add(weight, g.weight);
        if (tape.wants(bias)) tape.add(bias, g.bias);
    }
    Text text() const override {
        const char* y = "x̂ = (x - μ) / √(σ² + eps), y = weight ⊙ x̂ + bias";
        if (fixed) return {"batch_norm", y, "dx += weight ⊙ dy / √(σ² + eps), dweight += Σ dy ⊙ x̂, dbias += Σ dy"};
        return {"batch_norm", y,
                "dx += weight ⊙ (dy - mean(dy) - x̂ mean(dy ⊙ x̂)) / √(σ² + eps), dweight += Σ dy ⊙ x̂, dbias += Σ dy"};
    }
    void symbols(Symbols& list) const override { list.in("x", x).in("weight", weight).in("bias", bias).out("y", y); }
};

}  // namespace ops

static Var record(const Operand& x, const Operand& weight, const Operand& bias, double eps, const ChannelStatistics& s,
                  bool fixed) {
    return tape_of("batch_norm", {&x, &weight, &bias}).record<ops::BatchNorm>(x.at, x, weight, bias, eps, s, fixed);
}
Var batch_norm(const Operand& x, const Operand& weight, const Operand& bias, double eps, ChannelStatistics* found) {
    check(x, weight, bias, eps, nullptr);
    const ChannelStatistics s = empty_statistics(weight.shape());
    const Var y = record(x, weight, bias, eps, s, false);
    if (found != nullptr) *found = copy(s);
    return y;
}
Var batch_norm(const Operand& x, const Operand& weight, const Operand& bias, const ChannelStatistics& fixed,
               double eps) {
    check(x, weight, bias, eps, &fixed);
    return record(x, weight, bias, eps, copy(fixed), true);
}

}  // namespace unroll
