// Layers above each other: small numbers, the ways back through depth and time, and the gradient that takes them.
#include <fmt/format.h>

#include <cmath>

#include "core/gradcheck.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/reductions.hpp"
#include "nn/init.hpp"
#include "tutorials/07_advanced/chapter.hpp"
#include "tutorials/07_advanced/small_pair.hpp"

namespace unroll {
namespace {

std::vector<std::string> counted(int n, bool down = false) {
    std::vector<std::string> labels;
    for (int i = 1; i <= n; i++) labels.push_back(fmt::format("{}", down ? n + 1 - i : i));
    return labels;
}

void layers_above_each_other(Lesson& lesson) {
    lesson.section("Layers above each other", "Deep RNN");
    lesson.text(
        "A second layer reads the states of the first as the first reads the inputs. Each layer has weights and a "
        "memory of its own.");
    lesson.equation(R"(h_t^{(l)} = \mathrm{RNN}^{(l)}(h_{t-1}^{(l)}, h_t^{(l-1)}), \qquad h_t^{(0)} = x_t)",
                    "h(l)_t = RNN(l)(h(l)_{t-1}, h(l-1)_t),  h(0)_t = x_t");
    const Direction lower{0.8, 1.2, 0.1}, upper{-0.5, 1.5, 0};
    lesson.text(fmt::format(
        "Again one unit in each layer: $h_t^{{(1)}} = \\tanh({} h_{{t-1}}^{{(1)}} + {} x_t + {})$, "
        "$h_t^{{(2)}} = \\tanh({} h_{{t-1}}^{{(2)}} + {} h_t^{{(1)}})$. The upper layer reads the lower one's "
        "state of the same step.",
        lower.w, lower.u, lower.b, upper.w, upper.u));
    const std::vector<double> x{1, -0.5, 0.4, -0.9}, h1 = lower.states(x, 0, false), h2 = upper.states(h1, 0, false);
    lesson::Table table{.caption = "Two layers over four steps",
                        .header = {"t", "$x_t$", "$h_t^{(1)}$", "$h_t^{(2)}$"}};
    for (size_t t = 0; t < x.size(); t++)
        table.rows.push_back({fmt::format("{}", t + 1), fmt::format("{}", x[t]), h1[t], h2[t]});
    lesson.table(table);
    Generator gen(lesson.seed());
    Rnn rnn({.input_size = 1, .hidden_size = 1, .dtype = DType::f64, .num_layers = 2}, gen);
    for (int l = 0; l < 2; l++) {
        const Direction& d = l == 0 ? lower : upper;
        rnn.cell(l).W_hh.value.fill(d.w);
        rnn.cell(l).W_xh.value.fill(d.u);
        rnn.cell(l).b_h.value.fill(d.b);
    }
    Tape tape;
    const Tensor y = rnn(tape.constant(Tensor::from(x, {4, 1, 1}, DType::f64))).y.value();
    double difference = 0;
    for (size_t t = 0; t < x.size(); t++)
        difference = std::max(difference, std::abs(y.flat(static_cast<int64_t>(t)) - h2[t]));
    lesson.check("the layer of the library gives the same $h^{(2)}$", difference, 1e-15);
    lesson.text(
        "A state waits for its left neighbour and for the one below it, and for nothing else: layer 1 may run over the "
        "whole sequence before layer 2 begins (as here, with one matrix product for all its inputs), or all layers "
        "may climb together, step by step (as they must when the next input is made from the last output).");
}

/// Every unit is the sum of its left neighbour and of the one below: the gradient counts the ways.
void ways_back(Lesson& lesson) {
    lesson.section("Ways back", "Deep RNN");
    lesson.text(
        "From the last state of the top layer a gradient has two ways to go at every state: back in time, or down a "
        "layer. How many ways lead to $h_t^{(l)}$? Take the activation away and set every weight to 1; then each way "
        "counts 1, and the tape, which has walked none of them one by one, gives their number:");
    constexpr int L = 4, T = 7;
    Tape tape;
    std::vector<std::vector<Var>> h(L, std::vector<Var>(T));
    const Tensor one = Tensor::of(1, DType::f64);
    for (int t : tape.steps(T))
        for (size_t l = 0; l < L; l++) {
            const Var below = l == 0 ? tape.input(one, "x") : h[l - 1][static_cast<size_t>(t)];
            Var& here = h[l][static_cast<size_t>(t)];
            here = t == 0 ? scale(below, 1) : h[l][static_cast<size_t>(t) - 1] + below;
            tape.keep_grad(here);
        }
    tape.backward(h[L - 1][T - 1]);
    std::vector<double> values;
    bool pascal = true;
    for (int l = L - 1; l >= 0; l--)
        for (int t = 0; t < T; t++) {
            values.push_back(tape.grad(h[static_cast<size_t>(l)][static_cast<size_t>(t)]).item());
            double ways = 1;  // (L-l + T-t over T-t)
            for (int i = 1; i < T - t; i++) ways = ways * (L - 1 - l + i) / i;
            pascal = pascal && values.back() == ways;
        }
    lesson.heatmap({.title = "Ways from the last state of the top layer",
                    .values = lesson::Grid(L, T, values),
                    .row_axis = "layer l",
                    .column_axis = "time step t",
                    .row_labels = counted(L, true),
                    .column_labels = counted(T),
                    .log = true,
                    .caption = "Pascal's triangle, lying on its side."});
    lesson.equation(R"(\text{ways}(l, t) = \binom{(L - l) + (T - t)}{T - t})", "ways(l, t) = (L-l + T-t over T-t)");
    lesson.check("the gradient is the binomial coefficient, at every state", pascal);
}

/// ∂L/∂h(l)_t by hand, for all l and t, with L = r · h(L)_T; checked against the tape's. Top layer first.
std::vector<double> gradient_sizes(Lesson& lesson, const char* title, Rnn& rnn, const Tensor& x, const Tensor& r) {
    const auto L = static_cast<size_t>(rnn.options().num_layers);
    const auto T = static_cast<size_t>(x.dim(0));
    Tape tape;
    std::vector<std::vector<Var>> h(L, std::vector<Var>(T));
    const Var zeros = tape.constant(Tensor::zeros(r.shape(), DType::f64));
    for (int step : tape.steps(static_cast<int>(T))) {
        const auto t = static_cast<size_t>(step);
        for (size_t l = 0; l < L; l++) {
            const States before{t == 0 ? zeros : h[l][t - 1], {}};
            const RnnCell& cell = rnn.cell(static_cast<int64_t>(l));
            h[l][t] = l == 0 ? cell.step(tape.constant(x[step]), before).h : cell.step(h[l - 1][t], before).h;
            tape.keep_grad(h[l][t]);
        }
    }
    tape.backward(sum(h[L - 1][T - 1] * r));

    std::vector<std::vector<Tensor>> delta(L, std::vector<Tensor>(T));
    std::vector<double> sizes;
    double difference = 0;
    for (size_t l = L; l-- > 0;) {
        std::vector<double> layer(T);
        for (size_t t = T; t-- > 0;) {
            Tensor dh = l == L - 1 && t == T - 1 ? r : Tensor::zeros(r.shape(), DType::f64);
            if (t + 1 < T) dh = dh + matmul(delta[l][t + 1], rnn.cell(static_cast<int64_t>(l)).W_hh.value);
            if (l + 1 < L) dh = dh + matmul(delta[l + 1][t], rnn.cell(static_cast<int64_t>(l) + 1).W_xh.value);
            const Tensor& h_t = h[l][t].value();
            delta[l][t] = dh * (1.0 - h_t * h_t);
            layer[t] = std::sqrt(sum(dh * dh).item());
            const Tensor d = dh - tape.grad(h[l][t]);
            difference = std::max(difference, std::sqrt(sum(d * d).item()) / std::max(layer[t], 1e-300));
        }
        sizes.insert(sizes.end(), layer.begin(), layer.end());
    }
    lesson.heatmap({.title = title,
                    .values = lesson::Grid(static_cast<int>(L), static_cast<int>(T), sizes),
                    .row_axis = "layer l",
                    .column_axis = "time step t",
                    .row_labels = counted(static_cast<int>(L), true),
                    .column_labels = counted(static_cast<int>(T)),
                    .log = true});
    lesson.check("by hand = by the tape at every state, relative to its norm", difference, 1e-12);
    return sizes;
}

/// What is left of the gradient at t = 1, in the top layer and in layer 1 (the corner).
struct Kept {
    double top, corner;
};

void gradient_over_depth_and_time(Lesson& lesson) {
    lesson.section("The gradient over depth and time", "Deep RNN");
    lesson.equation(
        R"(\frac{\partial L}{\partial h_t^{(l)}} = W_{hh}^{(l)\top} \delta_{t+1}^{(l)} + W_{xh}^{(l+1)\top} \delta_t^{(l+1)}, \qquad \delta_t^{(l)} = \frac{\partial L}{\partial h_t^{(l)}} \odot \sigma'(a_t^{(l)}))",
        "∂L/∂h(l)_t = W_hh(l)ᵀ δ(l)_{t+1} + W_xh(l+1)ᵀ δ(l+1)_t,   δ(l)_t = ∂L/∂h(l)_t ⊙ σ'(a(l)_t)");
    lesson.text(
        "With weights and tanh each way counts the product of its matrices and slopes. A loss at the last state of the "
        "top layer alone, and the norm of its gradient at every state:");
    constexpr int L = 5, T = 20, B = 16, H = 16;
    Generator gen(lesson.seed());
    Rnn rnn({.input_size = H, .hidden_size = H, .dtype = DType::f64, .num_layers = L}, gen);
    Tensor x = Tensor::empty({{T, 'T'}, {B, 'B'}, {H, 'D'}}, DType::f64);
    gen.fill_normal(x, 0, 0.5);
    Tensor r = Tensor::empty({{B, 'B'}, {H, 'H'}}, DType::f64);
    gen.fill_normal(r, 0, 1);
    lesson::Table table{
        .caption = "What is left of the gradient's norm, as a share of that at the last state of the top layer",
        .header = {"weights", "top layer, t = 1", "layer 1, t = T", "layer 1, t = 1"}};
    const auto measure = [&](const char* title, const char* name) {
        const std::vector<double> s = gradient_sizes(lesson, title, rnn, x, r);
        const double last = s[T - 1];
        table.rows.push_back({name, s[0] / last, s[(L - 1) * T + T - 1] / last, s[(L - 1) * T] / last});
        return Kept{s[0] / last, s[(L - 1) * T] / last};
    };
    const Kept uniform = measure("Weights uniform in ±1/√H", "uniform in $\\pm 1/\\sqrt{H}$");
    for (int l = 0; l < L; l++) {
        init::orthogonal(rnn.cell(l).W_hh.value, gen);
        init::orthogonal(rnn.cell(l).W_xh.value, gen, 0.7);
        rnn.cell(l).b_h.value.fill(0);
    }
    const Kept orthogonal =
        measure("Orthogonal weights: W_hh of norm 1, W_xh of norm 0.7", "orthogonal, norms 1 and 0.7");
    lesson.table(table);
    double ways = 1;
    for (int i = 1; i < T; i++) ways = ways * (L - 1 + i) / i;
    lesson.text(fmt::format(
        "The way through time is the steep one: it takes a factor of $W_{{hh}}$ and a slope at each step. Yet with the "
        "orthogonal weights, which favour no direction, the farthest corner, layer 1 at $t = 1$, has kept more than "
        "the "
        "first state of the top layer, which is nearer: to that one a single way leads, through $W_{{hh}}$ {} times, "
        "to "
        "the corner {:.0f} ways. (Ways may cancel each other, too; these have not. With the uniform weights it depends "
        "on "
        "the draw: the layer whose $W_{{hh}}$ happens to be largest carries most.)",
        T - 1, ways));
    lesson.check("with orthogonal weights the corner has kept more than the top layer's first state",
                 orthogonal.corner > orthogonal.top);
    lesson.result("deep_corner_uniform", uniform.corner);
    lesson.result("deep_corner_orthogonal", orthogonal.corner);

    Generator small(lesson.seed());
    Rnn three({.input_size = 2, .hidden_size = 3, .dtype = DType::f64, .num_layers = 3}, small);
    std::vector<Parameter> inputs = parameters(three);
    const Parameter in = random_input("x", {{4, 'T'}, {2, 'B'}, {2, 'D'}});
    const Parameter h_0 = random_input("h_0", {{3, 'L'}, {2, 'B'}, {3, 'H'}}, 0, 0.5);
    inputs.push_back(in);
    inputs.push_back(h_0);
    lesson.gradcheck("Three layers, a gradient entering at every output and every layer's last state",
                     gradcheck(inputs, [&](Tape& t) {
                         const RecurrentOutput out = three(t.watch(in), {.initial = {t.watch(h_0), {}}});
                         return std::vector<Var>{out.y, out.last.h};
                     }));
}

}  // namespace

void tell_deep(Lesson& lesson) {
    layers_above_each_other(lesson);
    ways_back(lesson);
    gradient_over_depth_and_time(lesson);
}

}  // namespace unroll
