// A task that needs what comes after: where were the spaces?
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "core/ops/losses.hpp"
#include "data/text.hpp"
#include "nn/embedding.hpp"
#include "nn/linear.hpp"
#include "nn/rnn.hpp"
#include "tutorials/07_advanced/chapter.hpp"
#include "tutorials/07_advanced/contest.hpp"

namespace unroll {
namespace {

/// A sentence without its spaces, small letters a to z only; spaces[t] is 1 where a space stood behind letter t.
struct Sentence {
    std::vector<int32_t> letters, spaces;
};

/// The sentences of 10 to 80 letters.
std::vector<Sentence> sentences(const std::vector<char32_t>& text) {
    std::vector<Sentence> list;
    Sentence s;
    for (char32_t c : text) {
        if (c >= 'A' && c <= 'Z') c += 'a' - 'A';
        if (c >= 'a' && c <= 'z') {
            s.letters.push_back(static_cast<int32_t>(c - 'a'));
            s.spaces.push_back(0);
        } else if (c == '.' || c == '!' || c == '?' || c == ';') {
            if (s.letters.size() >= 10 && s.letters.size() <= 80) {
                s.spaces.back() = 0;
                list.push_back(s);
            }
            s = {};
        } else if (c != '\'' && c != U'’' && !s.letters.empty()) {
            s.spaces.back() = 1;  // a space, a comma, a dash
        }
    }
    return list;
}

constexpr int32_t letters = 26, ignored = -100;

/// Sentences side by side, padded. With `delay` a network answers for a letter that many steps after it.
struct Batch {
    Ids inputs, targets, lengths;  // [T, B], [T, B], [B]
};
Batch batch(const std::vector<const Sentence*>& list, int delay) {
    const auto B = static_cast<int64_t>(list.size());
    size_t T = 0;
    std::vector<int32_t> lengths;
    for (const Sentence* s : list) {
        T = std::max(T, s->letters.size() + static_cast<size_t>(delay));
        lengths.push_back(static_cast<int32_t>(s->letters.size()) + delay);
    }
    const Shape shape{{static_cast<int64_t>(T), 'T'}, {B, 'B'}};
    Batch b{Ids::empty(shape), Ids::empty(shape), Ids(lengths)};
    for (size_t t = 0; t < T; t++)
        for (size_t i = 0; i < list.size(); i++) {
            const Sentence& s = *list[i];
            const size_t answered =
                t - static_cast<size_t>(delay);  // wraps around before the first: not in the sentence
            b.inputs.mutable_data()[t * list.size() + i] = t < s.letters.size() ? s.letters[t] : letters;
            b.targets.mutable_data()[t * list.size() + i] = answered < s.letters.size() ? s.spaces[answered] : ignored;
        }
    return b;
}

/// Embedding, RNN, two scores at each step.
struct Tagger {
    Embedding embedding;
    Rnn rnn;
    Linear out;
    int delay;

    struct Kind {
        const char* name;
        const char* key;
        int64_t units;
        bool both;
        int delay;
    };
    Tagger(const Kind& kind, Generator& gen)
        : embedding({.vocabulary = letters + 1, .embedding_size = 16}, gen),
          rnn({.input_size = 16, .hidden_size = kind.units, .bidirectional = kind.both}, gen),
          out({.in = rnn.output_size(), .out = 2}, gen),
          delay(kind.delay) {}
    std::vector<Parameter> parameters() { return all_parameters({&embedding, &rnn, &out}); }

