// Two steps of h_t = tanh(W_hh h_{t-1} + b), with a backward that forgets the first in dW_hh.
#include "tutorials/gradcheck/pair.hpp"

using namespace unroll;

std::vector<Parameter> inputs() {
    return {random_input("h_0", {3, 4}), random_input("W_hh", {4, 4}), random_input("b", {4})};
}

std::vector<Tensor> forward(const std::vector<Tensor>& in) {
    const Tensor h_1 = tanh(matmul(in[0], transposed(in[1])) + in[2]);
    return {h_1, tanh(matmul(h_1, transposed(in[1])) + in[2])};
}

std::vector<Tensor> backward(const std::vector<Tensor>& in, const std::vector<Tensor>& d_out) {
    const std::vector<Tensor> h = forward(in);
    const Tensor da_2 = d_out[1] * (1 - h[1] * h[1]);
    const Tensor da_1 = (matmul(da_2, in[1]) + d_out[0]) * (1 - h[0] * h[0]);
    return {matmul(da_1, in[1]), matmul(transposed(da_2), h[0]), sum(da_1 + da_2, 0)};
}
