// P(y | x) as a product, its argmax, and why the length must be counted: a decoder small enough to list all it can say.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/ops/reductions.hpp"
#include "tutorials/09_applications/chapter.hpp"

namespace unroll {
namespace {

const char* const names[] = {"<eos>", "a", "b", "c"};

struct Output {
    std::string text;
    double log_p;
    int64_t length;  // the end counted
};

/// All outputs that end within `most` words, of a decoder whose next word depends on the word before alone; log_p [V,
/// V] its rows. `rest` adds up what has not ended by then.
void list_all(const Tensor& log_p, int64_t before, const Output& so_far, int64_t most, std::vector<Output>& all,
              double& rest) {
    for (int64_t w = 0; w < log_p.dim(1); w++) {
        const Output next{so_far.text + (w == 0 ? "" : names[w]) + (w == 0 ? "" : " "),
                          so_far.log_p + log_p.at({before, w}), so_far.length + 1};
        if (w == 0)
            all.push_back(next);
        else if (next.length < most)
            list_all(log_p, w, next, most, all, rest);
        else
            rest += std::exp(next.log_p);
    }
}

}  // namespace

void tell_scoring(Lesson& lesson) {
    lesson.section("The probability of an output", "Machine Translation");
    lesson.equation(R"(P(y | x) = \prod_{t=1}^{T_y} P(y_t | y_1, \ldots, y_{t-1}, x))",
                    "P(y|x) = Π_t P(y_t | y_1 .. y_{t-1}, x)");
    lesson.text(
        "Translation and summary are the same search: of all outputs $y$ the one that is most probable, given the "
        "input $x$. The decoder of chapter 06 gives a factor a step. Here is one that is small enough to list "
        "everything it can say: three words and the end, the next word depending on the word before alone. Rows are "
        "the word before (first the start), columns the next word.");
    const Tensor logits = Tensor::of({{-1.2, 1.4, 0.8, -0.6},   // the start
                                      {1.2, -2.0, 0.6, 0.8},    // a
                                      {-0.2, 0.1, -2.0, 2.4},   // b
                                      {1.9, -0.3, 0.2, -2.0}},  // c
                                     DType::f64);
    const Tensor log_p = log_softmax(logits);
    lesson.show("log P(next | before)", log_p);
    const int64_t most = 12;
    std::vector<Output> all;
    double rest = 0, total = 0;
    list_all(log_p, 0, {"", 0, 0}, most, all, rest);
    for (const Output& o : all) total += std::exp(o.log_p);
    lesson.text(fmt::format(
        "{} outputs end within {} words. Their probabilities add up to {:.6f}, what goes on to {:.6f}: the end is a "
        "word like every other, and that makes the product over $t$ a distribution over outputs of *all* lengths. "
        "Leave its "
        "factor out, and every output is at least as probable as all that begin with it.",
        all.size(), most, total, rest));
    lesson.check("the probabilities of all outputs add up to 1", total + rest - 1, 1e-12);

    lesson.section("The most probable, and the best", "Text Summarization");
    lesson.equation(R"(y^* = \arg\max_y P(y | x))", "y* = argmax_y P(y|x)");
    lesson.text(
        "Every factor is below 1, so a long output pays for its length whatever it says. Dividing $\\log P$ by a power "
        "of the length, the end counted, gives the mean of a word for the exponent 1, and nothing new for 0.");
    lesson::Table table{.caption = "The best three for each exponent, log P and the score it gives",
                        .header = {"exponent", "output", "words", "log P", "score"}};
    std::vector<std::string> winners;
    for (double exponent : {0.0, 0.6, 1.0}) {
        const auto score = [&](const Output& o) { return o.log_p / std::pow(double(o.length), exponent); };
        std::sort(all.begin(), all.end(), [&](const Output& a, const Output& b) { return score(a) > score(b); });
        winners.push_back(all[0].text);
        for (size_t i = 0; i < 3; i++)
            table.rows.push_back({exponent, all[i].text + "`<eos>`", all[i].length, all[i].log_p, score(all[i])});
    }
    lesson.table(table);
    lesson.check("with the length another output wins", winners.front() != winners.back());
}

}  // namespace unroll
