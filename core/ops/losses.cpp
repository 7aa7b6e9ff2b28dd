#include "core/ops/losses.hpp"

#include <algorithm>
#include <cmath>

#include "core/kernels/reduce.hpp"
#include "core/kernels/softmax.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/rows.hpp"

namespace unroll {
namespace {

/// Checks a call of cross_entropy; returns how many targets count.
int64_t check(const Operand& logits, const Ids& targets, const CrossEntropyOptions& options) {
    const Shape& s = logits.shape();
    if (s.rank() == 0) fail("cross_entropy", logits.at, "the logits are a scalar, expected [.., V]");
    if (!targets.defined()) fail("cross_entropy", logits.at, "the targets are empty: no numbers were ever put in");
    if (!(targets.shape() == s.without(-1)))
        fail("cross_entropy", logits.at, "{} need targets {}, got {}", logits.label("logits"), s.without(-1).str(),
             targets.shape().str());
    if (!(options.label_smoothing >= 0 && options.label_smoothing <= 1))
        fail("cross_entropy", logits.at, "label_smoothing {}: expected 0 to 1", options.label_smoothing);
    int64_t counted = 0;
    for (int64_t i = 0; i < targets.size(); i++) {
        if (targets[i] == options.ignore_index) continue;
        counted++;
        if (targets[i] < 0 || targets[i] >= s[-1])
            fail("cross_entropy", logits.at, "targets{} is {}: not a class of {} (nor the ignore_index {})",
                 targets.shape().place(i), targets[i], logits.label("logits"), options.ignore_index);
    }
    if (counted == 0 && options.reduction == Reduction::mean)
        fail("cross_entropy", logits.at, "all {} targets are {}, the ignore_index: there is nothing to average",
             targets.size(), options.ignore_index);
    return counted;
}

/// share Σ_n -Σ_v q_v log softmax(x_n)[v], q = (1 - ε) 1{target_n} + ε / V. g gets its gradient, share (p - q), zeros
/// in rows that don't count, if it is defined: here, while a row of p is at hand, it costs next to nothing.
Tensor loss(const Tensor& logits, const Ids& targets, const CrossEntropyOptions& o, double share, Tensor& g) {
    const int64_t N = targets.size(), V = logits.dim(-1);
    Tensor losses = Tensor::empty({N}, DType::f64);
    double* to = losses.mutable_data<double>();
    dispatch(logits.dtype(), [&]<class T>(T) {
        const T *x = logits.data<T>(), factor = T(share), others = T(share * o.label_smoothing / double(V));
        const T target = factor * T(1 - o.label_smoothing);
        T* gradient = g.defined() ? g.mutable_data<T>() : nullptr;
        each_row(N, V, [&](int64_t n) {
            T* row = gradient != nullptr ? gradient + n * V : nullptr;
            to[n] = 0;
            if (targets[n] == o.ignore_index) {
                if (row != nullptr) std::fill_n(row, V, T{0});
                return;
            }
            const kernels::Normalizer z = kernels::softmax(V, x + n * V, row);
            const auto x_target = double(x[n * V + targets[n]]);
            to[n] = (z.max - x_target) + std::log(z.sum);
            if (o.label_smoothing > 0)  // Σ q_v x_v = x_target - ε (x_target - mean x)
                to[n] += o.label_smoothing * (x_target - kernels::sum(V, x + n * V) / double(V));
            if (row == nullptr) return;
            for (int64_t v = 0; v < V; v++) row[v] = factor * row[v] - others;
            row[targets[n]] -= target;
        });
    });
    return Tensor::full({}, share * kernels::sum(N, losses.data<double>()), logits.dtype());
}

double share_of(int64_t counted, Reduction reduction) {
    return reduction == Reduction::mean ? 1 / double(counted) : 1.0;
}

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Ids& targets, const CrossEntropyOptions& options, Where at) {
    const int64_t counted = check(Operand(logits, at), targets, options);
    Tensor not_kept;
    return loss(logits, targets, options, share_of(counted, options.reduction), not_kept);
}

namespace ops {

struct CrossEntropy final : Record {
    Edge logits;
    Saved g;  // dL/dx
    Edge loss;
    bool smoothed;
    /// share: of one target in the loss, 1 or 1 / the number that count.
    CrossEntropy(Recording& r, const Operand& x, const Ids& targets, const CrossEntropyOptions& options, double share)
        : logits(r.input(x)), smoothed(options.label_smoothing > 0) {
        if (r.wanted && r.tape.recording()) g.value = Tensor::empty(x.shape(), x.value().dtype());
        loss = r.output(unroll::loss(x.value(), targets, options, share, g.value));
        g.version = g.value.version();
    }
    void backward(Tape& tape) override {
        const double dL = dy->item();
        tape.add(logits, dL == 1 ? g.value : dL * g.value);
    }
    Text text() const override {
        if (smoothed)
            return {"cross_entropy",
                    "p = softmax(x), q = (1 - ε) 1{target} + ε / V, L = -1/R Σ_r Σ_v q_r[v] log p_r[v]",
                    "dx += dL g, g = (p - q) / R"};
        return {"cross_entropy", "p = softmax(x), L = -1/R Σ_r log p_r[target_r]",
                "dx += dL g, g = (p - 1{target}) / R"};
    }
    void symbols(Symbols& list) const override { list.in("x", logits).in("g", g).out("L", loss); }
};

}  // namespace ops

Var cross_entropy(const Operand& logits, const Ids& targets, const CrossEntropyOptions& options) {
    const int64_t counted = check(logits, targets, options);
    return tape_of("cross_entropy", {&logits})
        .record<ops::CrossEntropy>(logits.at, logits, targets, options, share_of(counted, options.reduction));
}

}  // namespace unroll
