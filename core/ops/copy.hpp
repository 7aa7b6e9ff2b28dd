#pragma once
#include "core/ids.hpp"
#include "core/tape.hpp"

/// A choice between generating a word and copying one of the source (See, Liu and Manning, "Get to the point:
/// summarization with pointer-generator networks", ACL 2017):
///
///     P(w) = p_gen softmax(x)_w + (1 - p_gen) Σ_{s: source_s = w} softmax(e)_s,   p_gen = σ(g)
///
/// x [.., B, V] scores the words 0 .. V-1, which may be generated; e [.., B, S] the places of the source: attention's
/// scores, before its softmax; g [.., B] the choice. A word's number may be V or above: such a word can be copied only.
/// Everything is done with logarithms, so that a word that is nearly impossible either way keeps its digits.
namespace unroll {

struct CopySource {
    Ids words;         // [S, B], numbers from 0
    Ids lengths = {};  // [B], each 1 to S; all S where not given. What is past it is never copied.
};

/// Mean of -log P(target) over the targets [.., B] that are not `ignored`, in nats. Throws Error where one can be
/// neither generated nor copied, and where none counts.
Tensor copy_loss(const Tensor& x, const Tensor& g, const Tensor& e, const CopySource& source, const Ids& targets,
                 int32_t ignored = -100, Where at = {});
Var copy_loss(const Operand& x, const Operand& g, const Operand& e, const CopySource& source, const Ids& targets,
              int32_t ignored = -100);

/// log P of all words 0 .. W-1, [.., B, W], with W above the number of every word that can be had; -inf for the others.
Tensor copy_log_probabilities(const Tensor& x, const Tensor& g, const Tensor& e, const CopySource& source, int64_t W,
                              Where at = {});

}  // namespace unroll
