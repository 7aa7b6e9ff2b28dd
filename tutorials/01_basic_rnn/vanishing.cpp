// Vanishing and exploding gradients, measured: the norm of ∂h_t/∂h_k over many steps, beside the bound ‖W_hh‖^(t-k).
#include <fmt/format.h>

#include <cmath>

#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/random.hpp"
#include "nn/init.hpp"
#include "tutorials/01_basic_rnn/chapter.hpp"

namespace unroll {
namespace {

constexpr int H = 32, steps = 50;

struct Curve {
    std::vector<double> distance, jacobian, bound;  // over t - k = 1 .. steps
};

/// Runs h_t = tanh(W h_{t-1} + u_t) with inputs u_t of the given size, and measures the spectral norm of ∂h_t/∂h_0.
Curve measure(const Tensor& W, double input, Generator& gen) {
    Curve curve;
    const double norm = init::spectral_norm(W);
    Tensor h = Tensor::zeros({1, H}, DType::f64), u = Tensor::empty({1, H}, DType::f64);
    gen.fill_normal(h, 0, 0.01);
    Tensor J = Tensor::empty({H, H}, DType::f64);
    init::identity(J);  // ∂h_t/∂h_0 = diag(σ'(a_t)) W ··· diag(σ'(a_1)) W
    for (int t = 1; t <= steps; t++) {
        gen.fill_normal(u, 0, input);
        h = tanh(matmul(h, transposed(W)) + u);
        J = (1.0 - h * h).reshape({H, 1}) * matmul(W, J);
        curve.distance.push_back(t);
        curve.jacobian.push_back(init::spectral_norm(J));
        curve.bound.push_back(std::pow(norm, t));
    }
    return curve;
}

}  // namespace

void tell_vanishing_exploding(Lesson& lesson) {
    lesson.section("Vanishing and exploding gradients", "Vanishing/Exploding Gradient Problem");
    lesson.equation(
        R"(\left\lVert \frac{\partial h_t}{\partial h_k} \right\rVert \le \lVert W_{hh} \rVert^{t-k} \, \lVert \sigma' \rVert^{t-k})",
        "‖∂h_t/∂h_k‖ ≤ ‖W_hh‖^(t-k) ‖σ'‖^(t-k)");
    lesson.text(
        fmt::format("An RNN of {} units with $W_{{hh}}$ a random rotation times s, so that its spectral norm is "
                    "exactly s and it stretches every direction alike. "
                    "The inputs are small: the units work where tanh is steep, $\\sigma' \\approx 1$.",
                    H));
    Generator gen(lesson.seed());
    Tensor Q = Tensor::empty({H, H}, DType::f64);
    init::orthogonal(Q, gen);
    lesson::Plot plot{.title = "How much of a change in the state is left after n steps",
                      .x = "n = t - k, time steps",
                      .y = "spectral norm of the Jacobian",
                      .log_y = true,
                      .caption = "Measured on one run of the network for each s; the bound is $s^n$."};
    lesson::Table table{.caption = fmt::format("After {} steps", steps),
                        .header = {"network", "‖W_hh‖", "measured", "bound", "measured / bound"}};
    bool below = true;
    const auto add = [&](const std::string& name, const Tensor& W, double input, bool draw_bound) {
        const Curve c = measure(W, input, gen);
        plot.series.push_back({.name = name, .x = c.distance, .y = c.jacobian});
        if (draw_bound) plot.series.push_back({.name = name + ", bound", .x = c.distance, .y = c.bound});
        for (size_t i = 0; i < c.bound.size(); i++) below = below && c.jacobian[i] <= c.bound[i] * (1 + 1e-9);
        table.rows.push_back({name, fmt::format("{:.2f}", init::spectral_norm(W)), c.jacobian.back(), c.bound.back(),
                              c.jacobian.back() / c.bound.back()});
        return c.jacobian.back();
    };
    const double vanished = add("s = 0.9", Q * 0.9, 1e-3, true);
    add("s = 1.0", Q, 1e-3, true);
    const double exploded = add("s = 1.1", Q * 1.1, 1e-3, true);
    lesson.plot(plot);
    lesson.table(table);
    lesson.check(fmt::format("with s = 0.9 less than 1 % is left after {} steps", steps), vanished, 0.01);
    lesson.check("with s = 1.1 a change has grown instead", exploded > 1);

    lesson.text(
        "*A slip in the book.* \"If $\\|W_{hh}\\| > 1$, gradients explode\" reads an upper bound as if it were the "
        "value. A norm below 1 is sufficient for vanishing; a norm above 1 is only necessary for exploding. Beside a "
        "rotation that explodes, two networks of the same norm that do not: one whose inputs are large, so that its "
        "units are saturated and $\\sigma'$ is near 0; and one whose matrix stretches most directions little.");
    plot = {.title = "A norm above 1 and no explosion",
            .x = "n = t - k, time steps",
            .y = "spectral norm of the Jacobian",
            .log_y = true,
            .caption = "Three networks, each with a spectral norm of 1.5; the bound is $1.5^n$."};
    table.rows.clear();
    Tensor G = Tensor::empty({H, H}, DType::f64);
    gen.fill_normal(G, 0, 1);
    init::scale_to_spectral_norm(G, 1.5);
    const double rotation = add("a rotation, small inputs", Q * 1.5, 1e-3, true);
    const double saturated = add("a rotation, large inputs", Q * 1.5, 3, false);
    const double gaussian = add("a random matrix, small inputs", G, 1e-3, false);
    lesson.plot(plot);
    lesson.table(table);
    lesson.check("large inputs: the gradient vanishes although the norm is above 1", saturated < 1e-3);
    lesson.check("a random matrix: the gradient shrinks although the norm is above 1", gaussian < 1);
    lesson.check("no Jacobian was above its bound", below);
    lesson.result("vanishing_0.9", vanished);
    lesson.result("exploding_1.1", exploded);
    lesson.result("rotation_1.5", rotation);
}

}  // namespace unroll
