#include "core/bptt/lstm.hpp"

#include "core/bptt/lstm_cell.hpp"

// T time steps, B sequences, D inputs, H hidden units, G gates; states [T+1, B, H] as in scan.hpp, gates [T, B, G*H].
namespace unroll {
namespace {

Scan checked_scan(const Operand& x, const Operand& h_0, const Operand& C_0, const LstmWeights& w, bool coupled,
                  const SequenceOptions& options) {
    const char* me = "lstm_sequence";
    const int64_t G = coupled ? 3 : 4;
    if (w.W_hh.shape().rank() != 2 || w.W_hh.shape()[0] != G * w.W_hh.shape()[1])
        fail(me, x.at, "{}, expected [{}*H, H]", w.W_hh.label("W_hh"), G);
    const Dim H{w.W_hh.shape()[1], 'H'}, GH{G * H.size};
    expect_input(me, x, w.W_xh, GH, options.words);
    const Scan scan(x.shape(), options);
    scan.check(me, x.at);
    const Dim B{scan.B, 'B'};
    expect_shape(me, x, h_0, "h_0", {B, H});
    expect_shape(me, x, C_0, "C_0", {B, H});
    expect_shape(me, x, w.W_hh, "W_hh", {GH, H});
    expect_shape(me, x, w.b, "b", {GH});
    if (w.P_i.has_value() != w.P_o.has_value() || w.P_f.has_value() != (w.P_i.has_value() && !coupled))
        fail(me, x.at, coupled ? "expected both of P_i and P_o, or no peephole" : "expected P_f, P_i and P_o, or none");
    if (!w.P_i) return scan;
    const Shape P = w.P_i->shape().rank() == 2 ? Shape{H, H} : Shape{H};
    if (!coupled) expect_shape(me, x, *w.P_f, "P_f", P);
    expect_shape(me, x, *w.P_i, "P_i", P);
    expect_shape(me, x, *w.P_o, "P_o", P);
    return scan;
}

/// The full peepholes of one pass, packed; in the diagonal form and without any, nothing.
struct FullPeepholes {
    std::optional<Packed> f, i, o;
    FullPeepholes(const Tensor& P_f, const Tensor& P_i, const Tensor& P_o, bool transposed, Tape& tape) {
        if (!P_i.defined() || P_i.rank() != 2) return;
        if (P_f.defined()) f.emplace(P_f, transposed, &tape);
        i.emplace(P_i, transposed, &tape);
        o.emplace(P_o, transposed, &tape);
    }
};

}  // namespace

namespace ops {

struct LstmSequence final : Record {
    Saved x, W_xh, W_hh, P_f, P_i, P_o;
    Edge h_0, C_0, b;
    bool coupled;
    Scan scan;
    Tensor gates;  // f_t, i_t, C̃_t, o_t of all steps [T, B, G*H]; backward writes da_t in their place
    Tensor C, h;   // all states [T+1, B, H]
    Edge y;
    Saved h_T, C_T;  // of h's and C's memory, which must not change
    const Tensor *dh_T = nullptr, *dC_T = nullptr;

    LstmSequence(Recording& r, const Operand& x, const Operand& h_0, const Operand& C_0, const LstmWeights& w,
                 bool coupled, const Scan& scan)
        : x(scan.has_table() ? Saved(r.input(x), {}) : r.saved(x)),
          W_xh(scan.has_table() ? Saved() : r.saved(w.W_xh)),
          W_hh(r.saved(w.W_hh)),
          P_f(w.P_f ? r.saved(*w.P_f) : Saved()),
          P_i(w.P_i ? r.saved(*w.P_i) : Saved()),
          P_o(w.P_o ? r.saved(*w.P_o) : Saved()),
          h_0(r.input(h_0)),
          C_0(r.input(C_0)),
          b(r.input(w.b)),
          coupled(coupled),
          scan(scan) {
        forward(r.tape, x.value(), h_0.value(), C_0.value(), w.b.value());
        y = r.output(scan.outputs(h));
        h_T = r.saved_output(h[scan.last_slot()]);
        C_T = r.saved_output(C[scan.last_slot()]);
    }

