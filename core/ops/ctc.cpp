// The labels of a sequence with a blank before, between and behind them are its places l = 0 .. 2S (even: a blank). A
// path stays where it is, goes to the next place, or from a label straight to the next one if that is another. All in
// logarithms and double precision. T steps, B sequences, C classes; a thread owns whole sequences.
#include "core/ops/ctc.hpp"

#include <cmath>
#include <limits>

#include "core/kernels/parallel.hpp"
#include "core/kernels/softmax.hpp"
#include "core/kernels/vecmath.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/reductions.hpp"

namespace unroll {
namespace {

using kernels::Simd;
constexpr double infinity = std::numeric_limits<double>::infinity();

void check(const Operand& logits, const CtcTargets& targets, const CtcOptions& options) {
    const Shape& s = logits.shape();
    const auto& [labels, input_lengths, target_lengths] = targets;
    check_not_empty("ctc", logits.value(), logits.at);
    if (s.rank() != 3 || s[2] < 1) fail("ctc", logits.at, "{}, expected [T, B, C]", logits.label("logits"));
    if (options.blank < 0 || options.blank >= s[2])
        fail("ctc", logits.at, "the blank is {}: not a class of {}", options.blank, logits.label("logits"));
    if (!labels.defined() || labels.shape().rank() != 2 || labels.shape()[0] != s[1])
        fail("ctc", logits.at, "labels {}, expected [B={}, S]", labels.shape().str(), s[1]);
    check_lengths("ctc", input_lengths, s[1], 0, {s[0], 'T'}, logits.at);
    check_lengths("ctc", target_lengths, s[1], 0, {labels.shape()[1], 'S'}, logits.at);
    for (int64_t i = 0; i < labels.size(); i++)
        if (i % labels.shape()[1] < target_lengths[i / labels.shape()[1]] &&
            (labels[i] < 0 || labels[i] >= s[2] || labels[i] == options.blank))
            fail("ctc", logits.at, "labels{} is {}: not a class of {} other than the blank, {}",
                 labels.shape().place(i), labels[i], logits.label("logits"), options.blank);
}

/// log(e^a + e^b + e^c)
Simd<double>::V log_add(Simd<double>::V a, Simd<double>::V b, Simd<double>::V c) {
    using kernels::vexp;
    Simd<double>::V m = a > b ? a : b;
    m = m > c ? m : c;
    m = m > -infinity ? m : Simd<double>::V{};  // all three are -∞
    return m + kernels::vlog<double>(vexp<double>(a - m) + vexp<double>(b - m) + vexp<double>(c - m));
}

/// Of all sequences. Rows of places are `row` numbers, of which two before the first place and those behind the last
/// are -∞.
struct Lattice {
    int64_t T, B, C, S, row;
    CtcTargets targets;
    CtcOptions options;
    Lattice(const Shape& logits, const CtcTargets& targets, const CtcOptions& options)
        : T(logits[0]),
          B(logits[1]),
          C(logits[2]),
          S(targets.labels.shape()[1]),
          row(2 * S + 1 + 4),
          targets(targets),
          options(options) {}
    /// log α: [B, T+1, row]
    Tensor empty_alpha() const { return Tensor::empty({B, T + 1, row}, DType::f64); }
};

/// One sequence, in memory of its own: [2 row + C] numbers, kept in `work`.
class Sequence {
  public:
    Sequence(const Lattice& z, int64_t b, double* work)
        : steps(z.targets.input_lengths[b]),
          places(2 * z.targets.target_lengths[b] + 1),
          skip(work + 2),
          emission(skip + z.row),
          labels_(z.targets.labels.data() + b * z.S),
          blank_(z.options.blank) {
        std::fill_n(work, 2 * z.row, -infinity);
        for (int64_t l = 3; l < places; l += 2)
            if (label(l) != label(l - 2)) skip[l] = 0;
    }
    int32_t label(int64_t l) const { return l % 2 == 0 ? blank_ : labels_[l / 2]; }
    /// emission_l = log softmax(x)[label_l] of one step's logits; p, where it is not null, gets their softmax.
    template <class T>
    void emit(int64_t C, const T* x, T* p) {
        const kernels::Normalizer z = kernels::softmax(C, x, p);
        for (int64_t l = 0; l < places; l++) emission[l] = (double(x[label(l)]) - z.max) - std::log(z.sum);
    }
    /// log P(labels) from log α after the last step: a path ends in the last label or the blank behind it.
    double log_likelihood(const double* alpha) const {
        const double a = alpha[places - 1], b = alpha[places - 2], m = std::max(a, b);
        return m == -infinity ? m : m + std::log(std::exp(a - m) + std::exp(b - m));
    }

