// Both directions on small numbers: states, final states, unequal lengths, and backpropagation through time by hand.
#include <fmt/format.h>

#include <cmath>

#include "core/gradcheck.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/reductions.hpp"
#include "nn/init.hpp"
#include "nn/rnn.hpp"
#include "tutorials/07_advanced/chapter.hpp"
#include "tutorials/07_advanced/small_pair.hpp"

namespace unroll {
namespace {

double largest_difference(const Tensor& a, const Tensor& b) {
    double largest = 0;
    for (int64_t i = 0; i < a.size(); i++) largest = std::max(largest, std::abs(a.flat(i) - b.flat(i)));
    return largest;
}

void both_directions(Lesson& lesson, const SmallPair& net) {
    lesson.section("Both directions", "Bidirectional RNN");
    lesson.text(
        "A second network reads the same sequence from its end. At every step the two states stand side by side: one "
        "knows all that came before, the other all that is to come.");
    lesson.equation(R"(h_t^{(f)} = \mathrm{RNN}^{(f)}(h_{t-1}^{(f)}, x_t))", "h(f)_t = RNN(f)(h(f)_{t-1}, x_t)");
    lesson.equation(R"(h_t^{(b)} = \mathrm{RNN}^{(b)}(h_{t+1}^{(b)}, x_t))", "h(b)_t = RNN(b)(h(b)_{t+1}, x_t)");
    lesson.equation(R"(h_t = [h_t^{(f)}; h_t^{(b)}])", "h_t = [h(f)_t; h(b)_t]");
    lesson.text(fmt::format(
        "With one unit in each direction every number can be checked on a pocket calculator: $h_t^{{(f)}} = "
        "\\tanh({} h_{{t-1}}^{{(f)}} + {} x_t + {})$ and $h_t^{{(b)}} = \\tanh({} h_{{t+1}}^{{(b)}} + {} x_t + {})$. "
        "The "
        "states before the first step of each direction are 0.",
        net.f.w, net.f.u, net.f.b, net.b.w, net.b.u, net.b.b));
    const std::vector<double> x = net.sequence(0);
    const std::vector<double> h_f = net.f.states(x, 0, false), h_b = net.b.states(x, 0, true);
    lesson::Table table{.caption = "The column of $h^{(f)}$ is filled from the top, that of $h^{(b)}$ from the bottom",
                        .header = {"t", "$x_t$", "$h_t^{(f)}$", "$h_t^{(b)}$"}};
    for (size_t t = 0; t < x.size(); t++)
        table.rows.push_back({fmt::format("{}", t + 1), fmt::format("{}", x[t]), h_f[t], h_b[t]});
    lesson.table(table);

    Tape tape;
    const RecurrentOutput out = net.rnn(tape.constant(net.x), {.lengths = net.lengths});
    double difference = 0;
    for (size_t t = 0; t < x.size(); t++)
        difference = std::max({difference, std::abs(out.y.value().at({static_cast<int64_t>(t), 0, 0}) - h_f[t]),
                               std::abs(out.y.value().at({static_cast<int64_t>(t), 0, 1}) - h_b[t])});
    lesson.check("the layer of the library gives the same", difference, 1e-15);
}

void final_states(Lesson& lesson, const SmallPair& net) {
    lesson.section("Final states", "Bidirectional RNN");
    lesson.text(
        "Whoever wants the sequence in one vector takes the final states. The forward direction ends at $t = T$. The "
        "reverse direction ends at $t = 1$; at $t = T$ it has just begun, and has read a single input.");
    const std::vector<double> x = net.sequence(0);
    const std::vector<double> h_b = net.b.states(x, 0, true);
    lesson.table({.caption = "Two candidates for \"the last state\" of the reverse direction",
                  .header = {"", "value", "what it has read"},
                  .rows = {{"$h_1^{(b)}$", h_b.front(), "$x_T, \\ldots, x_1$: all"},
                           {"$h_T^{(b)}$", h_b.back(), "$x_T$ alone"}}});
    lesson.check("$h_T^{(b)} = \\tanh(u x_T + b)$: nothing before $x_T$ is in it",
                 h_b.back() - std::tanh(net.b.u * x.back() + net.b.b), 1e-15);
    lesson.text(
        "The library hands out the right ones, as `last` $[2L, B, H]$: layer 0 forward, layer 0 reverse, layer 1 "
        "forward, and so on. In two layers of both directions:");
    Generator gen(lesson.seed());
    const Rnn two({.input_size = 1, .hidden_size = 2, .dtype = DType::f64, .num_layers = 2, .bidirectional = true},
                  gen);
    Tape tape;
    const RecurrentOutput out = two(tape.constant(net.x.slice(0, 4)));
    const Tensor y = out.y.value(), last = out.last.h.value();
    lesson.show("last, of 2 layers", last);
    lesson.check("`last[2]`, layer 1 forward, is the first half of $y_T$",
                 largest_difference(last[2], columns(y[3], 0, 2)), 0);
    lesson.check("`last[3]`, layer 1 reverse, is the second half of $y_1$",
                 largest_difference(last[3], columns(y[0], 2, 4)), 0);
    lesson.check("and not that of $y_T$", largest_difference(last[3], columns(y[3], 2, 4)) > 1e-3);
}

/// ‖∂h_t/∂x_k‖ (Frobenius) for all t and k, of columns begin .. end-1 of h.
lesson::Grid influence(const Rnn& rnn, const Tensor& x, int64_t begin, int64_t end) {
    const int T = static_cast<int>(x.dim(0));
    std::vector<double> values(static_cast<size_t>(T * T), 0);
    for (int t = 0; t < T; t++)
        for (int64_t j = begin; j < end; j++) {
            Tape tape;
            const Var in = tape.input(x, "x");
            tape.backward(sum(columns(row(rnn(in).y, t), j, j + 1)));
            const Tensor dx = tape.grad(in);
            for (int k = 0; k < T; k++) {
                const double square = sum(dx[k] * dx[k]).item();
                values[static_cast<size_t>(t * T + k)] += square;
            }
        }
    for (double& v : values) v = std::sqrt(v);
    return {T, T, values};
}

void who_has_seen_what(Lesson& lesson) {
    lesson.section("Who has seen what", "Bidirectional RNN");
    lesson.text(
        "How much each state changes with each input, $\\| \\partial h_t / \\partial x_k \\|$, in a network of random "
        "weights: the forward states know the inputs up to their own, the pair knows all. Those near by count most, in "
        "both directions: the reverse direction is an RNN like any other, and its gradients vanish with distance too.");
    Generator gen(lesson.seed());
    constexpr int64_t T = 10, H = 4;
    Rnn rnn({.input_size = 3, .hidden_size = H, .dtype = DType::f64, .bidirectional = true}, gen);
    for (int d = 0; d < 2; d++) init::orthogonal(rnn.cell(0, d == 1).W_hh.value, gen, 0.9);
    Tensor x = Tensor::empty({{T, 'T'}, {1, 'B'}, {3, 'D'}}, DType::f64);
    gen.fill_normal(x, 0, 0.5);
    std::vector<std::string> labels;
    for (int t = 1; t <= T; t++) labels.push_back(fmt::format("{}", t));
    const auto show = [&](const char* title, const char* caption, int64_t end) {
        const lesson::Grid grid = influence(rnn, x, 0, end);
        lesson.heatmap({.title = title,
                        .values = grid,
                        .row_axis = "state t",
                        .column_axis = "input k",
                        .row_labels = labels,
                        .column_labels = labels,
                        .caption = caption});
        return grid;
    };
    const lesson::Grid forward = show("Forward direction alone", "Above the diagonal, the future: exactly 0.", H);
    const lesson::Grid pair = show("Both directions", "No state is without any input.", 2 * H);
    double future = 0, least = INFINITY;
    for (int t = 0; t < T; t++)
        for (int k = 0; k < T; k++) {
            if (k > t) future = std::max(future, forward.at(t, k));
            least = std::min(least, pair.at(t, k));
        }
    lesson.check("no forward state depends on an input after it", future, 0);
    lesson.check("every state of the pair depends on every input", least > 0);
}

void unequal_lengths(Lesson& lesson, const SmallPair& net) {
    lesson.section("Unequal lengths", "Bidirectional RNN");
    lesson.text(
        "The second sequence of the batch has two steps only; behind them the tensor holds padding, here the number 9 "
        "so that it is seen. For the forward direction padding comes last and does no harm to what was before it. The "
        "reverse direction would read it first. So a sequence's reverse direction starts at its own last step.");
    lesson.show("x, a column for each sequence", net.x.reshape({{4, 'T'}, {2, 'B'}}));
    const auto run = [&](const Tensor& x, const Ids& lengths) {
        Tape tape;
        const RecurrentOutput out = net.rnn(tape.constant(x), {.lengths = lengths});
        const Tensor y = out.y.value(), last = out.last.h.value();
        const int64_t b = x.dim(1) - 1;  // the short one
        return std::vector<double>{y.at({0, b, 0}), y.at({1, b, 0}),    y.at({0, b, 1}),
                                   y.at({1, b, 1}), last.at({0, b, 0}), last.at({1, b, 0})};
    };
    const Tensor alone = Tensor::of({{{net.x.at({0, 1, 0})}}, {{net.x.at({1, 1, 0})}}}, DType::f64);
    const std::vector<double> truth = run(alone, {}), with = run(net.x, net.lengths), without = run(net.x, {});
    lesson::Table table{
        .caption = "The short sequence, three times",
        .header = {"", "$h_1^{(f)}$", "$h_2^{(f)}$", "$h_1^{(b)}$", "$h_2^{(b)}$", "last(f)", "last(b)"}};
    const auto add = [&](const char* name, const std::vector<double>& values) {
        std::vector<lesson::Cell> cells{name};
        for (double v : values) cells.push_back(v);
        table.rows.push_back(cells);
    };
    add("alone, without padding", truth);
    add("in the batch, with `lengths`", with);
    add("in the batch, padding read too", without);
    lesson.table(table);
    double difference = 0;
    for (size_t i = 0; i < truth.size(); i++) difference = std::max(difference, std::abs(truth[i] - with[i]));
    lesson.check("with lengths the batch changes nothing", difference, 1e-15);
    lesson.check("without, the forward states inside the sequence are still right",
                 std::max(std::abs(truth[0] - without[0]), std::abs(truth[1] - without[1])), 1e-15);
    lesson.check("but every reverse state is wrong, and so is the forward direction's last",
                 std::min({std::abs(truth[2] - without[2]), std::abs(truth[3] - without[3]),
                           std::abs(truth[4] - without[4])}) > 1e-3);
}

void backward_by_hand(Lesson& lesson, const SmallPair& net) {
    lesson.section("Backward through both", "Bidirectional RNN");
    lesson.text(
        "The two directions meet at the output only, so each has a backward pass of its own, against the order in "
        "which it was made: for $h^{(f)}$ from $T$ to 1, for $h^{(b)}$ from 1 to $T$. They share one thing more, the "
        "input: $x_t$ gets a gradient from both, and the two are added.");
    lesson.equation(
        R"(\delta_t^{(b)} = \Big(\frac{\partial L}{\partial h_t^{(b)}} + W_{hh}^{(b)\top} \delta_{t-1}^{(b)}\Big) \odot \sigma'(a_t^{(b)}), \qquad \frac{\partial L}{\partial W_{hh}^{(b)}} = \sum_t \delta_t^{(b)} h_{t+1}^{(b)\top})",
        "δ(b)_t = (∂L/∂h(b)_t + W_hh(b)ᵀ δ(b)_{t-1}) ⊙ σ'(a(b)_t)   ∂L/∂W_hh(b) = Σ_t δ(b)_t h(b)_{t+1}ᵀ");
    lesson.equation(
        R"(\frac{\partial L}{\partial x_t} = W_{xh}^{(f)\top} \delta_t^{(f)} + W_{xh}^{(b)\top} \delta_t^{(b)})",
        "∂L/∂x_t = W_xh(f)ᵀ δ(f)_t + W_xh(b)ᵀ δ(b)_t");
    lesson.text(
        "By hand each sequence is taken alone, over its own length, so there is no padding to be careful with. The "
        "tape "
        "gets both sequences at once, padded. A loss enters at every output and at every final state.");
    const std::vector<double> hand = net.by_hand();
    Tape tape;
    const Var L = net.loss(tape);
    lesson.backward("The same, one record at a time", tape, L, 24);
    lesson::Table table{.caption = "Every entry of every gradient, three times",
                        .header = {"entry", "by hand", "by the tape", "numerically"}};
    double hand_tape = 0, largest = 0;
    size_t n = 0;
    for (const Parameter& p : net.inputs()) {
        const Tensor taped = tape.grad(p);
        Tensor value = p.value;
        for (int64_t i = 0; i < value.size(); i++, n++) {
            const double original = value.flat(i);
            const auto at = [&](double v) {
                value.set_flat(i, v);
                Tape forward_only(Tape::Mode::forward_only);
                return net.loss(forward_only).item();
            };
            const auto central = [&](double h) { return (at(original + h) - at(original - h)) / (2 * h); };
            const double numeric = (4 * central(5e-4) - central(1e-3)) / 3;
            value.set_flat(i, original);
            const auto digits = [](double v) { return fmt::format("{:.12f}", v); };
            table.rows.push_back({fmt::format("`{}{}`", p.name, value.size() > 1 ? value.shape().place(i) : ""),
                                  digits(hand[n]), digits(taped.flat(i)), digits(numeric)});
            hand_tape = std::max(hand_tape, std::abs(hand[n] - taped.flat(i)));
            largest = std::max(largest, std::abs(taped.flat(i)));
        }
    }
    lesson.table(table);
    lesson.check("by hand = by the tape, relative to the largest entry", hand_tape / largest, 1e-14);
    lesson.text("And in a net of two layers and four sequences of different lengths, every entry of every input:");
    Generator gen(lesson.seed());
    Rnn rnn({.input_size = 2, .hidden_size = 3, .dtype = DType::f64, .num_layers = 2, .bidirectional = true}, gen);
    std::vector<Parameter> inputs = parameters(rnn);
    const Parameter x = random_input("x", {{5, 'T'}, {4, 'B'}, {2, 'D'}});
    const Parameter h_0 = random_input("h_0", {{4, 'L'}, {4, 'B'}, {3, 'H'}}, 0, 0.5);
    inputs.push_back(x);
    inputs.push_back(h_0);
    lesson.gradcheck(
        "Two layers, both directions, lengths 3, 5, 1, 4", gradcheck(inputs, [&](Tape& t) {
            const RecurrentOutput out = rnn(t.watch(x), {.initial = {t.watch(h_0), {}}, .lengths = Ids({3, 5, 1, 4})});
            return std::vector<Var>{out.y, out.last.h};
        }));
}

}  // namespace

void tell_bidirectional(Lesson& lesson) {
    const SmallPair net;
    both_directions(lesson, net);
    final_states(lesson, net);
    who_has_seen_what(lesson);
    unequal_lengths(lesson, net);
    backward_by_hand(lesson, net);
}

}  // namespace unroll
