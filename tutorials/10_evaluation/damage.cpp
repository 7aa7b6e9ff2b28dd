// What the metrics see of which mistakes: a novel's sentences, damaged in known ways.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "core/file.hpp"
#include "nn/error_rates.hpp"
#include "nn/rouge.hpp"
#include "tutorials/10_evaluation/chapter.hpp"

namespace unroll {

std::string join(const Lines& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
    return text;
}

std::vector<Lines> sentences_of(const std::string& data) {
    std::istringstream stream(read_file(data + "/austen/valid.txt"));
    std::vector<Lines> sentences;
    Lines sentence;
    for (std::string word; stream >> word;) {
        sentence.push_back(word);
        const bool ends = std::string(".!?").find(word.back()) != std::string::npos && word != "Mr." && word != "Mrs.";
        if (!ends) continue;
        if (sentence.size() >= 8 && sentence.size() <= 40) sentences.push_back(sentence);
        sentence.clear();
    }
    if (sentences.size() < 400)
        throw Error("{}/austen/valid.txt: {} sentences, at least 400 are needed", data, sentences.size());
    return sentences;
}

std::string damaged(const Lines& words, Damage damage, double share, const std::vector<Lines>& others, Generator& gen) {
    Lines result;
    for (size_t i = 0; i < words.size(); i++) {
        if (gen.uniform() >= share) {
            result.push_back(words[i]);
        } else if (damage == Damage::replace) {
            const Lines& other = others[static_cast<size_t>(gen.below(static_cast<int64_t>(others.size())))];
            result.push_back(other[static_cast<size_t>(gen.below(static_cast<int64_t>(other.size())))]);
        } else if (damage == Damage::swap && i + 1 < words.size()) {
            result.push_back(words[i + 1]);
            result.push_back(words[i++]);
        } else if (damage == Damage::repeat) {
            result.push_back(words[i]);
            result.push_back(words[i]);
        } else if (damage == Damage::swap) {
            result.push_back(words[i]);
        }
    }
    return join(result);
}

namespace {

constexpr std::array<std::pair<const char*, Damage>, 4> kinds = {{{"replaced", Damage::replace},
                                                                  {"dropped", Damage::drop},
                                                                  {"swapped", Damage::swap},
                                                                  {"repeated", Damage::repeat}}};

struct Scores {
    double bleu, bleu_1, rouge_1, rouge_2, rouge_l, word_errors, exact;
};

Scores score(const Lines& hypotheses, const Lines& references) {
    Scores s = {};
    s.bleu = Bleu().corpus(hypotheses, {references}).score;
    s.bleu_1 = Bleu({.max_n = 1}).corpus(hypotheses, {references}).score;
    Edits edits;
    Tokens a, b;
    for (size_t i = 0; i < hypotheses.size(); i++) {
        const double share = 100 / static_cast<double>(hypotheses.size());
        s.rouge_1 += share * rouge_n(hypotheses[i], references[i], 1).f;
        s.rouge_2 += share * rouge_n(hypotheses[i], references[i], 2).f;
        s.rouge_l += share * rouge_l(hypotheses[i], references[i]).f;
        tokenise(hypotheses[i], Tokeniser::none, a);
        tokenise(references[i], Tokeniser::none, b);
        edits += edit_distance(a, b);
    }
    s.word_errors = 100 * edits.rate();
    s.exact = 100 * exact_match(hypotheses, {references});
    return s;
}

}  // namespace

void tell_damage(Lesson& lesson, const EvaluationOptions& options) {
    lesson.section("What metrics see", "Evaluation Metrics");
    std::vector<Lines> sentences = sentences_of(options.data);
    if (lesson.quick()) sentences.resize(std::min<size_t>(sentences.size(), 400));
    Lines references;
    for (const Lines& sentence : sentences) references.push_back(join(sentence));
    lesson.text(
        fmt::format("{} sentences of a novel are the references. The \"translations\" are the same sentences with a "
                    "known share of their words damaged, in four ways: a word is replaced by one from elsewhere "
                    "in the novel, dropped, exchanged with the next, or said twice. No system makes just these "
                    "mistakes; but here it is known how bad a text is.",
                    sentences.size()));
    const std::vector<double> shares = {0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5};
    lesson::Plot bleu{
        .title = "BLEU of damaged sentences",
        .x = "share of damaged words",
        .y = "BLEU",
        .caption = "A tenth of the words costs far more than a tenth of the score: a wrong word spoils four 4-grams."};
    lesson::Table table{
        .caption = "Damaged at a fifth of the places. ROUGE as F; all of 100",
        .header = {"words", "BLEU", "BLEU, N = 1", "ROUGE-1", "ROUGE-2", "ROUGE-L", "word errors", "exact"}};
    Scores at_fifth[4] = {};
    std::string samples;
    for (size_t k = 0; k < kinds.size(); k++) {
        lesson::Series series{.name = kinds[k].first};
        for (double share : shares) {
            Generator gen(lesson.seed(), 10 + k);
            Lines hypotheses;
            for (const Lines& sentence : sentences)
                hypotheses.push_back(damaged(sentence, kinds[k].second, share, sentences, gen));
            series.x.push_back(share);
            series.y.push_back(Bleu().corpus(hypotheses, {references}).score);
            if (share != 0.2) continue;
            const Scores s = at_fifth[k] = score(hypotheses, references);
            table.rows.push_back(
                {kinds[k].first, s.bleu, s.bleu_1, s.rouge_1, s.rouge_2, s.rouge_l, s.word_errors, s.exact});
            samples += fmt::format("{}: {}\n", kinds[k].first, hypotheses[20]);
        }
        bleu.series.push_back(series);
    }
    lesson.sample("One of them", fmt::format("reference: {}\n{}", references[20], samples));
    lesson.plot(bleu);
    lesson.table(table);
    for (size_t k = 0; k < kinds.size(); k++)
        lesson.result(fmt::format("bleu_fifth_{}", kinds[k].first), at_fifth[k].bleu);
    lesson.check("exchanged words cost nothing of BLEU with N = 1 and of ROUGE-1",
                 std::abs(at_fifth[2].bleu_1 - 100) < 0.5 && std::abs(at_fifth[2].rouge_1 - 100) < 0.5);
    lesson.check("and more of ROUGE-2, which counts pairs, than any other damage",
                 std::all_of(std::begin(at_fifth), std::end(at_fifth),
                             [&](const Scores& s) { return at_fifth[2].rouge_2 <= s.rouge_2; }));
    lesson.check("a perfect text scores 100", Bleu().corpus(references, {references}).score - 100, 1e-9);
    lesson.text(
        "Exchanging words leaves every count of single words as it was, and spoils more pairs than anything else. "
        "Dropping words leaves precision high and pays by the brevity penalty. "
        "And none of these numbers knows whether the word that was dropped is `not`: they measure likeness to a "
        "reference, and meaning only as far as the two go together.");
}

}  // namespace unroll
