// Your solutions to the exercises of chapter 05. exercise.hpp tells what each function has to do; replace its `throw`.
// `tutorials/start 05 --exercise` grades this file as often as you like.
#include "tutorials/05_captioning/exercise.hpp"

namespace unroll::exercise {

Tensor conv2d(const Tensor& x, const Tensor& W, const Tensor& bias, int stride, int padding) {
    throw Unimplemented("exercise 5.1: conv2d");
}

ConvGradients conv2d_backward(const Tensor& dy, const Tensor& x, const Tensor& W, int stride, int padding) {
    throw Unimplemented("exercise 5.2: conv2d_backward");
}

Pooled max_pool(const Tensor& x, const Tensor& dy, int n) { throw Unimplemented("exercise 5.3: max_pool"); }

Normed batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& running_mean,
                  const Tensor& running_var, double eps, double m) {
    throw Unimplemented("exercise 5.4: batch_norm");
}

Attended spatial_attention(const Tensor& h, const Tensor& V, const AttentionWeights& w) {
    throw Unimplemented("exercise 5.5: spatial_attention");
}

AttentionGradients spatial_attention_backward(const Tensor& dv, const Tensor& h, const Tensor& V, const Tensor& alpha,
                                              const AttentionWeights& w) {
    throw Unimplemented("exercise 5.6: spatial_attention_backward");
}

Ids sampled_inputs(const Ids& before, const Tensor& draws, double epsilon, const Next& next) {
    throw Unimplemented("exercise 5.7: sampled_inputs");
}

double epsilon(Decay decay, int i, double k, double slope, double least) {
    throw Unimplemented("exercise 5.8: epsilon");
}

}  // namespace unroll::exercise