    /// The diagonal peepholes, and null pointers in the other forms.
    template <class T>
    LstmGates<const T*> diagonal() const {
        if (!P_i.value.defined() || P_i.value.rank() != 1) return {};
        return {coupled ? nullptr : P_f.value.data<T>(), P_i.value.data<T>(), nullptr, P_o.value.data<T>()};
    }

    // a_t = W_xh x_t for all t; then from t = 1 to T
    //   a_t += W_hh h_{t-1} + b, of f and i + P C_{t-1};  C_t = f_t ⊙ C_{t-1} + i_t ⊙ C̃_t
    //   a_o += P_o C_t;  h_t = o_t ⊙ tanh(C_t)
    void forward(Tape& tape, const Tensor& x, const Tensor& h_0, const Tensor& C_0, const Tensor& b) {
        gates = scan.projection(x, W_xh, tape);
        h = scan.states_from(h_0);
        C = scan.states_from(C_0);
        const Packed W(W_hh, true, &tape);
        const FullPeepholes P(P_f, P_i, P_o, true, tape);
        dispatch(h.dtype(), [&]<class T>(T) {
            const int64_t B = scan.B, H = W.K, GH = W.N;
            const auto bias = split(b.data<T>(), H, coupled), p = diagonal<T>();
            T *all_gates = gates.mutable_data<T>(), *all_h = h.mutable_data<T>(), *all_C = C.mutable_data<T>();
            scan.for_slices([&](int64_t first, int64_t end) {
                for (int64_t step = 0; step < scan.T; step++) {
                    const int64_t t = scan.time(step), rows = end - first;
                    const T *h_before = all_h + scan.before(t) * B * H, *C_before = all_C + scan.before(t) * B * H;
                    T *h_t = all_h + scan.after(t) * B * H, *C_t = all_C + scan.after(t) * B * H;
                    const auto gates_of = [&](int64_t b) { return split(all_gates + (t * B + b) * GH, H, coupled); };
                    const auto a = gates_of(first);
                    scan.look_up(t, first, end, GH, x, all_gates + t * B * GH);
                    W.multiply<T>(rows, h_before + first * H, H, all_gates + (t * B + first) * GH, GH, true);
                    if (P.f) P.f->multiply<T>(rows, C_before + first * H, H, a.f, GH, true);
                    if (P.i) P.i->multiply<T>(rows, C_before + first * H, H, a.i, GH, true);
                    scan.for_rows(t, first, end, [&](int64_t b) {
                        write_cell<T>(H, bias, p, gates_of(b), C_before + b * H, C_t + b * H);
                    });
                    scan.pass_through<T>(t, first, end, H, C_before, C_t);
                    if (P.o) P.o->multiply<T>(rows, C_t + first * H, H, a.o, GH, true);
                    scan.for_rows(t, first, end,
                                  [&](int64_t b) { show_cell<T>(H, bias, p, gates_of(b), C_t + b * H, h_t + b * H); });
                    scan.pass_through<T>(t, first, end, H, h_before, h_t);
                }
            });
        });
    }

