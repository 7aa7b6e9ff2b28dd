#include "nn/layer_norm_lstm.hpp"

#include "core/ops/linalg.hpp"
#include "nn/init.hpp"

namespace unroll {

LayerNormLstmCell::LayerNormLstmCell(const Options& options, Generator& gen)
    : norm_h({.size = 4 * options.hidden_size, .eps = options.eps, .dtype = options.dtype}),
      norm_x({.size = 4 * options.hidden_size, .eps = options.eps, .dtype = options.dtype}),
      norm_C({.size = options.hidden_size, .eps = options.eps, .dtype = options.dtype}) {
    const Dim H{options.hidden_size, 'H'}, D{options.input_size, 'D'}, GH{4 * H.size};
    W_hh = init::parameter("W_hh", {GH, H}, options.dtype, H.size, gen);
    W_xh = init::parameter("W_xh", {GH, D}, options.dtype, H.size, gen);
    for (int64_t j = 0; j < H.size; j++) norm_x.bias.value.set_flat(j, options.forget_bias);
}

States LayerNormLstmCell::step(const Operand& x, const States& s) const {
    const int64_t H = s.h.dim(1);
    const Var recurrent = norm_h(matmul(s.h, transposed(W_hh)));
    const Var projected = norm_x(matmul(x, transposed(W_xh)));
    const Var a = recurrent + projected;  // a_t = LN_h(W_hh h_{t-1}) + LN_x(W_xh x_t)
    const Var f = sigmoid(columns(a, 0, H));
    const Var i = sigmoid(columns(a, H, 2 * H));
    const Var g = tanh(columns(a, 2 * H, 3 * H));
    const Var o = sigmoid(columns(a, 3 * H, 4 * H));
    const Var kept = f * s.C;
    const Var written = i * g;
    const Var C = kept + written;  // C_t = f_t ⊙ C_{t-1} + i_t ⊙ C̃_t
    const Var shown = tanh(norm_C(C));
    return {o * shown, C};  // h_t = o_t ⊙ tanh(LN_C(C_t))
}

void LayerNormLstmCell::visit(Visitor& v) {
    v("W_hh", W_hh);
    v("W_xh", W_xh);
    v("norm_h", norm_h);
    v("norm_x", norm_x);
    v("norm_C", norm_C);
}

std::string LayerNormLstmCell::pretty() const {
    return fmt::format("LayerNormLstm(in={}, hidden={})", W_xh.value.dim(1), W_hh.value.dim(1));
}

}  // namespace unroll
