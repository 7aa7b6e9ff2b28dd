// An RNN that looks back at its own states: small numbers, the circle in the book, gradients, and a short way back.
#include <fmt/format.h>

#include <cmath>

#include "core/gradcheck.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/reductions.hpp"
#include "nn/attention_rnn.hpp"
#include "nn/init.hpp"
#include "nn/rnn.hpp"
#include "tutorials/07_advanced/chapter.hpp"

namespace unroll {
namespace {

using Attending = AttentionRnn<RnnCell>;

double norm(const Tensor& t) { return std::sqrt(sum(t * t).item()); }

std::string numbers(const Tensor& t) {
    std::string text;
    for (double v : t.to_vector()) text += fmt::format("{}{:.3f}", text.empty() ? "" : ", ", v);
    return text;
}

/// q · h_i for each of the states, the softmax of them, and the weighted sum; for a single sequence.
struct Looked {
    std::vector<double> e, alpha;
    Tensor c;
};
Looked look(const Tensor& q, const std::vector<Tensor>& states) {
    Looked l;
    for (const Tensor& h : states) l.e.push_back(sum(q * h).item());
    l.alpha = softmax(Tensor::from(l.e, {static_cast<int64_t>(l.e.size())}, DType::f64)).to_vector();
    l.c = Tensor::zeros(q.shape(), DType::f64);
    for (size_t i = 0; i < states.size(); i++) l.c += states[i] * l.alpha[i];
    return l;
}

void looking_back(Lesson& lesson) {
    lesson.section("Looking back", "Attention RNN");
    lesson.text(
        "A plain RNN must carry all that it may need later through every step. The attention RNN keeps its old states, "
        "and at each step takes a weighted mean of them, the context, beside the input. The state so far asks; how "
        "well "
        "an old state answers is its score; the softmax of the scores are the weights.");
    lesson.equation(
        R"(c_t = \mathrm{Attention}(h_{t-1}, \{h_1, \ldots, h_{t-1}\}), \qquad h_t = \mathrm{RNN}(h_{t-1}, [x_t, c_t]))",
        "c_t = Attention(h_{t-1}, {h_1 .. h_{t-1}}),  h_t = RNN(h_{t-1}, [x_t, c_t])");
    lesson.equation(
        R"(e_{t,i} = \mathrm{score}(h_{t-1}, h_i), \qquad \alpha_{t,i} = \frac{e^{e_{t,i}}}{\sum_j e^{e_{t,j}}}, \qquad c_t = \sum_i \alpha_{t,i} h_i)",
        "e[t,i] = score(h_{t-1}, h_i),  α[t,i] = exp(e[t,i]) / Σ_j exp(e[t,j]),  c_t = Σ_i α[t,i] h_i");
    lesson.text(
        "A slip in the book: it writes $c_t = \\mathrm{Attention}(h_{t-1}, \\{h_1, \\ldots, h_T\\})$. But $h_t, "
        "\\ldots, "
        "h_T$ are made from $c_t$, or later still: at step t they are not there. The set is that of the states "
        "before "
        "t; at $t = 1$ that is $h_0$ alone. (Or a set that is given from outside, the states of another network that "
        "has read its sequence already: then all of them are there.)");
    Generator gen(lesson.seed());
    Attending rnn({.cell = {.input_size = 1, .hidden_size = 2, .dtype = DType::f64}, .score = Score::dot}, gen);
    rnn.cell.W_hh.value.copy_from(Tensor::of({{0.5, -0.3}, {0.4, 0.6}}, DType::f64));
    rnn.cell.W_xh.value.copy_from(Tensor::of({{1.2, 0.7, 0}, {-0.8, 0, 0.7}}, DType::f64));
    rnn.cell.b_h.value.copy_from(Tensor::of({0.1, 0}, DType::f64));
    const Tensor x = Tensor::of({{{1}}, {{-0.5}}, {{0.8}}, {{-1}}}, DType::f64).named("TBD");
    const Tensor h_0 = Tensor::of({{0.2, -0.1}}, DType::f64);
    for (const Parameter& p : parameters(rnn)) lesson.show(p.name, p.value);

    const int T = static_cast<int>(x.dim(0));
    std::vector<Tensor> h;
    std::vector<double> weights(static_cast<size_t>(T * (T - 1)), 0);
    lesson::Table table{
        .caption = "With the dot score, step by step",
        .header = {"t", "asks: $h_{t-1}$", "scores $e_{t,i}$", "weights $\\alpha_{t,i}$", "context $c_t$", "$h_t$"}};
    Tensor before = h_0;
    for (int t = 0; t < T; t++) {
        const std::vector<Tensor> states = t == 0 ? std::vector<Tensor>{h_0} : h;
        const Looked l = look(before, states);
        const Tensor input = concat(x[t], l.c);
        const Tensor h_t = tanh(matmul(before, transposed(rnn.cell.W_hh.value)) +
                                matmul(input, transposed(rnn.cell.W_xh.value)) + rnn.cell.b_h.value);
        const auto list = [](const std::vector<double>& v) {
            return numbers(Tensor::from(v, {static_cast<int64_t>(v.size())}, DType::f64));
        };
        table.rows.push_back(
            {fmt::format("{}", t + 1), numbers(before), list(l.e), list(l.alpha), numbers(l.c), numbers(h_t)});
        if (t > 0) std::copy(l.alpha.begin(), l.alpha.end(), weights.begin() + t * (T - 1));
        h.push_back(h_t);
        before = h_t;
    }
    lesson.table(table);
    std::vector<std::string> rows, columns;
    for (int t = 1; t <= T; t++) rows.push_back(fmt::format("{}", t));
    for (int i = 1; i < T; i++) columns.push_back(fmt::format("h_{}", i));
    lesson.heatmap({.title = "Attention weights",
                    .values = lesson::Grid(T, T - 1, weights),
                    .row_axis = "step t",
                    .column_axis = "state",
                    .row_labels = rows,
                    .column_labels = columns,
                    .caption =
                        "A row adds up to 1. At t = 1 there is $h_0$ alone, which has no column here, and at t = 2 "
                        "$h_1$ alone: nothing to choose."});
    Tape tape;
    const Attending::Output out = rnn(tape.constant(x), {.initial = {tape.constant(h_0), {}}});
    lesson.check("the library's attention RNN gives the same states", norm(out.y.value() - stack(h)), 1e-14);
    lesson.text(
        "Mind who asks. $h_{t-1}$ has not read $x_t$ yet: what a step looks for was decided one step before. (The "
        "other "
        "way out of the circle, to make $h_t$ first and to look with it, is Luong's order: chapter 06.)");
}

void attention_backward(Lesson& lesson) {
    lesson.section("Backward through attention", "Attention RNN");
    lesson.text(
        "An old state is used twice: it stands in the weighted mean, and it has a part in its own weight. So two "
        "gradients come back to it, and a third one goes to the state that asked.");
    lesson.equation(
        R"(\frac{\partial L}{\partial \alpha_i} = \frac{\partial L}{\partial c} \cdot h_i, \qquad \frac{\partial L}{\partial e_i} = \alpha_i \Big( \frac{\partial L}{\partial \alpha_i} - \sum_j \alpha_j \frac{\partial L}{\partial \alpha_j} \Big))",
        "dα_i = dc · h_i    de_i = α_i (dα_i - Σ_j α_j dα_j)");
    lesson.equation(
        R"(\frac{\partial L}{\partial q} = \sum_i \frac{\partial L}{\partial e_i} h_i, \qquad \frac{\partial L}{\partial h_i} = \alpha_i \frac{\partial L}{\partial c} + \frac{\partial L}{\partial e_i} q)",
        "dq = Σ_i de_i h_i    dh_i = α_i dc + de_i q      (dot score)");
    Generator gen(lesson.seed());
    const Attention attention({.query_size = 3, .key_size = 3, .score = Score::dot, .dtype = DType::f64}, gen);
    const Parameter q = random_input("q", {{1, 'B'}, {3, 'H'}}),
                    states = random_input("h", {{4, 'S'}, {1, 'B'}, {3, 'H'}});
    const Tensor dc = random_input("dc", {{1, 'B'}, {3, 'H'}}).value.clone();
    Tape tape;
    tape.backward(sum(attention(tape.watch(q), attention.prepare(tape.watch(states))).context * dc));
    std::vector<Tensor> h;
    for (int64_t i = 0; i < 4; i++) h.push_back(states.value[i]);
    const Looked l = look(q.value, h);
    double common = 0;
    for (size_t i = 0; i < 4; i++) common += l.alpha[i] * sum(dc * h[i]).item();
    Tensor dq = Tensor::zeros(dc.shape(), DType::f64);
    std::vector<Tensor> dh;
    lesson::Table table{
        .caption = "One query and four states",
        .header = {"i", "$\\alpha_i$", "$\\partial L / \\partial \\alpha_i$", "$\\partial L / \\partial e_i$",
                   "$\\| \\alpha_i\\, \\partial L / \\partial c \\|$", "$\\| \\partial L / \\partial e_i\\, q \\|$"}};
    for (size_t i = 0; i < 4; i++) {
        const double dalpha = sum(dc * h[i]).item(), de = l.alpha[i] * (dalpha - common);
        dq += h[i] * de;
        dh.push_back(dc * l.alpha[i] + q.value * de);
        table.rows.push_back(
            {fmt::format("{}", i + 1), l.alpha[i], dalpha, de, norm(dc * l.alpha[i]), norm(q.value * de)});
    }
    lesson.table(table);
    lesson.check("dq by hand = by the tape", norm(dq - tape.grad(q)) / norm(dq), 1e-14);
    lesson.check("dh by hand = by the tape", norm(stack(dh) - tape.grad(states)) / norm(stack(dh)), 1e-14);
    lesson.text("The whole network against differences, with each of the three scores, and with a set that is given:");
    const char* names[] = {"dot", "general", "concat"};
    for (Score score : {Score::dot, Score::general, Score::concat}) {
        Attending rnn(
            {.cell = {.input_size = 2, .hidden_size = 3, .dtype = DType::f64}, .score = score, .attention_size = 4},
            gen);
        std::vector<Parameter> inputs = parameters(rnn);
        const Parameter x = random_input("x", {{5, 'T'}, {2, 'B'}, {2, 'D'}}),
                        h_0 = random_input("h_0", {{2, 'B'}, {3, 'H'}});
        const Parameter set = random_input("set", {{3, 'S'}, {2, 'B'}, {3, 'H'}});
        const bool is_given = score == Score::general;
        inputs.push_back(x);
        inputs.push_back(h_0);
        if (is_given) inputs.push_back(set);
        const std::string caption = fmt::format("Attention RNN, {} score, {}", names[static_cast<int>(score)],
                                                is_given ? "a given set of lengths 3 and 2" : "states so far");
        lesson.gradcheck(caption, gradcheck(inputs, [&](Tape& t) {
                             Attending::Call call{.initial = {t.watch(h_0), {}}};
                             if (is_given) {
                                 call.set = t.watch(set);
                                 call.set_lengths = Ids({3, 2});
                             }
                             const Attending::Output out = rnn(t.watch(x), call);
                             return std::vector<Var>{out.y, out.last.h};
                         }));
    }
}

void short_way_back(Lesson& lesson) {
    lesson.section("A short way back", "Attention RNN");
    constexpr int T = 50, H = 16, D = 4;
    lesson.text(
        fmt::format("In a plain RNN the loss at step T reaches the input at step k through all the steps between, and "
                    "the gradient shrinks with each of them (chapter 01). Attention adds a way of one step, from $c_T$ "
                    "straight to $h_k$. Both networks below have {} units, random weights and the same inputs; the "
                    "loss is at the last step.",
                    H));
    Generator gen(lesson.seed());
    Rnn plain({.input_size = D, .hidden_size = H, .dtype = DType::f64}, gen);
    Attending attending({.cell = {.input_size = D, .hidden_size = H, .dtype = DType::f64}, .score = Score::general},
                        gen);
    Tensor x = Tensor::empty({{T, 'T'}, {1, 'B'}, {D, 'D'}}, DType::f64),
           r = Tensor::empty({{1, 'B'}, {H, 'H'}}, DType::f64);
    gen.fill_normal(x, 0, 1);
    gen.fill_normal(r, 0, 1);
    lesson::Plot plot{.title = "How much the loss of the last step changes with each input",
                      .x = "steps back, T - k",
                      .y = "gradient of x_k / of the last",
                      .log_y = true};
    const auto measure = [&](const char* name, const std::function<Var(const Var&)>& last) {
        Tape tape;
        const Var in = tape.input(x, "x");
        tape.backward(sum(last(in) * r));
        const Tensor dx = tape.grad(in);
        lesson::Series s{.name = name};
        for (int back = 0; back < T; back++) {
            s.x.push_back(back);
            s.y.push_back(norm(dx[T - 1 - back]) / norm(dx[T - 1]));
        }
        plot.series.push_back(s);
        return s.y.back();
    };
    const double far_plain = measure("plain RNN", [&](const Var& in) { return row(plain(in).last.h, 0); });
    const double far_attending = measure("attention RNN", [&](const Var& in) { return attending(in).last.h; });
    lesson.plot(plot);
    lesson.check("at the far end the attention RNN has kept more", far_attending > far_plain);
    lesson.text(
        "The gradient is shared out over all the states by their weights, about one part in T each before any "
        "training, "
        "and it stays there instead of shrinking further with every step. (The very first inputs get more: every step "
        "after them has looked at their states.) Training then moves the weights to where they are of use.");
    lesson.result("gradient_far_end_plain", far_plain);
    lesson.result("gradient_far_end_attention", far_attending);
}

}  // namespace

void tell_attention_rnn(Lesson& lesson) {
    looking_back(lesson);
    attention_backward(lesson);
    short_way_back(lesson);
}

}  // namespace unroll
