#pragma once
#include "core/ids.hpp"
#include "core/ops/losses.hpp"

namespace unroll {

/// What a batch of B recordings says: labels [B, S], of which the first target_lengths[b] count (0 to S); of the logits
/// the first input_lengths[b] (0 to T).
struct CtcTargets {
    Ids labels, input_lengths, target_lengths;
};

struct CtcOptions {
    int32_t blank = 0;           // the class of no label
    bool zero_infinity = false;  // a loss of ∞ counts as 0, with zeros as its gradient
};

/// Connectionist temporal classification (Graves et al., ICML 2006): for each sequence
///     L_b = -log Σ_π Π_t softmax(logits_t)[π_t]
/// over the paths π of one class a time step that give the labels, once equal neighbours are merged and blanks left out
/// then. logits [T, B, C] to [B], in nats. Where no path does (too few steps for the labels, with a blank between equal
/// ones) the loss is ∞ and its gradient NaN, as PyTorch's, and a tape refuses to begin there; see zero_infinity.
Tensor ctc_losses(const Tensor& logits, const CtcTargets& targets, const CtcOptions& options = {}, Where at = {});
Var ctc_losses(const Operand& logits, const CtcTargets& targets, const CtcOptions& options = {});

/// Their mean as PyTorch has it: each divided by its number of labels (at least 1) before; or their sum.
Tensor ctc_loss(const Tensor& logits, const CtcTargets& targets, const CtcOptions& options = {},
                Reduction reduction = Reduction::mean, Where at = {});
Var ctc_loss(const Operand& logits, const CtcTargets& targets, const CtcOptions& options = {},
             Reduction reduction = Reduction::mean);

}  // namespace unroll
