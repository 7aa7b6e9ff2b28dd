#pragma once
#include "data/batches.hpp"
#include "data/vocabulary.hpp"
#include "nn/decode.hpp"
#include "nn/recurrent.hpp"

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

/// Throws Error unless a decoder can go on from these: a source encoded, the last state h [.., B, H] (`start`, at
/// first), and the words before [T, B].
inline void check_decode(const char* model, const Var& source, const Var& h, const Ids& before, Where at) {
    if (!given(source) || !given(h))
        fail(model, at, "there is no {}", given(source) ? "state to go on from: begin with the source's" : "source");
    const Shape& s = before.shape();
    if (!before.defined() || s.rank() != 2 || s[0] < 1 || s[1] != h.dim(-2))
        fail(model, at, "the words before are {}, expected [T, B={}] with T of 1 or more",
             before.defined() ? s.str() : "not given", h.dim(-2));
}

}  // namespace unroll
