#include "nn/lstm.hpp"

#include "core/ops/linalg.hpp"
#include "nn/init.hpp"

namespace unroll {

LstmCell::LstmCell(const Options& options, Generator& gen) : coupled_(options.coupled) {
    const Dim H{options.hidden_size, 'H'}, D{options.input_size, 'D'}, GH{(coupled_ ? 3 : 4) * H.size};
    W_hh = init::parameter("W_hh", {GH, H}, options.dtype, H.size, gen);
    W_xh = init::parameter("W_xh", {GH, D}, options.dtype, H.size, gen);
    b = init::parameter("b", {GH}, options.dtype, H.size, gen);
    if (!coupled_)
        for (int64_t j = 0; j < H.size; j++) b.value.set_flat(j, b.value.flat(j) + options.forget_bias);
    if (options.peephole == Peephole::none) return;
    const Shape shape = options.peephole == Peephole::full ? Shape{H, H} : Shape{H};
    if (!coupled_) P_f = init::parameter("P_f", shape, options.dtype, H.size, gen);
    P_i = init::parameter("P_i", shape, options.dtype, H.size, gen);
    P_o = init::parameter("P_o", shape, options.dtype, H.size, gen);
}

/// What a gate gets: a, and where it has a peephole P what it sees of the cell state.
static Var with_peephole(const Var& a, const Parameter& P, const Var& C) {
    if (!P.value.defined()) return a;
    const Var seen = P.value.rank() == 2 ? matmul(C, transposed(P)) : C * P;
    return a + seen;
}

States LstmCell::step(const Operand& x, const States& s) const {
    const Var recurrent = matmul(s.h, transposed(W_hh));
    const Var projected = matmul(x, transposed(W_xh));
    const Var sum = recurrent + projected;
    const Var a = sum + b;  // W_* [h_{t-1}, x_t] + b_* of all gates
    const int64_t H = s.h.dim(1), k = coupled_ ? -H : 0;

    const Var a_i = columns(a, k + H, k + 2 * H);
    const Var i = sigmoid(with_peephole(a_i, P_i, s.C));  // i_t = σ(W_i [h_{t-1}, x_t, C_{t-1}] + b_i)
    Var f;
    if (coupled_) {
        f = 1.0 - i;  // f_t = 1 - i_t
    } else {
        const Var a_f = columns(a, 0, H);
        f = sigmoid(with_peephole(a_f, P_f, s.C));  // f_t = σ(W_f [h_{t-1}, x_t, C_{t-1}] + b_f)
    }
    const Var g = tanh(columns(a, k + 2 * H, k + 3 * H));  // C̃_t = tanh(W_C [h_{t-1}, x_t] + b_C)
    const Var kept = f * s.C;
    const Var written = i * g;
    const Var C = kept + written;  // C_t = f_t ⊙ C_{t-1} + i_t ⊙ C̃_t
    const Var a_o = columns(a, k + 3 * H, k + 4 * H);
    const Var o = sigmoid(with_peephole(a_o, P_o, C));  // o_t = σ(W_o [h_{t-1}, x_t, C_t] + b_o)
    const Var shown = tanh(C);
    return {o * shown, C};  // h_t = o_t ⊙ tanh(C_t)
}

Scanned LstmCell::sequence(const Var& x, const States& s, const SequenceOptions& options) const {
    LstmWeights w{W_xh, W_hh, b};
    if (P_f.value.defined()) w.P_f = P_f;
    if (P_i.value.defined()) w.P_i = P_i;
    if (P_o.value.defined()) w.P_o = P_o;
    LstmVars out = lstm_sequence(x, s.h, s.C, w, coupled_, options);
    return {std::move(out.y), {std::move(out.h_T), std::move(out.C_T)}};
}

void LstmCell::visit(Visitor& v) {
    v("W_hh", W_hh);
    v("W_xh", W_xh);
    v("b", b);
    if (P_f.value.defined()) v("P_f", P_f);
    if (P_i.value.defined()) v("P_i", P_i);
    if (P_o.value.defined()) v("P_o", P_o);
}

std::string LstmCell::pretty() const {
    const bool peephole = P_i.value.defined();
    return fmt::format("Lstm(in={}, hidden={}{}{})", W_xh.value.dim(1), W_hh.value.dim(1),
                       !peephole               ? ""
                       : P_i.value.rank() == 2 ? ", full peepholes"
                                               : ", diagonal peepholes",
                       coupled_ ? ", coupled" : "");
}

}  // namespace unroll
