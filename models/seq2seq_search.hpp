#pragma once
#include "models/picked.hpp"
#include "models/seq2seq.hpp"
#include "nn/decode.hpp"

namespace unroll {

/// Finds outputs for sources. One tape serves all, so that the weights are packed once.
class Seq2SeqSearch {
  public:
    /// The model must outlive the search.
    explicit Seq2SeqSearch(const Seq2Seq& model) : model_(model) {}

    std::vector<Hypothesis> greedy(const Seq2Seq::Source& source, const DecodeOptions& options, Where at = {});
    std::vector<Decoded> beam(const Seq2Seq::Source& source, const DecodeOptions& options, Where at = {});
    /// The step of these sources' decoder, for a search of one's own; the next begin() ends its use.
    DecoderStep begin(const Seq2Seq::Source& source, Where at = {});
    /// α [N, S] of the last step.
    const Tensor& weights() const { return weights_; }

  private:
    Tensor step(const Ids& words, const Ids& parents);

    const Seq2Seq& model_;
    Tape tape_{Tape::Mode::forward_only};
    SearchRows<Seq2Seq::Encoded, Seq2Seq::State> rows_;
    Tensor weights_;
};

}  // namespace unroll
