#include "core/bptt/gru.hpp"

#include "core/bptt/gru_cell.hpp"

// T time steps, B sequences, D inputs, H hidden units; states [T+1, B, H] as in scan.hpp, gates [T, B, 3H].
namespace unroll {
namespace {

Scan checked_scan(const Operand& x, const Operand& h_0, const GruWeights& w, const SequenceOptions& options) {
    const char* me = "gru_sequence";
    if (w.W_hh.shape().rank() != 2 || w.W_hh.shape()[0] != 3 * w.W_hh.shape()[1])
        fail(me, x.at, "{}, expected [3*H, H]", w.W_hh.label("W_hh"));
    const Dim H{w.W_hh.shape()[1], 'H'}, GH{3 * H.size};
    expect_input(me, x, w.W_xh, GH, options.words);
    const Scan scan(x.shape(), options);
    scan.check(me, x.at);
    expect_shape(me, x, h_0, "h_0", {{scan.B, 'B'}, H});
    expect_shape(me, x, w.W_hh, "W_hh", {GH, H});
    expect_shape(me, x, w.b, "b", {GH});
    if (w.b_hh) expect_shape(me, x, *w.b_hh, "b_hh", {H});
    return scan;
}

}  // namespace

namespace ops {

struct GruSequence final : Record {
    Saved x, W_xh, W_hh;
    Edge h_0, b, b_hh;
    bool reset_after;
    Scan scan;
    Tensor gates;  // z_t, r_t, h̃_t of all steps [T, B, 3H]; backward writes da_t in their place
    Tensor q;      // reset before: r_t ⊙ h_{t-1}, reset after: W_h h_{t-1} + b_hh [T, B, H]
    Tensor h;      // all states [T+1, B, H]
    Edge y;
    Saved h_T;  // of h's memory, which must not change
    const Tensor* dh_T = nullptr;

    GruSequence(Recording& r, const Operand& x, const Operand& h_0, const GruWeights& w, const Scan& scan)
        : x(scan.has_table() ? Saved(r.input(x), {}) : r.saved(x)),
          W_xh(scan.has_table() ? Saved() : r.saved(w.W_xh)),
          W_hh(r.saved(w.W_hh)),
          h_0(r.input(h_0)),
          b(r.input(w.b)),
          b_hh(w.b_hh ? r.input(*w.b_hh) : Edge()),
          reset_after(w.b_hh.has_value()),
          scan(scan) {
        forward(r.tape, x.value(), h_0.value(), w.b.value(), w.b_hh ? &w.b_hh->value() : nullptr);
        y = r.output(scan.outputs(h));
        h_T = r.saved_output(h[scan.last_slot()]);
    }

    /// The rows of W_hh that act on h_{t-1} to give z and r, and those that give h̃.
    Tensor W_zr() const { return W_hh.value.slice(0, 2 * W_hh.value.dim(1)); }
    Tensor W_h() const { return W_hh.value.slice(2 * W_hh.value.dim(1), 3 * W_hh.value.dim(1)); }

    // a_t = W_xh x_t for all t; then from t = 1 to T
    //   z_t, r_t = σ(a_t + W_zr h_{t-1} + b)
    //   reset before: q_t = r_t ⊙ h_{t-1},           h̃_t = tanh(a_t + W_h q_t + b)
    //   reset after:  q_t = W_h h_{t-1} + b_hh,      h̃_t = tanh(a_t + r_t ⊙ q_t + b)
    //   h_t = (1 - z_t) ⊙ h_{t-1} + z_t ⊙ h̃_t
    void forward(Tape& tape, const Tensor& x, const Tensor& h_0, const Tensor& b, const Tensor* b_hh) {
        gates = scan.projection(x, W_xh, tape);
        h = scan.states_from(h_0);
        q = Tensor::empty(scan.states_after(h).shape(), h.dtype());
        const Packed zr(W_zr(), true, &tape), candidate(W_h(), true, &tape);
        dispatch(h.dtype(), [&]<class T>(T) {
            const int64_t B = scan.B, H = zr.K;
            const GruGates<const T*> bias(b.data<T>(), H);
            const T* bias_hh = b_hh != nullptr ? b_hh->data<T>() : nullptr;
            T *all_gates = gates.mutable_data<T>(), *all_q = q.mutable_data<T>(), *all_h = h.mutable_data<T>();
            scan.for_slices([&](int64_t first, int64_t end) {
                for (int64_t step = 0; step < scan.T; step++) {
                    const int64_t t = scan.time(step), rows = end - first;
                    const T* h_before = all_h + scan.before(t) * B * H;
                    T *h_t = all_h + scan.after(t) * B * H, *q_t = all_q + t * B * H;
                    const auto gates_of = [&](int64_t b) { return GruGates<T*>(all_gates + (t * B + b) * 3 * H, H); };
                    scan.look_up(t, first, end, 3 * H, x, all_gates + t * B * 3 * H);
                    zr.multiply<T>(rows, h_before + first * H, H, gates_of(first).z, 3 * H, true);
                    if (reset_after) candidate.multiply<T>(rows, h_before + first * H, H, q_t + first * H, H, false);
                    scan.for_rows(t, first, end, [&](int64_t b) {
                        open_gates<T>(H, bias, bias_hh, h_before + b * H, gates_of(b), q_t + b * H);
                    });
                    scan.pass_through<T>(t, first, end, H, nullptr, q_t);
                    if (!reset_after) candidate.multiply<T>(rows, q_t + first * H, H, gates_of(first).g, 3 * H, true);
                    scan.for_rows(t, first, end, [&](int64_t b) {
                        update<T>(H, bias, reset_after, h_before + b * H, q_t + b * H, gates_of(b), h_t + b * H);
                    });
                    scan.pass_through<T>(t, first, end, H, h_before, h_t);
                }
            });
        });
    }