    // From t = T down to 1: da_o, dC_t += dh_t ⊙ o_t ⊙ (1 - tanh²(C_t)) + P_oᵀ da_o; da_f, da_i, da_g;
    // dC_{t-1} = dC_t ⊙ f_t + P_fᵀ da_f + P_iᵀ da_i,  dh_{t-1} = W_hhᵀ da_t + dy_{t-1}; then for all t at once
    // dW_hh = Σ da_t h_{t-1}ᵀ,  dW_xh = Σ da_t x_tᵀ,  db = Σ da_t,  dx_t = W_xhᵀ da_t,  dP = Σ da C_{t-1}ᵀ (of o: C_t)
    void backward(Tape& tape) override {
        dh_T = tape.gradient(h_T);
        dC_T = tape.gradient(C_T);
        Tensor dh = dh_T != nullptr ? dh_T->clone() : Tensor::zeros(h[0].shape(), h.dtype());
        Tensor dC = dC_T != nullptr ? dC_T->clone() : Tensor::zeros(h[0].shape(), h.dtype());
        const Tensor da = through_time(tape, dh, dC);
        if (tape.wants(h_0)) tape.add(h_0, dh);
        if (tape.wants(C_0)) tape.add(C_0, dC);
        if (tape.wants(W_hh)) tape.add_product(W_hh, da, scan.states_before(h));
        if (tape.wants(b)) tape.add(b, sum_to(da, {da.dim(-1)}));
        scan.projection_backward(tape, da, x, W_xh);
        add_peephole(tape, P_f, da, 0, scan.states_before(C));
        add_peephole(tape, P_i, da, coupled ? 0 : 1, scan.states_before(C));
        add_peephole(tape, P_o, da, coupled ? 2 : 3, scan.states_after(C));
    }

    /// da_t for all t [T, B, G*H]; turns dh and dC from the gradients at T into those at h_0 and C_0 [B, H].
    Tensor through_time(Tape& tape, Tensor& dh, Tensor& dC) const {
        Tensor da = gates;
        const Packed W(W_hh, false, &tape);
        const FullPeepholes P(P_f, P_i, P_o, false, tape);
        dispatch(h.dtype(), [&]<class T>(T) {
            const int64_t B = scan.B, H = W.N, GH = W.K;
            const auto p = diagonal<T>();
            const T *all_gates = gates.data<T>(), *all_C = C.data<T>(), *all_dy = dy ? dy->data<T>() : nullptr;
            T *all_da = da.mutable_data<T>(), *dh_t = dh.mutable_data<T>(), *dC_t = dC.mutable_data<T>();
            scan.for_slices([&](int64_t first, int64_t end) {
                for (int64_t step = scan.T - 1; step >= 0; step--) {
                    const int64_t t = scan.time(step), rows = end - first;
                    const T *C_before = all_C + scan.before(t) * B * H, *C_t = all_C + scan.after(t) * B * H;
                    const T* dy_t = all_dy != nullptr ? all_dy + t * B * H : nullptr;
                    const auto gates_of = [&](int64_t b) { return split(all_gates + (t * B + b) * GH, H, coupled); };
                    const auto da_of = [&](int64_t b) { return split(all_da + (t * B + b) * GH, H, coupled); };
                    const auto a = da_of(first);
                    scan.pass_through<T>(t, first, end, GH, nullptr, all_da + t * B * GH);
                    const auto write_backward = [&](int64_t b) {
                        write_cell_backward<T>(H, p, gates_of(b), C_before + b * H, dC_t + b * H, da_of(b));
                    };
                    scan.for_rows(t, first, end, [&](int64_t b) {
                        show_cell_backward<T>(H, p, gates_of(b), C_t + b * H, dy_t ? dy_t + b * H : nullptr,
                                              dh_t + b * H, dC_t + b * H, da_of(b));
                        if (!P.o) write_backward(b);
                    });
                    if (P.o) {
                        P.o->multiply<T>(rows, a.o, GH, dC_t + first * H, H, true);
                        scan.for_rows(t, first, end, write_backward);
                    }
                    if (P.f) P.f->multiply<T>(rows, a.f, GH, dC_t + first * H, H, true);
                    if (P.i) P.i->multiply<T>(rows, a.i, GH, dC_t + first * H, H, true);
                    if (step > 0) {
                        const int64_t next = scan.time(step - 1);
                        kernels::prefetch(all_gates + (next * B + first) * GH, rows * GH);
                        kernels::prefetch(all_C + (scan.before(next) * B + first) * H, rows * H);
                        if (all_dy) kernels::prefetch(all_dy + (next * B + first) * H, rows * H);
                    }
                    // dh_{t-1} = W_hhᵀ da_t, for rows: da_t W_hh, to the dh_t that passes through past a sequence's end
                    W.multiply<T>(rows, all_da + (t * B + first) * GH, GH, dh_t + first * H, H, true);
                }
            });
        });
        return da;
    }

