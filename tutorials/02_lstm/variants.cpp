// Peephole and coupled LSTM: equations on small numbers, gradients checked, parameters counted.
#include <fmt/format.h>

#include "core/gradcheck.hpp"
#include "nn/clip.hpp"
#include "nn/lstm.hpp"
#include "tutorials/02_lstm/chapter.hpp"
#include "tutorials/02_lstm/small_lstm.hpp"

namespace unroll {
namespace {

/// The library's cell with these weights of the book's.
LstmCell cell_of(const Weights& weights, Peephole peephole, bool coupled) {
    Generator gen(1);
    LstmCell cell({.input_size = 1, .hidden_size = 2, .peephole = peephole, .coupled = coupled, .dtype = DType::f64},
                  gen);
    const Weights stacked = from_book(cell.gates(), weights);
    for (Parameter& p : parameters(cell)) p.value.copy_from(stacked.at(p.name));
    return cell;
}

/// How far the library's step is from h and C worked out here.
double difference(const SmallLstm& net, const LstmCell& cell, const Tensor& h, const Tensor& C) {
    Tape tape;
    const States s = cell.step(tape.constant(net.x[0]), {tape.watch(net.h_0), tape.watch(net.C_0)});
    return global_norm({s.h.value() - h, s.C.value() - C});
}

void peephole(Lesson& lesson, const SmallLstm& net) {
    lesson.section("Peephole", "Peephole LSTM");
    lesson.text(
        "A gate of the plain LSTM sees $h_{t-1}$ only: of a cell whose output gate was shut it knows nothing. "
        "Peepholes show it the cell state. The forget and input gates, which decide before the cell changes, see "
        "$C_{t-1}$; the output gate decides afterwards and sees the new $C_t$.");
    lesson.equation(
        R"(f_t = \sigma(W_f [h_{t-1}, x_t, C_{t-1}] + b_f), \qquad i_t = \sigma(W_i [h_{t-1}, x_t, C_{t-1}] + b_i))",
        "f_t = σ(W_f [h_{t-1}, x_t, C_{t-1}] + b_f),   i_t = σ(W_i [h_{t-1}, x_t, C_{t-1}] + b_i)");
    lesson.equation(R"(o_t = \sigma(W_o [h_{t-1}, x_t, C_t] + b_o))", "o_t = σ(W_o [h_{t-1}, x_t, C_t] + b_o)");
    const Tensor P_f = Tensor::of({{0.2, -0.1}, {0, 0.4}}, DType::f64),
                 P_i = Tensor::of({{-0.5, 0}, {0.3, 0.1}}, DType::f64);
    const Tensor P_o = Tensor::of({{0.6, 0.2}, {-0.2, 0.5}}, DType::f64);
    const Tensor h = net.h_0.value, C_0 = net.C_0.value;
    const Tensor hxC = concat(concat(h, net.x[0]), C_0);  // [h_0, x_1, C_0]
    const Tensor f = sigmoid(matmul(hxC, transposed(concat(net.W_f.value, P_f))) + net.b_f.value);
    const Tensor i = sigmoid(matmul(hxC, transposed(concat(net.W_i.value, P_i))) + net.b_i.value);
    const Tensor candidate = tanh(matmul(concat(h, net.x[0]), transposed(net.W_C.value)) + net.b_C.value);
    const Tensor C = f * C_0 + i * candidate;
    const Tensor hxC_new = concat(concat(h, net.x[0]), C);  // [h_0, x_1, C_1]
    const Tensor o = sigmoid(matmul(hxC_new, transposed(concat(net.W_o.value, P_o))) + net.b_o.value);
    lesson.text("The small network's matrices get two more columns each, $P_f$, $P_i$ and $P_o$, for the cell state:");
    lesson.show("W_f, with P_f behind it", concat(net.W_f.value, P_f));
    lesson.show("[h_0, x_1, C_0], what f and i see", hxC);
    lesson.table(by_unit("The first step, up to the cell state",
                         {{"$f_1$", f}, {"$i_1$", i}, {"$\\tilde C_1$, without peephole", candidate}, {"$C_1$", C}}));
    lesson.show("[h_0, x_1, C_1], what o sees", hxC_new);
    lesson.table(by_unit("and what is shown of it", {{"$o_1$", o}, {"$h_1$", o * tanh(C)}}));
    Weights weights = net.book();
    weights["W_f"] = concat(net.W_f.value, P_f);
    weights["W_i"] = concat(net.W_i.value, P_i);
    weights["W_o"] = concat(net.W_o.value, P_o);
    const LstmCell full = cell_of(weights, Peephole::full, false);
    lesson.check("`LstmCell` with full peepholes takes the same step", difference(net, full, o * tanh(C), C), 1e-15);
    lesson.text(
        "In the paper (Gers and Schmidhuber 2000) a gate sees the cell of its own unit only: $P_f$, $P_i$ and $P_o$ "
        "are diagonal, vectors of $H$ numbers. The book's full matrices see all cells. The library has both.");
    const auto diagonal = [](const Tensor& P) { return Tensor::of({P.at({0, 0}), P.at({1, 1})}, DType::f64); };
    const Tensor p_f = diagonal(P_f), p_i = diagonal(P_i), p_o = diagonal(P_o);
    const auto seen = [&](const Parameter& W, const Parameter& b) {
        return matmul(concat(h, net.x[0]), transposed(W.value)) + b.value;
    };
    const Tensor C_d =
        sigmoid(seen(net.W_f, net.b_f) + C_0 * p_f) * C_0 + sigmoid(seen(net.W_i, net.b_i) + C_0 * p_i) * candidate;
    const Tensor h_d = sigmoid(seen(net.W_o, net.b_o) + C_d * p_o) * tanh(C_d);
    weights = net.book();
    weights["P_f"] = p_f;
    weights["P_i"] = p_i;
    weights["P_o"] = p_o;
    const LstmCell thin = cell_of(weights, Peephole::diagonal, false);
    lesson.table(by_unit("The same step with the diagonals of the same matrices", {{"$C_1$", C_d}, {"$h_1$", h_d}}));
    lesson.check("`LstmCell` with diagonal peepholes takes the same step", difference(net, thin, h_d, C_d), 1e-15);
}

void coupled(Lesson& lesson, const SmallLstm& net) {
    lesson.section("Coupled", "Coupled LSTM");
    lesson.text(
        "Forgetting and writing become one decision: as much as is written is forgotten. One matrix less, and the cell "
        "state is a moving average, which stays between -1 and 1 if it starts there. The GRU (chapter 03) builds on "
        "it.");
    lesson.equation(R"(f_t = 1 - i_t, \qquad C_t = (1 - i_t) \odot C_{t-1} + i_t \odot \tilde{C}_t)",
                    "f_t = 1 - i_t,   C_t = (1 - i_t) ⊙ C_{t-1} + i_t ⊙ C̃_t");
    lesson.text(
        "Backward, $i_t$ stands in $C_t$ twice, once with a minus sign: $di_t = dC_t \\odot (\\tilde C_t - C_{t-1})$.");
    const Tensor hx = concat(net.h_0.value, net.x[0]);
    const auto through = [&](const Parameter& W, const Parameter& b) {
        return matmul(hx, transposed(W.value)) + b.value;
    };
    const Tensor i = sigmoid(through(net.W_i, net.b_i)), candidate = tanh(through(net.W_C, net.b_C));
    const Tensor C = (1.0 - i) * net.C_0.value + i * candidate;
    const Tensor h = sigmoid(through(net.W_o, net.b_o)) * tanh(C);
    Weights weights = net.book();
    weights.erase("W_f");
    weights.erase("b_f");
    lesson.table(by_unit(
        "The first step of the small network, without $W_f$",
        {{"$i_1$", i}, {"$f_1 = 1 - i_1$", 1.0 - i}, {"$\\tilde C_1$", candidate}, {"$C_1$", C}, {"$h_1$", h}}));
    lesson.check("`LstmCell`, coupled, takes the same step",
                 difference(net, cell_of(weights, Peephole::none, true), h, C), 1e-15);
}

void checked(Lesson& lesson) {
    lesson.section("Every form, checked and counted", "LSTM Variants");
    lesson.text(
        "Gradients of the library's layer, in all forms, against differences: every entry of every weight, of the "
        "input and of both initial states, with random gradients on all outputs and on $h_T$ and $C_T$.");
    lesson::Table table{.caption = "Checked at T=4, B=2, D=3, H=3; parameters counted at D=64, H=512",
                        .header = {"form", "entries", "worst error", "parameters", "counted"}};
    bool passed = true;
    struct Form {
        const char* name;
        Peephole peephole;
        bool coupled;
        const char* parameters;
    };
    for (const Form& form : {Form{"LSTM", Peephole::none, false, "$4H(H + D + 1)$"},
                             Form{"diagonal peephole", Peephole::diagonal, false, "$4H(H + D + 1) + 3H$"},
                             Form{"full peephole", Peephole::full, false, "$4H(H + D + 1) + 3H^2$"},
                             Form{"coupled", Peephole::none, true, "$3H(H + D + 1)$"},
                             Form{"coupled, peephole", Peephole::full, true, "$3H(H + D + 1) + 2H^2$"}}) {
        const auto layer = [&](int64_t inputs, int64_t units, DType dtype) {
            Generator gen(lesson.seed());
            return Lstm({.input_size = inputs,
                         .hidden_size = units,
                         .peephole = form.peephole,
                         .coupled = form.coupled,
                         .dtype = dtype},
                        gen);
        };
        Lstm small = layer(3, 3, DType::f64), large = layer(64, 512, DType::f32);
        std::vector<Parameter> inputs = parameters(small);
        const Parameter x = random_input("x", {4, 2, 3}), h_0 = random_input("h_0", {1, 2, 3});
        const Parameter C_0 = random_input("C_0", {1, 2, 3});
        inputs.insert(inputs.end(), {x, h_0, C_0});
        const GradCheck check = gradcheck(inputs, [&](Tape& tape) {
            const Var in = tape.watch(x);
            const auto out = small(in, {.initial = {tape.watch(h_0), tape.watch(C_0)}});
            return std::vector<Var>{out.y, out.last.h, out.last.C};
        });
        passed = passed && check.passed();
        table.rows.push_back({form.name, static_cast<double>(check.entries), fmt::format("{:.1e}", check.error),
                              form.parameters, static_cast<double>(parameter_count(large))});
    }
    lesson.table(table);
    lesson.check("all gradients are right to 1e-9 of the largest entry", passed);
}

}  // namespace

void tell_variants(Lesson& lesson) {
    const SmallLstm net;
    peephole(lesson, net);
    coupled(lesson, net);
    checked(lesson);
}

}  // namespace unroll
