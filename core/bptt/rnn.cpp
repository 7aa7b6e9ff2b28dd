#include "core/bptt/rnn.hpp"

#include "core/kernels/vecmath.hpp"

// T time steps, B sequences, D inputs, H hidden units; states [T+1, B, H] as in scan.hpp.
namespace unroll {
namespace {

using kernels::inputs;
using kernels::outputs;

Scan checked_scan(const Operand& x, const Operand& h_0, const Operand& W_xh, const Operand& W_hh, const Operand& b_h,
                  const SequenceOptions& options) {
    if (W_hh.shape().rank() != 2 || W_hh.shape()[0] != W_hh.shape()[1])
        fail("rnn_sequence", x.at, "{}, expected [H, H]", W_hh.label("W_hh"));
    const Dim H{W_hh.shape()[0], 'H'};
    expect_input("rnn_sequence", x, W_xh, H, options.words);
    const Scan scan(x.shape(), options);
    scan.check("rnn_sequence", x.at);
    expect_shape("rnn_sequence", x, h_0, "h_0", {{scan.B, 'B'}, H});
    expect_shape("rnn_sequence", x, b_h, "b_h", {H});
    return scan;
}

/// h = φ(h + b) in place, n values of one row.
template <class T>
void activate(Activation phi, int64_t n, const T* b, T* h) {
    const auto in = inputs<T>(h, b);
    const auto out = outputs(h);
    switch (phi) {
        case Activation::tanh:
            return kernels::map(n, in, out, [](auto a, auto c, auto& y) { y = kernels::vtanh<T>(a + c); });
        case Activation::logistic:
            return kernels::map(n, in, out, [](auto a, auto c, auto& y) { y = kernels::vsigmoid<T>(a + c); });
        case Activation::relu:
            return kernels::map(n, in, out, [](auto a, auto c, auto& y) {
                const auto sum = a + c;
                y = sum < 0 ? decltype(a){} : sum;  // NaN stays NaN
            });
    }
}

/// da = (dh + dy) ⊙ φ'(a), with φ' written in terms of h = φ(a); dy is null where the step's output has no gradient.
template <class T>
void activation_gradient(Activation phi, int64_t n, const T* h, const T* dy, T* dh, T* da) {
    if (dy != nullptr) kernels::map(n, inputs<T>(dh, dy), outputs(dh), [](auto d, auto y, auto& sum) { sum = d + y; });
    const auto in = inputs<T>(dh, h);
    const auto out = outputs(da);
    switch (phi) {
        case Activation::tanh:
            return kernels::map(n, in, out, [](auto d, auto v, auto& a) { a = d * (1 - v * v); });
        case Activation::logistic:
            return kernels::map(n, in, out, [](auto d, auto v, auto& a) { a = d * (v * (1 - v)); });
        case Activation::relu:
            return kernels::map(n, in, out, [](auto d, auto v, auto& a) { a = v > 0 ? d : decltype(d){}; });
    }
}

/// All states [T+1, B, H].
Tensor run_forward(const Scan& scan, const Tensor& x, const Tensor& h_0, const Tensor& W_xh, const Packed& W_hh,
                   const Tensor& b_h, Activation phi, Tape& tape) {
    const int64_t B = scan.B, H = h_0.dim(1);
    Tensor states = scan.states_from(h_0);
    dispatch(x.dtype(), [&]<class T>(T) {
        T* h = states.mutable_data<T>();
        const T* bias = b_h.data<T>();
        // a_t = W_xh x_t for all time steps: one product, written where h_t will be.
        T* after = h + (scan.reverse ? 0 : B * H);
        if (!scan.has_table())
            Packed(W_xh, true, &tape).multiply<T>(scan.T * B, x.data<T>(), x.dim(2), after, H, false);
        scan.for_slices([&](int64_t first, int64_t end) {
            for (int64_t step = 0; step < scan.T; step++) {
                const int64_t t = scan.time(step);
                const T* before_t = h + scan.before(t) * B * H;
                T* h_t = h + scan.after(t) * B * H;
                // h_t = φ(W_xh x_t + W_hh h_{t-1} + b_h)
                scan.look_up(t, first, end, H, x, h_t);
                W_hh.multiply<T>(end - first, before_t + first * H, H, h_t + first * H, H, true);
                scan.for_rows(t, first, end, [&](int64_t b) { activate<T>(phi, H, bias, h_t + b * H); });
                scan.pass_through<T>(t, first, end, H, before_t, h_t);
            }
        });
    });
    return states;
}

/// da_t for all t [T, B, H]; turns dh from dL/dh_T into dL/dh_0 [B, H].
Tensor run_backward(const Scan& scan, const Tensor& states, const Tensor* dy, const Packed& W_hh, Activation phi,
                    Tensor& dh) {
    const int64_t B = scan.B, H = dh.dim(1);
    Tensor da = Tensor::empty(Shape{scan.T, B, H}.named("TBH"), states.dtype());
    dispatch(states.dtype(), [&]<class T>(T) {
        const T *h = states.data<T>(), *outer = dy != nullptr ? dy->data<T>() : nullptr;
        T *da_all = da.mutable_data<T>(), *dh_t = dh.mutable_data<T>();
        scan.for_slices([&](int64_t first, int64_t end) {
            for (int64_t step = scan.T - 1; step >= 0; step--) {
                const int64_t t = scan.time(step);
                T* da_t = da_all + t * B * H;
                scan.for_rows(t, first, end, [&](int64_t b) {
                    const T* dy_t = outer != nullptr ? outer + (t * B + b) * H : nullptr;
                    // da_t = (dL/dy_t + dL/dh_t through h_{t+1}) ⊙ φ'(a_t)
                    activation_gradient<T>(phi, H, h + (scan.after(t) * B + b) * H, dy_t, dh_t + b * H, da_t + b * H);
                    std::fill_n(dh_t + b * H, H, T(0));
                });
                scan.pass_through<T>(t, first, end, H, nullptr, da_t);
                // dh_{t-1} = W_hhᵀ da_t, for rows: da_t W_hh, to the dh_t that passes through past a sequence's end
                W_hh.multiply<T>(end - first, da_t + first * H, H, dh_t + first * H, H, true);
            }
        });
    });
    return da;
}

}  // namespace

RnnStates rnn_sequence(const Tensor& x, const Tensor& h_0, const Tensor& W_xh, const Tensor& W_hh, const Tensor& b_h,
                       Activation phi, const SequenceOptions& options, Where at) {
    Tape tape(Tape::Mode::forward_only);
    const RnnVars v = rnn_sequence(Operand(tape.constant(x), at), h_0, W_xh, W_hh, b_h, phi, options);
    return {v.y.value(), v.h_T.value()};
}

namespace ops {

struct RnnSequence final : Record {
    Saved x, h_0, W_xh, W_hh;
    Edge b_h;
    Scan scan;
    Activation phi;
    Tensor h;  // all states [T+1, B, H], h_0 among them
    Edge y;
    Saved h_T;  // of h's memory, which must not change
    const Tensor* dh_T = nullptr;

