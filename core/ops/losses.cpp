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

/// share Σ_n -Σ_v q_v log softmax(x_n)[v], q = (1 - ε) 1{target_n} + ε / V; p gets the probabilities, zeros in rows
/// that don't count, if it is defined.
Tensor loss(const Tensor& logits, const Ids& targets, const CrossEntropyOptions& o, double share, Tensor& p) {
    const int64_t N = targets.size(), V = logits.dim(-1);
    Tensor losses = Tensor::empty({N}, DType::f64);
    double* to = losses.mutable_data<double>();
    dispatch(logits.dtype(), [&]<class T>(T) {
        const T* x = logits.data<T>();
        T* probabilities = p.defined() ? p.mutable_data<T>() : nullptr;
        each_row(N, V, [&](int64_t n) {
            T* row = probabilities != nullptr ? probabilities + n * V : nullptr;
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
        });
    });
    return Tensor::full({}, share * kernels::sum(N, losses.data<double>()), logits.dtype());
}

/// scale (p - q), zeros in rows that don't count
Tensor loss_gradient(const Tensor& p, const Ids& targets, const CrossEntropyOptions& o, double scale) {
    const int64_t N = targets.size(), V = p.dim(-1);
    Tensor dx = Tensor::empty(p.shape(), p.dtype());
    dispatch(p.dtype(), [&]<class T>(T) {
        const T *from = p.data<T>(), g = T(scale), others = T(scale * o.label_smoothing / double(V));
        const T target = g * T(1 - o.label_smoothing);
        T* to = dx.mutable_data<T>();
        each_row(N, V, [&](int64_t n) {
            const bool counts = targets[n] != o.ignore_index;
            const T shift = counts ? others : T(0);
            for (int64_t i = n * V; i < (n + 1) * V; i++) to[i] = g * from[i] - shift;
            if (counts) to[n * V + targets[n]] -= target;
        });
    });
    return dx;
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
    Saved p;
    Edge loss;
    Ids targets;
    CrossEntropyOptions options;
    double share;  // of one target in the loss: 1, or 1 / the number that count
    CrossEntropy(Recording& r, const Operand& x, const Ids& targets, const CrossEntropyOptions& options, double share)
        : logits(r.input(x)), targets(targets.clone()), options(options), share(share) {
        if (r.wanted && r.tape.recording()) p.value = Tensor::empty(x.shape(), x.value().dtype());
        loss = r.output(unroll::loss(x.value(), targets, options, share, p.value));
        p.version = p.value.version();
    }
    void backward(Tape& tape) override { tape.add(logits, loss_gradient(p, targets, options, share * dy->item())); }
    Text text() const override {
        if (options.label_smoothing > 0)
            return {"cross_entropy",
                    "p = softmax(x), q = (1 - ε) 1{target} + ε / V, L = -1/N Σ_n Σ_v q_n[v] log p_n[v]",
                    "dx += dL (p - q) / N"};
        return {"cross_entropy", "p = softmax(x), L = -1/N Σ_n log p_n[target_n]", "dx += dL (p - 1{target}) / N"};
    }
    void symbols(Symbols& list) const override { list.in("x", logits).in("p", p).out("L", loss); }
};

}  // namespace ops

Var cross_entropy(const Operand& logits, const Ids& targets, const CrossEntropyOptions& options) {
    const int64_t counted = check(logits, targets, options);
    return tape_of("cross_entropy", {&logits})
        .record<ops::CrossEntropy>(logits.at, logits, targets, options, share_of(counted, options.reduction));
}

}  // namespace unroll
