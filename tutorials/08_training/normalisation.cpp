// Layer normalisation: by hand, its gradient, and inside the LSTM cell.
#include <fmt/format.h>

#include <cmath>

#include "core/ops/normalise.hpp"
#include "core/ops/reductions.hpp"
#include "core/ops/shape.hpp"
#include "nn/layer_norm_lstm.hpp"
#include "tutorials/08_training/chapter.hpp"

namespace unroll {

void tell_normalisation(Lesson& lesson) {
    lesson.section("Layer normalisation", "Layer Normalization");
    lesson.equation(
        R"(\mu = \tfrac1H \sum_j x_j, \quad v = \tfrac1H \sum_j (x_j - \mu)^2, \quad \hat x_j = \frac{x_j - \mu}{\sqrt{v + \varepsilon}}, \quad y_j = w_j \hat x_j + b_j)",
        "μ = 1/H Σ x_j,  v = 1/H Σ (x_j - μ)²,  x̂_j = (x_j - μ) / √(v + ε),  y_j = w_j x̂_j + b_j");
    lesson.text(
        "Each row, the hidden state of one sequence at one step, is normalised by itself: no other sequence of the "
        "batch "
        "and no other time step plays a part. That is what makes it fit recurrent networks, where batch normalisation "
        "would need statistics for every time step. Piece by piece, for a row of four numbers:");
    const Tensor x = Tensor::of({{2.0, 4.0, 4.0, 6.0}}, DType::f64);
    const Tensor one = Tensor::full({4}, 1, DType::f64), zero = Tensor::zeros({4}, DType::f64);
    const double mu = mean(x).item();
    const Tensor centred = x - mu;
    const double v = mean(centred * centred).item(), eps = 1e-5;
    lesson.show("x", x);
    lesson.table({.caption = "", .header = {"μ", "v", "√(v + ε)"}, .rows = {{mu, v, std::sqrt(v + eps)}}});
    lesson.show("x̂", centred / std::sqrt(v + eps));
    const Tensor y = layer_norm(x, one, zero, eps);
    lesson.show("layer_norm(x, 1, 0)", y);
    lesson.check("the operation gives the same",
                 sum((y - centred / std::sqrt(v + eps)) * (y - centred / std::sqrt(v + eps))).item(), 1e-28);

    lesson.text(
        "*Epsilon inside or outside the root.* For rows of ordinary size it makes no difference. Where a row is nearly "
        "constant, as the state of an untrained network is, $\\sqrt{v + \\varepsilon}$ and $\\sqrt v + \\varepsilon$ "
        "are "
        "far apart: weights moved from one meaning to the other give another network.");
    lesson::Table table{.caption = fmt::format("1 / √(v + ε) and 1 / (√v + ε) with ε = {}", eps),
                        .header = {"size of the row", "v", "inside", "outside", "outside / inside"}};
    for (double size : {1.0, 1e-2, 1e-3, 1e-4}) {
        const double variance = v * size * size;
        const double inside = 1 / std::sqrt(variance + eps), outside = 1 / (std::sqrt(variance) + eps);
        table.rows.push_back({size, variance, inside, outside, outside / inside});
    }
    lesson.table(table);

    lesson.text(
        "The gradient. $\\mu$ and $v$ depend on every $x_j$, so two means over the row come back beside $g = w \\odot "
        "dy$:");
    lesson.equation(
        R"(dx_j = \frac{1}{\sqrt{v + \varepsilon}} \left( g_j - \tfrac1H \sum_k g_k - \hat x_j \, \tfrac1H \sum_k g_k \hat x_k \right))",
        "dx_j = (g_j - 1/H Σ g_k - x̂_j 1/H Σ g_k x̂_k) / √(v + ε)");
    const Parameter rows = random_input("x", Shape{2, 3, 5}.named("TBH")), w = random_input("weight", {{5, 'H'}}),
                    b = random_input("bias", {{5, 'H'}});
    lesson.gradcheck("layer_norm", gradcheck({rows, w, b}, [&](Tape& tape) {
                         return std::vector<Var>{layer_norm(tape.watch(rows), w, b, eps)};
                     }));
    Tape tape;
    const Var in = tape.watch(rows);
    tape.backward(sum(layer_norm(in, w, b, eps) * random_input("dy", rows.value.shape()).value.clone()));
    const Tensor along = sum(tape.grad(rows), -1);
    double largest = 0;
    for (int64_t i = 0; i < along.size(); i++) largest = std::max(largest, std::abs(along.flat(i)));
    lesson.check("the gradient of every row adds up to 0: a common shift of the row changes nothing", largest, 1e-12);

    lesson.section("Inside the LSTM", "Layer Normalization");
    lesson.equation(
        R"(\begin{gathered} a_t = \mathrm{LN}(W_{hh} h_{t-1}) + \mathrm{LN}(W_{xh} x_t) \\ C_t = \sigma(a_f) \odot C_{t-1} + \sigma(a_i) \odot \tanh(a_C), \quad h_t = \sigma(a_o) \odot \tanh(\mathrm{LN}(C_t)) \end{gathered})",
        "a_t = LN(W_hh h_{t-1}) + LN(W_xh x_t),  C_t = σ(a_f) ⊙ C_{t-1} + σ(a_i) ⊙ tanh(a_C),  h_t = σ(a_o) ⊙ "
        "tanh(LN(C_t))");
    lesson.text(
        "Ba, Kiros and Hinton normalise the two products and the cell state, each with a weight and a bias of its own. "
        "The cell state that is handed on is the one before its normalisation: the additive path of chapter 02 stays.");
    Generator gen(lesson.seed());
    LayerNormLstm lstm({.input_size = 3, .hidden_size = 4, .dtype = DType::f64}, gen);
    const Parameter input = random_input("x", Shape{5, 2, 3}.named("TBD"));
    std::vector<Parameter> all = {input};
    for (const Parameter& p : parameters(lstm)) all.push_back(p);
    lesson.gradcheck("LSTM with layer normalisation, T=5, B=2, H=4, every entry of every parameter",
                     gradcheck(all, [&](Tape& t) {
                         const RecurrentOutput out = lstm(t.watch(input));
                         return std::vector<Var>{out.y, out.last.h, out.last.C};
                     }));
    const auto response = [&](auto& layer, double factor) {
        Tape forward(Tape::Mode::forward_only);
        return layer(forward.constant(input.value * factor)).y.value();
    };
    const Tensor usual = response(lstm, 1), louder = response(lstm, 100);
    const double change = std::sqrt(sum((usual - louder) * (usual - louder)).item() / sum(usual * usual).item());
    lesson.check("inputs a hundred times as large hardly change its output", change, 0.01);
}

}  // namespace unroll
