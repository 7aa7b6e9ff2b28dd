// Backpropagation through time: by hand = by the tape = numerically; and the book's double sum, term by term.
#include <fmt/format.h>

#include <cmath>

#include "core/bptt/rnn.hpp"
#include "core/gradcheck.hpp"
#include "tutorials/01_basic_rnn/chapter.hpp"
#include "tutorials/01_basic_rnn/small_rnn.hpp"

namespace unroll {
namespace {

struct Gradients {
    Tensor dW_hh, dW_xh, db_h, dW_hy, db_y, dh_0;
    std::vector<Tensor> all() const { return {dW_hh, dW_xh, db_h, dW_hy, db_y, dh_0}; }
};

/// States h_0 .. h_T and outputs y_1 .. y_T, on plain tensors.
void forward_by_hand(const SmallRnn& net, std::vector<Tensor>& h, std::vector<Tensor>& y) {
    h = {net.h_0.value};
    for (int t = 0; t < net.T(); t++) {
        h.push_back(tanh(matmul(h.back(), transposed(net.W_hh.value)) + matmul(net.x[t], transposed(net.W_xh.value)) +
                         net.b_h.value));
        y.push_back(sigmoid(matmul(h.back(), transposed(net.W_hy.value)) + net.b_y.value));
    }
}

/// dL/da at the output of step t:  (y_t - ŷ_t) σ'(·) with σ' = y (1 - y).
Tensor output_gradient(const SmallRnn& net, const std::vector<Tensor>& y, int t) {
    const Tensor& y_t = y[static_cast<size_t>(t)];
    return (y_t - net.target[t]) * y_t * (1.0 - y_t);
}

Gradients bptt_by_hand(const SmallRnn& net) {
    std::vector<Tensor> h, y;
    forward_by_hand(net, h, y);
    const auto zeros = [](const Parameter& p) { return Tensor::zeros(p.value.shape(), DType::f64); };
    Gradients g{zeros(net.W_hh), zeros(net.W_xh), zeros(net.b_h), zeros(net.W_hy), zeros(net.b_y), zeros(net.h_0)};
    Tensor dh_next = zeros(net.h_0);  // what h_{t+1} sends back: nothing at the last step
    for (int t = net.T() - 1; t >= 0; t--) {
        const Tensor& h_t = h[static_cast<size_t>(t) + 1];
        const Tensor& h_before = h[static_cast<size_t>(t)];
        const Tensor dy = output_gradient(net, y, t);
        g.dW_hy += matmul(transposed(dy), h_t);
        g.db_y += sum(dy, 0);
        const Tensor dh = matmul(dy, net.W_hy.value) + dh_next;  // from L_t, and from the step after
        const Tensor delta = dh * (1.0 - h_t * h_t);             // δ_t = dh_t ⊙ tanh'(a_t)
        g.dW_hh += matmul(transposed(delta), h_before);          // Σ_t δ_t h_{t-1}ᵀ
        g.dW_xh += matmul(transposed(delta), net.x[t]);          // Σ_t δ_t x_tᵀ
        g.db_h += sum(delta, 0);                                 // Σ_t δ_t
        dh_next = matmul(delta, net.W_hh.value);                 // W_hhᵀ δ_t
    }
    g.dh_0 = dh_next;
    return g;
}

std::string entry(const std::string& name, int64_t i, int64_t columns, bool matrix) {
    return matrix ? fmt::format("`{}[{},{}]`", name, i / columns, i % columns) : fmt::format("`{}[{}]`", name, i);
}

double norm(const Tensor& t) {
    double squares = 0;
    for (double v : t.to_vector()) squares += v * v;
    return std::sqrt(squares);
}

void three_columns(Lesson& lesson, const SmallRnn& net) {
    const Gradients by_hand = bptt_by_hand(net);
    Tape tape;
    tape.keep_terms(net.W_hh);
    const Var L = net.loss(tape);
    lesson.backward("The same, one record at a time", tape, L);

    lesson::Table table{.caption = "Every entry of every gradient, three times",
                        .header = {"entry", "by hand", "by the tape", "numerically"}};
    const std::vector<Tensor> hand = by_hand.all();
    const std::vector<Parameter> parameters = net.parameters();
    double hand_tape = 0, largest = 0;
    for (size_t k = 0; k < parameters.size(); k++) {
        const Tensor taped = tape.grad(parameters[k]);
        Tensor value = parameters[k].value;
        for (int64_t i = 0; i < value.size(); i++) {
            // Central difference with one Richardson extrapolation, as core/gradcheck.hpp does it.
            const double original = value.flat(i);
            const auto loss_at = [&](double v) {
                value.set_flat(i, v);
                Tape forward_only(Tape::Mode::forward_only);
                return net.loss(forward_only).item();
            };
            const auto central = [&](double h) { return (loss_at(original + h) - loss_at(original - h)) / (2 * h); };
            const double numeric = (4 * central(5e-4) - central(1e-3)) / 3;
            value.set_flat(i, original);
            const auto digits = [](double v) { return fmt::format("{:.13f}", v); };
            table.rows.push_back({entry(parameters[k].name, i, value.dim(-1), value.rank() == 2),
                                  digits(hand[k].flat(i)), digits(taped.flat(i)), digits(numeric)});
            hand_tape = std::max(hand_tape, std::abs(hand[k].flat(i) - taped.flat(i)));
            largest = std::max(largest, std::abs(taped.flat(i)));
        }
    }
    lesson.table(table);
    lesson.check("by hand = by the tape, relative to the largest entry", hand_tape / largest, 1e-14);

    const GradCheck check = gradcheck(parameters, [&](Tape& t) { return std::vector<Var>{net.loss(t)}; });
    lesson.gradcheck("By the tape against numeric: the worst entry of each parameter", check);

    lesson.text(
        "$W_{hh}$ is used at every step, so its gradient is a sum over time. The tape can show the terms of that sum.");
    lesson::Table terms{.caption = "The gradient of $W_{hh}$, one term a time step",
                        .header = {"t", "[0,0]", "[0,1]", "[1,0]", "[1,1]"}};
    Tensor total = Tensor::zeros({2, 2}, DType::f64);
    for (const Term& term : tape.terms(net.W_hh)) {
        const std::vector<double> v = term.value.to_vector();
        terms.rows.push_back({fmt::format("{}", term.step + 1), v[0], v[1], v[2], v[3]});
        total += term.value;
    }
    const std::vector<double> v = total.to_vector();
    terms.rows.push_back({"sum", v[0], v[1], v[2], v[3]});
    lesson.table(terms);
    lesson.check("the terms add up to the gradient", norm(total - tape.grad(net.W_hh)), 1e-15);
}

/// δ_t W_hhᵀ-chained back to step k: the row ∂L_t/∂a_k.
void double_sum(Lesson& lesson, const SmallRnn& net) {
    lesson.text(
        "The book writes the gradient as a double sum, over the step $t$ whose loss is looked at and the step $k$ "
        "whose use of "
        "$W_{hh}$ is looked at. The loop never forms these terms; here they are.");
    lesson.equation(
        R"(\frac{\partial L}{\partial W_{hh}} = \sum_{t=1}^{T} \sum_{k=1}^{t} \frac{\partial L_t}{\partial h_t} \frac{\partial h_t}{\partial h_k} \frac{\partial h_k}{\partial W_{hh}})",
        "∂L/∂W_hh = Σ_t Σ_{k≤t} ∂L_t/∂h_t · ∂h_t/∂h_k · ∂h_k/∂W_hh");
    std::vector<Tensor> h, y;
    forward_by_hand(net, h, y);
    const int T = net.T();
    std::vector<double> norms(static_cast<size_t>(T * T), 0);
    Tensor total = Tensor::zeros({2, 2}, DType::f64);
    for (int t = 0; t < T; t++) {
        Tensor dh = matmul(output_gradient(net, y, t), net.W_hy.value);  // ∂L_t/∂h_t, a row
        for (int k = t; k >= 0; k--) {
            const Tensor& h_k = h[static_cast<size_t>(k) + 1];
            const Tensor delta = dh * (1.0 - h_k * h_k);
            const Tensor term = matmul(transposed(delta), h[static_cast<size_t>(k)]);
            norms[static_cast<size_t>(t * T + k)] = norm(term);
            total += term;
            dh = matmul(delta, net.W_hh.value);  // times ∂h_k/∂h_{k-1} = diag(σ'(a_k)) W_hh, from the right
        }
    }
    std::vector<std::string> labels;
    for (int t = 1; t <= T; t++) labels.push_back(fmt::format("{}", t));
    lesson.heatmap({.title = "Size of each term of the double sum",
                    .values = lesson::Grid(T, T, norms),
                    .row_axis = "loss of step t",
                    .column_axis = "use of W_hh at step k",
                    .row_labels = labels,
                    .column_labels = labels,
                    .caption = "A step can't have caused a loss before it: above the diagonal all is 0."});
    lesson.check("the terms of the double sum add up to what the loop found", norm(total - bptt_by_hand(net).dW_hh),
                 1e-15);
    lesson.text(
        "*A slip in the book.* It writes $\\partial h_t / \\partial h_k$ as a product of $W_{hh}^T "
        "\\mathrm{diag}(\\sigma'(h_i))$. The derivative is taken at the "
        "pre-activation $a_i$; and the Jacobian is $\\mathrm{diag}(\\sigma'(a_t)) W_{hh} \\cdots "
        "\\mathrm{diag}(\\sigma'(a_{k+1})) W_{hh}$, of which the book's product is the "
        "transpose. It stands left of the column $\\partial L_t/\\partial h_t$.");
}

}  // namespace

void tell_bptt(Lesson& lesson) {
    const SmallRnn net;
    lesson.section("Backpropagation through time", "Backpropagation Through Time (BPTT)");
    lesson.equation(
        R"(\delta_t = \Big(\frac{\partial L_t}{\partial h_t} + W_{hh}^\top \delta_{t+1}\Big) \odot \sigma'(a_t))",
        "δ_t = (∂L_t/∂h_t + W_hhᵀ δ_{t+1}) ⊙ σ'(a_t)");
    lesson.equation(
        R"(\frac{\partial L}{\partial W_{hh}} = \sum_t \delta_t h_{t-1}^\top, \quad \frac{\partial L}{\partial W_{xh}} = \sum_t \delta_t x_t^\top, \quad \frac{\partial L}{\partial b_h} = \sum_t \delta_t)",
        "∂L/∂W_hh = Σ_t δ_t h_{t-1}ᵀ,  ∂L/∂W_xh = Σ_t δ_t x_tᵀ,  ∂L/∂b_h = Σ_t δ_t");
    three_columns(lesson, net);
    lesson.section("The double sum", "Backpropagation Through Time (BPTT)");
    double_sum(lesson, net);

    // The fast form: all of it as one operation.
    Tape tape;
    const RnnVars whole = rnn_sequence(tape.constant(net.x), net.h_0, net.W_xh, net.W_hh, net.b_h);
    const Var y = sigmoid(matmul(whole.y, transposed(net.W_hy)) + net.b_y);
    const Var error = y - net.target;
    tape.backward(scale(sum(error * error), 0.5));
    lesson.text(
        "`rnn_sequence` is this loop as a single operation, with the sums over time as one matrix product each. It is "
        "what the training below uses.");
    const Tensor difference = tape.grad(net.W_hh) - bptt_by_hand(net).dW_hh;
    lesson.check("the whole-sequence operation gives the same gradient of $W_{hh}$", norm(difference), 1e-15);
}

}  // namespace unroll
