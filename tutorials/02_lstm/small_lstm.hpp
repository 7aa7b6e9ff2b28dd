#pragma once
#include <string>
#include <utility>
#include <vector>

#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/reductions.hpp"
#include "core/ops/shape.hpp"
#include "nn/book.hpp"
#include "tutorials/lesson/elements.hpp"

namespace unroll {

/// An LSTM small enough to follow with a pocket calculator: T=3 steps of B=1 sequence, D=1 input, H=2 units, weights
/// and names as in the book: W_f [H, H+D] works on [h_{t-1}, x_t].
struct SmallLstm {
    Parameter W_f{"W_f", Tensor::of({{0.5, -0.2, 0.4}, {0.1, 0.3, -0.6}}, DType::f64)};
    Parameter W_i{"W_i", Tensor::of({{-0.3, 0.6, 0.8}, {0.2, -0.4, 0.5}}, DType::f64)};
    Parameter W_C{"W_C", Tensor::of({{0.7, -0.5, 1.0}, {-0.2, 0.4, -0.8}}, DType::f64)};
    Parameter W_o{"W_o", Tensor::of({{0.3, 0.1, -0.5}, {-0.6, 0.2, 0.9}}, DType::f64)};
    Parameter b_f{"b_f", Tensor::of({1, 1}, DType::f64)};
    Parameter b_i{"b_i", Tensor::of({0.1, -0.2}, DType::f64)};
    Parameter b_C{"b_C", Tensor::of({0, 0.1}, DType::f64)};
    Parameter b_o{"b_o", Tensor::of({0.2, 0}, DType::f64)};
    Parameter h_0{"h_0", Tensor::of({{0.5, -0.5}}, DType::f64)};
    Parameter C_0{"C_0", Tensor::of({{1.0, -0.4}}, DType::f64)};
    Tensor x = Tensor::of({{{1}}, {{-0.5}}, {{2}}}, DType::f64).named("TBD");
    Tensor target = Tensor::of({{{0.5, 0}}, {{0, 0.5}}, {{0.5, -0.5}}}, DType::f64).named("TBH");  // ŷ_t

    int T() const { return static_cast<int>(x.dim(0)); }
    std::vector<Parameter> parameters() const { return {W_f, W_i, W_C, W_o, b_f, b_i, b_C, b_o, h_0, C_0}; }
    /// The same network with other numbers, in the order of parameters().
    SmallLstm with(const std::vector<Tensor>& values) const {
        SmallLstm net = *this;
        Parameter* const all[] = {&net.W_f, &net.W_i, &net.W_C, &net.W_o, &net.b_f,
                                  &net.b_i, &net.b_C, &net.b_o, &net.h_0, &net.C_0};
        for (size_t i = 0; i < values.size(); i++) *all[i] = Parameter(all[i]->name, values[i]);
        return net;
    }

    /// W_f .. b_o by their names.
    Weights book() const {
        Weights weights;
        for (const Parameter& p : {W_f, W_i, W_C, W_o, b_f, b_i, b_C, b_o}) weights[p.name] = p.value;
        return weights;
    }

    struct Step {
        Var f, i, candidate, o, C, h, L;
    };
    /// One step with L_t = ‖h_t - ŷ_t‖² / 2: one recorded operation a statement, so that the record reads in this
    /// order.
    Step step(const Var& h_before, const Var& C_before, int t) const {
        Tape& tape = *h_before.tape();
        const auto named = [&](const Var& v, const char* symbol) {
            tape.name(v, (symbol + ("_" + std::to_string(t + 1))).c_str());
            return v;
        };
        const Var x_t = tape.constant(x[t]);
        const Var hx = concat(h_before, x_t);  // [h_{t-1}, x_t]
        const auto through = [&](const Parameter& W, const Parameter& b) {
            const Var product = matmul(hx, transposed(W));
            return product + b;
        };
        const Var a_f = through(W_f, b_f);
        const Var f = named(sigmoid(a_f), "f");  // f_t = σ(W_f [h_{t-1}, x_t] + b_f)
        const Var a_i = through(W_i, b_i);
        const Var i = named(sigmoid(a_i), "i");  // i_t = σ(W_i [h_{t-1}, x_t] + b_i)
        const Var a_C = through(W_C, b_C);
        const Var candidate = named(tanh(a_C), "C̃");  // C̃_t = tanh(W_C [h_{t-1}, x_t] + b_C)
        const Var kept = f * C_before;
        const Var written = i * candidate;
        const Var C = named(kept + written, "C");  // C_t = f_t ⊙ C_{t-1} + i_t ⊙ C̃_t
        const Var a_o = through(W_o, b_o);
        const Var o = named(sigmoid(a_o), "o");  // o_t = σ(W_o [h_{t-1}, x_t] + b_o)
        const Var squashed = tanh(C);
        const Var h = named(o * squashed, "h");  // h_t = o_t ⊙ tanh(C_t)
        const Var error = h - target[t];
        const Var square = error * error;
        const Var total = sum(square);
        return {f, i, candidate, o, C, h, named(scale(total, 0.5), "L")};
    }

    /// L = Σ_t L_t on a tape, and the steps it is made of.
    Var loss(Tape& tape, std::vector<Step>* steps = nullptr) const {
        Var h = tape.watch(h_0), C = tape.watch(C_0), L;
        for (int t : tape.steps(T())) {
            const Step s = step(h, C, t);
            L = t == 0 ? s.L : L + s.L;
            h = s.h;
            C = s.C;
            if (steps != nullptr) steps->push_back(s);
        }
        return L;
    }
};

/// Values [1, H=2] of one step, a row each, a column a unit.
inline lesson::Table by_unit(const std::string& caption, const std::vector<std::pair<std::string, Tensor>>& values) {
    lesson::Table table{.caption = caption, .header = {"", "unit 1", "unit 2"}};
    for (const auto& [name, value] : values) table.rows.push_back({name, value.at({0, 0}), value.at({0, 1})});
    return table;
}

}  // namespace unroll
