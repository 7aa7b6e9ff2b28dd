// Perplexity over batches of unequal size.
#include <fmt/format.h>

#include <cmath>
#include <map>

#include "core/file.hpp"
#include "nn/error_rates.hpp"
#include "tutorials/10_evaluation/chapter.hpp"

namespace unroll {
namespace {

void by_hand(Lesson& lesson) {
    lesson.section("Perplexity over unequal batches", "RNN Language Model");
    lesson.equation(
        R"(\text{perplexity} = \exp\left(-\frac{1}{\text{tokens}} \sum_t \log P(w_t \mid w_1, \ldots, w_{t-1})\right))",
        "perplexity = exp(- mean over all tokens of log P(w_t | w_1, ..., w_{t-1}))");
    lesson.text(
        "A model that gives every token the probability 1/V has the perplexity V: it is as unsure as if it chose among "
        "so many. The mean is over *tokens*. A "
        "program that averages its batches' losses gets something else as soon as batches are unequal, and the last "
        "one nearly always is; one that averages their perplexities, even when they are equal.");
    const double easy = std::log(4.0), hard = std::log(64.0);
    Perplexity right, exchanged;
    right.add(easy, 30), exchanged.add(easy, 2);
    right.add(hard, 2), exchanged.add(hard, 30);
    const double batches = std::exp((easy + hard) / 2), perplexities = (std::exp(easy) + std::exp(hard)) / 2;
    lesson.table({.caption = "A batch of 30 tokens with a perplexity of 4, and one of 2 tokens with 64",
                  .header = {"averaged over", "perplexity", "with the sizes exchanged"},
                  .rows = {{"tokens", right.value(), exchanged.value()},
                           {"batches, then exp", batches, batches},
                           {"the batches' perplexities", perplexities, perplexities}}});
    lesson.check("over tokens it is 4^(30/32) 64^(2/32)",
                 right.value() - std::pow(4.0, 30.0 / 32) * std::pow(64.0, 2.0 / 32), 1e-12);
    lesson.check("here both others are larger", right.value() < batches && batches < perplexities);
    lesson.check("with the sizes exchanged both are smaller", perplexities < exchanged.value());
}

void measured(Lesson& lesson, const std::string& data) {
    lesson.section("Measured on a novel", "RNN Language Model");
    const auto text = [&](const char* name) { return read_file(data + "/austen/" + name); };
    const std::string train = text("train.txt"), valid = text("valid.txt");
    std::vector<double> counts(256, 1);  // bytes, each seen once beforehand
    double total = 256;
    for (char c : train) counts[static_cast<unsigned char>(c)]++, total++;
    Perplexity all;
    double of_lines = 0, of_perplexities = 0, lines = 0, words = 0;
    std::map<int, Perplexity> grouped;
    for (size_t begin = 0, end; begin < valid.size(); begin = end + 1) {
        end = std::min(valid.find('\n', begin), valid.size());
        double nats = 0;
        for (size_t i = begin; i < end; i++) {
            nats -= std::log(counts[static_cast<unsigned char>(valid[i])] / total);
            words += valid[i] == ' ' || i + 1 == end;
        }
        const auto length = static_cast<double>(end - begin);
        if (length == 0) continue;
        all.add(nats / length, static_cast<int64_t>(length));
        of_lines += nats / length;
        of_perplexities += std::exp(nats / length);
        lines++;
    }
    lesson.text(
        "The plainest model there is, how often each character occurs in four of Austen's novels, and another novel "
        "line by line. Lines are the batches: "
        "chapter headings of a dozen characters, and paragraphs of a thousand.");
    lesson.table({.caption = fmt::format("{:.0f} lines, {} characters", lines, all.tokens()),
                  .header = {"averaged over", "nats", "perplexity"},
                  .rows = {{"characters", all.nats(), all.value()},
                           {"lines, then exp", of_lines / lines, std::exp(of_lines / lines)},
                           {"the lines' perplexities", "", of_perplexities / lines}}});
    lesson.result("perplexity_over_characters", all.value());
    lesson.result("perplexity_over_lines", std::exp(of_lines / lines));
    lesson.text(
        "*Per what?* The same model has other perplexities per word: the sum of the nats is the same, the number it is "
        "divided by isn't. Compare models only where they predict the "
        "same text in the same units, all of it: a word model that may say `<unk>` hasn't predicted the word.");
    const double characters = static_cast<double>(all.tokens());
    lesson.table(
        {.caption = "One model, one text",
         .header = {"unit", "units", "nats each", "bits each", "perplexity"},
         .rows = {{"character", characters, all.nats(), all.nats() / std::log(2.0), all.value()},
                  {"word", words, all.nats() * characters / words, all.nats() * characters / words / std::log(2.0),
                   std::exp(all.nats() * characters / words)}}});
    lesson.check("the mean over lines is not the mean over characters", std::abs(of_lines / lines - all.nats()) > 1e-3);
}

}  // namespace

void tell_perplexity(Lesson& lesson, const EvaluationOptions& options) {
    by_hand(lesson);
    measured(lesson, options.data);
}

}  // namespace unroll
