#include "core/ops/copy.hpp"

#include <algorithm>
#include <cmath>

#include "core/kernels/reduce.hpp"
#include "core/kernels/softmax.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/rows.hpp"

// A row r = t B + b is one step of one sequence b.
namespace unroll {
namespace {

double log_of(const kernels::Normalizer& z) { return z.max + std::log(z.sum); }

/// log σ(g)
double log_sigmoid(double g) { return std::min(g, 0.0) - std::log1p(std::exp(-std::fabs(g))); }

/// log(eᵃ + eᵇ)
double log_add(double a, double b) {
    const double larger = std::max(a, b), smaller = std::min(a, b);
    return smaller == -INFINITY ? larger : larger + std::log1p(std::exp(smaller - larger));
}

int64_t length_of(const CopySource& source, int64_t b) {
    return source.lengths.defined() ? source.lengths[b] : source.words.shape()[0];
}

void check(const char* name, const Operand& x, const Operand& g, const Operand& e, const CopySource& source) {
    const Shape& s = x.shape();
    common_dtype(name, x.value(), g.value(), x.at);
    common_dtype(name, x.value(), e.value(), x.at);
    if (!source.words.defined() || source.words.shape().rank() != 2 || source.words.shape()[0] < 1)
        fail(name, x.at, "the source is {}, expected words [S, B] with S of 1 or more", source.words.shape().str());
    const int64_t S = source.words.shape()[0], B = source.words.shape()[1];
    if (s.rank() < 2 || s[-1] < 1 || s[-2] != B || !(g.shape() == s.without(-1)) ||
        !(e.shape() == s.with(-1, {S, 'S'})))
        fail(name, x.at, "{}, {} and {} for a source {}: expected [.., B={}, V], [.., B] and [.., B, S={}]",
             x.label("x"), g.label("g"), e.label("e"), source.words.shape().str(), B, S);
    if (source.lengths.defined()) check_lengths(name, source.lengths, B, 1, {S, 'S'}, x.at);
    for (int64_t i = 0; i < S * B; i++)
        if (source.words[i] < 0)
            fail(name, x.at, "source{} is {}: no word's number", source.words.shape().place(i), source.words[i]);
}

/// How many targets count.
int64_t check(const Operand& x, const Operand& g, const Operand& e, const CopySource& source, const Ids& targets,
              int32_t ignored) {
    const char* name = "copy_loss";
    check(name, x, g, e, source);
    if (!targets.defined() || !(targets.shape() == g.shape()))
        fail(name, x.at, "{} need targets {}, got {}", x.label("x"), g.shape().str(), targets.shape().str());
    const int64_t B = source.words.shape()[1], V = x.shape()[-1];
    int64_t counted = 0;
    for (int64_t r = 0; r < targets.size(); r++) {
        if (targets[r] == ignored) continue;
        counted++;
        bool possible = targets[r] >= 0 && targets[r] < V;
        for (int64_t s = 0; !possible && s < length_of(source, r % B); s++)
            possible = source.words[s * B + r % B] == targets[r];
        if (!possible)
            fail(name, x.at, "targets{} is {}: neither one of the {} words to generate nor in its source",
                 targets.shape().place(r), targets[r], V);
    }
    if (counted == 0) fail(name, x.at, "all {} targets are {}, which does not count", targets.size(), ignored);
    return counted;
}

/// The gradient of Σ -log P(target) towards x, g and e; not defined where it is not wanted.
struct CopyGradient {
    Tensor x, g, e;
};

/// Σ -log P(target). With generated = p_gen softmax(x)_w, copied = (1 - p_gen) C, C = Σ_{s: source_s = w} α_s,
/// α = softmax(e), and r = generated / P(w), the probability that w, once seen, was generated:
///
///     dx = r (softmax(x) - 1{w}),   dg = p_gen - r,   de_s = (1 - r) (α_s - 1{source_s = w} α_s / C)
///
/// each part is a cross-entropy of its own, which counts as far as it may have been the reason.
double loss(const Tensor& x, const Tensor& g, const Tensor& e, const CopySource& source, const Ids& targets,
            int32_t ignored, CopyGradient& d) {
    const int64_t V = x.dim(-1), S = e.dim(-1), B = source.words.shape()[1], R = targets.size();
    const bool wanted = d.x.defined();
    Tensor losses = Tensor::zeros({R}, DType::f64);
    double* to = losses.mutable_data<double>();
    dispatch(x.dtype(), [&]<class T>(T) {
        const T *xs = x.data<T>(), *gs = g.data<T>(), *es = e.data<T>();
        T* dxs = wanted ? d.x.mutable_data<T>() : nullptr;
        T* dgs = wanted ? d.g.mutable_data<T>() : nullptr;
        T* des = wanted ? d.e.mutable_data<T>() : nullptr;
        each_row(R, V + S, [&](int64_t r) {
            T *dx = wanted ? dxs + r * V : nullptr, *de = wanted ? des + r * S : nullptr;
            const int32_t w = targets[r];
            if (wanted) std::fill_n(de, S, T(0)), dgs[r] = 0;
            if (w == ignored) {
                if (wanted) std::fill_n(dx, V, T(0));
                return;
            }
            const int64_t b = r % B, n = length_of(source, b);
            const int32_t* word = source.words.data() + b;  // of place s: word[s * B]
            const T *x_r = xs + r * V, *e_r = es + r * S;
            const double gate = double(gs[r]), all_x = log_of(kernels::softmax(V, x_r, dx)),
                         all_e = log_of(kernels::softmax(n, e_r, de));
            double log_C = -INFINITY;
            for (int64_t s = 0; s < n; s++)
                if (word[s * B] == w) log_C = log_add(log_C, double(e_r[s]) - all_e);
            const double generated = w < V ? log_sigmoid(gate) + double(x_r[w]) - all_x : -INFINITY;
            const double log_P = log_add(generated, log_sigmoid(-gate) + log_C);
            to[r] = -log_P;
            if (!wanted) return;
            const double reason = log_P == -INFINITY ? 0 : std::exp(generated - log_P);
            for (int64_t v = 0; v < V; v++) dx[v] *= T(reason);
            if (w < V) dx[w] -= T(reason);
            dgs[r] = T(std::exp(log_sigmoid(gate)) - reason);
            for (int64_t s = 0; s < n; s++) {
                const double share = word[s * B] == w ? std::exp(double(e_r[s]) - all_e - log_C) : 0;
                de[s] = T((1 - reason) * (double(de[s]) - share));
            }
        });
    });
    return kernels::sum(R, losses.data<double>());
}

}  // namespace

Tensor copy_loss(const Tensor& x, const Tensor& g, const Tensor& e, const CopySource& source, const Ids& targets,
                 int32_t ignored, Where at) {
    const auto counted = double(check({x, at}, {g, at}, {e, at}, source, targets, ignored));
    CopyGradient not_wanted;
    return Tensor::full({}, loss(x, g, e, source, targets, ignored, not_wanted) / counted, x.dtype());
}

Tensor copy_log_probabilities(const Tensor& x, const Tensor& g, const Tensor& e, const CopySource& source, int64_t W,
                              Where at) {
    check("copy_log_probabilities", {x, at}, {g, at}, {e, at}, source);
    const int64_t V = x.dim(-1), S = e.dim(-1), B = source.words.shape()[1];
    for (int64_t i = 0; i < S * B; i++)
        if (W < V || (source.words[i] >= W && i / B < length_of(source, i % B)))
            fail("copy_log_probabilities", at, "W is {}: there are {} words to generate, and source{} is {}", W, V,
                 source.words.shape().place(i), source.words[i]);
    Tensor y = Tensor::full(x.shape().with(-1, {W, 'W'}), -INFINITY, x.dtype());
    dispatch(x.dtype(), [&]<class T>(T) {
        const T *xs = x.data<T>(), *gs = g.data<T>(), *es = e.data<T>();
        T* ys = y.mutable_data<T>();
        each_row(g.size(), W, [&](int64_t r) {
            const int64_t b = r % B, n = length_of(source, b);
            const T *x_r = xs + r * V, *e_r = es + r * S;
            T* y_r = ys + r * W;
            const double gate = double(gs[r]);
            const double generate = log_sigmoid(gate) - log_of(kernels::softmax<T>(V, x_r, nullptr));
            const double copy = log_sigmoid(-gate) - log_of(kernels::softmax<T>(n, e_r, nullptr));
            for (int64_t v = 0; v < V; v++) y_r[v] = T(generate + double(x_r[v]));
            for (int64_t s = 0; s < n; s++) {
                T& y_w = y_r[source.words[s * B + b]];
                y_w = T(log_add(double(y_w), copy + double(e_r[s])));
            }
        });
    });
    return y;
}

namespace ops {

struct CopyLoss final : Record {
    Edge x, g, e, loss;
    CopyGradient d;  // of the sum, found on the way forward
    double share;    // of one target in the loss
    CopyLoss(Recording& r, const Operand& x, const Operand& g, const Operand& e, const CopySource& source,
             const Ids& targets, int32_t ignored, double share)
        : x(r.input(x)), g(r.input(g)), e(r.input(e)), share(share) {
        if (r.wanted && r.tape.recording())
            d = {Tensor::empty(x.shape(), x.value().dtype()), Tensor::empty(g.shape(), x.value().dtype()),
                 Tensor::empty(e.shape(), x.value().dtype())};
        const double sum = unroll::loss(x.value(), g.value(), e.value(), source, targets, ignored, d);
        loss = r.output(Tensor::full({}, share * sum, x.value().dtype()));
    }
    void backward(Tape& tape) override {
        const double scale = share * dy->item();
        if (tape.wants(x)) tape.add(x, unroll::scale(d.x, scale));
        if (tape.wants(g)) tape.add(g, unroll::scale(d.g, scale));
        if (tape.wants(e)) tape.add(e, unroll::scale(d.e, scale));
    }
    Text text() const override {
        return {"copy_loss",
                "P_n = σ(g) softmax(x)_w + (1 - σ(g)) Σ_{s: source_s = w} α_s, α = softmax(e), L = -1/N Σ_n log P_n",
                "r = σ(g) softmax(x)_w / P, C = Σ_{s: source_s = w} α_s: dx += dL/N r (softmax(x) - 1{w}), dg += dL/N "
                "(σ(g) - r), de_s += dL/N (1 - r) (α_s - 1{source_s = w} α_s / C)"};
    }
    void symbols(Symbols& list) const override { list.in("x", x).in("g", g).in("e", e).out("L", loss); }
};

}  // namespace ops

Var copy_loss(const Operand& x, const Operand& g, const Operand& e, const CopySource& source, const Ids& targets,
              int32_t ignored) {
    const int64_t counted = check(x, g, e, source, targets, ignored);
    return tape_of("copy_loss", {&x, &g, &e})
        .record<ops::CopyLoss>(x.at, x, g, e, source, targets, ignored, 1 / double(counted));
}

}  // namespace unroll
