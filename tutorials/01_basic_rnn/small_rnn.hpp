#pragma once
#include <string>
#include <vector>

#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/reductions.hpp"
#include "core/ops/shape.hpp"

namespace unroll {

/// A network small enough to follow with a pocket calculator: T=3 steps of B=1 sequence, D=2 inputs, H=2 hidden units
/// and one output between 0 and 1.
struct SmallRnn {
    Parameter W_hh{"W_hh", Tensor::of({{0.5, -0.3}, {0.2, 0.4}}, DType::f64)};
    Parameter W_xh{"W_xh", Tensor::of({{0.6, -0.1}, {-0.4, 0.8}}, DType::f64)};
    Parameter b_h{"b_h", Tensor::of({0.1, -0.2}, DType::f64)};
    Parameter W_hy{"W_hy", Tensor::of({{1.0, -0.5}}, DType::f64)};
    Parameter b_y{"b_y", Tensor::of({0.05}, DType::f64)};
    Parameter h_0{"h_0", Tensor::of({{0.3, -0.6}}, DType::f64)};
    Tensor x = Tensor::of({{{1.0, 0.0}}, {{0.5, -1.0}}, {{-0.5, 0.25}}}, DType::f64).named("TBD");
    Tensor target = Tensor::of({{{1.0}}, {{0.0}}, {{1.0}}}, DType::f64).named("TB");  // ŷ_t

    int T() const { return static_cast<int>(x.dim(0)); }
    std::vector<Parameter> parameters() const { return {W_hh, W_xh, b_h, W_hy, b_y, h_0}; }

    struct Step {
        Var h, y, L;
    };
    /// h_t, y_t and L_t of one step: one recorded operation a statement, so that the record reads in this order.
    Step step(const Var& h_before, int t) const {
        Tape& tape = *h_before.tape();
        const Var x_t = tape.constant(x[t]);
        const Var recurrent = matmul(h_before, transposed(W_hh));
        const Var projected = matmul(x_t, transposed(W_xh));
        const Var both = recurrent + projected;
        const Var a = both + b_h;
        const Var h = tanh(a);  // h_t = tanh(W_hh h_{t-1} + W_xh x_t + b_h)
        const Var score = matmul(h, transposed(W_hy));
        const Var shifted = score + b_y;
        const Var y = sigmoid(shifted);  // y_t = σ(W_hy h_t + b_y)
        const Var error = y - target[t];
        const Var square = error * error;
        const Var L = scale(sum(square), 0.5);  // L_t = (y_t - ŷ_t)² / 2
        const auto named = [&](const Var& v, const char* symbol) {
            tape.name(v, (symbol + ("_" + std::to_string(t + 1))).c_str());
        };
        named(a, "a");
        named(h, "h");
        named(y, "y");
        named(L, "L");
        return {h, y, L};
    }

    /// L = Σ_t L_t on a tape, and the steps it is made of.
    Var loss(Tape& tape, std::vector<Step>* steps = nullptr) const {
        Var h = tape.watch(h_0), L;
        for (int t : tape.steps(T())) {
            const Step s = step(h, t);
            L = t == 0 ? s.L : L + s.L;
            h = s.h;
            if (steps != nullptr) steps->push_back(s);
        }
        return L;
    }
};

}  // namespace unroll
