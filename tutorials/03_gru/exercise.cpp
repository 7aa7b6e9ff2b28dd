// Your solutions to the exercises of chapter 03. exercise.hpp tells what each function has to do; replace its `throw`.
// `tutorials/start 03 --exercise` grades this file as often as you like.
#include "tutorials/03_gru/exercise.hpp"

namespace unroll::exercise {

Step gru_step_forward(const Tensor& x_t, const Tensor& h_before, const Weights& w) {
    throw Unimplemented("exercise 3.1: gru_step_forward");
}

StepGradients gru_step_backward(const Tensor& dh_t, const Tensor& x_t, const Tensor& h_before, const Step& s,
                                const Weights& w) {
    throw Unimplemented("exercise 3.2: gru_step_backward");
}

Sequence gru_forward(const Tensor& x, const Tensor& h_0, const Weights& w) {
    throw Unimplemented("exercise 3.3: gru_forward");
}

Gradients gru_backward(const Tensor& dy, const Tensor& dh_T, const Tensor& x, const Tensor& h_0, const Sequence& s,
                       const Weights& w) {
    throw Unimplemented("exercise 3.4: gru_backward");
}

StepAfter reset_after_forward(const Tensor& x_t, const Tensor& h_before, const StackedWeights& w) {
    throw Unimplemented("exercise 3.5: reset_after_forward");
}

StackedGradients reset_after_backward(const Tensor& dh_t, const Tensor& x_t, const Tensor& h_before, const StepAfter& s,
                                      const StackedWeights& w) {
    throw Unimplemented("exercise 3.5: reset_after_backward");
}

StackedWeights from_pytorch(const PyTorchWeights& p) { throw Unimplemented("exercise 3.6: from_pytorch"); }

Counts parameter_counts(int D, int H, int layers) { throw Unimplemented("exercise 3.7: parameter_counts"); }

int largest_gru(double parameters, int D) { throw Unimplemented("exercise 3.7: largest_gru"); }

Memory memory(const Tensor& z, const Tensor& h_tilde, const Tensor& h_0) {
    throw Unimplemented("exercise 3.8: memory");
}

}  // namespace unroll::exercise
