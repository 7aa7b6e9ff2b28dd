// ROUGE-N as the book prints it and as rouge-score counts it; ROUGE-L by dynamic programming.
#include "nn/rouge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "tutorials/10_evaluation/chapter.hpp"

namespace unroll {
namespace {

void rouge_by_n(Lesson& lesson) {
    lesson.section("ROUGE-N, twice", "ROUGE Score");
    lesson.equation(
        R"(\text{ROUGE-N} = \frac{\sum_{S \in \text{References}} \sum_{gram_n \in S} \text{Count}_{match}(gram_n)}{\sum_{S \in \text{References}} \sum_{gram_n \in S} \text{Count}(gram_n)})",
        "ROUGE-N = Σ over references S, n-grams of S: matches / Σ over references S, n-grams of S: count");
    lesson.text(
        "Summaries are judged by recall: how much of what should be said was said. The book's formula, Lin's of 2004, "
        "adds matches and counts up over the references, as his script still does where it isn't told otherwise. "
        "Google's rouge-score, which most papers use today, takes precision, recall and F for each reference by "
        "itself, "
        "and of these the reference of the highest F. Where there is one reference, its recall is the book's number; "
        "but what papers report is F.");
    const std::string prediction = "the cat was found under the bed";
    const std::vector<std::string> references = {"the cat was under the bed",
                                                 "the tiny funny cat hid under the big bed"};
    lesson.text("Prediction: `" + prediction + "`.");
    for (int n : {1, 2}) {
        lesson::Table table{.caption = fmt::format("ROUGE-{}", n),
                            .header = {"reference", "n-grams", "matches", "precision", "recall", "F"}};
        double matches = 0, count = 0;
        for (const std::string& reference : references) {
            const RougeScore s = rouge_n(prediction, reference, n);
            const double grams = static_cast<double>(rouge_tokens(reference).size()) - n + 1,
                         matching = s.recall * grams;
            table.rows.push_back({"`" + reference + "`", grams, matching, s.precision, s.recall, s.f});
            matches += matching;
            count += grams;
        }
        const RougeScore best =
            best_reference(references, [&](const std::string& r) { return rouge_n(prediction, r, n); });
        table.rows.push_back({"rouge-score: the best of them", "", "", best.precision, best.recall, best.f});
        const double book = rouge_n_book(prediction, references, n);
        table.rows.push_back({"the book: sums", count, matches, "", book, ""});
        lesson.table(table);
        lesson.check(fmt::format("the book's ROUGE-{} is {:.0f}/{:.0f}", n, matches, count), book - matches / count,
                     1e-12);
    }
    lesson.text(
        "Words are runs of a-z and 0-9 after lower-casing. Everything else separates, letters with accents too: "
        "`naïve` becomes `na ve`. For German that is "
        "a defect, and part of the definition.");
}

Lines words_of(const std::string& text) {
    std::istringstream stream(text);
    Lines words;
    for (std::string word; stream >> word;) words.push_back(word);
    return words;
}

void rouge_by_lcs(Lesson& lesson, const std::string& data) {
    lesson.section("ROUGE-L", "ROUGE Score");
    lesson.equation(
        R"(L_{i,j} = \begin{cases} 0 & i = 0 \text{ or } j = 0 \\ L_{i-1,j-1} + 1 & a_i = b_j \\ \max(L_{i-1,j}, L_{i,j-1}) & \text{else} \end{cases})",
        "L[i, j] = 0 at the edge; L[i-1, j-1] + 1 where a_i = b_j; else max(L[i-1, j], L[i, j-1])");
    lesson.text(
        "The longest common subsequence: as many words as possible that both texts have in the same order, gaps "
        "allowed. It needs no n. Trying all subsequences takes $2^m$ steps; the table "
        "takes $m \\cdot n$, because the answer for two beginnings follows from those for shorter ones.");
    const std::string a = "police killed the gunman", b = "the gunman police killed today";
    const Lines row = words_of(a), column = words_of(b);
    Tensor table = Tensor::zeros(
        {{static_cast<int64_t>(row.size()) + 1, 'a'}, {static_cast<int64_t>(column.size()) + 1, 'b'}}, DType::f64);
    for (size_t i = 1; i <= row.size(); i++)
        for (size_t j = 1; j <= column.size(); j++) {
            const auto y = static_cast<int64_t>(i), x = static_cast<int64_t>(j);
            table.set({y, x}, row[i - 1] == column[j - 1] ? table.at({y - 1, x - 1}) + 1
                                                          : std::max(table.at({y - 1, x}), table.at({y, x - 1})));
        }
    Lines row_labels = row, column_labels = column;
    row_labels.insert(row_labels.begin(), "");
    column_labels.insert(column_labels.begin(), "");
    lesson.heatmap({.title = "Lengths of the longest common subsequences of beginnings",
                    .values = table,
                    .row_axis = "a",
                    .column_axis = "b",
                    .row_labels = row_labels,
                    .column_labels = column_labels,
                    .caption = "Walking back from the corner, up or left where the number stays and diagonally where "
                               "it doesn't, gives the subsequence."});
    lesson.show("L", table);
    lesson.check("the corner is what the library finds",
                 table.at({4, 5}) == static_cast<double>(longest_common_subsequence(rouge_tokens(a), rouge_tokens(b))));
    lesson.text(
        "Lin's example: two candidates, both two words away from the reference `police killed the gunman`. Pairs can't "
        "tell them apart, order can.");
    lesson::Table told{.caption = "F of each", .header = {"candidate", "ROUGE-1", "ROUGE-2", "ROUGE-L"}};
    std::vector<double> f;
    for (const std::string candidate : {"police kill the gunman", "the gunman kill police"}) {
        told.rows.push_back(
            {"`" + candidate + "`", rouge_n(candidate, a, 1).f, rouge_n(candidate, a, 2).f, rouge_l(candidate, a).f});
        f.push_back(rouge_l(candidate, a).f);
    }
    lesson.table(told);
    double worst = 0;
    for (const Lines& expected : rows_of(data + "/metric-vectors/rouge.tsv"))
        if (expected[0] == "own-r1" || expected[0] == "own-r2")
            if (expected[1] == "rougeL")
                worst = std::max(worst, std::abs(rouge_l(expected[6], expected[5]).f - std::stod(expected[4])));
    lesson.check("both ROUGE-L as in data/metric-vectors", worst, 1e-9);
    lesson.check("ROUGE-L prefers the one that says the same", f[0] > f[1]);

    lesson.text(
        "*ROUGE-Lsum* is for summaries of several sentences, a line each. Each sentence of the reference is compared "
        "with each of the prediction, and counts with the words that are in "
        "any of these subsequences. So the order of sentences no longer matters.");
    const std::string one = "the cat was found\na dog barked", two = "a dog barked\nthe cat was found";
    lesson.table({.caption = "Two sentences exchanged",
                  .header = {"", "precision", "recall", "F"},
                  .rows = {{"ROUGE-L", rouge_l(one, two).precision, rouge_l(one, two).recall, rouge_l(one, two).f},
                           {"ROUGE-Lsum", rouge_lsum(one, two).precision, rouge_lsum(one, two).recall,
                            rouge_lsum(one, two).f}}});
    lesson.check("exchanging sentences costs ROUGE-L and not ROUGE-Lsum",
                 rouge_l(one, two).f < 1 && rouge_lsum(one, two).f == 1);
}

}  // namespace

void tell_rouge(Lesson& lesson, const EvaluationOptions& options) {
    rouge_by_n(lesson);
    rouge_by_lcs(lesson, options.data);
}

}  // namespace unroll
