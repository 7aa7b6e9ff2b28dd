// BLEU from its clipped counts to the corpus, and what tokens do to it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

#include "core/file.hpp"
#include "tutorials/10_evaluation/chapter.hpp"

namespace unroll {

std::vector<Lines> rows_of(const std::string& path) {
    std::vector<Lines> rows;
    std::istringstream file(read_file(path));
    for (std::string line; std::getline(file, line);) {
        rows.emplace_back();
        for (size_t begin = 0, end; begin <= line.size(); begin = end + 1) {
            end = std::min(line.find('\t', begin), line.size());
            rows.back().push_back(line.substr(begin, end - begin));
        }
    }
    return rows;
}

namespace {

/// The n-grams of words between blanks, with their counts, in the order in which they come.
std::vector<std::pair<std::string, int>> count_ngrams(const std::string& text, size_t n) {
    std::istringstream stream(text);
    Lines words;
    for (std::string word; stream >> word;) words.push_back(word);
    std::vector<std::pair<std::string, int>> counts;
    for (size_t i = 0; i + n <= words.size(); i++) {
        const std::string gram =
            join({words.begin() + static_cast<std::ptrdiff_t>(i), words.begin() + static_cast<std::ptrdiff_t>(i + n)});
        const auto known = std::find_if(counts.begin(), counts.end(), [&](const auto& c) { return c.first == gram; });
        if (known == counts.end())
            counts.emplace_back(gram, 1);
        else
            known->second++;
    }
    return counts;
}

int count_of(const std::string& gram, const std::string& text, size_t n) {
    for (const auto& [other, count] : count_ngrams(text, n))
        if (other == gram) return count;
    return 0;
}

void clipped_counts(Lesson& lesson) {
    lesson.section("Clipped counts", "BLEU Score");
    lesson.equation(
        R"(p_n = \frac{\sum_g \min\left(\text{count}(g, \text{hypothesis}),\ \max_r \text{count}(g, \text{reference}_r)\right)}{\sum_g \text{count}(g, \text{hypothesis})})",
        "p_n = Σ_g min(count of g in the hypothesis, largest count of g in a reference) / Σ_g count of g in the "
        "hypothesis");
    lesson.text(
        "Precision asks how much of what was said is right: how many of the hypothesis's n-grams (stretches of n "
        "words) are in a "
        "reference. Taken as it stands it is easily fooled, by saying a word that is right again and again. So each "
        "n-gram counts at "
        "most as often as in the reference that has it most often.");
    const std::string hypothesis = "the cat the cat the mat", first = "the cat is on the mat",
                      second = "there is a cat on the mat";
    lesson.text("Hypothesis: `" + hypothesis + "`. References: `" + first + "` and `" + second + "`.");
    const Bleu bleu({.tokeniser = Tokeniser::none, .max_n = 2});
    const BleuScore score = bleu.corpus({hypothesis}, {{first}, {second}});
    for (size_t n : {size_t{1}, size_t{2}}) {
        lesson::Table table{.caption = fmt::format("n = {}", n),
                            .header = {"n-gram", "in the hypothesis", "reference 1", "reference 2", "counts"}};
        double matches = 0, total = 0;
        for (const auto& [gram, count] : count_ngrams(hypothesis, n)) {
            const int a = count_of(gram, first, n), b = count_of(gram, second, n),
                      clipped = std::min(count, std::max(a, b));
            table.rows.push_back({gram, count, a, b, clipped});
            matches += clipped;
            total += count;
        }
        table.rows.push_back({"sum", total, "", "", matches});
        lesson.table(table);
        lesson.check(fmt::format("the library counts the same for n = {}: {} of {}", n, matches, total),
                     score.matches[n - 1] == matches && score.totals[n - 1] == total);
    }
}

void brevity(Lesson& lesson) {
    lesson.section("The brevity penalty", "BLEU Score");
    lesson.equation(R"(\text{BP} = \begin{cases} 1 & c \ge r \\ e^{1 - r/c} & c < r \end{cases})",
                    "BP = 1 where c >= r, e^(1 - r/c) where c < r");
    lesson.text(
        "Who says little says little that is wrong. `the cat` is flawless as to its n-grams, as a translation it "
        "isn't. Recall would be the "
        "remedy, but with several references nobody wants all their words at once. BLEU punishes shortness instead: c "
        "is the length of all hypotheses "
        "together, r that of the references, of several the one whose length is closest (of two as close, the "
        "shorter).");
    lesson::Series penalty{.name = "BP"}, share{.name = "c / r, for comparison"};
    for (int i = 1; i <= 150; i++) {
        const double x = i / 100.0;
        penalty.x.push_back(x);
        penalty.y.push_back(x >= 1 ? 1 : std::exp(1 - 1 / x));
        share.x.push_back(x);
        share.y.push_back(std::min(1.0, x));
    }
    lesson.plot({.title = "The brevity penalty",
                 .x = "c / r",
                 .y = "factor",
                 .series = {penalty, share},
                 .caption = "Near 1 it takes away about as much as is missing; half a text keeps a third of its score, "
                            "a tenth nothing. Length beyond r "
                            "isn't rewarded: too many words cost precision."});
    const std::string reference = "the cat is on the mat near the door";
    lesson::Table table{.caption = "The same reference of 9 words, and how much of it is said",
                        .header = {"hypothesis", "c", "$p_1$", "$p_2$", "BP", "BLEU, N = 2"}};
    const Bleu bleu({.tokeniser = Tokeniser::none, .max_n = 2});
    for (const char* hypothesis :
         {"the cat", "the cat is on", "the cat is on the mat near the", "the cat is on the mat near the door",
          "the cat is on the mat near the door today"}) {
        const BleuScore s = bleu.corpus({hypothesis}, {{reference}});
        table.rows.push_back(
            {hypothesis, s.hypothesis_length, s.precisions[0], s.precisions[1], s.brevity_penalty, s.score});
    }
    lesson.table(table);
    const BleuScore shorter = bleu.corpus({"a b c d"}, {{"a b c d e f"}, {"a b"}});
    lesson.check("of references of 6 and 2 words, to a hypothesis of 4 the shorter is the closest",
                 shorter.reference_length == 2);
}

struct Set {
    Lines hypotheses;
    std::vector<Lines> references;
};

Set set_of(const std::string& data, const std::string& name) {
    Set set;
    for (const Lines& row : rows_of(data + "/metric-vectors/segments.tsv")) {
        if (row[0] != name) continue;
        set.hypotheses.push_back(row[2]);
        set.references.resize(row.size() - 3);
        for (size_t r = 3; r < row.size(); r++) set.references[r - 3].push_back(row[r]);
    }
    if (set.hypotheses.empty()) throw Error("{}/metric-vectors/segments.tsv: has no set {}", data, name);
    return set;
}

std::string over(const std::vector<double>& matches, const std::vector<double>& totals) {
    std::string text;
    for (size_t n = 0; n < matches.size(); n++)
        text += fmt::format("{}{}/{}", n == 0 ? "" : "  ", matches[n], totals[n]);
    return text;
}

void corpus(Lesson& lesson, const std::string& data) {
    lesson.section("A corpus, not sentences", "BLEU Score");
    lesson.equation(R"(\text{BLEU} = \text{BP} \cdot \exp\left(\sum_{n=1}^{N} w_n \log p_n\right))",
                    "BLEU = BP exp(Σ_n w_n log p_n)");
    lesson.text(
        "The $p_n$ are multiplied, each to the power of its weight ($1/4$ for $N = 4$): one order without a match "
        "makes the "
        "product 0. For a single sentence that "
        "is the rule rather than the exception. BLEU is therefore made of the counts of a *corpus*: matches and totals "
        "are added up over all "
        "segments, then divided once. Three segments of two references each, sacreBLEU's own example:");
    const Set set = set_of(data, "sb-readme");
    const Bleu bleu;
    lesson::Table table{.caption =
                            "Matches / n-grams, n = 1 to 4, as 13a cuts. The last column is BLEU of the sentence "
                            "alone, with effective order and smoothing",
                        .header = {"hypothesis", "c", "r", "matches / n-grams", "sentence BLEU"}};
    double mean = 0;
    for (size_t s = 0; s < set.hypotheses.size(); s++) {
        Lines references;
        for (const Lines& stream : set.references) references.push_back(stream[s]);
        const BleuScore score = bleu.sentence(set.hypotheses[s], references);
        table.rows.push_back({set.hypotheses[s], score.hypothesis_length, score.reference_length,
                              over(score.matches, score.totals), score.score});
        mean += score.score / static_cast<double>(set.hypotheses.size());
    }
    const BleuScore score = bleu.corpus(set.hypotheses, set.references);
    table.rows.push_back(
        {"all", score.hypothesis_length, score.reference_length, over(score.matches, score.totals), ""});
    lesson.table(table);
    lesson.table({.caption = "Of the sums",
                  .header = {"$p_1$", "$p_2$", "$p_3$", "$p_4$", "BP", "BLEU", "mean of the sentences"},
                  .rows = {{score.precisions[0], score.precisions[1], score.precisions[2], score.precisions[3],
                            score.brevity_penalty, score.score, mean}}});
    for (const Lines& row : rows_of(data + "/metric-vectors/bleu.tsv"))
        if (row[0] == "sb-readme" && row[1] == "default")
            lesson.check(fmt::format("sacreBLEU says {}", row[2]), score.score - std::stod(row[2]), 1e-9);
    lesson.check("the mean of the sentences is another number", std::abs(mean - score.score) > 0.1);
    lesson.text(
        "`build/tutorials/score bleu HYP REF...` prints it for any files, with the signature that tells how: `" +
        bleu.signature(2) + "`.");

    lesson.text(
        "*Averaged sentence BLEU* also ranks differently: it lets a sentence of two words count as much as one of "
        "forty. Below, one system is good at "
        "the long sentence and the other at three short ones.");
    const Lines reference = {"a b c d e f g h i j k l m n o p q r s t", "u v w x", "y z u v", "w x y z"};
    const Lines good_at_long = {reference[0], "u v w v", "y z u u", "w x y y"};
    const Lines good_at_short = {"a b c d x f g h x j k l x n o x q r x t", reference[1], reference[2], reference[3]};
    lesson::Table ranks{.caption = "Two systems, and who is the better one",
                        .header = {"", "corpus BLEU", "mean of sentence BLEU"}};
    std::vector<double> of_corpus, of_sentences;
    for (const auto& [name, system] :
         {std::pair{"good at the long sentence", good_at_long}, {"good at short ones", good_at_short}}) {
        of_corpus.push_back(bleu.corpus(system, {reference}).score);
        double sum = 0;
        for (size_t s = 0; s < system.size(); s++)
            sum += bleu.sentence(system[s], {reference[s]}).score / static_cast<double>(system.size());
        of_sentences.push_back(sum);
        ranks.rows.push_back({name, of_corpus.back(), sum});
    }
    lesson.table(ranks);
    lesson.check("corpus and mean disagree on who is better",
                 (of_corpus[0] > of_corpus[1]) != (of_sentences[0] > of_sentences[1]));

    lesson.section("Smoothing", "BLEU Score");
    lesson.text(
        "A sentence without a 4-gram in common, and what stands for its $p_4 = 0$. Four methods, four scores: one more "
        "thing that the signature has to tell.");
    lesson::Table smoothing{.caption = "`the cat sat on a mat` against `the cat is on the mat`",
                            .header = {"smoothing", "$p_1$", "$p_2$", "$p_3$", "$p_4$", "BLEU"}};
    std::vector<double> scores;
    for (const auto& [name, method] : {std::pair{"none", Smoothing::none},
                                       {"floor, 0.1", Smoothing::floor},
                                       {"add-k, 1", Smoothing::add_k},
                                       {"exp", Smoothing::exp}}) {
        const BleuScore s = Bleu({.smoothing = method}).sentence("the cat sat on a mat", {"the cat is on the mat"});
        smoothing.rows.push_back({name, s.precisions[0], s.precisions[1], s.precisions[2], s.precisions[3], s.score});
        scores.push_back(s.score);
    }
    lesson.table(smoothing);
    std::sort(scores.begin(), scores.end());
    lesson.check("no two of them agree", std::adjacent_find(scores.begin(), scores.end()) == scores.end());
}

void tokens(Lesson& lesson, const std::string& data) {
    lesson.section("What a token is", "BLEU Score");
    lesson.text(
        "The same sentences, the same references. `none` takes what stands between blanks, so that `mat.` and `mat` "
        "are two words; 13a sets "
        "punctuation apart; `char` takes single characters. Scores of different tokens can't be compared, nor can "
        "those of lower-cased text, nor "
        "of text that was tokenised before (`do n't`) with those of text as it is written.");
    const Set set = set_of(data, "own-en");
    lesson::Table table{.caption = "Eight sentences, two references each", .header = {"BLEU", "c", "r", "signature"}};
    std::vector<double> scores;
    for (const BleuOptions& options :
         {BleuOptions{}, BleuOptions{.lowercase = true}, BleuOptions{.tokeniser = Tokeniser::none},
          BleuOptions{.tokeniser = Tokeniser::characters}}) {
        const Bleu bleu(options);
        const BleuScore s = bleu.corpus(set.hypotheses, set.references);
        table.rows.push_back(
            {s.score, s.hypothesis_length, s.reference_length, "`" + bleu.signature(set.references.size()) + "`"});
        scores.push_back(s.score);
    }
    lesson.table(table);
    lesson.result("bleu_13a", scores[0]);
    lesson.result("bleu_13a_lowercase", scores[1]);
    lesson.result("bleu_none", scores[2]);
    lesson.result("bleu_char", scores[3]);
    const double apart =
        *std::max_element(scores.begin(), scores.end()) - *std::min_element(scores.begin(), scores.end());
    lesson.check("tokens alone move the score by more than most papers' improvements, 1", apart > 1);
    lesson.sample("What 13a does", "He paid $1,234.50 for 3.5 kg of tea-leaves (2019-2020).\n" +
                                       tokenise_13a("He paid $1,234.50 for 3.5 kg of tea-leaves (2019-2020)."));
}

}  // namespace

void tell_bleu(Lesson& lesson, const EvaluationOptions& options) {
    clipped_counts(lesson);
    brevity(lesson);
    corpus(lesson, options.data);
    tokens(lesson, options.data);
}

}  // namespace unroll
