// Your solutions to the exercises of chapter 01. exercise.hpp tells what each function has to do; replace its `throw`.
// `tutorials/start 01 --exercise` grades this file as often as you like.
#include "tutorials/01_basic_rnn/exercise.hpp"

namespace unroll::exercise {

Tensor rnn_step_forward(const Tensor& x_t, const Tensor& h_before, const Weights& w) {
    throw Unimplemented("exercise 1.1: rnn_step_forward");
}

StepGradients rnn_step_backward(const Tensor& dh_t, const Tensor& x_t, const Tensor& h_before, const Tensor& h_t,
                                const Weights& w) {
    throw Unimplemented("exercise 1.2: rnn_step_backward");
}

Tensor rnn_forward(const Tensor& x, const Tensor& h_0, const Weights& w) {
    throw Unimplemented("exercise 1.3: rnn_forward");
}

Gradients rnn_backward(const Tensor& dy, const Tensor& dh_T, const Tensor& x, const Tensor& h_0, const Tensor& h,
                       const Weights& w) {
    throw Unimplemented("exercise 1.4: rnn_backward");
}

SequenceLoss sequence_loss(const Tensor& scores, const Ids& targets) {
    throw Unimplemented("exercise 1.5: sequence_loss");
}

Jacobian jacobian(const Tensor& states, const Tensor& W_hh, double norm, int k, int t) {
    throw Unimplemented("exercise 1.6: jacobian");
}

Tensor word_vectors(const Tensor& E, const Ids& words, int start) { throw Unimplemented("exercise 1.7: word_vectors"); }

Tensor word_vectors_backward(const Tensor& dx, const Ids& words, int start, int V) {
    throw Unimplemented("exercise 1.7: word_vectors_backward");
}

Truncated truncated_bptt(const Layer& layer, const Tensor& x, const Tensor& dy, const Tensor& h_0, int n) {
    throw Unimplemented("exercise 1.8: truncated_bptt");
}

}  // namespace unroll::exercise
