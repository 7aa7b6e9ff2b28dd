// Your solutions to the exercises of chapter 07. exercise.hpp tells what each function has to do; replace its `throw`.
// `tutorials/start 07 --exercise` grades this file as often as you like.
#include "tutorials/07_advanced/exercise.hpp"

namespace unroll::exercise {

Tensor reverse_by_lengths(const Tensor& x, const Ids& lengths) {
    throw Unimplemented("exercise 7.1: reverse_by_lengths");
}

Bidirectional bidirectional_forward(const Tensor& x, const Ids& lengths, const Tensor& h_0, const Weights& f,
                                    const Weights& b) {
    throw Unimplemented("exercise 7.2: bidirectional_forward");
}

BidirectionalGradients bidirectional_backward(const Tensor& dy, const Tensor& dlast, const Tensor& x,
                                              const Ids& lengths, const Tensor& h_0, const Tensor& y, const Weights& f,
                                              const Weights& b) {
    throw Unimplemented("exercise 7.3: bidirectional_backward");
}

Tensor deep_forward(const Tensor& x, const Tensor& h_0, const std::vector<Weights>& layers) {
    throw Unimplemented("exercise 7.4: deep_forward");
}

DeepGradients deep_backward(const Tensor& dy, const Tensor& dlast, const Tensor& x, const Tensor& h_0, const Tensor& h,
                            const std::vector<Weights>& layers) {
    throw Unimplemented("exercise 7.5: deep_backward");
}

Attended attention(const Tensor& q, const Tensor& states, const Ids& lengths, const ScoreWeights& w) {
    throw Unimplemented("exercise 7.6: attention");
}

AttentionGradients attention_backward(const Tensor& dc, const Tensor& q, const Tensor& states, const Tensor& alpha) {
    throw Unimplemented("exercise 7.7: attention_backward");
}

AttentionStates attention_rnn(const Attention& attention, const Tensor& x, const Tensor& h_0, const Weights& w) {
    throw Unimplemented("exercise 7.8: attention_rnn");
}

}  // namespace unroll::exercise
