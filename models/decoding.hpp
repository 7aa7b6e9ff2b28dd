#pragma once
#include "data/batches.hpp"
#include "data/vocabulary.hpp"
#include "nn/decode.hpp"

/// What the models that write share: what a vocabulary's special words are to batches and to a search, and the search.
namespace unroll {

/// pad, bos and eos filled in.
inline PairBatchOptions batches_with(const Vocabulary& words, PairBatchOptions o) {
    o.pad = words.pad(), o.bos = words.bos(), o.eos = words.eos();
    return o;
}

/// start, end and the words that are never produced (unknown, padding, start) filled in.
inline DecodeOptions decoding_with(const Vocabulary& words, DecodeOptions o) {
    o.start = words.bos(), o.end = words.eos(), o.never = {words.unk(), words.pad(), words.bos()};
    return o;
}

/// The best output of each sentence: by greedy_search where beam_width is 1, else by beam_search.
inline std::vector<Hypothesis> best_outputs(const DecoderStep& step, int64_t sentences, const DecodeOptions& options,
                                            Where at = {}) {
    if (options.beam_width == 1) return greedy_search(step, sentences, options, at);
    std::vector<Hypothesis> best;
    for (Decoded& d : beam_search(step, sentences, options, at)) best.push_back(std::move(d.best.at(0)));
    return best;
}

}  // namespace unroll
