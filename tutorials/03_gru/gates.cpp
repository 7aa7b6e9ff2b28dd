// One step of the GRU, a sequence, and what its two gates can do.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "nn/gru.hpp"
#include "tutorials/03_gru/chapter.hpp"
#include "tutorials/03_gru/small_gru.hpp"

namespace unroll {
namespace {

double largest(const Tensor& t) {
    double most = 0;
    for (double v : t.to_vector()) most = std::max(most, std::abs(v));
    return most;
}

void one_step(Lesson& lesson, const SmallGru& net) {
    lesson.section("One step", "GRU Architecture");
    lesson.text(
        "Two gates, $z_t$ and $r_t$, each a number between 0 and 1 for every hidden unit, and a candidate $\\tilde "
        "h_t$ for the new state. The GRU below has two hidden units and one input, so that every number can be checked "
        "by hand. σ is the logistic function.");
    lesson.equation(R"(z_t = \sigma(W_z [h_{t-1}, x_t] + b_z))", "z_t = σ(W_z [h_{t-1}, x_t] + b_z)");
    lesson.equation(R"(r_t = \sigma(W_r [h_{t-1}, x_t] + b_r))", "r_t = σ(W_r [h_{t-1}, x_t] + b_r)");
    lesson.equation(R"(\tilde h_t = \tanh(W_h [r_t \odot h_{t-1}, x_t] + b_h))",
                    "h̃_t = tanh(W_h [r_t ⊙ h_{t-1}, x_t] + b_h)");
    lesson.equation(R"(h_t = (1 - z_t) \odot h_{t-1} + z_t \odot \tilde h_t)", "h_t = (1 - z_t) ⊙ h_{t-1} + z_t ⊙ h̃_t");
    for (const Parameter& p : net.parameters(Reset::before)) lesson.show(p.name, p.value);
    lesson.show("x", net.x);

    lesson.text(
        "The first step, piece by piece. Printed tensors count time from 0, so t=0 is the equations' step 1. A batch "
        "of states is a matrix with a row for each sequence, so $W_z [h, x]$ "
        "reads `matmul(concat(h, x), transposed(W_z))`.");
    const Tensor &h_0 = net.h_0.value, x_1 = net.x[0];
    const Tensor hx = concat(h_0, x_1);
    const Tensor a_z = matmul(hx, transposed(net.W_z.value)) + net.b_z.value, z = sigmoid(a_z);
    const Tensor r = sigmoid(matmul(hx, transposed(net.W_r.value)) + net.b_r.value);
    const Tensor rhx = concat(r * h_0, x_1);
    const Tensor candidate = tanh(matmul(rhx, transposed(net.W_h.value)) + net.b_h.value);
    const Tensor h_1 = (1.0 - z) * h_0 + z * candidate;
    lesson.show("[h_0, x_1]", hx);
    lesson.show("W_z [h_0, x_1] + b_z", a_z);
    lesson.show("z_1 = σ of it", z);
    lesson.show("r_1, likewise", r);
    lesson.show("[r_1 ⊙ h_0, x_1]", rhx);
    lesson.show("h̃_1 = tanh(W_h [r_1 ⊙ h_0, x_1] + b_h)", candidate);
    lesson.show("h_1 = (1 - z_1) ⊙ h_0 + z_1 ⊙ h̃_1", h_1);
    lesson.text(
        "$h_t$ is a weighted mean of the old state and the candidate, unit by unit. Written as $h_t = h_{t-1} + z_t "
        "\\odot (\\tilde h_t - h_{t-1})$ it is a step from the one towards the other, and $z_t$ says how far.");
    bool between = true;
    for (int64_t j = 0; j < net.H(); j++) {
        const double old_unit = h_0.flat(j), new_unit = candidate.flat(j), unit = h_1.flat(j);
        between = between && std::min(old_unit, new_unit) <= unit && unit <= std::max(old_unit, new_unit);
    }
    lesson.check("each unit of $h_1$ lies between those of $h_0$ and $\\tilde h_1$", between);
    lesson.check("the step form gives the same $h_1$", largest(h_0 + z * (candidate - h_0) - h_1), 1e-15);
}

/// The library's cell with these numbers: its matrices stand above each other, z, r, h̃, and apart for h and for x.
GruCell stacked(const SmallGru& net) {
    Generator gen(1);
    GruCell cell({.input_size = 1, .hidden_size = net.H(), .dtype = DType::f64}, gen);
    const Tensor W = concat({net.W_z.value, net.W_r.value, net.W_h.value}, 0);
    cell.W_hh.value.copy_from(columns(W, 0, net.H()));
    cell.W_xh.value.copy_from(columns(W, net.H(), W.dim(1)));
    cell.b.value.copy_from(concat({net.b_z.value, net.b_r.value, net.b_h.value}, 0));
    return cell;
}

void sequence(Lesson& lesson, const SmallGru& net) {
    lesson.section("A sequence, and what a state is made of", "GRU Architecture");
    Tape tape;
    tape.keep_values();
    std::vector<SmallGru::Step> steps;
    net.loss(tape, Reset::before, &steps);
    lesson::Table table{.caption = "Forward in time, for both units",
                        .header = {"t", "$z_t[1]$", "$z_t[2]$", "$r_t[1]$", "$r_t[2]$", "$\\tilde h_t[1]$",
                                   "$\\tilde h_t[2]$", "$h_t[1]$", "$h_t[2]$"}};
    for (int t = 0; t < net.T(); t++) {
        std::vector<lesson::Cell> row{fmt::format("{}", t + 1)};
        const SmallGru::Step& s = steps[static_cast<size_t>(t)];
        for (const Var* v : {&s.z, &s.r, &s.candidate, &s.h})
            for (double value : v->value().to_vector()) row.emplace_back(value);
        table.rows.push_back(row);
    }
    lesson.table(table);

    Tape library;
    const Scanned scanned = scan(stacked(net), library.constant(net.x), {library.watch(net.h_0), {}});
    lesson.check("the library's `GruCell`, scanned over the same steps, ends in the same state",
                 largest(scanned.last.h.value() - steps.back().h.value()), 1e-15);

    lesson.text(
        "A mean of means is a mean: $h_T$ is a weighted mean of $h_0$ and all candidates, with weights that depend on "
        "$z$ alone. A candidate is written with the weight $z_t$, and every later step wears it down by its $1 - z$.");
    lesson.equation(R"(h_T = w_0 \odot h_0 + \sum_{t=1}^{T} w_t \odot \tilde h_t)", "h_T = w_0 ⊙ h_0 + Σ_t w_t ⊙ h̃_t");
    lesson.equation(R"(w_0 = \prod_{s=1}^{T} (1 - z_s), \qquad w_t = z_t \odot \prod_{s=t+1}^{T} (1 - z_s))",
                    "w_0 = Π_{s=1..T} (1 - z_s),  w_t = z_t ⊙ Π_{s=t+1..T} (1 - z_s)");
    lesson::Table weights{.caption = "What $h_3$ is made of", .header = {"of", "weight, unit 1", "weight, unit 2"}};
    Tensor kept = Tensor::full({1, net.H()}, 1, DType::f64), total = kept * 0.0, h_T = kept * 0.0;
    std::vector<std::vector<lesson::Cell>> rows;
    for (int t = net.T() - 1; t >= -1; t--) {
        const Tensor z = t >= 0 ? steps[static_cast<size_t>(t)].z.value() : Tensor::full({1, net.H()}, 1, DType::f64);
        const Tensor part = t >= 0 ? steps[static_cast<size_t>(t)].candidate.value() : net.h_0.value;
        const Tensor w = z * kept;
        rows.push_back({t >= 0 ? fmt::format("$\\tilde h_{}$", t + 1) : "$h_0$", w.flat(0), w.flat(1)});
        total += w;
        h_T += w * part;
        kept = kept * (1.0 - z);
    }
    weights.rows.assign(rows.rbegin(), rows.rend());
    weights.rows.push_back({"sum", total.flat(0), total.flat(1)});
    lesson.table(weights);
    lesson.check("the weighted mean is $h_T$", largest(h_T - steps.back().h.value()), 1e-15);
    lesson.check("the weights are 1 in sum", largest(total - 1.0), 1e-15);
    lesson.forward("The unrolled GRU, record by record", tape, 0, 24);
}

void what_gates_do(Lesson& lesson) {
    lesson.section("What the gates can do", "GRU Architecture");
    lesson.text(
        "Biases of ±40 force the gates open or shut, whatever the state and the input. Between its extremes the GRU is "
        "a memory cell, the basic RNN of chapter 01, and a network without a memory.");
    struct Setting {
        const char* what;
        double b_z, b_r;
    };
    lesson::Table table{.caption = "The first step with its gates forced",
                        .header = {"$z$", "$r$", "$h_1[1]$", "$h_1[2]$", "what it is"}};
    const auto first_state = [](const SmallGru& net) {
        Tape tape(Tape::Mode::forward_only);
        return net.step(tape.watch(net.h_0), 0, Reset::before).h.value();
    };
    std::vector<Tensor> states;
    for (const Setting& s :
         {Setting{"$h_0$: remembers", -40, 0}, Setting{"the basic RNN: $\\tanh(W_h [h_0, x_1] + b_h)$", 40, 40},
          Setting{"$\\tanh(W_h [0, x_1] + b_h)$: starts anew", 40, -40}}) {
        SmallGru net;
        net.b_z.value.fill(s.b_z);
        net.b_r.value.fill(s.b_r);
        states.push_back(first_state(net));
        const auto gate = [](double b) { return b == 0 ? "any" : b > 0 ? "1" : "0"; };
        table.rows.push_back({gate(s.b_z), gate(s.b_r), states.back().flat(0), states.back().flat(1), s.what});
    }
    lesson.table(table);
    const SmallGru net;
    const Tensor rnn = tanh(matmul(concat(net.h_0.value, net.x[0]), transposed(net.W_h.value)) + net.b_h.value);
    lesson.check("with $z = 0$ the state stays", largest(states[0] - net.h_0.value), 1e-15);
    lesson.check("with $z = r = 1$ the GRU is the basic RNN", largest(states[1] - rnn), 1e-15);
    lesson.text(
        "An LSTM can add to its cell state without end; a GRU's state is a mean, and never leaves the interval from -1 "
        "to 1 once it is inside. What it writes it must take from what it keeps: one gate does the work of the LSTM's "
        "input and forget gates, coupled as in the variant of chapter 02.");
}

}  // namespace

void tell_gates(Lesson& lesson) {
    const SmallGru net;
    one_step(lesson, net);
    sequence(lesson, net);
    what_gates_do(lesson);
}

}  // namespace unroll
