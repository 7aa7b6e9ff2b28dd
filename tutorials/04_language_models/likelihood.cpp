// The probability of a sentence, what a step may read, the loss and perplexity, on a model of five words.
#include <fmt/format.h>

#include <cmath>

#include "core/ops/losses.hpp"
#include "core/ops/reductions.hpp"
#include "nn/optim.hpp"
#include "tutorials/04_language_models/chapter.hpp"

namespace unroll {
namespace {

/// Trains on random words, from which nothing can be learnt, with the input of step t being w_{t-1} or w_t; the mean
/// loss of the last tenth of the steps.
double loss_on_random_words(bool as_printed, int steps, uint64_t seed, int64_t V) {
    Generator gen(seed);
    LanguageModel model({.vocabulary = V, .embedding_size = 8, .hidden_size = 16}, gen);
    const std::vector<Parameter> all = parameters(model);
    Adam adam(all, {.lr = 0.02});
    Tape tape;
    double sum = 0;
    const int last = std::max(1, steps / 10);
    for (int step = 0; step < steps; step++) {
        Ids words = Ids::empty({{17, 'T'}, {8, 'B'}});
        for (int64_t i = 0; i < words.size(); i++) words.mutable_data()[i] = static_cast<int32_t>(gen.below(V));
        tape.clear();
        const Ids targets = words.slice(1, 17), inputs = as_printed ? targets : words.slice(0, 16);
        const LanguageModel::Output out = model.loss(tape, inputs, targets, {});
        tape.backward(out.loss);
        adam.step(tape);
        if (step >= steps - last) sum += out.loss.item() / last;
    }
    return sum;
}

}  // namespace

void tell_likelihood(Lesson& lesson) {
    const Vocabulary v({"<eos>", "the", "cat", "sat", "slept"});
    Generator gen(lesson.seed());
    const LanguageModel model(
        {.vocabulary = v.size(), .embedding_size = 2, .hidden_size = 3, .num_layers = 1, .dtype = DType::f64}, gen);

    lesson.section("The probability of a sentence", "Language Modeling");
    lesson.text(
        "Any probability of a whole sentence is a product of one word at a time, each given those before it. That is "
        "no assumption but the chain rule; what a model brings is a way to compute the factors.");
    lesson.equation(R"(P(w_1, \ldots, w_T) = \prod_{t=1}^{T} P(w_t \mid w_1, \ldots, w_{t-1}))",
                    "P(w_1, .., w_T) = Π_t P(w_t | w_1, .., w_{t-1})");
    lesson.text(
        "Here is an untrained model of five words, one of which, `<eos>`, ends a sentence and begins the next. It "
        "reads "
        "a word, moves its state, and gives a distribution over the word to come.");
    const std::vector<int32_t> text = v.encode(std::vector<std::string>{"<eos>", "the", "cat", "slept", "<eos>"});
    Tape tape;
    const Ids inputs({text[0], text[1], text[2], text[3]}, {{4, 'T'}, {1, 'B'}});
    const Ids targets({text[1], text[2], text[3], text[4]}, {{4, 'T'}, {1, 'B'}});
    const Tensor p = softmax(model.scores(tape, inputs, {}).scores.value());
    lesson::Table table{
        .caption = "The sentence \"the cat slept\", word by word",
        .header = {"t", "reads", "predicts", "P(<eos>)", "P(the)", "P(cat)", "P(sat)", "P(slept)", "$-\\log P(w_t)$"}};
    double product = 1, nats = 0;
    for (int64_t t = 0; t < 4; t++) {
        const double at = p.at({t, 0, targets[t]});
        std::vector<lesson::Cell> row = {fmt::format("{}", t + 1), v.token(inputs[t]), v.token(targets[t])};
        for (int64_t w = 0; w < v.size(); w++) row.emplace_back(p.at({t, 0, w}));
        row.emplace_back(-std::log(at));
        table.rows.push_back(row);
        product *= at;
        nats -= std::log(at);
    }
    lesson.table(table);
    const std::vector<double> each = surprisals(model, text);
    double sum = 0;
    for (double x : each) sum += x;
    lesson.text(fmt::format(
        "The product of the four is {:.6f}, and the sum of the last column {:.6f}, minus its logarithm. Sums of "
        "logarithms are what one computes with: of a few hundred factors the product is no number any more.",
        product, nats));
    lesson.check("the sum of the surprises is minus the logarithm of the product", nats + std::log(product), 1e-12);
    lesson.check("`surprisals(model, text)` gives the same", sum - nats, 1e-12);

    lesson.section("What the step has read", "RNN Language Model");
    const int64_t V = 8;
    const int steps = lesson.quick() ? 150 : 400;  // --steps is for the trainings
    lesson.text(
        "A slip in the book: \"$x_t$ is the word embedding of $w_t$\", and $h_t$, which has read $x_t$, then predicts "
        "$w_t$. It has seen the answer. The input of step t must be the word *before*:");
    lesson.equation(R"(x_t = E_{w_{t-1}}, \qquad h_t = \mathrm{RNN}(h_{t-1}, x_t))",
                    "x_t = E[w_{t-1}],  h_t = RNN(h_{t-1}, x_t)");
    lesson.equation(R"(P(w_t \mid w_1, \ldots, w_{t-1}) = \mathrm{softmax}(W_{out} h_t + b_{out}))",
                    "P(w_t | w_1 .. w_{t-1}) = softmax(W_out h_t + b_out)");
    const double printed = loss_on_random_words(true, steps, lesson.seed(), V);
    const double shifted = loss_on_random_words(false, steps, lesson.seed(), V);
    const double best = std::log(static_cast<double>(V));
    lesson.table(
        {.caption = fmt::format("Loss after {} steps on words drawn at random, {} of them", steps, V),
         .header = {"input of step t", "nats a word"},
         .rows = {{"$w_t$, as printed", printed}, {"$w_{t-1}$", shifted}, {"the best there is, $\\ln V$", best}}});
    lesson.text(
        "Of random words nothing can be known. A loss below $\\ln V$ on them is the sign that the answer leaks; on "
        "real "
        "text a leak looks like a triumph.");
    lesson.check("as printed the model \"predicts\" what nobody can", printed < best / 4);
    lesson.check("with the word before it does not", shifted > 0.97 * best);
    lesson.result("as_printed_nats", printed);
    lesson.result("shifted_nats", shifted);

    lesson.section("Loss and perplexity", "Perplexity");
    lesson.equation(
        R"(L = -\frac{1}{N} \sum_{t} \log P(w_t \mid w_1, \ldots, w_{t-1}), \qquad \mathrm{Perplexity} = e^{L})",
        "L = -1/N Σ_t log P(w_t | w_1 .. w_{t-1}),   perplexity = e^L");
    lesson.text(
        "N is the number of words that *count*. Here every one does but the first of a text, which nothing predicts: "
        "the ends of lines, `<eos>`, and the words that the vocabulary lacks, `<unk>`. Padding never counts. Who "
        "leaves "
        "the unknown words out, or predicts no ends, has another number for the same model.");
    const Tensor scores = Tensor::of({{2, 0, -1}, {0.5, 0.5, 0}, {1, 1, 1}}, DType::f64);
    const Ids words({0, 2, -1});
    Parameter z("scores", scores);
    const CrossEntropyOptions padding{.ignore_index = -1};
    Tape loss_tape;
    const Var L = cross_entropy(loss_tape.watch(z), words, padding);
    loss_tape.backward(L);
    const Tensor probabilities = softmax(scores);
    const Tensor d = loss_tape.grad(z);
    lesson.text("Three rows of scores, the targets 0 and 2, and a third row that is padding:");
    lesson.show("scores", scores);
    lesson.show("softmax(scores)", probabilities);
    lesson.show("dL/dscores", d);
    lesson.text(
        "The gradient is $(p - \\mathbb{1}\\{\\text{target}\\}) / N$: what the model said minus what was right, in "
        "every row "
        "that counts, zero in the others.");
    lesson.check("the gradient's first entry is $(p_0 - 1) / 2$", d.at({0, 0}) - (probabilities.at({0, 0}) - 1) / 2,
                 1e-15);
    lesson.gradcheck("Cross-entropy with padding", gradcheck({z}, [&](Tape& t) {
                         return std::vector<Var>{cross_entropy(t.watch(z), words, padding)};
                     }));

    const std::vector<std::pair<double, double>> batches = {{3.0, 100}, {3.2, 100}, {6.0, 5}};
    double weighted = 0, count = 0, plain = 0, of_perplexities = 0;
    lesson::Table uneven{.caption = "Batches of unequal size", .header = {"words", "mean nats", "perplexity"}};
    for (const auto& [mean, n] : batches) {
        uneven.rows.push_back({n, mean, std::exp(mean)});
        weighted += mean * n, count += n;
        plain += mean / static_cast<double>(batches.size());
        of_perplexities += std::exp(mean) / static_cast<double>(batches.size());
    }
    lesson.table(uneven);
    lesson.table({.caption = "Their perplexity",
                  .header = {"computed as", ""},
                  .rows = {{"e to the mean over all words", std::exp(weighted / count)},
                           {"e to the mean of the batches' means", std::exp(plain)},
                           {"the mean of the batches' perplexities", of_perplexities}}});
    lesson.text("Only the first is the perplexity of the text: it does not depend on how the text was cut.");
    lesson.check("a distribution that knows nothing has perplexity V",
                 std::exp(cross_entropy(Tensor::zeros({1, 7}, DType::f64), Ids({3})).item()) - 7, 1e-12);
}

}  // namespace unroll
