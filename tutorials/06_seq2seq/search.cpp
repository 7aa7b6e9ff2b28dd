// The most probable output: greedy, beam search, and everything there is; what the length does.
#include <fmt/format.h>

#include <cmath>

#include "nn/decode.hpp"
#include "tutorials/06_seq2seq/beam_tree.hpp"
#include "tutorials/06_seq2seq/chapter.hpp"

namespace unroll {
namespace {

constexpr int V = 5, bos = 0, eos = 1;
const char* const words[V] = {"<s>", "</s>", "the", "a", "cat"};

/// P(next word | word before): a model small enough to follow by hand.
constexpr double next[V][V] = {{0, 0, 0.55, 0.45, 0},     // at the start
                               {0, 1, 0, 0, 0},           // (nothing follows the end)
                               {0, 0.1, 0.1, 0.3, 0.5},   // after "the" it does not know
                               {0, 0.05, 0.05, 0, 0.9},   // after "a" comes "cat"
                               {0, 0.7, 0.05, 0.25, 0}};  // and then the end, or another one

Tensor step(const Ids& before, const Ids&) {
    Tensor scores = Tensor::empty({{before.size(), 'N'}, {V, 'V'}}, DType::f64);
    for (int64_t n = 0; n < before.size(); n++)
        for (int64_t v = 0; v < V; v++) scores.set({n, v}, std::log(next[before[n]][v]));
    return scores;
}

std::string text(const std::vector<int32_t>& ids, bool ended) {
    std::string line;
    for (int32_t w : ids) line += std::string(words[w]) + " ";
    return line + (ended ? words[eos] : "..");
}

/// Calls f(words, log P, ended) for every output of at most `longest` words.
template <class F>
void each_output(std::vector<int32_t>& so_far, double log_p, int longest, F f) {
    const int before = so_far.empty() ? bos : so_far.back();
    for (int v = 0; v < V; v++) {
        if (next[before][v] == 0) continue;
        const double p = log_p + std::log(next[before][v]);
        if (v == eos) {
            f(so_far, p, true);
            continue;
        }
        so_far.push_back(v);
        if (int(so_far.size()) == longest)
            f(so_far, p, false);
        else
            each_output(so_far, p, longest, f);
        so_far.pop_back();
    }
}

void greedy_and_beam(Lesson& lesson) {
    lesson.section("Looking for the best output", "Beam Search");
    lesson.text(
        "A trained decoder gives the probability of any output, a product over its words. Which output is the most "
        "probable? There are up to $V^{T_y}$ of them, of $T_y$ words at most (fewer where outputs end early or a word "
        "has probability 0). *Greedy* "
        "search takes the most probable word at each step and never "
        "looks back; *beam search* keeps the $k$ best beginnings and extends them all.");
    lesson.equation(R"(\mathcal{H}_t = \text{top-}k \{ h \oplus y_t : h \in \mathcal{H}_{t-1},\ y_t \in V \})",
                    "H_t = top-k { h ⊕ y_t : h ∈ H_{t-1}, y_t ∈ V }");
    lesson.equation(R"(\log P(h \oplus y_t) = \log P(h) + \log P(y_t \mid h))",
                    "log P(h ⊕ y_t) = log P(h) + log P(y_t | h)");
    lesson.text("A model of five words that can be followed by hand:");
    lesson::Table table{.caption = "P(next word | word before)",
                        .header = {"after", words[1], words[2], words[3], words[4]}};
    for (int w : {0, 2, 3, 4}) table.rows.push_back({words[w], next[w][1], next[w][2], next[w][3], next[w][4]});
    lesson.table(table);
    constexpr int longest = 5;
    std::vector<int32_t> so_far, best_words;
    double best = -INFINITY;
    int outputs = 0;
    each_output(so_far, 0, longest, [&](const std::vector<int32_t>& w, double log_p, bool ended) {
        outputs++;
        if (log_p <= best) return;
        best = log_p;
        best_words = w;
        if (ended) best_words.push_back(eos);
    });
    DecodeOptions o{.start = bos, .end = eos, .max_length = longest, .exponent = 0};
    lesson::Table found{.caption = "What is found", .header = {"search", "output", "log P"}};
    const auto row = [&](const std::string& name, const Hypothesis& h) {
        found.rows.push_back({name, text(h.words, h.ended), h.log_prob});
        return h.log_prob;
    };
    const double greedy = row("greedy", greedy_search(step, 1, o)[0]);
    std::vector<double> of_width;
    Decoded three;
    for (int64_t k : {1, 2, 3, 3125}) {
        o.beam_width = k;
        Decoded d = beam_search(step, 1, o)[0];
        of_width.push_back(row(fmt::format("beam {}", k), d.best[0]));
        if (k == 3) three = d;
    }
    std::vector<int32_t> inner(best_words.begin(), best_words.end() - (best_words.back() == eos));
    found.rows.push_back({fmt::format("all {} outputs", outputs), text(inner, best_words.back() == eos), best});
    lesson.table(found);
    lesson.tree(beam_tree("The beam, three wide", three, o, [](int32_t w) { return std::string(words[w]); }));
    lesson.check("greedy search is beam search one wide", greedy - of_width[0], 1e-14);
    lesson.check("greedy search misses the best output", greedy < best - 0.1);
    lesson.check("a beam as wide as all outputs, $V^{T_y}$, finds the best", of_width.back() - best, 1e-14);
    lesson.text(
        "Greedy takes *the*, the likelier beginning, and has to live with what follows. Whatever has ended keeps its "
        "place in the beam and is never extended; the search ends when nothing that goes on can become better than "
        "what has ended, or at the longest length, where the best of all is taken, ended or not.");
}

void length(Lesson& lesson) {
    lesson.section("The length", "Beam Search");
    lesson.text(
        "Every word makes an output less probable, so $\\log P$ prefers short ones, and the wider the beam the more of "
        "them it finds. The usual remedy compares $\\log P$ per length, or GNMT's gentler form:");
    lesson.equation(
        R"(\mathrm{score}(y) = \frac{\log P(y \mid x)}{|y|^\alpha} \qquad \text{or} \qquad \frac{\log P(y \mid x)}{((5 + |y|) / 6)^\alpha})",
        "score(y) = log P(y | x) / |y|^α   or   log P(y | x) / ((5 + |y|) / 6)^α");
    lesson::Table table{.caption = "The best of all outputs by score, beam as wide as all",
                        .header = {"exponent α", "by $|y|^\\alpha$", "|y|", "GNMT", "|y| "}};
    double shortest = 99, longest = 0;
    for (double alpha : {0.0, 0.5, 1.0, 2.0}) {
        std::vector<lesson::Cell> cells = {fmt::format("{}", alpha)};
        for (LengthPenalty penalty : {LengthPenalty::plain, LengthPenalty::gnmt}) {
            const Hypothesis h = beam_search(step, 1,
                                             {.start = bos,
                                              .end = eos,
                                              .max_length = 6,
                                              .beam_width = 15625,
                                              .penalty = penalty,
                                              .exponent = alpha})[0]
                                     .best[0];
            cells.emplace_back(text(h.words, h.ended));
            cells.emplace_back(h.log_probs.size());
            shortest = std::min(shortest, double(h.log_probs.size()));
            longest = std::max(longest, double(h.log_probs.size()));
        }
        table.rows.push_back(cells);
    }
    lesson.table(table);
    lesson.check("a large exponent prefers longer outputs", longest > shortest);
    lesson.text("The exponent belongs to model and data: it is chosen on validation text, like the width of the beam.");
}

}  // namespace

void tell_search(Lesson& lesson) {
    greedy_and_beam(lesson);
    length(lesson);
}

}  // namespace unroll
