// A chapter that uses every element of the chapter library; the tests run it. --fail KIND lets it end badly.
#include <fmt/format.h>

#include <cmath>

#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "tutorials/lesson/lesson.hpp"

using namespace unroll;

namespace {

void figures(Lesson& lesson) {
    lesson.section("Figures & <tags>", "Loss Function");
    std::vector<double> x, train, valid;
    for (int i = 0; i < 100000; i++) {
        x.push_back(360.0 * i);
        train.push_back(1.2 + 3.2 * std::exp(-i / 9000.0) + 0.08 * std::sin(i * 0.7));
        valid.push_back(1.3 + 3.1 * std::exp(-i / 9000.0));
    }
    lesson.plot({.title = "Loss of the language model",
                 .x = "characters read",
                 .y = "nats per character",
                 .series = {{"training", x, train}, {"validation", x, valid}},
                 .caption = "The loss starts near $\\ln 80 = 4.38$, where every character is as likely."});
    std::vector<double> k, below, at, above;
    for (int i = 0; i <= 30; i++) {
        k.push_back(i);
        below.push_back(std::pow(0.8, i));
        at.push_back(1);
        above.push_back(i == 17 ? NAN : std::pow(1.2, i));
    }
    lesson.plot({.title = "Vanishing and exploding gradients",
                 .x = "t - k",
                 .y = "norm of the gradient",
                 .series = {{"spectral norm 0.8", k, below}, {"1.0", k, at}, {"1.2", k, above}},
                 .log_y = true});
    lesson.plot({.title = "Nothing to see", .x = "x", .y = "y"});
    lesson.plot({.title = "One point", .x = "x", .y = "y", .series = {{"only", {3}, {2}}}});
    std::vector<double> cells, many;
    for (int r = 0; r < 8; r++)
        for (int c = 0; c < 8; c++) cells.push_back(c > r ? 0 : std::pow(0.7, r - c) * ((r + c) % 3 == 0 ? -1 : 1));
    for (int r = 0; r < 30; r++)
        for (int c = 0; c < 30; c++) many.push_back(c > r ? 0 : std::pow(0.6, r - c));
    lesson.heatmap({.title = "The terms of the sum over $t$ and $k$",
                    .values = {8, 8, cells},
                    .row_axis = "t",
                    .column_axis = "k",
                    .caption = "Each cell is the largest entry of one term."});
    lesson.heatmap({.title = "How far a gradient reaches",
                    .values = {30, 30, many},
                    .row_axis = "time step t",
                    .column_axis = "time step k",
                    .log = true});
    lesson.shaded({.title = "How surprising each word is",
                   .tokens = {"It", "is", "a", "truth", "<universally>", "acknowledged"},
                   .values = {NAN, 1.2, 1.5, 5.3, 7.8, 0.2},
                   .unit = "nats"});
    lesson.shaded({.title = "And each character",
                   .tokens = {"a", " ", "b", "\n", "c"},
                   .values = {NAN, 0.1, 3, 2, 11},
                   .spaced = false,
                   .unit = "nats"});
    const Picture drawn{2, 2, {255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255}};
    lesson.looks({.title = "Looks",
                  .picture = drawn,
                  .words = {"red", "white"},
                  .weights = {{2, 2, {0.7, 0.1, 0.1, 0.1}}, {2, 2, {0, 0, 0.1, 0.9}}}});
    lesson.map({.title = "Words", .labels = {"he", "she", "Bath"}, .x = {1, 1.1, -3}, .y = {0.2, 0.3, 2}});
    const Sound sound{8000, {0, 0.5f, 0, -1}};
    lesson.clip({.title = "A sound", .sound = sound, .caption = "Of four samples."});
    lesson.heatmap({.title = "One cell", .values = Tensor::of({{1}})});
    lesson.tree({.title = "What was in the beam",
                 .nodes = {{-1, "the", "-0.4", true}, {-1, "a", "-1.2"}, {0, "cat", "-1.0"}, {0, "dog", "-0.9", true}},
                 .caption = "The words of the answer stand out."});
}

void tape_section(Lesson& lesson) {
    lesson.section("Step by step", "Backpropagation Through Time (BPTT)");
    Parameter W("W_hh", Tensor::of({{0.5, -0.3}, {0.2, 0.8}}, DType::f64)),
        b("b_h", Tensor::of({0.1, -0.1}, DType::f64));
    Tape tape;
    tape.keep_values();
    Var h = tape.input(Tensor::of({{1, -1}}, DType::f64).named("BH"), "h_0");
    for (int t : tape.steps(3)) {
        Var product = matmul(h, transposed(W));
        Var a = product + b;
        h = tanh(a);
        tape.name(h, fmt::format("h_{}", t + 1).c_str());
    }
    Var loss = matmul(h, Tensor::of({{1}, {1}}, DType::f64));  // the sum of its entries
    tape.name(loss, "L");
    lesson.forward("Forward: what the tape has recorded", tape);
    lesson.backward("Backward: the same records in reverse", tape, loss);
    lesson.show("h_3", h);
    lesson.show("dL/dW_hh", tape.grad(W));
}

}  // namespace

