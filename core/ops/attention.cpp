#include "core/ops/attention.hpp"

#include "core/kernels/gemm.hpp"
#include "core/kernels/vecmath.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/rows.hpp"

// T target steps (1 where the queries are one step's), B sequences, S source places, H the size of a key. Everything is
// a product of matrices for each sequence, whose rows lie B rows apart; a thread owns whole sequences.
namespace unroll {
namespace {

using kernels::inputs;
using kernels::outputs;

/// For fewer target steps than these it does not pay to pack the other matrix for a product.
constexpr int64_t many = 4;

/// Of x [.., B, X] and k [S, B, H].
struct Sizes {
    int64_t B, S, H, T, key_step, score_step;  // the last two: from row to row of one sequence, of H and of S numbers
    Sizes(const Tensor& x, const Tensor& k)
        : B(k.dim(1)), S(k.dim(0)), H(k.dim(2)), T(x.rank() == 3 ? x.dim(0) : 1), key_step(B * H), score_step(B * S) {}
    /// Calls f(b) for every sequence, on all threads.
    template <class F>
    void each_sequence(F f) const {
        each_row(B, T * S * H, f);
    }
    /// Calls f with where each sequence begins in x, k and y.
    template <class F>
    void each_sequence(const Tensor& x, const Tensor& k, Tensor& y, F f) const {
        dispatch(x.dtype(), [&]<class T_>(T_) {
            const T_ *xs = x.data<T_>(), *ks = k.data<T_>();
            T_* ys = y.mutable_data<T_>();
            each_sequence([&](int64_t b) { f(xs + b * x.dim(-1), ks + b * k.dim(-1), ys + b * y.dim(-1)); });
        });
    }
};

/// Throws unless x is [.., B, x_size] and k [S, B, H] with S of 1 or more.
void check(const char* operation, const Operand& x, const char* x_name, const Operand& k, const char* k_name,
           bool scores) {
    const Shape &a = x.shape(), &b = k.shape();
    common_dtype(operation, x.value(), k.value(), x.at);
    if (b.rank() != 3 || b[0] < 1) fail(operation, x.at, "{}, expected [S, B, H] with S of 1 or more", k.label(k_name));
    const Dim last = scores ? b.dim(2) : Dim{b[0], 'S'}, B{b[1], 'B'};
    if ((a.rank() != 2 && a.rank() != 3) || a[-2] != B.size || a[-1] != last.size)
        fail(operation, x.at, "{}, expected {} or [T, B, ..] with as many for {}", x.label(x_name),
             Shape{B, last}.str(), k.label(k_name));
}

/// e_{t,s} = Σ f(q_t, k_s, at) over vectors of H, for one sequence; at(v) is the vector of another array.
template <class T, class F>
void each_score(const Sizes& z, const T* q, const T* k, T* e, F f) {
    for (int64_t t = 0; t < z.T; t++)
        for (int64_t s = 0; s < z.S; s++) {
            typename kernels::Simd<T>::V sum{};
            kernels::each_vector<T>(z.H,
                                    [&](auto at) { sum += f(at(q + t * z.key_step), at(k + s * z.key_step), at); });
            e[t * z.score_step + s] = kernels::fold<T>(sum, [](auto a, auto b) { return a + b; });
        }
}

/// y += factor x
template <class T>
void add_scaled(int64_t n, T factor, const T* x, T* y) {
    kernels::map(n, inputs<T>(x, y), outputs(y), [=](auto x, auto y, auto& sum) { sum = y + factor * x; });
}

/// e_{t,s} = q_t · k_s
Tensor inner(const Tensor& q, const Tensor& k) {
    const Sizes z(q, k);
    Tensor e = Tensor::empty(q.shape().with(-1, {z.S, 'S'}), q.dtype());
    z.each_sequence(q, k, e, [&z](const auto* q, const auto* k, auto* e) {
        if (z.T >= many)
            return kernels::gemm(false, true, z.T, z.S, z.H, q, z.key_step, k, z.key_step, e, z.score_step, false);
        each_score(z, q, k, e, [](auto q, auto k, auto) { return q * k; });
    });
    return e;
}

/// c_t = Σ_s w_{t,s} k_s
Tensor mix(const Tensor& w, const Tensor& k) {
    const Sizes z(w, k);
    Tensor c = Tensor::empty(w.shape().with(-1, k.shape().dim(2)), w.dtype());
    z.each_sequence(w, k, c, [&z](const auto* w, const auto* k, auto* c) {
        kernels::gemm(false, false, z.T, z.H, z.S, w, z.score_step, k, z.key_step, c, z.key_step, false);
    });
    return c;
}

/// dk_s += Σ_t w_{t,s} q_t
void add_outer(const Tensor& w, const Tensor& q, Tensor& dk) {
    const Sizes z(w, dk);
    z.each_sequence(w, q, dk, [&z](const auto* w, const auto* q, auto* dk) {
        if (z.T >= many)
            return kernels::gemm(true, false, z.S, z.H, z.T, w, z.score_step, q, z.key_step, dk, z.key_step, true);
        for (int64_t t = 0; t < z.T; t++)
            for (int64_t s = 0; s < z.S; s++)
                add_scaled(z.H, w[t * z.score_step + s], q + t * z.key_step, dk + s * z.key_step);
    });
}

/// e_{t,s} = v · tanh(q_t + k_s)
Tensor additive(const Tensor& q, const Tensor& k, const Tensor& v) {
    const Sizes z(q, k);
    Tensor e = Tensor::empty(q.shape().with(-1, {z.S, 'S'}), q.dtype());
    z.each_sequence(q, k, e, [&](const auto* q, const auto* k, auto* e) {
        using T = std::decay_t<decltype(*e)>;
        each_score(z, q, k, e, [v = v.data<T>()](auto q, auto k, auto at) { return at(v) * kernels::vtanh<T>(q + k); });
    });
    return e;
}

/// dq_t = Σ_s g_{t,s}, dk_s += Σ_t g_{t,s} and dv = Σ de_{t,s} u_{t,s}, with u = tanh(q + k) and g = de v ⊙ (1 - u²);
/// dq and dv [B, A], a row a sequence, are zeros at first.
void additive_gradient(const Tensor& de, const Tensor& q, const Tensor& k, const Tensor& v, Tensor& dq, Tensor& dk,
                       Tensor& dv) {
    const Sizes z(q, k);
    dispatch(q.dtype(), [&]<class T>(T) {
        const T *des = de.data<T>(), *qs = q.data<T>(), *ks = k.data<T>(), *vs = v.data<T>();
        T *dqs = dq.mutable_data<T>(), *dks = dk.mutable_data<T>(), *dvs = dv.mutable_data<T>();
        z.each_sequence([&](int64_t b) {
            for (int64_t t = 0; t < z.T; t++)
                for (int64_t s = 0; s < z.S; s++) {
                    const T d = des[(t * z.B + b) * z.S + s], *q_t = qs + (t * z.B + b) * z.H;
                    const T* k_s = ks + (s * z.B + b) * z.H;
                    T *dq_t = dqs + (q_t - qs), *dk_s = dks + (k_s - ks), *dv_b = dvs + b * z.H;
                    kernels::each_vector<T>(z.H, [=](auto at) {
                        const auto u = kernels::vtanh<T>(at(q_t) + at(k_s));
                        const auto g = d * at(vs) * (1 - u * u);
                        at.put(dq_t, at(dq_t) + g);
                        at.put(dk_s, at(dk_s) + g);
                        at.put(dv_b, at(dv_b) + d * u);
                    });
                }
        });
    });
}

void check_additive(const Operand& q, const Operand& k, const Operand& v) {
    check("additive_scores", q, "q", k, "k", true);
    common_dtype("additive_scores", q.value(), v.value(), q.at);
    if (!(v.shape() == Shape{k.shape().dim(2)}))
        fail("additive_scores", q.at, "{}, expected {}", v.label("v"), Shape{{k.shape()[2], 'A'}}.str());
}

}  // namespace

Tensor dot_scores(const Tensor& q, const Tensor& k, Where at) {
    check("dot_scores", {q, at}, "q", {k, at}, "k", true);
    return inner(q, k);
}
Tensor additive_scores(const Tensor& q, const Tensor& k, const Tensor& v, Where at) {
    check_additive({q, at}, {k, at}, {v, at});
    return additive(q, k, v);
}
Tensor weighted_sum(const Tensor& alpha, const Tensor& V, Where at) {
    check("weighted_sum", {alpha, at}, "alpha", {V, at}, "V", false);
    return mix(alpha, V);
}

namespace ops {

struct DotScores final : Record {
    Saved q, k;
    Edge e;
    DotScores(Recording& r, const Operand& q, const Operand& k)
        : q(r.saved(q)), k(r.saved(k)), e(r.output(inner(q.value(), k.value()))) {}
    void backward(Tape& tape) override {
        if (tape.wants(q)) tape.add(q, mix(*dy, k));
        if (tape.wants(k)) add_outer(*dy, q, tape.sum(k));
    }
    Text text() const override {
        return {"dot_scores", "e_{t,s} = q_t · k_s", "dq_t += Σ_s de_{t,s} k_s, dk_s += Σ_t de_{t,s} q_t"};
    }
    void symbols(Symbols& list) const override { list.in("q", q).in("k", k).out("e", e); }
};

struct AdditiveScores final : Record {
    Saved q, k, v;
    Edge e;
    AdditiveScores(Recording& r, const Operand& q, const Operand& k, const Operand& v)
        : q(r.saved(q)), k(r.saved(k)), v(r.saved(v)), e(r.output(additive(q.value(), k.value(), v.value()))) {}
    void backward(Tape& tape) override {
        Tensor dq = Tensor::zeros(q.value.shape(), q.value.dtype());
        Tensor dv = Tensor::zeros({k.value.shape().dim(1), k.value.shape().dim(2)}, q.value.dtype());
        Tensor spare = tape.wants(k) ? Tensor() : Tensor::zeros(k.value.shape(), q.value.dtype());
        additive_gradient(*dy, q, k, v, dq, tape.wants(k) ? tape.sum(k) : spare, dv);
        if (tape.wants(q)) tape.add(q, dq);
        if (tape.wants(v)) tape.add(v, sum_to(dv, v.value.shape()));
    }
    Text text() const override {
        return {"additive_scores", "e_{t,s} = v · tanh(q_t + k_s)",
                "g_{t,s} = de_{t,s} v ⊙ (1 - tanh²(q_t + k_s)), dq_t += Σ_s g_{t,s}, dk_s += Σ_t g_{t,s}, dv += Σ "
                "de_{t,s} tanh(q_t + k_s)"};
    }
    void symbols(Symbols& list) const override { list.in("q", q).in("k", k).in("v", v).out("e", e); }
};

struct WeightedSum final : Record {
    Saved alpha, V;
    Edge c;
    WeightedSum(Recording& r, const Operand& alpha, const Operand& V)
        : alpha(r.saved(alpha)), V(r.saved(V)), c(r.output(mix(alpha.value(), V.value()))) {}
    void backward(Tape& tape) override {
        if (tape.wants(alpha)) tape.add(alpha, inner(*dy, V));
        if (tape.wants(V)) add_outer(alpha, *dy, tape.sum(V));
    }
    Text text() const override {
        return {"weighted_sum", "c_t = Σ_s α_{t,s} V_s", "dα_{t,s} += dc_t · V_s, dV_s += Σ_t α_{t,s} dc_t"};
    }
    void symbols(Symbols& list) const override { list.in("α", alpha).in("V", V).out("c", c); }
};

}  // namespace ops

Var dot_scores(const Operand& q, const Operand& k) {
    check("dot_scores", q, "q", k, "k", true);
    return tape_of("dot_scores", {&q, &k}).record<ops::DotScores>(q.at, q, k);
}
Var additive_scores(const Operand& q, const Operand& k, const Operand& v) {
    check_additive(q, k, v);
    return tape_of("additive_scores", {&q, &k, &v}).record<ops::AdditiveScores>(q.at, q, k, v);
}
Var weighted_sum(const Operand& alpha, const Operand& V) {
    check("weighted_sum", alpha, "alpha", V, "V", false);
    return tape_of("weighted_sum", {&alpha, &V}).record<ops::WeightedSum>(alpha.at, alpha, V);
}

}  // namespace unroll
