// A model of words: training by the recipe of a published comparison, a sentence scored, what its vectors are like.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tutorials/04_language_models/chapter.hpp"
#include "tutorials/04_language_models/ngram.hpp"
#include "tutorials/04_language_models/vectors.hpp"

namespace unroll {
namespace {

TokenCorpus read_words(Lesson& lesson, const Texts& texts) {
    const TokenCorpus corpus =
        texts.published ? load_tokens(texts.words)
                        : load_tokens(texts.words, {.tokenizer = punctuation_words,
                                                    .lower = true,
                                                    .vocabulary = {.min_count = 3, .special = {"<eos>", "<unk>"}}});
    const auto unknown = [&](const std::vector<int32_t>& text) {
        return 100.0 * static_cast<double>(std::count(text.begin(), text.end(), corpus.vocabulary.unk())) /
               static_cast<double>(text.size());
    };
    lesson.text(fmt::format("{} A vocabulary of {} words.",
                            texts.published ? "The words come as they are in the files, the unknown ones as `<unk>`."
                                            : "In lower case, punctuation apart, words seen fewer than three times "
                                              "unknown; every line ends with `<eos>`.",
                            corpus.vocabulary.size()));
    lesson.table({.caption = "Words, ends of lines among them",
                  .header = {"text", "words", "unknown, %"},
                  .rows = {{"to learn from", corpus.train.size(), unknown(corpus.train)},
                           {"validation", corpus.valid.size(), unknown(corpus.valid)},
                           {"test", corpus.test.size(), unknown(corpus.test)}}});
    return corpus;
}

/// The words from which those to look at are taken: neither special ones nor numbers nor punctuation, `least` letters
/// or more, the most frequent in the text first.
std::vector<int32_t> frequent_words(const TokenCorpus& corpus, size_t least, size_t most) {
    std::vector<int64_t> counts(static_cast<size_t>(corpus.vocabulary.size()));
    for (int32_t id : corpus.train) counts[static_cast<size_t>(id)]++;
    std::vector<int32_t> words(counts.size());
    std::iota(words.begin(), words.end(), 0);
    std::stable_sort(words.begin(), words.end(), [&](int32_t a, int32_t b) {
        return counts[static_cast<size_t>(a)] > counts[static_cast<size_t>(b)];
    });
    std::erase_if(words, [&](int32_t id) {
        const std::vector<char32_t> letters = decode_utf8(corpus.vocabulary.token(id), "the vocabulary");
        return letters.size() < least || !std::all_of(letters.begin(), letters.end(), is_letter);
    });
    words.resize(std::min(words.size(), most));
    return words;
}

void tell_sentences(Lesson& lesson, const LanguageModel& model, const TokenCorpus& corpus, const Texts& texts,
                    const std::string& sentence) {
    lesson.section("A sentence's score", "Loss Function");
    lesson.text(
        "A language model says how probable a sentence is, which is what speech recognition and translation want to "
        "know (chapter 09). The sentence begins after an `<eos>` and has to end with one.");
    const Vocabulary& v = corpus.vocabulary;
    const std::vector<std::string> words = punctuation_words(texts.published ? sentence : to_lower(sentence));
    const std::vector<std::string> reversed(words.rbegin(), words.rend());
    double nats[2];
    for (size_t i = 0; i < 2; i++) {
        std::vector<std::string> tokens = i == 0 ? words : reversed;
        tokens.insert(tokens.begin(), "<eos>");
        tokens.push_back("<eos>");
        std::vector<double> each = surprisals(model, v.encode(tokens));
        nats[i] = std::accumulate(each.begin(), each.end(), 0.0);
        each.insert(each.begin(), NAN);
        for (std::string& token : tokens)
            if (!v.has(token)) token += " (unknown)";
        lesson.shaded({.title = i == 0 ? "The sentence, word by word" : "Its words in reverse",
                       .tokens = tokens,
                       .values = each,
                       .unit = "nats",
                       .caption = fmt::format("$\\log P$ = {:.2f} in all.", -nats[i])});
    }
    lesson.text(fmt::format("In this order it is $e^{{{:.1f}}}$ times as probable as in reverse.", nats[1] - nats[0]));
}

void tell_vectors(Lesson& lesson, const LanguageModel& model, const TokenCorpus& corpus) {
    lesson.section("What the vectors are like", "Word Embeddings");
    lesson.text(
        "Nobody has told the model what words mean. Words that are followed and preceded by the same company have "
        "vectors in the same direction, because that costs the fewest nats.");
    const Tensor E = model.embedding.E.value;
    const std::vector<int32_t> most = frequent_words(corpus, 1, 3000);
    std::vector<bool> rare(static_cast<size_t>(corpus.vocabulary.size()), true);
    for (int32_t word : most) rare[static_cast<size_t>(word)] = false;
    std::vector<int32_t> asked;
    for (const char* word : {"he", "was", "very", "sister", "happy", "letter", "went", "should"})
        if (corpus.vocabulary.has(word)) asked.push_back(corpus.vocabulary.id(word));
    if (asked.size() < 3)
        asked.assign(most.begin(), most.begin() + static_cast<std::ptrdiff_t>(std::min<size_t>(8, most.size())));
    lesson::Table table{
        .caption = "The nearest of the 3000 most frequent words, with the cosine of the angle between the vectors",
        .header = {"word", "nearest"}};
    for (int32_t word : asked) {
        std::string near;
        for (const Neighbour& n : nearest(E, word, 5, rare))
            near += fmt::format("{}{} {:.2f}", near.empty() ? "" : ", ", corpus.vocabulary.token(n.word), n.cosine);
        table.rows.push_back({corpus.vocabulary.token(word), near});
    }
    lesson.table(table);

    const std::vector<int32_t> shown = frequent_words(corpus, 3, 70);
    if (shown.size() < 3) return;
    const int64_t N = static_cast<int64_t>(shown.size()), D = E.dim(1);
    Tensor X = Tensor::empty({N, D}, DType::f64);
    for (int64_t n = 0; n < N; n++) {
        double square = 0;
        for (int64_t d = 0; d < D; d++) square += std::pow(E.at({shown[static_cast<size_t>(n)], d}), 2);
        for (int64_t d = 0; d < D; d++) X.set({n, d}, E.at({shown[static_cast<size_t>(n)], d}) / std::sqrt(square));
    }
    const Projection p = principal_components(X);
    double across = 0;
    for (size_t d = 0; d < p.direction[0].size(); d++) across += p.direction[0][d] * p.direction[1][d];
    lesson::WordMap map{
        .title = fmt::format("The {} most frequent words of three letters or more", N),
        .x = p.coordinates[0],
        .y = p.coordinates[1],
        .caption = fmt::format("Directions of all vectors (each of length 1), seen from where they differ "
                               "most: {:.0f} and {:.0f} % of their variance.",
                               100 * p.share[0], 100 * p.share[1])};
    for (int32_t word : shown) map.labels.push_back(corpus.vocabulary.token(word));
    lesson.map(map);
    lesson.check("the two directions are at right angles", across, 1e-6);
    lesson.check("the first has the larger share of the variance", p.share[0] >= p.share[1]);
}

}  // namespace

void tell_words(Lesson& lesson, const lesson::LanguageModelLine& line, const Texts& texts,
                const std::string& sentence) {
    const bool quick = lesson.quick();
    lesson.section("A model of words", "Word Embeddings");
    const TokenCorpus corpus = read_words(lesson, texts);
    const int64_t V = corpus.vocabulary.size();
    lesson::LanguageModelLine here = line;
    if (!texts.characters.empty())  // those of the characters have the names given
        for (std::string* path : {&here.checkpoint, &here.save})
            if (!path->empty()) *path += ".words";
    if (!quick) {
        const NGram ngram(corpus.train, 4, V);
        lesson::Table table{.caption = "Perplexity by counts", .header = {"n", "validation", "test"}};
        for (int n = 1; n <= 4; n++)
            table.rows.push_back(
                {fmt::format("{}", n), std::exp(ngram.nats(corpus.valid, n)), std::exp(ngram.nats(corpus.test, n))});
        lesson.table(table);
    }
    // The recipe of pytorch/examples' word_language_model: plain SGD at a rate of 20, a quarter of it after each
    // validation that is no better, a validation a pass.
    const int64_t B = 20, T = 35, passes = texts.published ? 6 : 10;
    const int64_t steps = passes * std::max<int64_t>(1, (static_cast<int64_t>(corpus.train.size()) / B - 1) / T);
    const lesson::LanguageModelRun run = {.name = texts.words_name,
                                          .model = {.cell = CellKind::lstm,
                                                    .embedding_size = quick ? 64 : 200,
                                                    .hidden_size = quick ? 64 : 200,
                                                    .num_layers = 2,
                                                    .tied = true,
                                                    .dropout = texts.published ? 0.2 : 0.4},
                                          .training = {.steps = lesson.steps(static_cast<int>(steps), 60),
                                                       .batch = B,
                                                       .length = T,
                                                       .sgd = true,
                                                       .learning_rate = 20,
                                                       .decay = 0.25,
                                                       .max_norm = 0.25},
                                          .validations = passes,
                                          .unit = "word",
                                          .perplexity = true};
    lesson.text(
        fmt::format("{} layers of {} LSTM units on word vectors of {}, tied; dropout of {}; plain SGD, its rate "
                    "cut to a quarter after each validation that brings nothing; {} steps, a pass over the text "
                    "is {}.",
                    run.model.num_layers, run.model.hidden_size, run.model.embedding_size, run.model.dropout,
                    run.training.steps, steps / passes));
    const auto model = lesson::tell_training(lesson, here, corpus, run);

    tell_sentences(lesson, *model, corpus, texts, sentence);

    lesson.section("What it writes, word by word", "RNN Language Model");
    Generator gen(lesson.seed(), 2);
    const Vocabulary& v = corpus.vocabulary;
    const SampleOptions options{.length = quick ? 30 : 120, .top_p = 0.9, .never = v.unk()};
    std::vector<std::string> written = v.decode(sample(*model, {v.id("<eos>")}, options, gen));
    std::replace(written.begin(), written.end(), std::string("<eos>"), std::string("\n"));
    lesson.sample("Nucleus, p = 0.9", readable(written));
    tell_vectors(lesson, *model, corpus);
}

}  // namespace unroll
