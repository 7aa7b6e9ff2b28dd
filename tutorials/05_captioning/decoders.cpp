// The decoders: the same v at each step; spatial attention on small numbers; gradients of whole models.
#include <fmt/format.h>

#include <cmath>

#include "core/ops/losses.hpp"
#include "core/ops/reductions.hpp"
#include "models/caption_network.hpp"
#include "tutorials/05_captioning/chapter.hpp"

namespace unroll {
namespace {

CaptionNetworkOptions tiny(bool attention) {
    return {.vocabulary = 6,
            .picture_size = 8,
            .channels = 2,
            .features = 3,
            .attention = attention,
            .embedding_size = 3,
            .hidden_size = 4,
            .attention_size = 3,
            .dtype = DType::f64};
}

Tensor noise(const Shape& shape, uint64_t seed) {
    Generator gen(seed, 7);
    Tensor x = Tensor::empty(shape, DType::f64);
    gen.fill_normal(x, 0, 1);
    return x;
}

double distance(const Tensor& a, const Tensor& b) {
    const Tensor d = a - b;
    return std::sqrt(sum(d * d).item());
}

void plain(Lesson& lesson) {
    lesson.section("A language model that is told what to speak of", "Decoder (RNN)");
    lesson.equation(R"(h_t = \mathrm{RNN}(h_{t-1}, [x_t, v]), \qquad v = \mathrm{CNN}(I))",
                    "h_t = RNN(h_{t-1}, [x_t, v])    v = CNN(I)");
    lesson.equation(R"(P(w_t \mid w_1, \ldots, w_{t-1}, v) = \mathrm{softmax}(W_{out} h_t + b_{out}))",
                    "P(w_t | w_1 .. w_{t-1}, v) = softmax(W_out h_t + b_out)");
    lesson.text(
        "The decoder is chapter 04's language model with one more input, the picture's $v$, the same at each step. "
        "*A slip in the book*: its $x_t$ is the embedding of $w_t$, so $h_t$ would have seen the word that it has to "
        "predict. The input of step $t$ is the word *before*, $x_t = E_{w_{t-1}}$, with a start token for $w_0$; what "
        "is written with a star in the book's teacher forcing shifts likewise.\n\n"
        "A matrix times $[x, v]$ is the sum of two products, and that is what makes it fast: the words of a caption "
        "are known in training, so $W^{(x)} x_t$ of all steps is one product of matrices, and $W^{(v)} v$ is computed "
        "once. Here $v$ is the grid pooled to 2 x 2, 512 numbers, the same that make the first state.");
    lesson.equation(R"(W [x_t, v] = W^{(x)} x_t + W^{(v)} v)", "W [x_t, v] = W(x) x_t + W(v) v");
    Generator gen(lesson.seed());
    const CaptionNetwork n(tiny(false), gen);
    Tape tape;
    const auto x = n.encode(tape, noise({2, 3, 8, 8}, 1));
    const Ids before({1, 1, 4, 5, 2, 3}, {3, 2});
    States all = x.start, single = all;
    const Tensor whole = n.decode(x, before, all).h.value();
    double worst = 0;
    for (int64_t t = 0; t < 3; t++)
        worst = std::max(worst, distance(n.decode(x, before.slice(t, t + 1), single).h.value()[0], whole[t]));
    lesson.check("three steps at once are three steps one by one", worst, 1e-14);
}

void attention(Lesson& lesson) {
    lesson.section("Looking at a region for each word", "Spatial Attention");
    lesson.equation(
        R"(\alpha_t = \mathrm{softmax}(W_a \tanh(W_h h_{t-1} + W_v V + b_a)), \qquad v_t = \sum_{i=1}^{K} \alpha_{t,i} V_i)",
        "α_t = softmax(W_a tanh(W_h h_{t-1} + W_v V + b_a))    v_t = Σ_i α[t,i] V_i");
    lesson.text(
        "The last words of *woman: dark skin tone, red hair* need the hair, not the whole picture. So the picture "
        "stays what it is, $K$ regions $V_i$, and each step weighs them: the state before asks, every region answers "
        "with a score, the softmax makes weights of the scores, and $v_t$ is the mean by these weights. ($W_a$ is one "
        "row, a vector $w_a$: a score is one number. $W_h h_{t-1}$ is added to each region's $W_v V_i$.) Three regions "
        "of two numbers, and two states that ask:");
    const Tensor V = Tensor::of({{{1, 0}}, {{0, 1}}, {{-1, 0.5}}}, DType::f64).named("KBD");
    Generator gen(lesson.seed());
    SpatialAttention a({.hidden_size = 2, .feature_size = 2, .attention_size = 2, .dtype = DType::f64}, gen);
    a.W_h.value.copy_from(Tensor::of({{2, 0}, {0, 2}}, DType::f64));
    a.W_v.value.copy_from(Tensor::of({{1, 0}, {0, 1}}, DType::f64));
    a.b_a.value.copy_from(Tensor::of({-1, -1}, DType::f64));
    a.w_a.value.copy_from(Tensor::of({2, 2}, DType::f64));
    lesson.show("V", V);
    lesson::Table table{.caption = "What each state sees",
                        .header = {"$h_{t-1}$", "$e_1, e_2, e_3$", "$\\alpha_1, \\alpha_2, \\alpha_3$", "$v_t$"}};
    double worst = 0;
    const auto numbers = [](const Tensor& t) {
        std::string text;
        for (double v : t.to_vector()) text += fmt::format("{}{:.3f}", text.empty() ? "" : ", ", v);
        return text;
    };
    for (const auto& [h0, h1] : {std::pair{1.0, 0.0}, {0.0, 1.0}}) {
        const Tensor h = Tensor::of({{h0, h1}}, DType::f64);
        std::vector<double> e;
        for (int64_t i = 0; i < 3; i++)
            e.push_back(
                sum(tanh(matmul(h, transposed(a.W_h.value)) + matmul(V[i], transposed(a.W_v.value)) + a.b_a.value) *
                    a.w_a.value)
                    .item());
        const Tensor scores = Tensor::from(e, {3}, DType::f64), alpha = softmax(scores);
        Tensor v = Tensor::zeros({1, 2}, DType::f64);
        for (int64_t i = 0; i < 3; i++) v += V[i] * alpha.flat(i);
        table.rows.push_back({numbers(h), numbers(scores), numbers(alpha), numbers(v)});
        Tape tape;
        const auto seen = a(tape.constant(h), a.prepare(tape.constant(V)));
        worst = std::max(worst, distance(seen.context.value(), v));
    }
    lesson.table(table);
    lesson.check("the library sees the same", worst, 1e-15);
    lesson.text(
        "Without the tanh the state would add one number to all scores, and the softmax takes no notice of that: every "
        "word would look at the same places.\n\n"
        "Backward, a region is used twice, in the mean and in its own score, and the state was used at every region. "
        "With $u_i = \\tanh(\\ldots)$:");
    lesson.equation(
        R"(\bar\alpha_i = \bar v \cdot V_i, \qquad \bar e_i = \alpha_i \Big( \bar\alpha_i - \sum_j \alpha_j \bar\alpha_j \Big), \qquad g_i = \bar e_i\, w_a \odot (1 - u_i^2))",
        "dα_i = dv · V_i    de_i = α_i (dα_i - Σ_j α_j dα_j)    g_i = de_i w_a ⊙ (1 - u_i²)");
    lesson.equation(R"(\bar V_i = \alpha_i \bar v + W_v^\top g_i, \qquad \bar h = \sum_i W_h^\top g_i)",
                    "dV_i = α_i dv + W_vᵀ g_i    dh = Σ_i W_hᵀ g_i");
    const Parameter regions = random_input("V", {{3, 'K'}, {2, 'B'}, {2, 'D'}}),
                    states = random_input("h", {{2, 'T'}, {2, 'B'}, {2, 'H'}});
    std::vector<Parameter> inputs = parameters(a);
    inputs.insert(inputs.end(), {regions, states});
    lesson.gradcheck("Spatial attention, two steps", gradcheck(inputs, [&](Tape& t) {
                         const auto out = a(t.watch(states), a.prepare(t.watch(regions)));
                         return std::vector<Var>{out.context, out.weights};
                     }));
}

void whole(Lesson& lesson) {
    lesson.section("The loss, and all of it backward", "Loss Function");
    lesson.equation(R"(L = -\sum_{t=1}^{T} \log P(w_t \mid w_1, \ldots, w_{t-1}, v))",
                    "L = -Σ_t log P(w_t | w_1 .. w_{t-1}, v)");
    lesson.text(
        "The book's sum, here divided by the number of words, ends among them, so that batches of long and short "
        "captions can be compared; padding counts nothing. From it gradients go back through the softmax, the LSTM, "
        "the "
        "attention of every step, the batch normalisation and the convolutions. Both decoders in f64 against "
        "differences at every entry of every parameter, with captions of 3 words and of 1:");
    const Tensor pictures = noise({2, 3, 8, 8}, lesson.seed());
    const Ids before({1, 1, 4, 5, 2, 3, 3, 4}, {4, 2}), targets({4, 5, 2, 2, 3, 0, 2, 0}, {4, 2});
    for (bool attention : {false, true}) {
        Generator gen(lesson.seed());
        CaptionNetwork n(tiny(attention), gen);
        lesson.gradcheck(attention ? "With spatial attention" : "The plain decoder",
                         gradcheck(parameters(n), [&](Tape& tape) {
                             return std::vector<Var>{n.loss(n.encode(tape, pictures, true), before, targets, 0)};
                         }));
    }
    lesson.text("One step of the decoder, record by record:");
    Generator gen(lesson.seed());
    CaptionNetwork n(tiny(true), gen);
    Tape tape;
    tape.keep_values();
    const auto x = n.encode(tape, pictures, true);
    const int first = tape.size();
    const Var loss = n.loss(x, before.slice(0, 1), targets.slice(0, 1), 0);
    lesson.forward("One step forward", tape, first, 20);
    lesson.backward("And back, to the pixels", tape, loss, 30);
}

}  // namespace

void tell_decoders(Lesson& lesson) {
    plain(lesson);
    attention(lesson);
    whole(lesson);
}

}  // namespace unroll
