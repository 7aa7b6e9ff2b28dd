// Your solutions to the exercises of chapter 08. exercise.hpp tells what each function has to do; replace its `throw`.
// `tutorials/start 08 --exercise` grades this file as often as you like.
#include "tutorials/08_training/exercise.hpp"

namespace unroll::exercise {

double global_norm(const Gradients& gradients) { throw Unimplemented("exercise 8.1: global_norm"); }

Clipped clip_by_norm(const Gradients& gradients, double tau) { throw Unimplemented("exercise 8.2: clip_by_norm"); }

ClippedValues clip_by_value(const Gradients& gradients, double limit) {
    throw Unimplemented("exercise 8.3: clip_by_value");
}

Dropped dropout_forward(const Tensor& x, const Tensor& draws, double p, bool training) {
    throw Unimplemented("exercise 8.4: dropout_forward");
}

Tensor dropout_backward(const Tensor& dy, const Tensor& mask) { throw Unimplemented("exercise 8.4: dropout_backward"); }

Dropped variational_forward(const Tensor& x, const Tensor& draws, double p, bool training) {
    throw Unimplemented("exercise 8.5: variational_forward");
}

Tensor variational_backward(const Tensor& dy, const Tensor& mask) {
    throw Unimplemented("exercise 8.5: variational_backward");
}

Normalised layer_norm_forward(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
    throw Unimplemented("exercise 8.6: layer_norm_forward");
}

NormGradients layer_norm_backward(const Tensor& dy, const Tensor& x_hat, const Tensor& inverse, const Tensor& weight) {
    throw Unimplemented("exercise 8.7: layer_norm_backward");
}

std::vector<Tensor> accumulated_step(const std::vector<Tensor>& parameters, const std::vector<Gradients>& micro,
                                     const std::vector<double>& sizes, double tau, double rate) {
    throw Unimplemented("exercise 8.8: accumulated_step");
}

}  // namespace unroll::exercise
