// Your solutions to the exercises of chapter 02. exercise.hpp tells what each function has to do; replace its `throw`.
// `tutorials/start 02 --exercise` grades this file as often as you like.
#include "tutorials/02_lstm/exercise.hpp"

namespace unroll::exercise {

Step lstm_step_forward(const Tensor& x_t, const Tensor& h_before, const Tensor& C_before, const Weights& w) {
    throw Unimplemented("exercise 2.1: lstm_step_forward");
}

StepGradients lstm_step_backward(const Tensor& dh_t, const Tensor& dC_t, const Tensor& x_t, const Tensor& h_before,
                                 const Tensor& C_before, const Step& s, const Weights& w) {
    throw Unimplemented("exercise 2.2: lstm_step_backward");
}

Step lstm_forward(const Tensor& x, const Tensor& h_0, const Tensor& C_0, const Weights& w) {
    throw Unimplemented("exercise 2.3: lstm_forward");
}

Gradients lstm_backward(const Tensor& dy, const Tensor& dh_T, const Tensor& dC_T, const Tensor& x, const Tensor& h_0,
                        const Tensor& C_0, const Step& s, const Weights& w) {
    throw Unimplemented("exercise 2.4: lstm_backward");
}

Step peephole_step_forward(const Tensor& x_t, const Tensor& h_before, const Tensor& C_before,
                           const PeepholeWeights& w) {
    throw Unimplemented("exercise 2.5: peephole_step_forward");
}

PeepholeGradients peephole_step_backward(const Tensor& dh_t, const Tensor& dC_t, const Tensor& x_t,
                                         const Tensor& h_before, const Tensor& C_before, const Step& s,
                                         const PeepholeWeights& w) {
    throw Unimplemented("exercise 2.5: peephole_step_backward");
}

Step coupled_step_forward(const Tensor& x_t, const Tensor& h_before, const Tensor& C_before, const Weights& w) {
    throw Unimplemented("exercise 2.6: coupled_step_forward");
}

StepGradients coupled_step_backward(const Tensor& dh_t, const Tensor& dC_t, const Tensor& x_t, const Tensor& h_before,
                                    const Tensor& C_before, const Step& s, const Weights& w) {
    throw Unimplemented("exercise 2.6: coupled_step_backward");
}

Weights from_pytorch(const PyTorchWeights& p) { throw Unimplemented("exercise 2.7: from_pytorch"); }

Truncated truncated_bptt(const Layer& layer, const Tensor& x, const Tensor& dy, const Tensor& h_0, const Tensor& C_0,
                         int n) {
    throw Unimplemented("exercise 2.8: truncated_bptt");
}

}  // namespace unroll::exercise
