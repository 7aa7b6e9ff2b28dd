// The LSTM's equations, one after the other, on numbers that can be checked by hand.
#include <fmt/format.h>

#include "tutorials/02_lstm/chapter.hpp"
#include "tutorials/02_lstm/small_lstm.hpp"

namespace unroll {

void tell_cell(Lesson& lesson) {
    const SmallLstm net;

    lesson.section("One step", "LSTM Architecture");
    lesson.text(
        "An LSTM has two states. $C_t$, the cell state, is the memory; $h_t$ is the part of it that is shown. Three "
        "gates, numbers between 0 and 1, one for each unit, decide what is forgotten, what is written and what is "
        "shown. The network below has two units and one input, so that every number can be checked by hand.");
    lesson.equation(R"(C_t = f_t \odot C_{t-1} + i_t \odot \tilde{C}_t, \qquad h_t = o_t \odot \tanh(C_t))",
                    "C_t = f_t ⊙ C_{t-1} + i_t ⊙ C̃_t,   h_t = o_t ⊙ tanh(C_t)");
    lesson.equation(R"(f_t = \sigma(W_f [h_{t-1}, x_t] + b_f), \qquad i_t = \sigma(W_i [h_{t-1}, x_t] + b_i))",
                    "f_t = σ(W_f [h_{t-1}, x_t] + b_f),   i_t = σ(W_i [h_{t-1}, x_t] + b_i)");
    lesson.equation(R"(\tilde{C}_t = \tanh(W_C [h_{t-1}, x_t] + b_C), \qquad o_t = \sigma(W_o [h_{t-1}, x_t] + b_o))",
                    "C̃_t = tanh(W_C [h_{t-1}, x_t] + b_C),   o_t = σ(W_o [h_{t-1}, x_t] + b_o)");
    for (const Parameter& p : net.parameters()) lesson.show(p.name, p.value);
    lesson.show("x", net.x);

    const Tensor hx = concat(net.h_0.value, net.x[0]);
    const auto through = [&](const Parameter& W, const Parameter& b) {
        return matmul(hx, transposed(W.value)) + b.value;
    };
    const Tensor f = sigmoid(through(net.W_f, net.b_f)), i = sigmoid(through(net.W_i, net.b_i));
    const Tensor candidate = tanh(through(net.W_C, net.b_C)), o = sigmoid(through(net.W_o, net.b_o));
    const Tensor kept = f * net.C_0.value, written = i * candidate, C = kept + written;
    lesson.text(
        "The first step, piece by piece. All four matrices read the same row $[h_0, x_1]$. σ is the logistic function, "
        "for the gates; the candidate has tanh, because what is written may be of either sign.");
    lesson.show("[h_0, x_1]", hx);
    lesson.table(by_unit("The first step", {{"$W_f [h_0, x_1] + b_f$", through(net.W_f, net.b_f)},
                                            {"$f_1$, how much of $C_0$ is kept", f},
                                            {"$i_1$, how much is written", i},
                                            {"$\\tilde C_1$, what is written", candidate},
                                            {"$f_1 \\odot C_0$", kept},
                                            {"$i_1 \\odot \\tilde C_1$", written},
                                            {"$C_1 = f_1 \\odot C_0 + i_1 \\odot \\tilde C_1$", C},
                                            {"$o_1$, how much is shown", o},
                                            {"$h_1 = o_1 \\odot \\tanh(C_1)$", o * tanh(C)}}));
    lesson.text(
        "A slip in the book: its table of comparison counts \"4 gates\". There are three gates and a candidate: four "
        "matrices of one shape, so four times the parameters of an RNN, but the fourth opens and closes nothing.");

    lesson.section("Three steps", "LSTM Architecture");
    Tape tape;
    tape.keep_values();
    std::vector<SmallLstm::Step> steps;
    net.loss(tape, &steps);
    lesson::Table table{.caption = "Forward in time, both units",
                        .header = {"t", "unit", "$f_t$", "$i_t$", "$\\tilde C_t$", "$C_t$", "$o_t$", "$h_t$"}};
    bool bounded = true;
    for (int t = 0; t < net.T(); t++)
        for (int64_t unit = 0; unit < 2; unit++) {
            const SmallLstm::Step& s = steps[static_cast<size_t>(t)];
            const auto at = [&](const Var& v) { return v.value().at({0, unit}); };
            table.rows.push_back({fmt::format("{}", t + 1), fmt::format("{}", unit + 1), at(s.f), at(s.i),
                                  at(s.candidate), at(s.C), at(s.o), at(s.h)});
            bounded = bounded && at(s.h) > -1 && at(s.h) < 1;
        }
    lesson.table(table);
    lesson.text(
        "$h_t$ stays between -1 and 1. $C_t$ need not: while a unit's forget and input gates are both near 1, it "
        "counts up or down by as much as 1 a step.");
    lesson.check("the tape's first step is the one above", steps[0].h.value().at({0, 0}) == (o * tanh(C)).at({0, 0}));
    lesson.check("$h_t$ is between -1 and 1", bounded);
    lesson.forward("The unrolled LSTM, record by record", tape, 0, 22);
}

}  // namespace unroll
