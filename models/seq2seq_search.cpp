#include "models/seq2seq_search.hpp"

namespace unroll {

DecoderStep Seq2SeqSearch::begin(const Seq2Seq::Source& source, Where at) {
    Seq2Seq::Encoded x = model_.encode(tape_, source, nullptr, at);
    Seq2Seq::State first = model_.start(x);
    rows_.begin(std::move(x), std::move(first), source.words.shape()[1]);
    return [this](const Ids& words, const Ids& parents) { return step(words, parents); };
}

Tensor Seq2SeqSearch::step(const Ids& words, const Ids& parents) {
    rows_.follow(parents);
    Seq2Seq::Output out = model_.decode(rows_.source, words.reshape({{1, 'T'}, {words.size(), 'B'}}), rows_.state);
    weights_ = given(out.weights) ? out.weights.value()[0] : Tensor();
    return model_.scores(out.h).value()[0];
}

std::vector<Hypothesis> Seq2SeqSearch::greedy(const Seq2Seq::Source& source, const DecodeOptions& options, Where at) {
    return greedy_search(begin(source, at), source.words.shape()[1], options, at);
}

std::vector<Decoded> Seq2SeqSearch::beam(const Seq2Seq::Source& source, const DecodeOptions& options, Where at) {
    return beam_search(begin(source, at), source.words.shape()[1], options, at);
}

}  // namespace unroll
