// Backpropagation through time for both variants: by hand = by the tape = numerically; the four ways back.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/bptt/gru.hpp"
#include "core/gradcheck.hpp"
#include "tutorials/03_gru/chapter.hpp"
#include "tutorials/03_gru/small_gru.hpp"

namespace unroll {
namespace {

double norm(const Tensor& t) {
    double squares = 0;
    for (double v : t.to_vector()) squares += v * v;
    return std::sqrt(squares);
}

/// What comes back from h_t to h_{t-1}, by the way it takes.
struct Ways {
    Tensor past, candidate, update, reset;
    Tensor sum() const { return past + candidate + update + reset; }
};

struct ByHand {
    std::vector<Tensor> gradients;  // in the order of net.parameters(reset)
    std::vector<Ways> ways;         // from step t to the one before
};

/// The values of a step, on plain tensors.
struct Step {
    Tensor h_before, hx, z, r, q, candidate, h;  // q = W_hh h_{t-1} + b_hh, reset after the matrix only
};

Step forward(const SmallGru& net, Reset reset, const Tensor& h, const Tensor& x_t) {
    const int64_t H = net.H();
    const Tensor& W = net.W_h.value;
    Step s;
    s.h_before = h;
    s.hx = concat(h, x_t);
    s.z = sigmoid(matmul(s.hx, transposed(net.W_z.value)) + net.b_z.value);
    s.r = sigmoid(matmul(s.hx, transposed(net.W_r.value)) + net.b_r.value);
    const Tensor W_hh = columns(W, 0, H), W_xh = columns(W, H, W.dim(1));
    const Tensor input = matmul(x_t, transposed(W_xh)) + net.b_h.value;
    if (reset == Reset::before) {
        s.candidate = tanh(input + matmul(s.r * h, transposed(W_hh)));
    } else {
        s.q = matmul(h, transposed(W_hh)) + net.b_hh.value;
        s.candidate = tanh(input + s.r * s.q);
    }
    s.h = (1.0 - s.z) * h + s.z * s.candidate;
    return s;
}

ByHand bptt_by_hand(const SmallGru& net, Reset reset) {
    const int64_t H = net.H();
    std::vector<Step> steps;
    for (int t = 0; t < net.T(); t++)
        steps.push_back(forward(net, reset, t == 0 ? net.h_0.value : steps.back().h, net.x[t]));

    const auto zeros = [](const Parameter& p) { return Tensor::zeros(p.value.shape(), DType::f64); };
    Tensor dW_z = zeros(net.W_z), dW_r = zeros(net.W_r), dW_h = zeros(net.W_h);
    Tensor db_z = zeros(net.b_z), db_r = zeros(net.b_r), db_h = zeros(net.b_h), db_hh = zeros(net.b_hh);
    Tensor dh_next = zeros(net.h_0);  // what h_{t+1} sends back: nothing at the last step
    ByHand by_hand;
    by_hand.ways.resize(steps.size());
    const Tensor W_hh = columns(net.W_h.value, 0, H);
    for (int t = net.T() - 1; t >= 0; t--) {
        const Step& s = steps[static_cast<size_t>(t)];
        const Tensor dh = (s.h - net.target[t]) + dh_next;                    // from L_t, and from the step after
        const Tensor delta_h = dh * s.z * (1.0 - s.candidate * s.candidate);  // at the candidate's tanh
        const Tensor delta_z = dh * (s.candidate - s.h_before) * s.z * (1.0 - s.z);  // z stands twice in h_t
        Ways& back = by_hand.ways[static_cast<size_t>(t)];
        Tensor delta_r, dW_hh;
        if (reset == Reset::before) {
            const Tensor g = matmul(delta_h, W_hh);  // dL/d(r_t ⊙ h_{t-1})
            delta_r = g * s.h_before * s.r * (1.0 - s.r);
            back.candidate = g * s.r;
            dW_hh = matmul(transposed(delta_h), s.r * s.h_before);
        } else {
            const Tensor dq = delta_h * s.r;  // dL/d(W_hh h_{t-1} + b_hh)
            delta_r = delta_h * s.q * s.r * (1.0 - s.r);
            back.candidate = matmul(dq, W_hh);
            dW_hh = matmul(transposed(dq), s.h_before);
            db_hh += sum(dq, 0);
        }
        back.past = dh * (1.0 - s.z);
        back.update = columns(matmul(delta_z, net.W_z.value), 0, H);
        back.reset = columns(matmul(delta_r, net.W_r.value), 0, H);
        dh_next = back.sum();
        dW_z += matmul(transposed(delta_z), s.hx);
        dW_r += matmul(transposed(delta_r), s.hx);
        dW_h += concat(dW_hh, matmul(transposed(delta_h), net.x[t]));
        db_z += sum(delta_z, 0);
        db_r += sum(delta_r, 0);
        db_h += sum(delta_h, 0);
    }
    by_hand.gradients = {dW_z, dW_r, dW_h, db_z, db_r, db_h};
    if (reset == Reset::after) by_hand.gradients.push_back(db_hh);
    by_hand.gradients.push_back(dh_next);
    return by_hand;
}

/// ∂L/∂value[i] by a central difference with one Richardson extrapolation, as core/gradcheck.hpp does it.
double numeric(const SmallGru& net, Reset reset, Tensor value, int64_t i) {
    const double original = value.flat(i);
    const auto loss_at = [&](double v) {
        value.set_flat(i, v);
        Tape forward_only(Tape::Mode::forward_only);
        return net.loss(forward_only, reset).item();
    };
    const auto central = [&](double h) { return (loss_at(original + h) - loss_at(original - h)) / (2 * h); };
    const double slope = (4 * central(5e-4) - central(1e-3)) / 3;
    value.set_flat(i, original);
    return slope;
}

void three_columns(Lesson& lesson, const SmallGru& net, Reset reset) {
    const char* variant = reset == Reset::before ? "reset before the matrix" : "reset after the matrix";
    const ByHand by_hand = bptt_by_hand(net, reset);
    Tape tape;
    const Var L = net.loss(tape, reset);
    if (reset == Reset::before)
        lesson.backward("The same by the tape, one record at a time", tape, L, 24);
    else
        tape.backward(L);
    lesson::Table table{.caption = fmt::format("Every entry of every gradient, three times: {}", variant),
                        .header = {"entry", "by hand", "by the tape", "numerically"}};
    double hand_tape = 0, most = 0;
    const std::vector<Parameter> parameters = net.parameters(reset);
    for (size_t k = 0; k < parameters.size(); k++) {
        const Tensor taped = tape.grad(parameters[k]), &hand = by_hand.gradients[k], &value = parameters[k].value;
        for (int64_t i = 0; i < value.size(); i++) {
            const auto digits = [](double v) { return fmt::format("{:.13f}", v); };
            const std::string place =
                value.rank() == 2 ? fmt::format("{},{}", i / value.dim(1), i % value.dim(1)) : fmt::format("{}", i);
            table.rows.push_back({fmt::format("`{}[{}]`", parameters[k].name, place), digits(hand.flat(i)),
                                  digits(taped.flat(i)), digits(numeric(net, reset, value, i))});
            hand_tape = std::max(hand_tape, std::abs(hand.flat(i) - taped.flat(i)));
            most = std::max(most, std::abs(taped.flat(i)));
        }
    }
    lesson.table(table);
    lesson.check(fmt::format("{}: by hand = by the tape, relative to the largest entry", variant), hand_tape / most,
                 1e-14);
    lesson.gradcheck(fmt::format("By the tape against numeric, {}: the worst entry of each parameter", variant),
                     gradcheck(parameters, [&](Tape& t) { return std::vector<Var>{net.loss(t, reset)}; }));
}

/// The library's whole-sequence operation, with the same numbers in its layout.
void whole_sequence(Lesson& lesson, const SmallGru& net, Reset reset) {
    const int64_t H = net.H();
    const Tensor W = concat({net.W_z.value, net.W_r.value, net.W_h.value}, 0);
    const Parameter W_hh("W_hh", columns(W, 0, H)), W_xh("W_xh", columns(W, H, W.dim(1)));
    const Parameter b("b", concat({net.b_z.value, net.b_r.value, net.b_h.value}, 0));
    GruWeights weights{W_xh, W_hh, b};
    if (reset == Reset::after) weights.b_hh = net.b_hh;
    Tape tape;
    const Var y = gru_sequence(tape.constant(net.x), net.h_0, weights).y;
    const Var error = y - net.target;
    tape.backward(scale(sum(error * error), 0.5));
    const std::vector<Tensor> hand = bptt_by_hand(net, reset).gradients;
    const Tensor dW = concat({hand[0], hand[1], hand[2]}, 0);
    lesson.check(fmt::format("`gru_sequence`, all of it as one operation, reset {} the matrix: the same gradient of "
                             "$W_{{hh}}$",
                             reset == Reset::before ? "before" : "after"),
                 norm(tape.grad(W_hh) - columns(dW, 0, H)), 1e-14);
}

void four_ways(Lesson& lesson, const SmallGru& net) {
    lesson.text(
        "Four ways lead from $h_{t-1}$ to $h_t$, and four terms come back. Only the first passes no matrix and no "
        "slope of σ or tanh: where $z_t$ is near 0 the gradient arrives whole, however many steps there are. Those "
        "through the gates are small here; forgetting one of them is the usual mistake, and training goes on all the "
        "same.");
    lesson::Table table{
        .caption = "Sizes of what step $t$ sends back: past the matrices, and through candidate and gates",
        .header = {"t", "past", "candidate", "update gate", "reset gate", "sum"}};
    const ByHand by_hand = bptt_by_hand(net, Reset::before);
    bool largest = true;
    for (size_t t = by_hand.ways.size(); t-- > 0;) {
        const Ways& w = by_hand.ways[t];
        table.rows.push_back(
            {fmt::format("{}", t + 1), norm(w.past), norm(w.candidate), norm(w.update), norm(w.reset), norm(w.sum())});
        for (const Tensor* other : {&w.candidate, &w.update, &w.reset})
            largest = largest && norm(w.past) > norm(*other);
    }
    lesson.table(table);
    lesson.check("at each of these steps the way past the matrices carries most", largest);
}

}  // namespace

void tell_bptt(Lesson& lesson) {
    const SmallGru net;
    lesson.section("Backpropagation through time", "Backpropagation Through Time (BPTT)");
    lesson.text(
        "The loss is $L = \\sum_t L_t$ with $L_t = \\frac{1}{2} \\|h_t - \\hat h_t\\|^2$. Each state is used by its "
        "own loss and by the step after. Write $\\delta$ for the gradient at what stands inside σ or tanh, as a "
        "column.");
    lesson.show("targets ĥ_t", net.target);
    lesson.equation(R"(\delta_{h,t} = dh_t \odot z_t \odot (1 - \tilde h_t^2))", "δ_h = dh_t ⊙ z_t ⊙ (1 - h̃_t²)");
    lesson.equation(R"(\delta_{z,t} = dh_t \odot (\tilde h_t - h_{t-1}) \odot z_t \odot (1 - z_t))",
                    "δ_z = dh_t ⊙ (h̃_t - h_{t-1}) ⊙ z_t ⊙ (1 - z_t)");
    lesson.equation(
        R"(g_t = W_{hh}^\top \delta_{h,t}, \qquad \delta_{r,t} = g_t \odot h_{t-1} \odot r_t \odot (1 - r_t))",
        "g = W_hhᵀ δ_h,  δ_r = g ⊙ h_{t-1} ⊙ r_t ⊙ (1 - r_t)");
    lesson.equation(
        R"(dh_{t-1} = \frac{\partial L_{t-1}}{\partial h_{t-1}} + (1 - z_t) \odot dh_t + r_t \odot g_t + W_{hz}^\top \delta_{z,t} + W_{hr}^\top \delta_{r,t})",
        "dh_{t-1} = ∂L_{t-1}/∂h_{t-1} + (1-z_t) ⊙ dh_t + r_t ⊙ g + W_hzᵀ δ_z + W_hrᵀ δ_r");
    lesson.text("with $W_{hz}$ and $W_{hr}$ for the columns of $W_z$ and $W_r$ that act on $h$.");
    three_columns(lesson, net, Reset::before);
    four_ways(lesson, net);

    lesson.section("The same with the reset after the matrix", "Backpropagation Through Time (BPTT)");
    lesson.equation(R"(q_t = W_{hh} h_{t-1} + b_{hh}, \qquad dq_t = \delta_{h,t} \odot r_t)",
                    "q_t = W_hh h_{t-1} + b_hh,  dq_t = δ_h ⊙ r_t");
    lesson.equation(R"(\delta_{r,t} = \delta_{h,t} \odot q_t \odot r_t \odot (1 - r_t))",
                    "δ_r = δ_h ⊙ q_t ⊙ r_t ⊙ (1 - r_t)");
    lesson.text(
        "and $W_{hh}^\\top dq_t$ stands in the place of $r_t \\odot g_t$. Now the three gradients at $W h_{t-1}$, "
        "$[\\delta_z, \\delta_r, dq]$, go back through one matrix in one product, and $b_{hh}$ gets $\\sum_t dq_t$: "
        "not the gradient of $b_h$, as the second biases of an LSTM or of the gates would, and so it is a parameter in "
        "its own right.");
    three_columns(lesson, net, Reset::after);
    for (Reset reset : {Reset::before, Reset::after}) whole_sequence(lesson, net, reset);
}

}  // namespace unroll
