// Why the cell state keeps gradients: its Jacobian taken apart, and gradient norms measured over two hundred steps.
#include <fmt/format.h>

#include <cmath>

#include "nn/init.hpp"
#include "nn/lstm.hpp"
#include "nn/rnn.hpp"
#include "tutorials/02_lstm/chapter.hpp"
#include "tutorials/02_lstm/gradient_norms.hpp"
#include "tutorials/02_lstm/small_lstm.hpp"

namespace unroll {
namespace {

constexpr int T = 200, B = 16, D = 8, H = 64;

struct Curve {
    std::string name;
    GradientNorms norms;
};

/// ∂C_2/∂C_1 of the small network, in two parts, beside differences.
void additive_path(Lesson& lesson) {
    const SmallLstm net;
    lesson.section("The additive path", "Cell State");
    lesson.text(
        "From one cell state to the next there are two ways. The straight one multiplies by the forget gate, entry by "
        "entry: no matrix, no squashing. The other leads through $h_{t-1}$ and the gates, and is as crooked as an "
        "RNN's. The Jacobian is their sum:");
    lesson.equation(
        R"(\frac{\partial C_t}{\partial C_{t-1}} = \mathrm{diag}(f_t) + G_t\, \mathrm{diag}(o_{t-1} (1 - \tanh^2 C_{t-1})))",
        "∂C_t/∂C_{t-1} = diag(f_t) + G_t diag(o_{t-1} (1 - tanh² C_{t-1}))");
    lesson.equation(
        R"(G_t = \mathrm{diag}(C_{t-1} f'_t)\, W_f^{(h)} + \mathrm{diag}(\tilde{C}_t\, i'_t)\, W_i^{(h)} + \mathrm{diag}(i_t\, \tilde{C}'_t)\, W_C^{(h)})",
        "G_t = diag(C_{t-1} f'_t) W_f + diag(C̃_t i'_t) W_i + diag(i_t C̃'_t) W_C, of each W the columns of h");
    lesson.equation(R"(f'_t = f_t (1 - f_t), \qquad i'_t = i_t (1 - i_t), \qquad \tilde{C}'_t = 1 - \tilde{C}_t^2)",
                    "f'_t = f_t (1 - f_t),   i'_t = i_t (1 - i_t),   C̃'_t = 1 - C̃_t²");
    Tape tape;
    std::vector<SmallLstm::Step> steps;
    net.loss(tape, &steps);
    const Tensor C_1 = steps[0].C.value(), o_1 = steps[0].o.value();
    const Tensor f = steps[1].f.value(), i = steps[1].i.value(), candidate = steps[1].candidate.value();
    const auto rows = [](const Tensor& scale, const Parameter& W) {  // diag(scale) W, of W the columns of h
        return scale.reshape({2, 1}) * columns(W.value, 0, 2);
    };
    Tensor straight = Tensor::zeros({2, 2}, DType::f64);
    for (int64_t j = 0; j < 2; j++) straight.set({j, j}, f.at({0, j}));
    const Tensor slope = o_1 * (1.0 - tanh(C_1) * tanh(C_1));  // dh_1/dC_1
    const Tensor gates = (rows(C_1 * f * (1.0 - f), net.W_f) + rows(candidate * i * (1.0 - i), net.W_i) +
                          rows(i * (1.0 - candidate * candidate), net.W_C)) *
                         slope.reshape({2});
    const auto C_2 = [&](const Tensor& C) {  // the second step from another C_1, o_1 as it was
        const Tensor hx = concat(o_1 * tanh(C), net.x[1]);
        const auto through = [&](const Parameter& W, const Parameter& b) {
            return matmul(hx, transposed(W.value)) + b.value;
        };
        return sigmoid(through(net.W_f, net.b_f)) * C +
               sigmoid(through(net.W_i, net.b_i)) * tanh(through(net.W_C, net.b_C));
    };
    Tensor numeric = Tensor::zeros({2, 2}, DType::f64);
    for (int64_t j = 0; j < 2; j++) {
        const auto moved = [&](double step) {
            Tensor C = C_1.clone();
            C.set({0, j}, C.at({0, j}) + step);
            return C_2(C);
        };
        const auto central = [&](double step) { return (moved(step) - moved(-step)) / (2 * step); };
        const Tensor column = (4 * central(5e-4) - central(1e-3)) / 3;
        for (int64_t k = 0; k < 2; k++) numeric.set({k, j}, column.at({0, k}));
    }
    lesson.text("On the small network, from $C_1$ to $C_2$:");
    lesson.show("straight: diag(f_2)", straight);
    lesson.show("through h_1 and the gates", gates);
    lesson.show("∂C_2/∂C_1, their sum", straight + gates);
    lesson.show("∂C_2/∂C_1, numerically", numeric);
    lesson.check("the two ways add up to the numeric Jacobian", global_norm({straight + gates - numeric}), 1e-10);

    lesson.text(
        "Along the straight way $n$ steps multiply the gradient by $n$ forget gates, each a number the network can "
        "choose. An RNN's factor is $\\mathrm{diag}(\\tanh')\\, W_{hh}$: to keep a gradient it would need $\\tanh' = "
        "1$ and an orthogonal matrix, all the time. A gate has to be near 1 only. How near?");
    lesson::Table table{
        .caption = "A forget gate that has nothing but its bias",
        .header = {"$b_f$", "$f = \\sigma(b_f)$", "steps until 1 % is left", fmt::format("$f^{{{}}}$", T)}};
    for (double bias : {0.0, 1.0, 3.0, 5.0, 7.0}) {
        const double gate = 1 / (1 + std::exp(-bias));
        table.rows.push_back({bias, gate, std::log(0.01) / std::log(gate), std::pow(gate, T)});
    }
    lesson.table(table);
    lesson.text(
        "So a forget bias of 1 is no long memory. It is a start: with 0 the straight way halves the gradient at every "
        "step, and a network that gets no gradient from ten steps back can't find out that its gates had better be "
        "open. With 1 it gets some, and opens them further by itself. For very long tasks the bias is set to suit them "
        "(Tallec and Ollivier 2018).");
}

Tensor normal(const Shape& shape, Generator& gen) {
    Tensor t = Tensor::empty(shape, DType::f64);
    gen.fill_normal(t, 0, 1);
    return t;
}

void measured(Lesson& lesson) {
    lesson.section("Gradient norms over two hundred steps");
    lesson.equation(
        R"(\left\lVert \frac{\partial L_T}{\partial h_k} \right\rVert \ \text{and} \ \left\lVert \frac{\partial L_T}{\partial C_k} \right\rVert, \qquad k = T, T-1, \ldots, 0)",
        "‖∂L_T/∂h_k‖ and ‖∂L_T/∂C_k‖,  k = T, T-1, .. 0");
    lesson.text(fmt::format(
        "Untrained networks of {} units read {} steps of random inputs of size 1. The loss looks at the last state "
        "alone; how much of its gradient arrives at step $k$? All start with weights uniform in $\\pm 1/\\sqrt{{H}}$, "
        "as PyTorch's do; one RNN gets an orthogonal $W_{{hh}}$, the best that chapter 01 had to offer. In the coupled "
        "cell, which has no $b_f$, the bias of $i$ is lowered instead: $1 - \\sigma(-b) = \\sigma(b)$.",
        H, T));
    Generator gen(lesson.seed());
    const Tensor x = normal({{T, 'T'}, {B, 'B'}, {D, 'D'}}, gen), upstream = normal({{B, 'B'}, {H, 'H'}}, gen);
    const auto lstm = [&](const std::string& name, double bias, Peephole peephole, bool coupled) {
        LstmCell cell({.input_size = D,
                       .hidden_size = H,
                       .peephole = peephole,
                       .coupled = coupled,
                       .forget_bias = bias,
                       .dtype = DType::f64},
                      gen);
        if (coupled)
            for (int64_t j = 0; j < H; j++) cell.b.value.set_flat(j, cell.b.value.flat(j) - bias);
        return Curve{name, gradient_norms(cell, x, upstream)};
    };
    RnnCell plain({.input_size = D, .hidden_size = H, .dtype = DType::f64}, gen);
    const Curve rnn{"RNN", gradient_norms(plain, x, upstream)};
    init::orthogonal(plain.W_hh.value, gen);
    const Curve orthogonal{"RNN, orthogonal", gradient_norms(plain, x, upstream)};

    lesson::Table table{
        .caption = "Share of the gradient that is left along the memory ($C$; the RNN has $h$ alone), and along $h$",
        .header = {"network", "bias", "10 steps", "50", "200", "$h$, 50"}};
    const auto add_row = [&](const Curve& c, const std::string& bias) {
        table.rows.push_back({c.name, bias, c.norms.after(10), c.norms.after(50), c.norms.after(T), c.norms.h[50]});
    };
    add_row(rnn, "");
    add_row(orthogonal, "");
    std::vector<GradientNorms> lstms;
    for (double bias : {0.0, 1.0}) {
        lesson::Plot plot{.title = fmt::format("What is left of a gradient, forget bias {}", bias),
                          .x = "n = T - k, time steps",
                          .y = "share of the gradient's norm",
                          .log_y = true,
                          .caption = "Along the cell state where there is one."};
        const Curve curves[] = {rnn,
                                orthogonal,
                                lstm("LSTM", bias, Peephole::none, false),
                                lstm("full peephole", bias, Peephole::full, false),
                                lstm("diagonal peephole", bias, Peephole::diagonal, false),
                                lstm("coupled", bias, Peephole::none, true)};
        for (const Curve& c : curves) {
            plot.series.push_back({.name = c.name, .x = c.norms.n, .y = c.norms.memory()});
            if (!c.norms.C.empty()) add_row(c, fmt::format("{}", bias));
        }
        lesson.plot(plot);
        lstms.push_back(curves[2].norms);
    }
    lesson::Plot open{.title = "LSTM: a curve for each forget bias",
                      .x = "n = T - k, time steps",
                      .y = "share of the gradient's norm",
                      .log_y = true,
                      .caption = "Along the cell state, each curve beside the power of its gate, σ(b)^n."};
    for (double bias : {3.0, 5.0}) {
        const Curve c = lstm("LSTM", bias, Peephole::none, false);
        add_row(c, fmt::format("{}", bias));
        lstms.push_back(c.norms);
    }
    const double biases[] = {0, 1, 3, 5};
    for (size_t k = 0; k < 3; k++) {
        open.series.push_back({.name = fmt::format("bias {}", biases[k]), .x = lstms[k].n, .y = lstms[k].C});
        std::vector<double> power;
        for (double n : lstms[k].n) power.push_back(std::pow(1 / (1 + std::exp(-biases[k])), n));
        open.series.push_back({.name = fmt::format("σ({})^n", biases[k]), .x = lstms[k].n, .y = power});
    }
    lesson.plot(open);
    lesson.table(table);
    lesson.text(
        "The forget bias decides, in every form. What comes through the gates is added to the power of the gate: the "
        "curves fall less steeply than it, and where the gates are wide open a gradient may even grow. Along $h$ less "
        "is left than along $C$: $h$ is what a step shows, not what it keeps.\n\nAnd the orthogonal RNN keeps more "
        "than an LSTM with a forget bias of 1. At the start, that is. What its gradient passes on the way depends on "
        "everything it computes, and learning anything at all moves $W_{hh}$ away from what keeps gradients. A gate "
        "can be moved to 1 and left there. The adding problem below will tell.");
    lesson.check("after 50 steps the LSTM with forget bias 1 has kept more than the RNN",
                 lstms[1].after(50) > rnn.norms.after(50));
    lesson.check("every rise of the forget bias keeps more over 200 steps", lstms[0].after(T) < lstms[1].after(T) &&
                                                                                lstms[1].after(T) < lstms[2].after(T) &&
                                                                                lstms[2].after(T) < lstms[3].after(T));
    lesson.check("untrained, the orthogonal RNN keeps more than an LSTM with a forget bias of 1",
                 orthogonal.norms.after(50) > lstms[1].after(50));
    lesson.result("gradient_after_50_rnn", rnn.norms.after(50));
    lesson.result("gradient_after_50_rnn_orthogonal", orthogonal.norms.after(50));
    for (size_t k = 0; k < lstms.size(); k++)
        lesson.result(fmt::format("gradient_after_50_lstm_bias_{}", biases[k]), lstms[k].after(50));
}

}  // namespace

void tell_memory(Lesson& lesson) {
    additive_path(lesson);
    measured(lesson);
}

}  // namespace unroll
