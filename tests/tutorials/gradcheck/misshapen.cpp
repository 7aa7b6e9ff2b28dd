// A backward that returns dW as the transpose of what it is.
#include "tutorials/gradcheck/pair.hpp"

using namespace unroll;

std::vector<Parameter> inputs() { return {random_input("x", {3, 4}), random_input("W", {2, 4})}; }

std::vector<Tensor> forward(const std::vector<Tensor>& in) { return {matmul(in[0], transposed(in[1]))}; }

std::vector<Tensor> backward(const std::vector<Tensor>& in, const std::vector<Tensor>& d_out) {
    return {matmul(d_out[0], in[1]), matmul(transposed(in[0]), d_out[0])};
}