    /// Without `lengths` the reverse direction reads the padding first.
    Var scores(Tape& tape, const Batch& b, bool with_lengths = true) const {
        const Var x = embedding(tape, b.inputs);
        return out(rnn(x, {.lengths = with_lengths ? b.lengths : Ids()}).y);
    }
};

struct Score {
    double f1, right;  // of the spaces, precision and recall in one; share of letters with the right answer
};
Score judge(const Tagger& tagger, const std::vector<Sentence>& test, size_t most, bool with_lengths = true) {
    double both = 0, said = 0, there = 0, right = 0, all = 0;
    for (size_t begin = 0; begin < std::min(most, test.size()); begin += 64) {
        std::vector<const Sentence*> list;
        for (size_t i = begin; i < std::min(begin + 64, test.size()); i++) list.push_back(&test[i]);
        const Batch b = batch(list, tagger.delay);
        Tape forward_only(Tape::Mode::forward_only);
        const Tensor scores = tagger.scores(forward_only, b, with_lengths).value();
        for (int64_t i = 0; i < b.targets.size(); i++) {
            if (b.targets[i] == ignored) continue;
            const bool space = scores.flat(2 * i + 1) > scores.flat(2 * i), truth = b.targets[i] == 1;
            both += space && truth;
            said += space;
            there += truth;
            right += space == truth;
            all++;
        }
    }
    return {2 * both / std::max(1.0, said + there), right / all};
}

/// The sentence with the spaces that the network puts into it.
std::string read_out(const Tagger& tagger, const Sentence& s) {
    const Batch b = batch({&s}, tagger.delay);
    Tape forward_only(Tape::Mode::forward_only);
    const Tensor scores = tagger.scores(forward_only, b).value();
    std::string text;
    for (size_t t = 0; t < s.letters.size(); t++) {
        text += static_cast<char>('a' + s.letters[t]);
        const int64_t i = static_cast<int64_t>(t) + tagger.delay;
        if (scores.flat(2 * i + 1) > scores.flat(2 * i) && t + 1 < s.letters.size()) text += ' ';
    }
    return text;
}

}  // namespace

void tell_spaces(Lesson& lesson, const std::string& data) {
    lesson.section("A task that needs what comes after", "Bidirectional RNN");
    const TextCorpus corpus = load_text((std::filesystem::path(data) / "austen").string());
    const std::vector<Sentence> learn = sentences(corpus.train), test = sentences(corpus.valid);
    const int steps = lesson.steps(800, 25), seeds = lesson.quick() ? 1 : 3;
    const size_t most = lesson.quick() ? 128 : 2048;
    double there = 0, all = 0;
    for (const Sentence& s : test) {
        for (int32_t space : s.spaces) there += space;
        all += static_cast<double>(s.letters.size());
    }
    lesson.text(fmt::format(
        "Austen's sentences with their spaces taken out: behind which letters did they stand? {} sentences "
        "to learn from, those of another novel to be judged by. Whether `the` is a word depends on whether "
        "`re` follows, so a network that reads forward only has to guess. Whoever always says no is right at "
        "{:.1f} % of the letters and finds no space at all.",
        learn.size(), 100 * (1 - there / all)));
    lesson.text(
        fmt::format("Three networks with about as many parameters, {} steps of 32 sentences, {}. The third reads "
                    "forward too, but answers for each letter three letters later: a cheap way to look ahead.",
                    steps, counted(seeds, "seed")));
    const int64_t scale = lesson.quick() ? 3 : 1;
    const std::vector<Tagger::Kind> kinds{{"forward", "forward", 94 / scale, false, 0},
                                          {"both directions", "both", 64 / scale, true, 0},
                                          {"forward, three letters later", "delayed", 94 / scale, false, 3}};
    lesson::Progress bar(
        {.title = "spaces", .total = static_cast<double>(kinds.size()) * seeds * steps * 32, .unit = "sentences"});
    lesson::Table table{.caption = "Spaces put back into sentences of a novel that was not read",
                        .header = {"network", "parameters", "F1 of the spaces", "letters right"}};
    std::vector<Spread> f1(kinds.size());
    Spread padding_read;
    std::vector<std::vector<std::string>> samples;
    const auto typical =
        std::find_if(test.begin(), test.end(), [](const Sentence& s) { return s.letters.size() > 60; });
    for (size_t k = 0; k < kinds.size(); k++) {
        Spread right;
        int64_t parameters = 0;
        for (int s = 0; s < seeds; s++) {
            const uint64_t seed = lesson.seed() + static_cast<uint64_t>(s);
            Generator weights(seed, 1), order(seed, 2);  // the same sentences for all three
            Tagger tagger(kinds[k], weights);
            parameters = count(tagger.parameters());
            train(
                tagger.parameters(), steps, 3e-3,
                [&](Tape& tape) {
                    std::vector<const Sentence*> list(32);
                    for (const Sentence*& sentence : list)
                        sentence = &learn[static_cast<size_t>(order.below(static_cast<int64_t>(learn.size())))];
                    const Batch b = batch(list, tagger.delay);
                    return cross_entropy(tagger.scores(tape, b), b.targets, {.ignore_index = ignored});
                },
                bar, 32);
            const Score score = judge(tagger, test, most);
            f1[k].values.push_back(score.f1);
            right.values.push_back(score.right);
            if (kinds[k].both) padding_read.values.push_back(judge(tagger, test, most, false).f1);
            if (s == 0 && typical != test.end()) samples.push_back({kinds[k].name, read_out(tagger, *typical)});
        }
        table.rows.push_back({kinds[k].name, parameters, f1[k].text(3), right.text(3)});
    }
    bar.finish();
    lesson.table(table);
    for (size_t k = 0; k < kinds.size(); k++) spread_result(lesson, fmt::format("spaces_{}_f1", kinds[k].key), f1[k]);
    for (const auto& s : samples) lesson.sample(s[0], s[1]);
    const double forward = f1[0].mean(), both = f1[1].mean(), delayed = f1[2].mean();
    if (!lesson.quick() && both > forward)
        lesson.text(fmt::format(
            "The forward network that may wait a little has {:.0f} % of what the reverse direction gains, at less cost "
            "in "
            "other ways too: it can answer while the words come in, three letters late, whereas both directions need "
            "the "
            "whole sentence before the first answer. A language model, which is to predict the next word, can't have a "
            "reverse direction at all: it would be told the answer.",
            100 * (delayed - forward) / (both - forward)));
    lesson.table({.caption = "The same bidirectional networks, judged with and without `lengths`",
                  .header = {"", "F1 of the spaces"},
                  .rows = {{"reverse direction starts at the sentence's own end", f1[1].text(3)},
                           {"reverse direction reads the padding first", padding_read.text(3)}}});
    spread_result(lesson, "spaces_padding_read_f1", padding_read);
    if (lesson.quick()) return;
    lesson.check("both directions find more of the spaces than forward alone", both > forward);
    lesson.check("reading the padding first costs some of them", padding_read.mean() < both);
}

}  // namespace unroll