    // From t = T down to 1: da_z = dh_t ⊙ (h̃_t - h_{t-1}) ⊙ z_t ⊙ (1 - z_t),  da_h̃ = dh_t ⊙ z_t ⊙ (1 - h̃_t²),
    //   reset before: dq_t = W_hᵀ da_h̃,     da_r = dq_t ⊙ h_{t-1} ⊙ r_t ⊙ (1 - r_t),  dh_{t-1} += dq_t ⊙ r_t
    //   reset after:  dq_t = da_h̃ ⊙ r_t,    da_r = da_h̃ ⊙ q_t ⊙ r_t ⊙ (1 - r_t),      dh_{t-1} += W_hᵀ dq_t
    //   dh_{t-1} += dh_t ⊙ (1 - z_t) + W_zrᵀ da_zr + dy_{t-1}; then for all t at once
    // dW_zr = Σ da_zr h_{t-1}ᵀ,  dW_h = Σ da_h̃ q_tᵀ (after: Σ dq_t h_{t-1}ᵀ),  dW_xh = Σ da_t x_tᵀ,  db = Σ da_t,
    // db_hh = Σ dq_t,  dx_t = W_xhᵀ da_t
    void backward(Tape& tape) override {
        dh_T = tape.gradient(h_T);
        Tensor dh = dh_T != nullptr ? dh_T->clone() : Tensor::zeros(h[0].shape(), h.dtype());
        Tensor dq = Tensor::empty(q.shape(), q.dtype());
        const Tensor da = through_time(tape, dh, dq);
        const int64_t H = dh.dim(1);
        if (tape.wants(h_0)) tape.add(h_0, dh);
        if (tape.wants(W_hh)) {
            Tensor& dW = tape.sum(W_hh);
            add_products(dW, 0, 2 * H, da, 0, scan.states_before(h));
            if (reset_after)
                add_products(dW, 2 * H, H, dq, 0, scan.states_before(h));
            else
                add_products(dW, 2 * H, H, da, 2 * H, q);
        }
        if (tape.wants(b)) tape.add(b, sum_to(da, {da.dim(-1)}));
        if (tape.wants(b_hh)) tape.add(b_hh, sum_to(dq, {H}));
        scan.projection_backward(tape, da, x, W_xh);
    }

