#include "nn/rnn.hpp"

#include <cmath>

#include "core/ops/linalg.hpp"

namespace unroll {

Tensor within(const Ids& lengths, int64_t t, DType dtype) {
    Tensor column = Tensor::empty({lengths.size(), 1}, dtype);
    for (int64_t b = 0; b < lengths.size(); b++) column.set_flat(b, t < lengths[b] ? 1 : 0);
    return column;
}

static Tensor uniform(const Shape& shape, double bound, DType dtype, Generator& gen) {
    Tensor t = Tensor::empty(shape, dtype);
    gen.fill_uniform(t, -bound, bound);
    return t;
}

RnnCell::RnnCell(const Options& options, Generator& gen) : activation_(options.activation) {
    const Dim H{options.hidden_size, 'H'}, D{options.input_size, 'D'};
    const double bound = 1 / std::sqrt(static_cast<double>(H.size));
    W_hh = Parameter("W_hh", uniform({H, H}, bound, options.dtype, gen));
    W_xh = Parameter("W_xh", uniform({H, D}, bound, options.dtype, gen));
    b_h = Parameter("b_h", uniform({H}, bound, options.dtype, gen));
}

States<1> RnnCell::step(const Operand& x, const States<1>& s) const {
    const auto& [h] = s;
    const Var recurrent = matmul(h, transposed(W_hh));
    const Var projected = matmul(x, transposed(W_xh));
    const Var sum = recurrent + projected;
    const Var a = sum + b_h;  // a_t = W_hh h_{t-1} + W_xh x_t + b_h
    switch (activation_) {
        case Activation::relu:
            return {relu(a)};
        case Activation::logistic:
            return {sigmoid(a)};
        default:
            return {tanh(a)};
    }
}

Scanned<1> RnnCell::sequence(const Var& x, const States<1>& s, const SequenceOptions& options) const {
    RnnVars out = rnn_sequence(x, s[0], W_xh, W_hh, b_h, activation_, options);
    return {std::move(out.y), {std::move(out.h_T)}};
}

void RnnCell::visit(Visitor& v) {
    v("W_hh", W_hh);
    v("W_xh", W_xh);
    v("b_h", b_h);
}

std::string RnnCell::pretty() const {
    const char* names[] = {"tanh", "relu", "logistic"};
    return fmt::format("Rnn(in={}, hidden={}, {})", W_xh.value.dim(1), W_hh.value.dim(0),
                       names[static_cast<int>(activation_)]);
}

}  // namespace unroll
