#include "models/seq2seq_search.hpp"

#include <numeric>

#include "models/picked.hpp"

namespace unroll {

DecoderStep Seq2SeqSearch::begin(const Seq2Seq::Source& source, Where at) {
    all_ = source_ = model_.encode(tape_, source, nullptr, at);
    state_ = model_.start(all_);
    sentence_ = Ids::empty({source.words.shape()[1]});
    std::iota(sentence_.mutable_data(), sentence_.mutable_data() + sentence_.size(), 0);
    every_ = sentence_;
    return [this](const Ids& words, const Ids& parents) { return step(words, parents); };
}

Tensor Seq2SeqSearch::step(const Ids& words, const Ids& parents) {
    if (!equal(parents, every_)) {  // else all go on in their places
        for (Var* s : {&state_.s.h, &state_.s.C, &state_.fed}) *s = picked(*s, parents);
        every_ = Ids::empty({parents.size()});
        std::iota(every_.mutable_data(), every_.mutable_data() + every_.size(), 0);
    }
    const Ids sentence = picked(sentence_, parents);
    if (!equal(sentence, sentence_)) {
        source_.last = picked(all_.last, sentence);
        source_.memory.side = picked(all_.memory.side, sentence);
        source_.memory.values = picked(all_.memory.values, sentence);
        source_.memory.lengths = picked(all_.memory.lengths, sentence);
    }
    sentence_ = sentence;
    Seq2Seq::Output out = model_.decode(source_, words.reshape({{1, 'T'}, {words.size(), 'B'}}), state_);
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
