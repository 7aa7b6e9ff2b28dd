// Generating and copying: the mixture on numbers to check by hand, its gradient, its digits, and the whole model.
#include <fmt/format.h>

#include <cmath>

#include "core/ops/copy.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/losses.hpp"
#include "core/ops/reductions.hpp"
#include "models/pointer_generator.hpp"
#include "tutorials/09_applications/chapter.hpp"

namespace unroll {
namespace {

// "zsh is a shell", read by a model that can write <eos>, shell, tool and a.
const char* const words[] = {"<eos>", "shell", "tool", "a", "zsh", "is"};
constexpr int64_t V = 4, W = 6;

void by_hand(Lesson& lesson) {
    lesson.section("Copying", "Text Summarization");
    lesson.equation(
        R"(P(w) = p_{gen}\, P_{generated}(w) + (1 - p_{gen}) \sum_{s:\, x_s = w} \alpha_s, \qquad p_{gen} = \sigma(g))",
        "P(w) = p_gen P_generated(w) + (1 - p_gen) Σ_{s: x_s = w} α_s");
    lesson.text(
        "The document is *zsh is a shell*. The model can generate four words: `<eos>`, `shell`, `tool`, `a`. It has "
        "never seen `zsh`: attention alone can look at it for as long as it likes and never say it. So the attention "
        "weights, which add up to 1 already, are taken for a second distribution: over the *places* of the source.");
    const CopySource source{Ids({4, 5, 3, 1}, {{4, 'S'}, {1, 'B'}})};
    const Tensor x = Tensor::of({{0.1, 1.2, 0.6, -0.5}}, DType::f64), g = Tensor::of({-0.4}, DType::f64),
                 e = Tensor::of({{1.5, -1.0, -0.5, 0.9}}, DType::f64);
    const Tensor generated = softmax(x), alpha = softmax(e), P = exp(copy_log_probabilities(x, g, e, source, W));
    const double p_gen = sigmoid(g).item();
    lesson.text(fmt::format("Here $p_{{gen}} = {:.4f}$.", p_gen));
    lesson::Table table{.caption = "Two ways to every word, and their mixture",
                        .header = {"word", "generated", "attention at its places", "P"}};
    double difference = 0;
    for (int64_t w = 0; w < W; w++) {
        double copied = 0;
        for (int64_t s = 0; s < 4; s++) copied += source.words[s] == w ? alpha.flat(s) : 0;
        const double gen = w < V ? generated.flat(w) : 0;
        table.rows.push_back({fmt::format("`{}`", words[w]), gen, copied, P.flat(w)});
        difference = std::max(difference, std::abs(p_gen * gen + (1 - p_gen) * copied - P.flat(w)));
    }
    lesson.table(table);
    lesson.check("`copy_log_probabilities` is the mixture of the two columns", difference, 1e-15);
    lesson.check("and adds up to 1", sum(P).item() - 1, 1e-15);

    lesson.section("Its gradient: who was it?", "");
    lesson.text(
        "$L = -\\log P(w)$. Once the word is seen, Bayes says by which way it came: $r = p_{gen} P_{generated}(w) / "
        "P(w)$ is the probability that it was generated. Each of the three gradients is that of an ordinary "
        "cross-entropy, counted as far as it may have been the reason:");
    lesson.equation(
        R"(\frac{\partial L}{\partial x_v} = r (\text{softmax}(x)_v - 1_{v=w}), \quad \frac{\partial L}{\partial g} = p_{gen} - r)",
        "dx_v = r (softmax(x)_v - 1{v=w}),  dg = p_gen - r");
    lesson.equation(
        R"(\frac{\partial L}{\partial e_s} = (1-r) \left(\alpha_s - \frac{1_{x_s=w}\, \alpha_s}{\sum_{k: x_k=w} \alpha_k}\right))",
        "de_s = (1-r) (α_s - 1{x_s=w} α_s / Σ_{k: x_k=w} α_k)");
    lesson::Table gradients{.caption = "Three targets: only generated, both, only copied",
                            .header = {"target", "-log P", "r", "dL/dg"}};
    for (int32_t w : {2, 1, 4}) {
        Tape tape;
        const Var gate = tape.input(g, "g");
        const Var L = copy_loss(x, gate, e, source, Ids({w}, {{1, 'B'}}));
        tape.backward(L);
        gradients.rows.push_back({fmt::format("`{}`", words[w]), L.item(),
                                  w < V ? p_gen * generated.flat(w) / P.flat(w) : 0.0, tape.grad(gate).item()});
    }
    lesson.table(gradients);
    lesson.text(
        "A word that could only be generated pushes the choice towards generating, one that could only be copied away "
        "from it, and one that both ways explain well leaves it nearly alone. Nobody ever tells the model which words "
        "to copy.");
    Tape tape;
    tape.keep_values();
    const Var vx = tape.input(x, "x"), vg = tape.input(g, "g"), ve = tape.input(e, "e");
    const Var L = copy_loss(vx, vg, ve, source, Ids({1}, {{1, 'B'}}));
    lesson.backward("Backward through the choice", tape, L);
}

void digits(Lesson& lesson) {
    lesson.section("With logarithms", "");
    lesson.text(
        "Written as it stands, the loss is a logarithm of a sum of products of softmaxes. Early in training, and for a "
        "rare "
        "word always, these underflow: the logarithm of 0 is no loss to learn from. `copy_loss` takes the scores "
        "before the softmax, and adds logarithms. A word that is only at a place whose score is lower than "
        "another's by a margin:");
    const CopySource source{Ids({4, 5}, {2, 1})};
    lesson::Table table{.caption = "-log P of the word at the worse place, in 32 bits",
                        .header = {"margin", "by the definition", "`copy_loss`", "$dL/de$ by `copy_loss`"}};
    bool finite = true;
    for (double margin : {1.0, 50.0, 200.0}) {
        const Tensor x = Tensor::zeros({1, V}, DType::f32), g = Tensor::zeros({1}, DType::f32);
        const Tensor e = Tensor::of({{-margin, 0.0}}, DType::f32);
        Tape tape;
        const Var scores = tape.input(e);
        const Var L = copy_loss(x, g, scores, source, Ids({4}, {1}));
        tape.backward(L);
        const double naive = -std::log(0.5f * float(softmax(e).flat(0)));
        finite &= std::isfinite(L.item());
        table.rows.push_back({margin, std::isfinite(naive) ? fmt::format("{:.4f}", naive) : std::string("infinite"),
                              L.item(), tape.grad(scores).flat(0)});
    }
    lesson.table(table);
    lesson.check("the loss and its gradient stay numbers", finite);
}

void checked(Lesson& lesson) {
    lesson.section("Gradient checks", "");
    const CopySource source{Ids({4, 7, 9, 8, 4, 5}, {3, 2}), Ids({3, 2})};
    const Ids before({1, 1, 4, 8, 9, 5}, {3, 2}), targets({4, 8, 9, 5, 2, 0}, {3, 2});
    lesson.text(
        "Two documents of three and two words, of which some have no number that the model knows (9 and more), "
        "summaries of three words; the last target is padding.");
    const Parameter x = random_input("x", {3, 2, 6}), g = random_input("g", {3, 2}), e = random_input("e", {3, 2, 3});
    lesson.gradcheck(
        "copy_loss", gradcheck({x, g, e}, [&](Tape& tape) {
            return std::vector<Var>{copy_loss(tape.watch(x), tape.watch(g), tape.watch(e), source, targets, 0)};
        }));
    Generator gen(lesson.seed());
    PointerGenerator model(
        {.vocabulary = 9, .written = 6, .embedding_size = 3, .encoder_size = 2, .hidden_size = 4, .dtype = DType::f64},
        gen);
    lesson.gradcheck("The whole model: every entry of every parameter", gradcheck(parameters(model), [&](Tape& tape) {
                         return std::vector<Var>{model.loss(tape, source, before, targets, 0)};
                     }));
}

}  // namespace

void tell_copying(Lesson& lesson) {
    by_hand(lesson);
    digits(lesson);
    checked(lesson);
}

}  // namespace unroll
