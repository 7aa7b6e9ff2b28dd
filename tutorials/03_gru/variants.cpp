// The GRU's two variants side by side, and the two polarities of z.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "nn/gru.hpp"
#include "nn/pytorch.hpp"
#include "tutorials/03_gru/chapter.hpp"
#include "tutorials/03_gru/small_gru.hpp"

namespace unroll {
namespace {

double largest(const Tensor& t) {
    double most = 0;
    for (double v : t.to_vector()) most = std::max(most, std::abs(v));
    return most;
}

std::vector<SmallGru::Step> run(Tape& tape, const SmallGru& net, Reset reset) {
    std::vector<SmallGru::Step> steps;
    net.loss(tape, reset, &steps);
    return steps;
}

/// By how much the variants' last states differ.
double apart(const SmallGru& net) {
    Tape tape(Tape::Mode::forward_only);
    const Tensor before = run(tape, net, Reset::before).back().h.value();
    return largest(run(tape, net, Reset::after).back().h.value() - before);
}

void two_places(Lesson& lesson, const SmallGru& net) {
    lesson.section("Two places for the reset gate", "Hidden State");
    lesson.text(
        "The book resets the state before the matrix, as the paper that introduced the GRU does. cuDNN, and with it "
        "PyTorch, reset after it, what the matrix has made of the whole state, and give that a bias of its own. Take "
        "$W_h$ apart into $W_{hh}$, its columns for $h$, and $W_{xh}$, those for $x$:");
    lesson.equation(R"(\text{before:} \quad \tilde h_t = \tanh(W_{xh} x_t + b_h + W_{hh} (r_t \odot h_{t-1})))",
                    "before:  h̃_t = tanh(W_xh x_t + b_h + W_hh (r_t ⊙ h_{t-1}))");
    lesson.equation(R"(\text{after:} \quad \tilde h_t = \tanh(W_{xh} x_t + b_h + r_t \odot (W_{hh} h_{t-1} + b_{hh})))",
                    "after:   h̃_t = tanh(W_xh x_t + b_h + r_t ⊙ (W_hh h_{t-1} + b_hh))");
    lesson.text(
        "Before, $r_t[j]$ says whether unit $j$ may be \"read\" by the candidates of all units. After, $r_t[i]$ says "
        "whether unit $i$'s candidate may \"listen\" to the state at all. As matrices that act on $h_{t-1}$: "
        "$W_{hh}\\,\\mathrm{diag}(r_t)$ scales columns, $\\mathrm{diag}(r_t)\\,W_{hh}$ scales rows.");
    Tape tape(Tape::Mode::forward_only);
    const auto before = run(tape, net, Reset::before), after = run(tape, net, Reset::after);
    const Tensor W_hh = columns(net.W_h.value, 0, net.H()), &r = before[0].r.value(), &h_0 = net.h_0.value;
    lesson.show("W_hh", W_hh);
    lesson.show("r_1, the same in both", r);
    lesson.show("before: W_hh diag(r_1)", W_hh * r.reshape({net.H()}));
    lesson.show("after: diag(r_1) W_hh", r.reshape({net.H(), 1}) * W_hh);

    lesson::Table table{.caption = "The same weights in both variants",
                        .header = {"", "before, [1]", "before, [2]", "after, [1]", "after, [2]"}};
    const auto add = [&](const std::string& what, const Tensor& b, const Tensor& a) {
        table.rows.push_back({what, b.flat(0), b.flat(1), a.flat(0), a.flat(1)});
    };
    const Tensor q = matmul(h_0, transposed(W_hh)) + net.b_hh.value;
    add("$W_{hh}$ is given", r * h_0, h_0);
    add("state's part of $a_1$", matmul(r * h_0, transposed(W_hh)), r * q);
    for (int t = 0; t < net.T(); t++) {
        const size_t i = static_cast<size_t>(t);
        add(fmt::format("$\\tilde h_{}$", t + 1), before[i].candidate.value(), after[i].candidate.value());
        add(fmt::format("$h_{}$", t + 1), before[i].h.value(), after[i].h.value());
    }
    lesson.table(table);
    lesson.check("the variants differ, with the same weights", apart(net) > 0.01);

    lesson.text(
        "They are two families of functions: no conversion of weights makes one of the other. They meet where "
        "$\\mathrm{diag}(r_t)$ can be exchanged with the matrix and $b_{hh}$ is 0: where $W_{hh}$ is diagonal, or "
        "where $r_t$ is the same for all units.");
    SmallGru diagonal;
    diagonal.b_hh.value.fill(0);
    diagonal.W_h.value.set({0, 1}, 0);
    diagonal.W_h.value.set({1, 0}, 0);
    SmallGru equal;
    equal.b_hh.value.fill(0);
    equal.W_r.value[1].copy_from(equal.W_r.value[0]);
    equal.b_r.value.fill(0.2);
    lesson.check("$b_{hh} = 0$ and $W_{hh}$ diagonal: the variants agree", apart(diagonal), 1e-15);
    lesson.check("$b_{hh} = 0$ and one $r_t$ for all units: the variants agree", apart(equal), 1e-15);
    lesson.text(
        "Why cuDNN chose the other way is a matter of time, not of learning. All that a step does with $h_{t-1}$ is "
        "then one product with one matrix of $3H$ rows. Before, the candidate's product has to wait until $r_t$ is "
        "known: two products one after the other, at every step, on a machine that is fast at large products and slow "
        "at beginning them. The comparison below measures what that costs here.");
}

void polarity(Lesson& lesson, const SmallGru& net) {
    lesson.section("Which way z points", "Hidden State");
    lesson.text(
        "In the book $z_t$ weights the candidate: 1 means \"new\". In PyTorch, and in the paper that introduced the "
        "GRU, it weights the old state: 1 means \"keep\". With $\\sigma(-a) = 1 - \\sigma(a)$ a change of sign of "
        "$W_z$ and $b_z$ turns one into the other.");
    lesson.equation(R"(h_t = (1 - z'_t) \odot \tilde h_t + z'_t \odot h_{t-1})",
                    "h_t = (1 - z'_t) ⊙ h̃_t + z'_t ⊙ h_{t-1}");
    lesson.equation(R"(z'_t = \sigma(-(W_z [h_{t-1}, x_t] + b_z)) = 1 - z_t)",
                    "z'_t = σ(-(W_z [h_{t-1}, x_t] + b_z)) = 1 - z_t");
    // PyTorch's equation, with W_z and b_z times `sign`.
    const auto first_step = [&](double sign, Tensor& z) {
        const Tensor &h_0 = net.h_0.value, x_1 = net.x[0], hx = concat(h_0, x_1);
        z = sigmoid(matmul(hx, transposed(net.W_z.value * sign)) + net.b_z.value * sign);
        const Tensor r = sigmoid(matmul(hx, transposed(net.W_r.value)) + net.b_r.value);
        const Tensor candidate = tanh(matmul(concat(r * h_0, x_1), transposed(net.W_h.value)) + net.b_h.value);
        return (1.0 - z) * candidate + z * h_0;
    };
    Tape tape(Tape::Mode::forward_only);
    const SmallGru::Step book = net.step(tape.watch(net.h_0), 0, Reset::before);
    Tensor z_same, z_negated;
    const Tensor same = first_step(1, z_same), negated = first_step(-1, z_negated);
    lesson::Table table{.caption = "The first step, with the weights above",
                        .header = {"", "$z_1[1]$", "$z_1[2]$", "$h_1[1]$", "$h_1[2]$"}};
    const auto add = [&](const char* what, const Tensor& z, const Tensor& h) {
        table.rows.push_back({what, z.flat(0), z.flat(1), h.flat(0), h.flat(1)});
    };
    add("the book's equation", book.z.value(), book.h.value());
    add("PyTorch's, same weights", z_same, same);
    add("PyTorch's, $-W_z$ and $-b_z$", z_negated, negated);
    lesson.table(table);
    lesson.check("with the same weights the two disagree", largest(same - book.h.value()) > 0.01);
    lesson.check("negated, $z' = 1 - z$", largest(z_negated + book.z.value() - 1.0), 1e-15);
    lesson.check("negated, $h_1$ is the same", largest(negated - book.h.value()), 1e-15);
    lesson.text(
        "A file of weights that is read without it is no error anybody reports: all shapes fit, and the network "
        "computes something, only not what it was trained for. The rows' order is the other trap: PyTorch's are $r, z, "
        "n$, here they are $z, r, \\tilde h$. This is the library's layer and what it writes for PyTorch "
        "(`nn/pytorch.hpp`):");
    Generator gen(1);
    Gru gru({.input_size = 1, .hidden_size = net.H(), .reset_after = true, .dtype = DType::f64}, gen);
    const Tensor W = concat({net.W_z.value, net.W_r.value, net.W_h.value}, 0), W_hh = columns(W, 0, net.H());
    gru.cell(0).W_hh.value.copy_from(W_hh);
    const Tensor written = to_pytorch(gru).tensor("weight_hh_l0");
    lesson.show("W_hh here: two rows of z, two of r, two of h̃", W_hh);
    lesson.show("weight_hh_l0: r, z with the other sign, n", written);
    const Tensor expected = concat({net.W_r.value, -net.W_z.value, net.W_h.value}, 0);
    lesson.check("the rows are those of $W_r$, $-W_z$ and $W_h$", largest(written - columns(expected, 0, net.H())), 0);
}

}  // namespace

void tell_variants(Lesson& lesson) {
    const SmallGru net;
    two_places(lesson, net);
    polarity(lesson, net);
}

}  // namespace unroll
