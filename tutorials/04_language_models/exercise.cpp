// Your solutions to the exercises of chapter 04. exercise.hpp tells what each function has to do; replace its `throw`.
// `tutorials/start 04 --exercise` grades this file as often as you like.
#include "tutorials/04_language_models/exercise.hpp"

namespace unroll::exercise {

Loss cross_entropy_padded(const Tensor& scores, const Ids& targets, int padding) {
    throw Unimplemented("exercise 4.1: cross_entropy_padded");
}

double perplexity(const std::vector<BatchLoss>& batches) { throw Unimplemented("exercise 4.2: perplexity"); }

StreamBatch stream_batch(const Ids& text, int B, int T, int k) { throw Unimplemented("exercise 4.3: stream_batch"); }

TiedGradients tied_backward(const Tensor& dx, const Tensor& dscores, const Ids& words, const Tensor& h,
                            const Tensor& E) {
    throw Unimplemented("exercise 4.4: tied_backward");
}

TextScore score_text(const Model& model, const Ids& text, const Tensor& start, int T) {
    throw Unimplemented("exercise 4.5: score_text");
}

Tensor with_temperature(const Tensor& scores, double temperature) {
    throw Unimplemented("exercise 4.6: with_temperature");
}

Tensor keep_probable(const Tensor& p, int k, double top_p) { throw Unimplemented("exercise 4.7: keep_probable"); }

SentenceScore score_sentence(const Tensor& scores, const Ids& words) {
    throw Unimplemented("exercise 4.8: score_sentence");
}

}  // namespace unroll::exercise
