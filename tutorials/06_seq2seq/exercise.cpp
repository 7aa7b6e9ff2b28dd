// Your solutions to the exercises of chapter 06. exercise.hpp tells what each function has to do; replace its `throw`.
// `tutorials/start 06 --exercise` grades this file as often as you like.
#include "tutorials/06_seq2seq/exercise.hpp"

namespace unroll::exercise {

Forced teacher_forcing(const Ids& words, const Ids& lengths, int start, int end, int pad) {
    throw Unimplemented("exercise 6.1: teacher_forcing");
}

Tensor scores(const Tensor& q, const Tensor& s, const ScoreWeights& w) { throw Unimplemented("exercise 6.2: scores"); }

ScoreGradients scores_backward(const Tensor& de, const Tensor& q, const Tensor& s, const ScoreWeights& w) {
    throw Unimplemented("exercise 6.3: scores_backward");
}

Attended attention(const Tensor& e, const Tensor& s, const Ids& lengths) {
    throw Unimplemented("exercise 6.4: attention");
}

AttentionGradients attention_backward(const Tensor& dc, const Tensor& s, const Tensor& alpha) {
    throw Unimplemented("exercise 6.5: attention_backward");
}

DecoderStep decoder_step(const Look& look, const Tensor& y_before, const Tensor& h_before, const DecoderWeights& w) {
    throw Unimplemented("exercise 6.6: decoder_step");
}

Normalised normalised(const std::vector<double>& log_probs, const std::vector<int>& lengths, double alpha) {
    throw Unimplemented("exercise 6.7: normalised");
}

Extended beam_step(const std::vector<double>& log_probs, const Tensor& log_p, int k, int ended, int end) {
    throw Unimplemented("exercise 6.8: beam_step");
}

}  // namespace unroll::exercise
