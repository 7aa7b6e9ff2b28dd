// A model of characters: counts to compare with, training, what it writes, where it is surprised.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "tutorials/04_language_models/chapter.hpp"
#include "tutorials/04_language_models/ngram.hpp"

namespace unroll {
namespace {

/// Some two thousand characters into the text, from the beginning of a line on.
std::vector<int32_t> passage(const TokenCorpus& corpus, size_t length) {
    const std::vector<int32_t>& text = corpus.test;
    const int32_t line_feed = corpus.vocabulary.id("\n");
    size_t begin = std::min<size_t>(2000, text.size() / 2);
    while (begin + length < text.size() && text[begin - 1] != line_feed && begin < 4000) begin++;
    const size_t end = std::min(text.size(), begin + length);
    return {text.begin() + static_cast<std::ptrdiff_t>(begin), text.begin() + static_cast<std::ptrdiff_t>(end)};
}

}  // namespace

void tell_characters(Lesson& lesson, const lesson::LanguageModelLine& line, const Texts& texts) {
    const bool quick = lesson.quick(), shakespeare = texts.characters_name == "shakespeare_characters";
    lesson.section("Counting", "Language Modeling");
    lesson::LanguageModelLine here = line;
    here.text = texts.characters;
    const TokenCorpus corpus = lesson::read_characters(lesson, here);
    const int64_t V = corpus.vocabulary.size();
    const auto part = [&](const std::vector<int32_t>& text, size_t most) {
        return std::vector<int32_t>(text.begin(),
                                    text.begin() + static_cast<std::ptrdiff_t>(std::min(text.size(), most)));
    };
    const size_t most = quick ? 20000 : corpus.train.size();
    const std::vector<int32_t> train = part(corpus.train, 5 * most), valid = part(corpus.valid, most),
                               test = part(corpus.test, most);
    lesson.text(
        "Before there were networks one counted: how often has what followed the last n - 1 characters? Contexts never "
        "seen fall back to shorter ones, by a rule of Witten and Bell's. Longer contexts are better only as long as "
        "they have been seen before.");
    const int orders = quick ? 4 : 7;
    const NGram ngram(train, orders, V);
    lesson::Table table{.caption = "Nats a character, by counts", .header = {"n", "validation", "test"}};
    std::vector<double> nats;
    for (int n = 1; n <= orders; n++) {
        nats.push_back(ngram.nats(valid, n));
        table.rows.push_back({fmt::format("{}", n), nats.back(), ngram.nats(test, n)});
    }
    lesson.table(table);
    std::vector<int32_t> context = part(valid, 50);
    double total = 0;
    for (int32_t c = 0; c < V; c++) {
        context.back() = c;
        total += ngram.probability(context, context.size() - 1, orders);
    }
    lesson.check("after a context of the text, the probabilities of all characters add up to 1", total - 1, 1e-12);
    const auto best = static_cast<int>(std::min_element(nats.begin(), nats.end()) - nats.begin()) + 1;
    const double counted = ngram.nats(test, best);
    lesson.text(
        fmt::format("n = {} does best on the validation text; {:.3f} nats on the test text is what a network has "
                    "to beat.",
                    best, counted));
    lesson.result(texts.characters_name + "_ngram_test_nats", counted);

    lesson.section("A model of characters", "RNN Language Model");
    const lesson::LanguageModelRun run = {.name = texts.characters_name,
                                          .model = {.cell = CellKind::lstm,
                                                    .embedding_size = 64,
                                                    .hidden_size = quick ? 64 : 512,
                                                    .dropout = shakespeare ? 0.3 : 0.0},
                                          .training = {.steps = shakespeare ? 4000 : 7000, .learning_rate = 3e-3},
                                          .validations = 14};
    lesson.text(
        fmt::format("One layer of {} LSTM units. The text is read in {} streams side by side, {} characters at a "
                    "time: the state is carried into the next {}, the gradient is not.",
                    run.model.hidden_size, run.training.batch, run.training.length, run.training.length));
    const auto model = lesson::tell_training(lesson, here, corpus, run);
    if (shakespeare) {
        std::vector<int32_t> tenth = corpus.valid;  // nanoGPT's validation text is both parts together
        tenth.insert(tenth.end(), corpus.test.begin(), corpus.test.end());
        lesson.result("shakespeare_last_tenth_nats", evaluate(*model, part(tenth, most)).nats);
    }

    lesson.section("What it writes", "RNN Language Model");
    Generator gen(lesson.seed(), 1);
    const std::vector<int32_t> prompt = corpus.vocabulary.encode(decode_utf8(line.prompt, "the prompt"));
    const int64_t length = quick ? 80 : 300;
    const int32_t unk = corpus.vocabulary.unk();
    for (const auto& [name, options] :
         {std::pair{"Temperature 0", SampleOptions{.length = length, .temperature = 0, .never = unk}},
          {"Temperature 1", {.length = length, .never = unk}},
          {"Temperature 0.6", {.length = length, .temperature = 0.6, .never = unk}},
          {"Top-k, k = 5", {.length = length, .top_k = 5, .never = unk}},
          {"Nucleus, p = 0.9", {.length = length, .top_p = 0.9, .never = unk}}})
        lesson.sample(name, line.prompt + corpus.vocabulary.text(sample(*model, prompt, options, gen)));

    lesson.section("Where it is surprised", "Loss Function");
    lesson.text(
        "$-\\log P$ of each character of a passage that it has not read. Where a word begins there are many ways to go "
        "on, "
        "once it has begun few.");
    const std::vector<int32_t> text = passage(corpus, quick ? 120 : 480);
    std::vector<double> surprise = surprisals(*model, text);
    double sum = 0;
    for (double x : surprise) sum += x;
    const double mean = sum / static_cast<double>(surprise.size());
    std::array<double, 2> nats_of{}, count{};  // of letters inside words, and of those that begin one
    bool inside = false;
    for (size_t i = 0; i < text.size(); i++) {
        const std::vector<char32_t> c = decode_utf8(corpus.vocabulary.token(text[i]), "the vocabulary");
        const bool letter = c.size() == 1 && is_letter(c[0]);
        if (letter && i > 0) nats_of[!inside] += surprise[i - 1], count[!inside]++;
        inside = letter;
    }
    lesson.table({.caption = "Nats a letter in this passage",
                  .header = {"", "letters", "nats"},
                  .rows = {{"the first of a word", count[1], nats_of[1] / count[1]},
                           {"the others", count[0], nats_of[0] / count[0]}}});
    surprise.insert(surprise.begin(), NAN);  // the first one starts it
    std::vector<std::string> tokens;
    for (int32_t id : text) tokens.push_back(corpus.vocabulary.text({id}));
    lesson.shaded({.title = "How surprising each character is",
                   .tokens = tokens,
                   .values = surprise,
                   .spaced = false,
                   .unit = "nats",
                   .caption = fmt::format("{:.3f} nats a character in this passage.", mean)});
}

}  // namespace unroll
