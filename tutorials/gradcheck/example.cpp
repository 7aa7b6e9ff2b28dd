// One step of the basic RNN, forward and backward by hand; try
//     tutorials/start gradcheck tutorials/gradcheck/example.cpp
// and then again with a mistake of your own. B = batch, D = input size, H = hidden size.
#include "tutorials/gradcheck/pair.hpp"

using namespace unroll;

enum { x, h_prev, W_xh, W_hh, b_h };

std::vector<Parameter> inputs() {
    const int B = 3, D = 4, H = 5;
    return {random_input("x", {B, D}), random_input("h_prev", {B, H}), random_input("W_xh", {H, D}),
            random_input("W_hh", {H, H}), random_input("b_h", {H})};
}

// h = tanh(a),  a = W_xh x + W_hh h_prev + b_h
std::vector<Tensor> forward(const std::vector<Tensor>& in) {
    return {tanh(matmul(in[x], transposed(in[W_xh])) + matmul(in[h_prev], transposed(in[W_hh])) + in[b_h])};
}

std::vector<Tensor> backward(const std::vector<Tensor>& in, const std::vector<Tensor>& d_out) {
    const Tensor h = forward(in)[0];
    const Tensor da = d_out[0] * (1 - h * h);                 // tanh'(a) = 1 - tanh²(a)
    const Tensor dx = matmul(da, in[W_xh]);                   // dx = W_xhᵀ da
    const Tensor dh_prev = matmul(da, in[W_hh]);              // dh_prev = W_hhᵀ da
    const Tensor dW_xh = matmul(transposed(da), in[x]);       // dW_xh = da xᵀ, added up over the batch
    const Tensor dW_hh = matmul(transposed(da), in[h_prev]);  // dW_hh = da h_prevᵀ
    const Tensor db_h = sum(da, 0);
    return {dx, dh_prev, dW_xh, dW_hh, db_h};
}
