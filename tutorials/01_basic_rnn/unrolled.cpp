// One step, many steps, and a loss at each of them.
#include <fmt/format.h>

#include "tutorials/01_basic_rnn/chapter.hpp"
#include "tutorials/01_basic_rnn/small_rnn.hpp"

namespace unroll {

void tell_unrolled(Lesson& lesson) {
    const SmallRnn net;

    lesson.section("One step", "Mathematical Formulation");
    lesson.text(
        "The hidden state is made from the state before it and the input of the moment. The network below has two "
        "hidden "
        "units and two inputs, so that every number can be checked by hand.");
    lesson.equation(R"(h_t = \sigma(W_{hh} h_{t-1} + W_{xh} x_t + b_h))", "h_t = σ(W_hh h_{t-1} + W_xh x_t + b_h)");
    lesson.equation(R"(y_t = \sigma(W_{hy} h_t + b_y))", "y_t = σ(W_hy h_t + b_y)");
    lesson.text("The book's σ is tanh for the hidden state here, and the logistic function for the output.");
    for (const Parameter& p : net.parameters()) lesson.show(p.name, p.value);
    lesson.show("x", net.x);

    const Tensor recurrent = matmul(net.h_0.value, transposed(net.W_hh.value));
    const Tensor projected = matmul(net.x[0], transposed(net.W_xh.value));
    const Tensor a = recurrent + projected + net.b_h.value;
    lesson.text(
        "The first step, piece by piece. Printed tensors count time from 0, as C++ does, so t=0 is the equations' step "
        "1. A batch of states is a matrix with a row for each sequence, so the product "
        "reads `matmul(h, transposed(W_hh))`.");
    lesson.show("W_hh h_0", recurrent);
    lesson.show("W_xh x_1", projected);
    lesson.show("a_1 = W_hh h_0 + W_xh x_1 + b_h", a);
    lesson.show("h_1 = tanh(a_1)", tanh(a));

    lesson.section("Unrolled over time", "Unrolled RNN");
    lesson.text(
        "The same parameters at every step. The tape records each operation as it is made and marks it with its time "
        "step (counted from 0, as C++ counts); this is the unrolled network.");
    Tape tape;
    tape.keep_values();
    std::vector<SmallRnn::Step> steps;
    const Var L = net.loss(tape, &steps);
    lesson::Table table{.caption = "Forward in time: state, output, target and loss of each step",
                        .header = {"t", "$h_t[1]$", "$h_t[2]$", "$y_t$", "$\\hat y_t$", "$L_t$"}};
    double total = 0;
    for (int t = 0; t < net.T(); t++) {
        const SmallRnn::Step& s = steps[static_cast<size_t>(t)];
        total += s.L.item();
        table.rows.push_back({fmt::format("{}", t + 1), s.h.value().at({0, 0}), s.h.value().at({0, 1}),
                              s.y.value().item(), net.target[t].item(), s.L.item()});
    }
    lesson.table(table);

    lesson.section("The loss", "Loss Function");
    lesson.equation(R"(L = \sum_{t=1}^{T} L_t(y_t, \hat y_t))", "L = Σ_t L_t(y_t, ŷ_t)");
    lesson.text(
        "Here $L_t = (y_t - \\hat y_t)^2 / 2$. Each state is used twice, by the loss of its own step and by the next "
        "state: two gradients will come back to it.");
    lesson.show("L", L);
    lesson.check("the last value on the tape is the sum of the losses of the steps", L.item() - total, 1e-15);
    lesson.forward("The unrolled network, record by record", tape);
}

}  // namespace unroll
