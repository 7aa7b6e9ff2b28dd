#pragma once
#include "core/ids.hpp"
#include "core/tape.hpp"

namespace unroll {

enum class Reduction { mean, sum };

struct CrossEntropyOptions {
    int32_t ignore_index = -100;            // a target with this number counts for nothing (padding)
    Reduction reduction = Reduction::mean;  // mean: over the targets that count
    double label_smoothing = 0;             // ε: the target's share is 1 - ε + ε/V, any other class's ε/V
};

/// -log softmax(logits)[target], in nats, over all targets, as a scalar: logits [.., V], targets [..] of classes 0 ..
/// V-1. One stable operation, for what log(softmax(x)) loses. Where every target is ignored the mean is an Error
/// (elsewhere it is NaN), the sum 0. Smoothed, it is -Σ_v q_v log softmax(logits)[v] with q = (1 - ε) 1{target} + ε/V
/// (Szegedy et al., CVPR 2016), so infinite where a class has a probability of 0.
Tensor cross_entropy(const Tensor& logits, const Ids& targets, const CrossEntropyOptions& options = {}, Where at = {});
Var cross_entropy(const Operand& logits, const Ids& targets, const CrossEntropyOptions& options = {});

}  // namespace unroll
