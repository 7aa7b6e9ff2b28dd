#pragma once
#include "core/ids.hpp"
#include "core/tape.hpp"

namespace unroll {

enum class Reduction { mean, sum };

struct CrossEntropyOptions {
    int32_t ignore_index = -100;            // a target with this number counts for nothing (padding)
    Reduction reduction = Reduction::mean;  // mean: over the targets that count
};

/// -log softmax(logits)[target], in nats, over all targets, as a scalar: logits [.., V], targets [..] of classes 0 ..
/// V-1. One stable operation, for what log(softmax(x)) loses. Where every target is ignored the mean is an Error
/// (elsewhere it is NaN), the sum 0.
Tensor cross_entropy(const Tensor& logits, const Ids& targets, const CrossEntropyOptions& options = {}, Where at = {});
Var cross_entropy(const Operand& logits, const Ids& targets, const CrossEntropyOptions& options = {});

}  // namespace unroll