    /// The part of dP of gate number `gate`: Σ_t da_t C_tᵀ, of which the diagonal form has the diagonal.
    static void add_peephole(Tape& tape, const Saved& P, const Tensor& da, int64_t gate, const Tensor& C) {
        if (!tape.wants(P)) return;
        const int64_t H = C.dim(2);
        if (P.value.rank() == 2)
            add_products(tape.sum(P), 0, H, da, gate * H, C);
        else
            tape.add(P, sum_of_rows(da, gate * H, C));
    }

    Text text() const override {
        return {
            "lstm_sequence", "C_t = f_t ⊙ C_{t-1} + i_t ⊙ C̃_t, h_t = o_t ⊙ tanh(C_t), t = 1 .. T",
            P_i.value.defined()
                ? "dC_t += dh_t ⊙ o_t ⊙ (1 - tanh²(C_t)) + P_oᵀ da_o, dC_{t-1} = dC_t ⊙ f_t + P_fᵀ da_f + P_iᵀ da_i, "
                  "dh_{t-1} = W_hhᵀ da_t + dy_{t-1}; dW_hh += Σ da_t h_{t-1}ᵀ, dW_xh += Σ da_t x_tᵀ, db += Σ da_t, "
                  "dx_t "
                  "+= W_xhᵀ da_t, dP += Σ da C_{t-1}ᵀ (of o: C_t)"
                : "dC_t += dh_t ⊙ o_t ⊙ (1 - tanh²(C_t)), dC_{t-1} = dC_t ⊙ f_t, dh_{t-1} = W_hhᵀ da_t + dy_{t-1}; "
                  "dW_hh += Σ da_t h_{t-1}ᵀ, dW_xh += Σ da_t x_tᵀ, db += Σ da_t, dx_t += W_xhᵀ da_t"};
    }
    void symbols(Symbols& list) const override {
        list.in("x", x).in("h_0", h_0).in("C_0", C_0).in("W_xh", W_xh).in("W_hh", W_hh).in("b", b);
        if (P_f.value.defined()) list.in("P_f", P_f);
        if (P_i.value.defined()) list.in("P_i", P_i).in("P_o", P_o);
        list.out("y", y).out("h_T", h_T).out("C_T", C_T);
    }
};

}  // namespace ops

LstmStates lstm_sequence(const Tensor& x, const Tensor& h_0, const Tensor& C_0, const LstmWeights& w, bool coupled,
                         const SequenceOptions& options, Where at) {
    Tape tape(Tape::Mode::forward_only);
    const LstmVars v = lstm_sequence(Operand(tape.constant(x), at), h_0, C_0, w, coupled, options);
    return {v.y.value(), v.h_T.value(), v.C_T.value()};
}

LstmVars lstm_sequence(const Operand& x, const Operand& h_0, const Operand& C_0, const LstmWeights& w, bool coupled,
                       const SequenceOptions& options) {
    const Scan scan = checked_scan(x, h_0, C_0, w, coupled, options);
    const auto or_b = [&](const std::optional<Operand>& P) { return P ? &*P : &w.b; };
    Tape& tape =
        tape_of("lstm_sequence", {&x, &h_0, &C_0, &w.W_xh, &w.W_hh, &w.b, or_b(w.P_f), or_b(w.P_i), or_b(w.P_o)});
    auto out = tape.record_all<ops::LstmSequence>(x.at, x, h_0, C_0, w, coupled, scan);
    return {std::move(out[0]), std::move(out[1]), std::move(out[2])};
}

}  // namespace unroll