    /// da_t [T, B, 3H] and dq_t [T, B, H] for all t; turns dh from dL/dh_T into dL/dh_0 [B, H].
    Tensor through_time(Tape& tape, Tensor& dh, Tensor& dq) const {
        Tensor da = gates;
        const Packed zr(W_zr(), false, &tape), candidate(W_h(), false, &tape);
        dispatch(h.dtype(), [&]<class T>(T) {
            const int64_t B = scan.B, H = zr.N;
            const T *all_gates = gates.data<T>(), *all_q = q.data<T>(), *all_h = h.data<T>();
            const T* all_dy = dy != nullptr ? dy->data<T>() : nullptr;
            T *all_da = da.mutable_data<T>(), *all_dq = dq.mutable_data<T>(), *dh_t = dh.mutable_data<T>();
            scan.for_slices([&](int64_t first, int64_t end) {
                for (int64_t step = scan.T - 1; step >= 0; step--) {
                    const int64_t t = scan.time(step), rows = end - first;
                    const T *h_before = all_h + scan.before(t) * B * H, *q_t = all_q + t * B * H;
                    const T* dy_t = all_dy != nullptr ? all_dy + t * B * H : nullptr;
                    T* dq_t = all_dq + t * B * H;
                    const auto gates_of = [&](int64_t b) {
                        return GruGates<const T*>(all_gates + (t * B + b) * 3 * H, H);
                    };
                    const auto da_of = [&](int64_t b) { return GruGates<T*>(all_da + (t * B + b) * 3 * H, H); };
                    scan.pass_through<T>(t, first, end, 3 * H, nullptr, all_da + t * B * 3 * H);
                    scan.pass_through<T>(t, first, end, H, nullptr, dq_t);
                    scan.for_rows(t, first, end, [&](int64_t b) {
                        update_backward<T>(H, gates_of(b), h_before + b * H, dy_t ? dy_t + b * H : nullptr,
                                           dh_t + b * H, da_of(b));
                        if (reset_after) reset_backward<T>(H, gates_of(b), q_t + b * H, da_of(b), dq_t + b * H);
                    });
                    if (reset_after) {
                        candidate.multiply<T>(rows, dq_t + first * H, H, dh_t + first * H, H, true);
                    } else {
                        candidate.multiply<T>(rows, da_of(first).g, 3 * H, dq_t + first * H, H, false);
                        scan.for_rows(t, first, end, [&](int64_t b) {
                            reset_backward<T>(H, gates_of(b), h_before + b * H, dq_t + b * H, dh_t + b * H, da_of(b));
                        });
                    }
                    if (step > 0) {
                        const int64_t next = scan.time(step - 1);
                        kernels::prefetch(all_gates + (next * B + first) * 3 * H, rows * 3 * H);
                        kernels::prefetch(all_h + (scan.before(next) * B + first) * H, rows * H);
                        if (reset_after) kernels::prefetch(all_q + (next * B + first) * H, rows * H);
                        if (all_dy) kernels::prefetch(all_dy + (next * B + first) * H, rows * H);
                    }
                    zr.multiply<T>(rows, da_of(first).z, 3 * H, dh_t + first * H, H, true);
                }
            });
        });
        return da;
    }

    Text text() const override {
        return {
            "gru_sequence", "h_t = (1 - z_t) ⊙ h_{t-1} + z_t ⊙ h̃_t, t = 1 .. T",
            reset_after
                ? "da_z = dh_t ⊙ (h̃_t - h_{t-1}) ⊙ z_t ⊙ (1 - z_t), da_h̃ = dh_t ⊙ z_t ⊙ (1 - h̃_t²), dq_t = da_h̃ ⊙ r_t, "
                  "da_r = da_h̃ ⊙ q_t ⊙ r_t ⊙ (1 - r_t), dh_{t-1} = dh_t ⊙ (1 - z_t) + W_hᵀ dq_t + W_zrᵀ da_zr + "
                  "dy_{t-1}; dW_zr += Σ da_zr h_{t-1}ᵀ, dW_h += Σ dq_t h_{t-1}ᵀ, db_hh += Σ dq_t, dW_xh += Σ da_t "
                  "x_tᵀ, db += Σ da_t, dx_t += W_xhᵀ da_t"
                : "da_z = dh_t ⊙ (h̃_t - h_{t-1}) ⊙ z_t ⊙ (1 - z_t), da_h̃ = dh_t ⊙ z_t ⊙ (1 - h̃_t²), dq_t = W_hᵀ "
                  "da_h̃, da_r = dq_t ⊙ h_{t-1} ⊙ r_t ⊙ (1 - r_t), dh_{t-1} = dh_t ⊙ (1 - z_t) + dq_t ⊙ r_t + W_zrᵀ "
                  "da_zr + dy_{t-1}; dW_zr += Σ da_zr h_{t-1}ᵀ, dW_h += Σ da_h̃ q_tᵀ, dW_xh += Σ da_t x_tᵀ, db += Σ "
                  "da_t, dx_t += W_xhᵀ da_t"};
    }
    void symbols(Symbols& list) const override {
        list.in("x", x).in("h_0", h_0).in("W_xh", W_xh).in("W_hh", W_hh).in("b", b);
        if (reset_after) list.in("b_hh", b_hh);
        list.out("y", y).out("h_T", h_T);
    }
};

}  // namespace ops

GruStates gru_sequence(const Tensor& x, const Tensor& h_0, const GruWeights& w, const SequenceOptions& options,
                       Where at) {
    Tape tape(Tape::Mode::forward_only);
    const GruVars v = gru_sequence(Operand(tape.constant(x), at), h_0, w, options);
    return {v.y.value(), v.h_T.value()};
}

GruVars gru_sequence(const Operand& x, const Operand& h_0, const GruWeights& w, const SequenceOptions& options) {
    const Scan scan = checked_scan(x, h_0, w, options);
    Tape& tape = tape_of("gru_sequence", {&x, &h_0, &w.W_xh, &w.W_hh, &w.b, w.b_hh ? &*w.b_hh : &w.b});
    auto out = tape.record_all<ops::GruSequence>(x.at, x, h_0, w, scan);
    return {std::move(out[0]), std::move(out[1])};
}

}  // namespace unroll
