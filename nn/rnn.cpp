#include "nn/rnn.hpp"

#include "core/ops/linalg.hpp"
#include "nn/init.hpp"

namespace unroll {

RnnCell::RnnCell(const Options& options, Generator& gen) : activation_(options.activation) {
    const Dim H{options.hidden_size, 'H'}, D{options.input_size, 'D'};
    W_hh = init::parameter("W_hh", {H, H}, options.dtype, H.size, gen);
    W_xh = init::parameter("W_xh", {H, D}, options.dtype, H.size, gen);
    b_h = init::parameter("b_h", {H}, options.dtype, H.size, gen);
}

States RnnCell::step(const Operand& x, const States& s) const {
    const Var recurrent = matmul(s.h, transposed(W_hh));
    const Var projected = matmul(x, transposed(W_xh));
    const Var sum = recurrent + projected;
    const Var a = sum + b_h;  // a_t = W_hh h_{t-1} + W_xh x_t + b_h
    if (activation_ == Activation::relu) return {relu(a), {}};
    return {activation_ == Activation::logistic ? sigmoid(a) : tanh(a), {}};
}

Scanned RnnCell::sequence(const Var& x, const States& s, const SequenceOptions& options) const {
    RnnVars out = rnn_sequence(x, s.h, W_xh, W_hh, b_h, activation_, options);
    return {std::move(out.y), {std::move(out.h_T), {}}};
}

void RnnCell::visit(Visitor& v) {
    v("W_hh", W_hh);
    v("W_xh", W_xh);
    v("b_h", b_h);
}

std::string RnnCell::pretty() const {
    const char* names[] = {"tanh", "relu", "logistic"};
    return fmt::format("Rnn(in={}, hidden={}, {})", W_xh.value.dim(1), W_hh.value.dim(0), names[int(activation_)]);
}

}  // namespace unroll