    // h_t = φ(W_hh h_{t-1} + W_xh x_t + b_h)
    RnnSequence(Recording& r, const Operand& x, const Operand& h_0, const Operand& W_xh, const Operand& W_hh,
                const Operand& b_h, Activation phi, const Scan& scan)
        : x(scan.has_table() ? Saved(r.input(x), {}) : r.saved(x)),
          h_0(r.saved(h_0)),
          W_xh(scan.has_table() ? Saved() : r.saved(W_xh)),
          W_hh(r.saved(W_hh)),
          b_h(r.input(b_h)),
          scan(scan),
          phi(phi),
          h(run_forward(scan, x.value(), h_0.value(), W_xh.value(), Packed(W_hh.value(), true, &r.tape), b_h.value(),
                        phi, r.tape)),
          y(r.output(scan.outputs(h))),
          h_T(r.saved_output(h[scan.last_slot()])) {}

    // da_t = (dy_t + dh_t) ⊙ φ'(a_t),  dh_{t-1} = W_hhᵀ da_t, from t = T down to 1; then for all t at once
    // dW_hh = Σ_t da_t h_{t-1}ᵀ,  dW_xh = Σ_t da_t x_tᵀ,  db_h = Σ_t da_t,  dx_t = W_xhᵀ da_t
    void backward(Tape& tape) override {
        dh_T = tape.gradient(h_T);
        Tensor dh = dh_T != nullptr ? dh_T->clone() : Tensor::zeros(h_0.value.shape(), h.dtype());
        const Tensor da = run_backward(scan, h, dy, Packed(W_hh, false, &tape), phi, dh);
        if (tape.wants(h_0)) tape.add(h_0, dh);
        if (tape.wants(W_hh)) tape.add_product(W_hh, da, scan.states_before(h));
        if (tape.wants(b_h)) tape.add(b_h, sum_to(da, {da.dim(-1)}));
        scan.projection_backward(tape, da, x, W_xh);
    }

    Text text() const override {
        return {
            "rnn_sequence", "h_t = φ(W_hh h_{t-1} + W_xh x_t + b_h), t = 1 .. T",
            "da_t = (dy_t + dh_t) ⊙ φ'(a_t), dh_{t-1} = W_hhᵀ da_t; dW_hh += Σ da_t h_{t-1}ᵀ, dW_xh += Σ da_t x_tᵀ, "
            "db_h += Σ da_t, "
            "dx_t += W_xhᵀ da_t"};
    }
    void symbols(Symbols& list) const override {
        list.in("x", x).in("h_0", h_0).in("W_xh", W_xh).in("W_hh", W_hh).in("b_h", b_h).out("y", y).out("h_T", h_T);
    }
};

}  // namespace ops

RnnVars rnn_sequence(const Operand& x, const Operand& h_0, const Operand& W_xh, const Operand& W_hh, const Operand& b_h,
                     Activation phi, const SequenceOptions& options) {
    const Scan scan = checked_scan(x, h_0, W_xh, W_hh, b_h, options);
    auto out = tape_of("rnn_sequence", {&x, &h_0, &W_xh, &W_hh, &b_h})
                   .record_all<ops::RnnSequence>(x.at, x, h_0, W_xh, W_hh, b_h, phi, scan);
    return {std::move(out[0]), std::move(out[1])};
}

}  // namespace unroll
