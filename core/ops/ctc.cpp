// A path stands at a label, or at the blank before or behind one. It stays, goes on to the next place, or from a label
// straight to the next label if that is another. All in logarithms and double precision. T steps, B sequences of S
// labels at most, C classes; a thread owns whole sequences.
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

using V = Simd<double>::V;

/// log(e^a + e^b), and of three: the largest by itself, the others by their differences to it.
V log_add(V a, V b) {
    const V m = a > b ? a : b, less = a > b ? b : a;
    const V from = m > -infinity ? m : V{};  // both are -∞
    return m + kernels::vlog<double>(1 + kernels::vexp<double>(less - from));
}
V log_add(V a, V b, V c) {
    const V m = a > b ? a : b, first = a > b ? b : a;
    const V most = m > c ? m : c, second = m > c ? c : m;
    const V from = most > -infinity ? most : V{};
    return most + kernels::vlog<double>(1 + kernels::vexp<double>(first - from) + kernels::vexp<double>(second - from));
}

/// n numbers in whole vectors.
int64_t whole(int64_t n) { return (n + Simd<double>::width - 1) / Simd<double>::width * Simd<double>::width; }

/// Numbers of a sequence's places: blank i stands before label i, blank n behind all n labels. They are read and
/// written as whole vectors; what lies beside them is -∞, and remains it.
struct Row {
    double *blank, *label;
    Row(double* memory, int64_t S) : blank(memory), label(memory + whole(S + 1) + 2) {}
    static int64_t size(int64_t S) { return 2 * whole(S + 1) + 4; }
};

/// The batch, and one of its sequences.
struct Batch {
    int64_t T, B, C, S;
    CtcTargets targets;
    CtcOptions options;
    Batch(const Shape& logits, const CtcTargets& targets, const CtcOptions& options)
        : T(logits[0]), B(logits[1]), C(logits[2]), S(targets.labels.shape()[1]), targets(targets), options(options) {}
    int64_t row() const { return Row::size(S); }
    /// log α: [B, T+1, row]
    Tensor empty_alpha() const { return Tensor::empty({B, T + 1, row()}, DType::f64); }
};
class Sequence {
  public:
    /// In `work` it keeps a row.
    Sequence(const Batch& z, int64_t b, double* work)
        : steps(z.targets.input_lengths[b]),
          n(z.targets.target_lengths[b]),
          places(whole(n + 1)),
          labels(z.targets.labels.data() + b * z.S),
          skip(work),
          y(work + whole(z.S + 1) + 1),
          blank_(z.options.blank) {
        std::fill_n(work, z.row(), -infinity);
        for (int64_t i = 1; i < n; i++)
            if (labels[i] != labels[i - 1]) skip[i] = 0;
    }
    /// log softmax(x) of one step at the labels and, returned, at the blank; p, where it is not null, gets the softmax.
    template <class T>
    V emit(int64_t C, const T* x, T* p) {
        const kernels::Normalizer z = kernels::softmax(C, x, p);
        const double log_sum = std::log(z.sum);
        for (int64_t i = 0; i < n; i++) y[i] = (double(x[labels[i]]) - z.max) - log_sum;
        return Simd<double>::set((double(x[blank_]) - z.max) - log_sum);
    }
    /// log P(labels) from log α after the last step: a path ends in the last label or the blank behind it.
    double log_likelihood(const Row& alpha) const {
        const double a = alpha.blank[n], b = alpha.label[n - 1], m = std::max(a, b);
        return m == -infinity ? m : m + std::log(std::exp(a - m) + std::exp(b - m));
    }

    const int64_t steps, n, places;  // n labels, and their places in whole vectors
    const int32_t* const labels;
    double *const skip, *const y;  // of label i: 0 where it may follow label i-1, else -∞; log softmax(x) of a step

  private:
    int32_t blank_;
};

/// From α_0 = 1 at blank 0: L = -log P [B].
///     α_t(blank i) = y_t[blank]   (α_{t-1}(blank i) + α_{t-1}(label i-1))
///     α_t(label i) = y_t[label i] (α_{t-1}(label i) + α_{t-1}(blank i) + [label i ≠ label i-1] α_{t-1}(label i-1))
Tensor forward(const Batch& z, const Tensor& logits, Tensor& alpha) {
    Tensor losses = Tensor::empty({logits.shape().dim(1)}, logits.dtype());
    Tensor work = Tensor::empty({z.B, z.row()}, DType::f64);
    double *alphas = alpha.mutable_data<double>(), *memory = work.mutable_data<double>();
    dispatch(logits.dtype(), [&]<class T>(T) {
        const T* x = logits.data<T>();
        T* to = losses.mutable_data<T>();
        kernels::parallel(z.B, [&](int64_t b) {
            Sequence s(z, b, memory + b * z.row());
            double* rows = alphas + b * (z.T + 1) * z.row();
            std::fill_n(rows, (s.steps + 1) * z.row(), -infinity);
            rows[0] = 0;
            for (int64_t t = 0; t < s.steps; t++, rows += z.row()) {
                const V y_blank = s.emit<T>(z.C, x + (t * z.B + b) * z.C, nullptr);
                const Row a(rows, z.S), next(rows + z.row(), z.S);
                kernels::each_vector<double>(s.places, [&](auto at) {
                    const V before = at(a.label - 1), blank = at(a.blank);
                    at.put(next.blank, y_blank + log_add(blank, before));
                    at.put(next.label, at(s.y) + log_add(at(a.label), blank, before + at(s.skip)));
                });
            }
            const double loss = -s.log_likelihood(Row(rows, z.S));
            to[b] = z.options.zero_infinity && loss == infinity ? T(0) : T(loss);
        });
    });
    return losses;
}