int main(int argc, char** argv) {
    Lesson lesson({.number = "demo", .title = "Every element of a lesson"});
    std::string fail, model, text = "It is a truth universally acknowledged";
    bool resumed = false;
    lesson.option("--fail KIND", fail, "end badly: error, check or nan");
    lesson.option("--text TEXT", text, "the sample's text");
    lesson.option("--model FOLDER", model, "not used");
    lesson.option("--resumed", resumed, "half of the training was done before");
    return lesson.run(argc, argv, [&] {
        lesson.section("Words and equations", "Mathematical Formulation");
        lesson.text(
            "A recurrent network keeps a hidden state $h_t \\in \\mathbb{R}^{d_h}$ from step to step. In code it is a\n"
            "`Tensor` of shape `[B, H]`; it costs $5 and not $6. Where:\n"
            "- $h_t$ is the hidden state at time $t$\n"
            "- $W_{hh}$ and $W_{xh}$ are weight matrices, stored `[out, in]`\n\n"
            "The gradient of the loss is a sum over all time steps.");
        lesson.equation(R"(h_t = \sigma(W_{hh} h_{t-1} + W_{xh} x_t + b_h))");
        lesson.equation(
            R"(\frac{\partial L}{\partial W_{hh}} = \sum_{t=1}^{T} \sum_{k=1}^{t} \frac{\partial L_t}{\partial h_t} )"
            R"(\left( \prod_{i=k+1}^{t} W_{hh}^T \, \text{diag}(\sigma'(a_i)) \right) \frac{\partial h_k}{\partial W_{hh}})");
        lesson.equation(R"(a = 1, \qquad b = 2)", "a = 1    b = 2");
        lesson.table({.caption = "The three columns agree",
                      .header = {"entry of $W_{hh}$", "by hand", "tape", "numeric"},
                      .rows = {{"[0, 0]", 0.12345678, 0.12345678, 0.1234567},
                               {"[0, 1]", -3.25, -3.25, -3.2499},
                               {"[1, 0]", NAN, INFINITY, 0.001}}});
        GradCheck result;
        result.inputs = {
            {.input = "W_hh",
             .index = {2, 0},
             .analytic = -0.05123456789,
             .numeric = -0.05123456788,
             .error = 3.1e-11,
             .entries = 9},
            {.input = "h_0", .index = {0, 1}, .analytic = 1.25, .numeric = 1.25, .error = 8e-13, .entries = 3}};
        result.error = 3.1e-11;
        result.tolerance = 1e-9;
        lesson.gradcheck("Gradient check, every entry", result);
        lesson.check("$\\partial L / \\partial W_{hh}$ by hand and by the tape agree", 3.1e-13, 1e-12);
        if (fail == "check") lesson.check("one and one are three", false);
        if (fail == "nan") lesson.check("NaN is small", NAN, 1);
        if (fail == "error") matmul(Tensor::zeros({2, 3}), Tensor::zeros({4, 5}));
        figures(lesson);
        tape_section(lesson);
        lesson.section("Training");
        int steps = lesson.steps(4000, 40), before = resumed ? steps / 2 : 0;
        {
            lesson::Progress bar({.title = "training",
                                  .total = 64.0 * steps,
                                  .before = 64.0 * before,
                                  .unit = "characters",
                                  .every_seconds = 0.02});
            double sum = 0;
            for (int i = before; i < steps; i++) {
                for (int j = 0; j < 20000; j++) sum += std::sin(i + j);
                bar.add(64, fmt::format("loss {:.3f}", 4.38 - 3.0 * i / steps + 1e-12 * sum));
            }
        }
        lesson.sample("Generated text", text);
        lesson.result("valid_nats_per_character", 1.2561);
    });
}
