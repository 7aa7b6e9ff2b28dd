// Backpropagation through time with two states: by hand = by the tape = numerically; and what a check must not forget.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/bptt/lstm.hpp"
#include "core/gradcheck.hpp"
#include "nn/clip.hpp"
#include "tutorials/02_lstm/chapter.hpp"
#include "tutorials/02_lstm/small_lstm.hpp"

namespace unroll {
namespace {

/// All that the steps made, on plain tensors: of step t at place t, [1, H] each.
struct Values {
    std::vector<Tensor> hx, f, i, candidate, o, C_before, C, h;
};

Values forward_by_hand(const SmallLstm& net) {
    Values v;
    Tensor h = net.h_0.value, C = net.C_0.value;
    for (int t = 0; t < net.T(); t++) {
        const Tensor hx = concat(h, net.x[t]);
        const Tensor f = sigmoid(matmul(hx, transposed(net.W_f.value)) + net.b_f.value);
        const Tensor i = sigmoid(matmul(hx, transposed(net.W_i.value)) + net.b_i.value);
        const Tensor candidate = tanh(matmul(hx, transposed(net.W_C.value)) + net.b_C.value);
        const Tensor o = sigmoid(matmul(hx, transposed(net.W_o.value)) + net.b_o.value);
        v.C_before.push_back(C);
        C = f * C + i * candidate;
        h = o * tanh(C);
        v.hx.push_back(hx);
        v.f.push_back(f);
        v.i.push_back(i);
        v.candidate.push_back(candidate);
        v.o.push_back(o);
        v.C.push_back(C);
        v.h.push_back(h);
    }
    return v;
}

/// Gradients in the order of SmallLstm::parameters(), from dy_t = ∂L_t/∂h_t [T, 1, H] and what arrives at C_T.
std::vector<Tensor> bptt_by_hand(const SmallLstm& net, const Tensor& dy, const Tensor& dC_T) {
    const Values v = forward_by_hand(net);
    const auto zeros = [](const Parameter& p) { return Tensor::zeros(p.value.shape(), DType::f64); };
    Tensor dW_f = zeros(net.W_f), dW_i = zeros(net.W_i), dW_C = zeros(net.W_C), dW_o = zeros(net.W_o);
    Tensor db_f = zeros(net.b_f), db_i = zeros(net.b_i), db_C = zeros(net.b_C), db_o = zeros(net.b_o);
    Tensor dh_next = zeros(net.h_0), dC_next = dC_T;  // what step t+1 sends back
    const auto add = [](Tensor& dW, Tensor& db, const Tensor& delta, const Tensor& hx) {
        dW += matmul(transposed(delta), hx);
        db += sum(delta, 0);
    };
    for (int t = net.T() - 1; t >= 0; t--) {
        const auto k = static_cast<size_t>(t);
        const Tensor &f = v.f[k], &i = v.i[k], &candidate = v.candidate[k], &o = v.o[k];
        const Tensor tanh_C = tanh(v.C[k]);
        const Tensor dh = dy[t] + dh_next;                             // from L_t, and from the gates of step t+1
        const Tensor dC = dC_next + dh * o * (1.0 - tanh_C * tanh_C);  // from C_{t+1}, and from h_t
        const Tensor delta_f = dC * v.C_before[k] * f * (1.0 - f);
        const Tensor delta_i = dC * candidate * i * (1.0 - i);
        const Tensor delta_C = dC * i * (1.0 - candidate * candidate);
        const Tensor delta_o = dh * tanh_C * o * (1.0 - o);
        add(dW_f, db_f, delta_f, v.hx[k]);
        add(dW_i, db_i, delta_i, v.hx[k]);
        add(dW_C, db_C, delta_C, v.hx[k]);
        add(dW_o, db_o, delta_o, v.hx[k]);
        const Tensor dhx = matmul(delta_f, net.W_f.value) + matmul(delta_i, net.W_i.value) +
                           matmul(delta_C, net.W_C.value) + matmul(delta_o, net.W_o.value);
        dh_next = columns(dhx, 0, 2);
        dC_next = dC * f;
    }
    return {dW_f, dW_i, dW_C, dW_o, db_f, db_i, db_C, db_o, dh_next, dC_next};
}

/// dL_t/dh_t of L_t = ‖h_t - ŷ_t‖² / 2, all steps.
Tensor loss_gradient(const SmallLstm& net) { return stack(forward_by_hand(net).h) - net.target; }

/// Central difference of the loss with one Richardson extrapolation, as core/gradcheck.hpp does it.
double numeric(const SmallLstm& net, Tensor value, int64_t i) {
    const double original = value.flat(i);
    const auto loss_at = [&](double moved) {
        value.set_flat(i, moved);
        Tape forward_only(Tape::Mode::forward_only);
        return net.loss(forward_only).item();
    };
    const auto central = [&](double step) {
        return (loss_at(original + step) - loss_at(original - step)) / (2 * step);
    };
    const double gradient = (4 * central(5e-4) - central(1e-3)) / 3;
    value.set_flat(i, original);
    return gradient;
}

void three_columns(Lesson& lesson, const SmallLstm& net) {
    Tape tape;
    const Var L = net.loss(tape);
    lesson.backward("The same, one record at a time", tape, L);
    const std::vector<Parameter> parameters = net.parameters();
    const std::vector<Tensor> hand = bptt_by_hand(net, loss_gradient(net), Tensor::zeros({1, 2}, DType::f64));
    lesson::Table table{.caption = "Every entry of every gradient, three times",
                        .header = {"entry", "by hand", "by the tape", "numerically"}};
    double difference = 0, largest = 0;
    for (size_t k = 0; k < parameters.size(); k++) {
        const Tensor taped = tape.grad(parameters[k]);
        for (int64_t i = 0; i < taped.size(); i++) {
            const auto digits = [](double v) { return fmt::format("{:.13f}", v); };
            table.rows.push_back({fmt::format("`{}{}`", parameters[k].name, taped.shape().place(i)),
                                  digits(hand[k].flat(i)), digits(taped.flat(i)),
                                  digits(numeric(net, parameters[k].value, i))});
            difference = std::max(difference, std::abs(hand[k].flat(i) - taped.flat(i)));
            largest = std::max(largest, std::abs(taped.flat(i)));
        }
    }
    lesson.table(table);
    lesson.check("by hand = by the tape, relative to the largest entry", difference / largest, 1e-14);
    lesson.gradcheck("By the tape against numeric: the worst entry of each parameter",
                     gradcheck(parameters, [&](Tape& t) { return std::vector<Var>{net.loss(t)}; }));
}

/// The fast form: the whole sequence as one operation.
void whole_sequence(Lesson& lesson, const SmallLstm& net) {
    const Weights stacked = from_book("fiCo", net.book());
    const Parameter W_hh("W_hh", stacked.at("W_hh")), W_xh("W_xh", stacked.at("W_xh")), b("b", stacked.at("b"));
    Tape tape;
    const LstmVars whole = lstm_sequence(tape.constant(net.x), net.h_0, net.C_0, {W_xh, W_hh, b});
    const Var error = whole.y - net.target;
    tape.backward(scale(sum(error * error), 0.5));
    const Weights gradients =
        to_book("fiCo", {{"W_hh", tape.grad(W_hh)}, {"W_xh", tape.grad(W_xh)}, {"b", tape.grad(b)}});
    const std::vector<Tensor> hand = bptt_by_hand(net, loss_gradient(net), Tensor::zeros({1, 2}, DType::f64));
    std::vector<Tensor> differences{tape.grad(net.h_0) - hand[8], tape.grad(net.C_0) - hand[9]};
    const std::vector<Parameter> names = net.parameters();
    for (size_t k = 0; k < 8; k++) differences.push_back(gradients.at(names[k].name) - hand[k]);
    lesson.text(
        "`lstm_sequence` is this loop as a single operation, with the four matrices above each other and the sums over "
        "time as one matrix product each. It is what the trainings below use.");
    lesson.check("the whole-sequence operation gives the same gradients", global_norm(differences), 1e-15);
}

/// Checks the loop above, right and with the mistake, with and without a gradient that enters at C_T.
void forgotten_state(Lesson& lesson, const SmallLstm& net) {
    lesson.section("The gradient that arrives at the last cell state");
    lesson.text(
        "A decoder may go on from $h_T$ and $C_T$; then gradients arrive at both. Libraries have taken the one at "
        "$C_T$ for 0 (deeplearning4j #8838, PaddlePaddle #6970), and a gradient check doesn't mind as long as it puts "
        "gradients on the outputs alone. Here is the loop above, right and with that mistake, under two checks.");
    const auto check = [&](bool with_C_T, bool ignored) {
        const auto forward = [&](const std::vector<Tensor>& values) {
            const Values v = forward_by_hand(net.with(values));
            std::vector<Tensor> outputs{stack(v.h)};
            if (with_C_T) outputs.push_back(v.C.back().clone());
            return outputs;
        };
        const auto backward = [&](const std::vector<Tensor>& values, const std::vector<Tensor>& upstream) {
            const Tensor nothing = Tensor::zeros({1, 2}, DType::f64);
            return bptt_by_hand(net.with(values), upstream[0], with_C_T && !ignored ? upstream[1] : nothing);
        };
        return gradcheck_pair(net.parameters(), forward, backward).error;
    };
    const double seen = check(true, true), unseen = check(false, true);
    lesson.table(
        {.caption = "Error of the gradient against differences",
         .header = {"backward", "gradients on all $h$", "on all $h$ and $C_T$"},
         .rows = {{"right", fmt::format("{:.1e}", check(false, false)), fmt::format("{:.1e}", check(true, false))},
                  {"without $dC_T$", fmt::format("{:.1e}", unseen), fmt::format("{:.1e}", seen)}}});
    lesson.check("the right loop passes both checks", std::max(check(false, false), check(true, false)), 1e-9);
    lesson.check("the first check can't see the mistake", unseen, 1e-9);
    lesson.check("the second one sees it", seen > 1e-2);
}

}  // namespace

void tell_bptt(Lesson& lesson) {
    const SmallLstm net;
    lesson.section("Backpropagation through time");
    lesson.text(
        "Two states go forward, so two gradients come back. $h_t$ is read by the loss of its step and by the four "
        "matrices of the next; $C_t$ by $h_t$ and by the next cell state. Each collects a sum of two:");
    lesson.equation(
        R"(dh_t = \frac{\partial L_t}{\partial h_t} + \sum_{g \in \{f, i, C, o\}} W_g^{(h)\top} \delta^g_{t+1})",
        "dh_t = ∂L_t/∂h_t + Σ_g W_gᵀ δ^g_{t+1}, of each W the columns of h, g = f, i, C, o");
    lesson.equation(R"(dC_t = dC_{t+1} \odot f_{t+1} + dh_t \odot o_t \odot (1 - \tanh^2 C_t))",
                    "dC_t = dC_{t+1} ⊙ f_{t+1} + dh_t ⊙ o_t ⊙ (1 - tanh² C_t)");
    lesson.equation(
        R"(\delta^f_t = dC_t \odot C_{t-1} \odot f_t (1 - f_t), \qquad \delta^i_t = dC_t \odot \tilde{C}_t \odot i_t (1 - i_t))",
        "δ^f_t = dC_t ⊙ C_{t-1} ⊙ f_t (1 - f_t),   δ^i_t = dC_t ⊙ C̃_t ⊙ i_t (1 - i_t)");
    lesson.equation(
        R"(\delta^C_t = dC_t \odot i_t \odot (1 - \tilde{C}_t^2), \qquad \delta^o_t = dh_t \odot \tanh(C_t) \odot o_t (1 - o_t))",
        "δ^C_t = dC_t ⊙ i_t ⊙ (1 - C̃_t²),   δ^o_t = dh_t ⊙ tanh(C_t) ⊙ o_t (1 - o_t)");
    lesson.equation(
        R"(\frac{\partial L}{\partial W_g} = \sum_t \delta^g_t [h_{t-1}, x_t]^\top, \qquad \frac{\partial L}{\partial b_g} = \sum_t \delta^g_t)",
        "∂L/∂W_g = Σ_t δ^g_t [h_{t-1}, x_t]ᵀ,   ∂L/∂b_g = Σ_t δ^g_t");
    lesson.text("Here $L_t = \\|h_t - \\hat y_t\\|^2 / 2$, on the small network above.");
    three_columns(lesson, net);
    whole_sequence(lesson, net);
    forgotten_state(lesson, net);
}

}  // namespace unroll