/// dx_t = dL (y_t - what the paths say at t): γ_t = α_t β_t / P, for each class the sum over its places. β_t is the
/// probability of all that follows, 1 after the last step at the ends; with v = β_{t+1} y_{t+1}
///     β_t(blank i) = v(blank i) + v(label i)
///     β_t(label i) = v(label i) + v(blank i+1) + [label i+1 ≠ label i] v(label i+1)
Tensor logits_gradient(const Batch& z, const Tensor& logits, Tensor& alpha, const Tensor& dL) {
    Tensor dx = Tensor::zeros(logits.shape(), logits.dtype());
    const int64_t size = 4 * z.row() + z.C;
    Tensor work = Tensor::empty({z.B, size}, DType::f64);
    double *alphas = alpha.mutable_data<double>(), *memory = work.mutable_data<double>();
    dispatch(logits.dtype(), [&]<class T>(T) {
        const T *x = logits.data<T>(), *upstream = dL.data<T>();
        T* to = dx.mutable_data<T>();
        kernels::parallel(z.B, [&](int64_t b) {
            double* own = memory + b * size;
            Sequence s(z, b, own);
            const Row beta(own + z.row(), z.S), v(own + 2 * z.row(), z.S);
            double *gamma = own + 3 * z.row(), *said = own + 4 * z.row();
            double* rows = alphas + (b * (z.T + 1) + s.steps) * z.row();
            const double log_P = s.log_likelihood(Row(rows, z.S)), scale = double(upstream[b]);
            std::fill_n(own + z.row(), 2 * z.row(), -infinity);
            beta.blank[s.n] = 0;
            if (s.n > 0) beta.label[s.n - 1] = 0;
            for (int64_t t = s.steps - 1; t >= 0; t--, rows -= z.row()) {
                T* g = to + (t * z.B + b) * z.C;
                if (log_P == -infinity) {
                    std::fill_n(g, z.C, T(z.options.zero_infinity ? 0 : NAN));
                    continue;
                }
                const V y_blank = s.emit(z.C, x + (t * z.B + b) * z.C, g);
                const Row a(rows, z.S);
                std::fill_n(said, z.C, 0.0);
                V blanks{};
                kernels::each_vector<double>(s.places, [&](auto at) {
                    at.put(v.blank, at(beta.blank) + y_blank);
                    at.put(v.label, at(beta.label) + at(s.y));
                    blanks += kernels::vexp<double>(at(a.blank) + at(beta.blank) - log_P);
                    at.put(gamma, kernels::vexp<double>(at(a.label) + at(beta.label) - log_P));
                });
                said[z.options.blank] += kernels::fold<double>(blanks, [](V a, V b) { return a + b; });
                for (int64_t i = 0; i < s.n; i++) said[s.labels[i]] += gamma[i];
                for (int64_t k = 0; k < z.C; k++) g[k] = T(scale * (double(g[k]) - said[k]));
                kernels::each_vector<double>(s.places, [&](auto at) {
                    const V label = at(v.label);
                    at.put(beta.blank, log_add(at(v.blank), label));
                    at.put(beta.label, log_add(label, at(v.blank + 1), at(v.label + 1) + at(s.skip + 1)));
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
    const Batch batch(logits.shape(), targets, options);
    Tensor alpha = batch.empty_alpha();
    return forward(batch, logits, alpha);
}
Tensor ctc_loss(const Tensor& logits, const CtcTargets& targets, const CtcOptions& options, Reduction reduction,
                Where at) {
    const Tensor losses = ctc_losses(logits, targets, options, at);
    return reduction == Reduction::sum ? sum(losses, at) : mean(div(losses, divisors({logits, at}, targets), at), at);
}

namespace ops {

struct Ctc final : Record {
    Saved logits;
    Batch batch;
    Tensor alpha;
    Edge L;
    Ctc(Recording& r, const Operand& x, const CtcTargets& t, const CtcOptions& options)
        : logits(r.saved(x)),
          batch(x.shape(), {t.labels.clone(), t.input_lengths.clone(), t.target_lengths.clone()}, options),
          alpha(batch.empty_alpha()),
          L(r.output(forward(batch, x.value(), alpha))) {}
    void backward(Tape& tape) override { tape.add(logits, logits_gradient(batch, logits, alpha, *dy)); }
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
    return mean(Operand(div(of_batch, divisors(logits, targets)), logits.at));
}

}  // namespace unroll
