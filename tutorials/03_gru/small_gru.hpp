#pragma once
#include <string>
#include <vector>

#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/reductions.hpp"
#include "core/ops/shape.hpp"

namespace unroll {

enum class Reset { before, after };  // the matrix

/// A GRU small enough to follow with a pocket calculator: T=3 steps of B=1 sequence, D=1 input, H=2 hidden units, in
/// the book's form, with matrices that act on [h, x]. With the reset after the matrix the same W_h is taken apart into
/// its columns for h and for x.
struct SmallGru {
    Parameter W_z{"W_z", Tensor::of({{0.5, -0.3, 0.8}, {0.2, 0.4, -0.6}}, DType::f64)};
    Parameter W_r{"W_r", Tensor::of({{-0.4, 0.7, 0.5}, {0.6, -0.2, 1.0}}, DType::f64)};
    Parameter W_h{"W_h", Tensor::of({{0.9, -0.5, 0.4}, {0.3, 0.8, -0.7}}, DType::f64)};
    Parameter b_z{"b_z", Tensor::of({0.1, -0.2}, DType::f64)};
    Parameter b_r{"b_r", Tensor::of({0.2, -0.3}, DType::f64)};
    Parameter b_h{"b_h", Tensor::of({-0.1, 0.3}, DType::f64)};
    Parameter b_hh{"b_hh", Tensor::of({0.25, -0.15}, DType::f64)};  // of the reset after the matrix only
    Parameter h_0{"h_0", Tensor::of({{0.6, -0.4}}, DType::f64)};
    Tensor x = Tensor::of({{{1.0}}, {{-0.5}}, {{0.25}}}, DType::f64).named("TBD");
    Tensor target = Tensor::of({{{0.5, 0.0}}, {{0.0, 0.5}}, {{-0.5, 0.5}}}, DType::f64).named("TBH");  // ĥ_t

    int T() const { return static_cast<int>(x.dim(0)); }
    int64_t H() const { return h_0.value.dim(1); }
    std::vector<Parameter> parameters(Reset reset) const {
        std::vector<Parameter> list{W_z, W_r, W_h, b_z, b_r, b_h, h_0};
        if (reset == Reset::after) list.insert(list.end() - 1, b_hh);
        return list;
    }

    struct Step {
        Var z, r, candidate, h, L;
    };
    /// z_t, r_t, h̃_t, h_t and L_t = ½ Σ (h_t - ĥ_t)²: one recorded operation a statement, so that the record reads in
    /// this order.
    Step step(const Var& h_before, int t, Reset reset) const {
        Tape& tape = *h_before.tape();
        const Var x_t = tape.constant(x[t]);
        const Var hx = concat(h_before, x_t);
        const Var W_z_hx = matmul(hx, transposed(W_z));
        const Var a_z = W_z_hx + b_z;
        const Var z = sigmoid(a_z);  // z_t = σ(W_z [h_{t-1}, x_t] + b_z)
        const Var W_r_hx = matmul(hx, transposed(W_r));
        const Var a_r = W_r_hx + b_r;
        const Var r = sigmoid(a_r);  // r_t = σ(W_r [h_{t-1}, x_t] + b_r)
        const Var a_h = inside_tanh(h_before, x_t, r, reset);
        const Var candidate = tanh(a_h);
        const Var open = 1.0 - z;
        const Var kept = open * h_before;
        const Var taken = z * candidate;
        const Var h = kept + taken;  // h_t = (1 - z_t) ⊙ h_{t-1} + z_t ⊙ h̃_t
        const Var error = h - target[t];
        const Var square = error * error;
        const Var L = scale(sum(square), 0.5);
        const auto named = [&](const Var& v, const char* symbol) {
            tape.name(v, (symbol + ("_" + std::to_string(t + 1))).c_str());
        };
        named(z, "z");
        named(r, "r");
        named(candidate, "h̃");
        named(h, "h");
        named(L, "L");
        return {z, r, candidate, h, L};
    }

    /// L = Σ_t L_t on a tape, and the steps it is made of.
    Var loss(Tape& tape, Reset reset, std::vector<Step>* steps = nullptr) const {
        Var h = tape.watch(h_0), L;
        for (int t : tape.steps(T())) {
            const Step s = step(h, t, reset);
            L = t == 0 ? s.L : L + s.L;
            h = s.h;
            if (steps != nullptr) steps->push_back(s);
        }
        return L;
    }

  private:
    Var inside_tanh(const Var& h_before, const Var& x_t, const Var& r, Reset reset) const {
        if (reset == Reset::before) {
            const Var reset_h = r * h_before;
            const Var rhx = concat(reset_h, x_t);
            const Var product = matmul(rhx, transposed(W_h));
            return product + b_h;  // W_h [r_t ⊙ h_{t-1}, x_t] + b_h
        }
        const Var W = h_before.tape()->watch(W_h);
        const Var W_hh = columns(W, 0, H());
        const Var W_xh = columns(W, H(), W.dim(1));
        const Var recurrent = matmul(h_before, transposed(W_hh));
        const Var q = recurrent + b_hh;
        const Var reset_q = r * q;
        const Var projected = matmul(x_t, transposed(W_xh));
        const Var shifted = projected + b_h;
        return shifted + reset_q;  // W_xh x_t + b_h + r_t ⊙ (W_hh h_{t-1} + b_hh)
    }
};

}  // namespace unroll
