#include "nn/gru.hpp"

#include "core/ops/linalg.hpp"
#include "nn/init.hpp"

namespace unroll {

GruCell::GruCell(const Options& options, Generator& gen) {
    const Dim H{options.hidden_size, 'H'}, D{options.input_size, 'D'}, GH{3 * H.size};
    W_hh = init::parameter("W_hh", {GH, H}, options.dtype, H.size, gen);
    W_xh = init::parameter("W_xh", {GH, D}, options.dtype, H.size, gen);
    b = init::parameter("b", {GH}, options.dtype, H.size, gen);
    if (options.reset_after) b_hh = init::parameter("b_hh", {H}, options.dtype, H.size, gen);
}

States GruCell::step(const Operand& x, const States& s) const {
    const int64_t H = s.h.dim(1);
    const Var projected = matmul(x, transposed(W_xh));
    const Var a = projected + b;  // W_* x_t + b_* of z, r and h̃
    const Var W = s.h.tape()->watch(W_hh);
    const Var gates = matmul(s.h, transposed(slice(W, 0, 2 * H)));
    const Var a_zr = columns(a, 0, 2 * H);
    const Var zr = sigmoid(a_zr + gates);
    const Var z = columns(zr, 0, H);      // z_t = σ(W_z [h_{t-1}, x_t] + b_z)
    const Var r = columns(zr, H, 2 * H);  // r_t = σ(W_r [h_{t-1}, x_t] + b_r)

    const Var W_h = slice(W, 2 * H, 3 * H);
    Var recurrent;
    if (b_hh.value.defined()) {
        const Var before_reset = matmul(s.h, transposed(W_h)) + b_hh;
        recurrent = r * before_reset;  // r_t ⊙ (W_hh h_{t-1} + b_hh)
    } else {
        const Var reset = r * s.h;
        recurrent = matmul(reset, transposed(W_h));  // W_h [r_t ⊙ h_{t-1}, .]
    }
    const Var a_h = columns(a, 2 * H, 3 * H);
    const Var candidate = tanh(a_h + recurrent);  // h̃_t
    const Var kept = (1.0 - z) * s.h;
    const Var taken = z * candidate;
    return {kept + taken, {}};  // h_t = (1 - z_t) ⊙ h_{t-1} + z_t ⊙ h̃_t
}

Scanned GruCell::sequence(const Var& x, const States& s, const SequenceOptions& options) const {
    GruWeights w{W_xh, W_hh, b};
    if (b_hh.value.defined()) w.b_hh = b_hh;
    GruVars out = gru_sequence(x, s.h, w, options);
    return {std::move(out.y), {std::move(out.h_T), {}}};
}

void GruCell::visit(Visitor& v) {
    v("W_hh", W_hh);
    v("W_xh", W_xh);
    v("b", b);
    if (b_hh.value.defined()) v("b_hh", b_hh);
}

std::string GruCell::pretty() const {
    return fmt::format("Gru(in={}, hidden={}, reset {})", W_xh.value.dim(1), W_hh.value.dim(1),
                       b_hh.value.defined() ? "after" : "before");
}

}  // namespace unroll
