// Your solutions to the exercises of chapter 09. exercise.hpp tells what each function has to do; replace its `throw`.
// `tutorials/start 09 --exercise` grades this file as often as you like.
#include "tutorials/09_applications/exercise.hpp"

namespace unroll::exercise {

Tensor copy_distribution(const Tensor& generated, const Tensor& alpha, const Tensor& p_gen, const Ids& source,
                         int64_t W) {
    throw Unimplemented("exercise 9.1: copy_distribution");
}

CopyGradients copy_backward(const Tensor& dP, const Tensor& generated, const Tensor& alpha, const Tensor& p_gen,
                            const Ids& source) {
    throw Unimplemented("exercise 9.2: copy_backward");
}

Mixture mixture_loss(const Tensor& x, const Tensor& g, const Tensor& e, const Ids& source, const Ids& lengths,
                     const Ids& targets) {
    throw Unimplemented("exercise 9.3: mixture_loss");
}

MixtureGradients mixture_gradient(const Tensor& x, const Tensor& g, const Tensor& e, const Ids& source,
                                  const Ids& lengths, const Ids& targets, const Tensor& reason) {
    throw Unimplemented("exercise 9.4: mixture_gradient");
}

PairScore score_pair(const Tensor& logits, const Ids& targets, int32_t end) {
    throw Unimplemented("exercise 9.5: score_pair");
}

Choice choose(const Tensor& log_probs, const Ids& lengths, double exponent) {
    throw Unimplemented("exercise 9.6: choose");
}

std::vector<double> what_it_is(const Ids& sentence, const Ids& verbs, const Ids& articles) {
    throw Unimplemented("exercise 9.7: what_it_is");
}

Rouge rouge_1(const Ids& prediction, const Ids& reference) { throw Unimplemented("exercise 9.8: rouge_1"); }

CtcAlpha ctc_alpha(const Tensor& y, const Ids& labels) { throw Unimplemented("exercise 9.9: ctc_alpha"); }

CtcGradient ctc_gradient(const Tensor& y, const Ids& labels, const Tensor& alpha) {
    throw Unimplemented("exercise 9.10: ctc_gradient");
}

PrefixStep prefix_step(const Tensor& ends_blank, const Tensor& ends_label, const Ids& last, const Tensor& y,
                       const Tensor& language, const Ids& known) {
    throw Unimplemented("exercise 9.11: prefix_step");
}

Edits edit_distance(const Ids& hypothesis, const Ids& reference) {
    throw Unimplemented("exercise 9.12: edit_distance");
}

}  // namespace unroll::exercise
