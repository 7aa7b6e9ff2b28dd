// Your solutions to the exercises of chapter 00. exercise.hpp tells what each function has to do; replace its `throw`.
// `tutorials/start 00 --exercise` grades this file as often as you like.
#include "tutorials/00_tape/exercise.hpp"

namespace unroll::exercise {

Tensor linear(const Tensor& x, const Tensor& W) { throw Unimplemented("exercise 0.1: linear"); }

LinearGradients linear_backward(const Tensor& dy, const Tensor& x, const Tensor& W) {
    throw Unimplemented("exercise 0.2: linear_backward");
}

Tensor tanh_backward(const Tensor& dy, const Tensor& y) { throw Unimplemented("exercise 0.3: tanh_backward"); }

CrossEntropy cross_entropy(const Tensor& z, const Ids& targets) { throw Unimplemented("exercise 0.4: cross_entropy"); }

Tensor cross_entropy_backward(double dloss, const Tensor& p, const Ids& targets) {
    throw Unimplemented("exercise 0.5: cross_entropy_backward");
}

std::vector<double> run(const List& list, const std::vector<double>& inputs) {
    throw Unimplemented("exercise 0.6: run");
}

std::vector<double> run_backward(const List& list, const std::vector<double>& values, int output) {
    throw Unimplemented("exercise 0.7: run_backward");
}

Tensor numeric_gradient(const std::function<double(const Tensor&)>& f, const Tensor& x, double h) {
    throw Unimplemented("exercise 0.8: numeric_gradient");
}

}  // namespace unroll::exercise