    const int64_t steps, places;
    double *skip, *emission;  // skip_l: 0 where l may follow l-2, else -∞

  private:
    const int32_t* labels_;
    int32_t blank_;
};

/// α_t(l) = y_t[label_l] (α_{t-1}(l) + α_{t-1}(l-1) + [l may follow l-2] α_{t-1}(l-2)), from α_0(0) = 1: L = -log P
/// [B].
Tensor forward(const Lattice& z, const Tensor& logits, Tensor& alpha) {
    Tensor losses = Tensor::empty({logits.shape().dim(1)}, logits.dtype());
    Tensor work = Tensor::empty({z.B, 2 * z.row}, DType::f64);
    double *alphas = alpha.mutable_data<double>(), *memory = work.mutable_data<double>();
    dispatch(logits.dtype(), [&]<class T>(T) {
        const T* x = logits.data<T>();
        T* to = losses.mutable_data<T>();
        kernels::parallel(z.B, [&](int64_t b) {
            Sequence s(z, b, memory + b * 2 * z.row);
            double* a = alphas + b * (z.T + 1) * z.row + 2;
            std::fill_n(a - 2, (s.steps + 1) * z.row, -infinity);
            a[0] = 0;
            for (int64_t t = 0; t < s.steps; t++, a += z.row) {
                s.emit<T>(z.C, x + (t * z.B + b) * z.C, nullptr);
                kernels::each_vector<double>(s.places, [&](auto at) {
                    at.put(a + z.row, at(s.emission) + log_add(at(a), at(a - 1), at(a - 2) + at(s.skip)));
                });
            }
            const double loss = -s.log_likelihood(a);
            to[b] = z.options.zero_infinity && loss == infinity ? T(0) : T(loss);
        });
    });
    return losses;
}

/// dx_t = dL (y_t - Σ_{l: label_l = k} γ_t(l)), with γ = α β / P the probability of being at l after t steps, and
/// β_t(l) that of what follows:  β_t(l) = (β y)_{t+1}(l) + (β y)_{t+1}(l+1) + [l+2 may follow l] (β y)_{t+1}(l+2), β_T
/// = 1 where it ends.
Tensor logits_gradient(const Lattice& z, const Tensor& logits, const Tensor& alpha, const Tensor& dL) {
    Tensor dx = Tensor::zeros(logits.shape(), logits.dtype());
    const int64_t size = 3 * z.row + z.C;
    Tensor work = Tensor::empty({z.B, size}, DType::f64);
    const double* alphas = alpha.data<double>();
    double* memory = work.mutable_data<double>();
    dispatch(logits.dtype(), [&]<class T>(T) {
        const T *x = logits.data<T>(), *upstream = dL.data<T>();
        T* to = dx.mutable_data<T>();
        kernels::parallel(z.B, [&](int64_t b) {
            Sequence s(z, b, memory + b * size);
            double *beta = s.skip + 2 * z.row, *share = memory + b * size + 3 * z.row;
            const double* a = alphas + (b * (z.T + 1) + s.steps) * z.row + 2;
            const double log_P = s.log_likelihood(a), scale = double(upstream[b]);
            std::fill_n(beta - 2, z.row, -infinity);
            beta[s.places - 1] = 0;
            if (s.places > 1) beta[s.places - 2] = 0;
            for (int64_t t = s.steps - 1; t >= 0; t--, a -= z.row) {
                T* g = to + (t * z.B + b) * z.C;
                if (log_P == -infinity) {
                    std::fill_n(g, z.C, T(z.options.zero_infinity ? 0 : NAN));
                    continue;
                }
                s.emit(z.C, x + (t * z.B + b) * z.C, g);
                std::fill_n(share, z.C, 0.0);
                kernels::each_vector<double>(s.places,
                                             [&](auto at) {  // γ, in place of the emissions when these are used
                                                 const auto all = at(beta);
                                                 at.put(beta, all + at(s.emission));
                                                 at.put(s.emission, kernels::vexp<double>(at(a) + all - log_P));
                                             });
                for (int64_t l = 0; l < s.places; l++) share[s.label(l)] += s.emission[l];
                for (int64_t k = 0; k < z.C; k++) g[k] = T(scale * (double(g[k]) - share[k]));
                kernels::each_vector<double>(
                    s.places, [&](auto at) {  // reads what lies behind, writes what it has read
                        at.put(beta, log_add(at(beta), at(beta + 1), at(beta + 2) + at(s.skip + 2)));
                    });
            }
        });
    });
    return dx;
}

/// What each loss is divided by for their mean.
Tensor divisors(const Operand& logits, const CtcTargets& targets) {
    Tensor n = Tensor::empty({logits.shape().dim(1)}, logits.value().dtype());
    for (int64_t b = 0; b < n.size(); b++) n.set_flat(b, std::max(1, targets.target_lengths[b]));
    return n;
}

}  // namespace

Tensor ctc_losses(const Tensor& logits, const CtcTargets& targets, const CtcOptions& options, Where at) {
    check({logits, at}, targets, options);
    const Lattice lattice(logits.shape(), targets, options);
    Tensor alpha = lattice.empty_alpha();
    return forward(lattice, logits, alpha);
}
Tensor ctc_loss(const Tensor& logits, const CtcTargets& targets, const CtcOptions& options, Reduction reduction,
                Where at) {
    const Tensor losses = ctc_losses(logits, targets, options, at);
    return reduction == Reduction::sum ? sum(losses, at) : mean(div(losses, divisors({logits, at}, targets), at), at);
}

namespace ops {

struct Ctc final : Record {
    Saved logits;
    Lattice lattice;
    Tensor alpha;
    Edge L;
    Ctc(Recording& r, const Operand& x, const CtcTargets& t, const CtcOptions& options)
        : logits(r.saved(x)),
          lattice(x.shape(), {t.labels.clone(), t.input_lengths.clone(), t.target_lengths.clone()}, options),
          alpha(lattice.empty_alpha()),
          L(r.output(forward(lattice, x.value(), alpha))) {}
    void backward(Tape& tape) override { tape.add(logits, logits_gradient(lattice, logits, alpha, *dy)); }
    Text text() const override {
        return {"ctc", "α_t(l) = y_t[label_l] (α_{t-1}(l) + α_{t-1}(l-1) + [skip_l] α_{t-1}(l-2)), L = -log α_T(end)",
                "γ_t(l) = α_t(l) β_t(l) / P, dx_t[k] += dL (y_t[k] - Σ_{label_l = k} γ_t(l))"};
    }
    void symbols(Symbols& list) const override { list.in("x", logits).out("L", L); }
};

}  // namespace ops

Var ctc_losses(const Operand& logits, const CtcTargets& targets, const CtcOptions& options) {
    check(logits, targets, options);
    return tape_of("ctc", {&logits}).record<ops::Ctc>(logits.at, logits, targets, options);
}
Var ctc_loss(const Operand& logits, const CtcTargets& targets, const CtcOptions& options, Reduction reduction) {
    const Var losses = ctc_losses(logits, targets, options);
    const Operand of_batch(losses, logits.at);
    if (reduction == Reduction::sum) return sum(of_batch);
    return mean(div(of_batch, divisors(logits, targets)));
}

}  // namespace unroll
