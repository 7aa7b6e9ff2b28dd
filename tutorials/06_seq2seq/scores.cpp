// Global attention: the three scores on small numbers, masks, and gradients.
#include <fmt/format.h>

#include <cmath>

#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/reductions.hpp"
#include "core/ops/shape.hpp"
#include "nn/attention.hpp"
#include "tutorials/06_seq2seq/chapter.hpp"

namespace unroll {
namespace {

const char* const names[] = {"dot", "general", "concat"};

std::string numbers(const Tensor& t, int digits = 3) {
    std::string text;
    for (double v : t.to_vector()) text += fmt::format("{}{:.{}f}", text.empty() ? "" : ", ", v, digits);
    return text;
}

Attention make(Score score, Generator& gen) {
    Attention a({.query_size = 2, .key_size = 2, .score = score, .attention_size = 3, .dtype = DType::f64}, gen);
    if (score == Score::general) a.W_a.value.copy_from(Tensor::of({{1, -1}, {0.5, 2}}, DType::f64));
    if (score == Score::concat) {
        a.W_a.value.copy_from(Tensor::of({{1, 0, 1, 0}, {0, 1, 0, 1}, {1, 1, -1, 1}}, DType::f64));
        a.v_a.value.copy_from(Tensor::of({1, -1, 2}, DType::f64));
    }
    return a;
}

/// As it is written in the book, for a query and one state.
double by_hand(const Attention& a, const Tensor& q, const Tensor& s) {
    if (a.options().score == Score::dot) return sum(q * s).item();
    if (a.options().score == Score::general) return sum(q * matmul(s, transposed(a.W_a.value))).item();
    return sum(tanh(matmul(concat(q, s), transposed(a.W_a.value))) * a.v_a.value).item();
}

void small_numbers(Lesson& lesson) {
    lesson.section("Looking at the source", "Attention Mechanism: Global Attention, Scoring Functions");
    lesson.text(
        "With attention the decoder keeps all states of the encoder before its eyes. At each step it scores them, "
        "turns the scores into weights that add up to 1, and takes the mean of the states by these weights: the "
        "context is another one at every step.");
    lesson.equation(
        R"(e_{t,i} = \mathrm{score}(q_t, s_i), \qquad \alpha_{t,i} = \frac{\exp(e_{t,i})}{\sum_j \exp(e_{t,j})}, \qquad c_t = \sum_i \alpha_{t,i} s_i)",
        "e[t,i] = score(q_t, s_i)    α[t,i] = exp(e[t,i]) / Σ_j exp(e[t,j])    c_t = Σ_i α[t,i] s_i");
    lesson.equation(
        R"(\text{dot: } q \cdot s_i \qquad \text{general: } q \cdot W_a s_i \qquad \text{concat: } v_a \cdot \tanh(W_a [q; s_i]))",
        "dot: q · s_i    general: q · W_a s_i    concat: v_a · tanh(W_a [q; s_i])");
    lesson.text(
        "A slip in the book: in its dot score both states carry (dec). What the decoder's state is multiplied with is "
        "the *encoder's*. Dot needs states of one size; general lets a matrix match them; concat is a small network, "
        "and an older one (Bahdanau's).");
    Generator gen(lesson.seed());
    const Tensor q = Tensor::of({{0.5, -1}}, DType::f64);
    const Tensor s = Tensor::of({{{1, 0}}, {{0.2, -0.6}}, {{-0.5, 0.4}}}, DType::f64).named("SBH");
    lesson.show("q", q);
    lesson.show("s", s);
    lesson::Table table{.caption = "One query, three places",
                        .header = {"score", "$e_i$", "$\\alpha_i$", "context $c$"}};
    double worst = 0;
    for (Score score : {Score::dot, Score::general, Score::concat}) {
        const Attention attention = make(score, gen);
        std::vector<double> e;
        for (int64_t i = 0; i < 3; i++) e.push_back(by_hand(attention, q, s[i]));
        const Tensor alpha = softmax(Tensor::from(e, {3}, DType::f64));
        Tensor c = Tensor::zeros({1, 2}, DType::f64);
        for (int64_t i = 0; i < 3; i++) c += s[i] * alpha.flat(i);
        table.rows.push_back(
            {names[int(score)], numbers(Tensor::from(e, {3}, DType::f64)), numbers(alpha), numbers(c)});
        Tape tape;
        const Attention::Output out = attention(tape.constant(q), attention.prepare(tape.constant(s)));
        const Tensor d = out.context.value() - c;
        worst = std::max(worst, std::sqrt(sum(d * d).item()));
    }
    lesson.table(table);
    lesson.check("the library's contexts are the same", worst, 1e-15);
}

void masks(Lesson& lesson) {
    lesson.section("Sources of unequal lengths", "Attention Mechanism: Global Attention");
    lesson.text(
        "A batch holds sources of different lengths, so the scores reach into padding. Its weight must be 0, and that "
        "of the others must still add up to 1. Two ways that look right are not: a score of 0 has the weight "
        "$e^0 = 1$ before the sum divides it; and weights set to 0 after the softmax leave the rest too small.");
    const Tensor e = Tensor::of({{1, -0.5, 0.3, 2}}, DType::f64);
    Tensor zero_scores = e.clone(), zero_weights = softmax(e);
    for (int64_t i = 2; i < 4; i++) zero_scores.set({0, i}, 0), zero_weights.set({0, i}, 0);
    const Tensor right = softmax(e, Ids({2}));
    lesson::Table table{.caption = "Four places, of which two are padding",
                        .header = {"", "$\\alpha_i$", "sum of the first two"}};
    const auto row = [&](const char* name, const Tensor& a) {
        table.rows.push_back({name, numbers(a), a.flat(0) + a.flat(1)});
    };
    row("scores of padding set to 0", softmax(zero_scores));
    row("weights of padding set to 0", zero_weights);
    row("softmax over the length", right);
    lesson.table(table);
    const Tensor alone = softmax(columns(e, 0, 2));
    lesson.check("the weights are those of the sentence alone",
                 std::abs(right.flat(0) - alone.flat(0)) + std::abs(right.flat(1) - alone.flat(1)) + right.flat(3),
                 1e-16);
}

void gradients(Lesson& lesson) {
    lesson.section("Backward through attention", "Attention Mechanism");
    lesson.text(
        "A state of the encoder is used twice, in the mean and in its own score; the query was used at every place. "
        "With a bar for the gradient,");
    lesson.equation(
        R"(\bar\alpha_i = \bar c \cdot s_i, \qquad \bar e_i = \alpha_i \Big( \bar\alpha_i - \sum_j \alpha_j \bar\alpha_j \Big))",
        "dα_i = dc · s_i    de_i = α_i (dα_i - Σ_j α_j dα_j)");
    lesson.equation(R"(\bar s_i = \alpha_i \bar c + \text{what comes through the score})",
                    "ds_i = α_i dc + what comes through the score");
    lesson.text("What comes through the score, and back to the query and the parameters:");
    lesson.equation(R"(\text{dot: } \bar q = \sum_i \bar e_i s_i, \quad \bar s_i = \bar e_i q)",
                    "dot: dq = Σ de_i s_i, ds_i = de_i q");
    lesson.equation(
        R"(\text{general: } \bar q = \sum_i \bar e_i W_a s_i, \quad \bar s_i = \bar e_i W_a^\top q, \quad \bar W_a = \sum_i \bar e_i\, q s_i^\top)",
        "general: dq = Σ de_i W_a s_i, ds_i = de_i W_aᵀ q, dW_a = Σ de_i q s_iᵀ");
    lesson.equation(R"(\text{concat: } u_i = \tanh(W_a [q; s_i]), \quad g_i = \bar e_i\, v_a \odot (1 - u_i^2))",
                    "concat: u_i = tanh(W_a [q; s_i]), g_i = de_i v_a ⊙ (1 - u_i²)");
    lesson.equation(
        R"([\bar q; \bar s_i] = W_a^\top g_i, \quad \bar W_a = \sum_i g_i [q; s_i]^\top, \quad \bar v_a = \sum_i \bar e_i u_i)",
        "        [dq; ds_i] = W_aᵀ g_i, dW_a = Σ g_i [q; s_i]ᵀ, dv_a = Σ de_i u_i");
    lesson.text("Against differences, for queries of two steps at once over sources of lengths 4 and 2:");
    for (Score score : {Score::dot, Score::general, Score::concat}) {
        Generator gen(lesson.seed());
        Attention attention({.query_size = 3, .key_size = 3, .score = score, .attention_size = 4, .dtype = DType::f64},
                            gen);
        const Parameter q = random_input("q", {{2, 'T'}, {2, 'B'}, {3, 'H'}});
        const Parameter s = random_input("s", {{4, 'S'}, {2, 'B'}, {3, 'H'}});
        std::vector<Parameter> inputs = parameters(attention);
        inputs.insert(inputs.end(), {q, s});
        lesson.gradcheck(fmt::format("Attention with the {} score", names[int(score)]), gradcheck(inputs, [&](Tape& t) {
                             const auto out = attention(t.watch(q), attention.prepare(t.watch(s), Ids({4, 2})));
                             return std::vector<Var>{out.context, out.weights};
                         }));
    }
}

}  // namespace

void tell_scores(Lesson& lesson) {
    small_numbers(lesson);
    masks(lesson);
    gradients(lesson);
}

}  // namespace unroll
