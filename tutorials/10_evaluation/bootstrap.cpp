// How far a score would move on other sentences, and whether a difference between two systems is one.
#include "nn/bootstrap.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tutorials/10_evaluation/chapter.hpp"

namespace unroll {
namespace {

/// BLEU's counts of a system that has about this share of the words wrong; up to twice as many in sentences that are
/// hard, and these are the same for all systems.
SegmentCounts counts_of(const std::vector<Lines>& sentences, const Lines& references, double share, uint64_t seed,
                        uint64_t stream) {
    Generator gen(seed, stream), hard(seed, 1);
    Lines hypotheses;
    for (const Lines& sentence : sentences)
        hypotheses.push_back(damaged(sentence, Damage::replace, share * hard.uniform(0, 2), sentences, gen));
    return Bleu().counts(hypotheses, {references});
}

double bleu_of(const std::vector<double>& sum) { return Bleu().score(sum).score; }

SegmentCounts first(const SegmentCounts& all, size_t n) {
    return {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(n, all.size()))};
}

}  // namespace

void tell_bootstrap(Lesson& lesson, const EvaluationOptions& options) {
    std::vector<Lines> sentences = sentences_of(options.data);
    if (lesson.quick()) sentences.resize(std::min<size_t>(sentences.size(), 400));
    Lines references;
    for (const Lines& sentence : sentences) references.push_back(join(sentence));
    const int samples = lesson.quick() ? 100 : 1000;
    const uint64_t seed = lesson.seed();

    lesson.section("How sure is a score?", "Evaluation Metrics");
    lesson.text(fmt::format(
        "A test set is a sample, and another one would have given another score. How far another? There is only the "
        "one; so draw from it: as many segments as it has, with replacement, and score them; {} times. The middle 95 % "
        "of these scores are a confidence interval (the *bootstrap*). BLEU isn't a mean of "
        "sentences, so what is drawn are the segments' counts, and each sample is scored from their sum.",
        samples));
    const SegmentCounts worse = counts_of(sentences, references, 0.22, seed, 1),
                        better = counts_of(sentences, references, 0.2, seed, 2);
    lesson::Series width{.name = "measured"}, root{.name = "like 1/√segments"};
    lesson::Table table{
        .caption = fmt::format(
            "A system that has a fifth of its words wrong, judged on more and more sentences; {} samples", samples),
        .header = {"segments", "BLEU", "from", "to", "width"}};
    for (size_t n : {size_t{50}, size_t{100}, size_t{200}, size_t{400}, size_t{800}, size_t{1600}}) {
        if (n > sentences.size()) break;
        const Interval i = bootstrap(first(better, n), bleu_of, {.samples = samples, .seed = seed});
        table.rows.push_back({n, i.score, i.low, i.high, i.high - i.low});
        width.x.push_back(static_cast<double>(n));
        width.y.push_back(i.high - i.low);
        root.x.push_back(static_cast<double>(n));
        root.y.push_back(width.y[0] * std::sqrt(50.0 / static_cast<double>(n)));
    }
    lesson.table(table);
    lesson.plot({.title = "Width of the 95 % interval",
                 .x = "segments",
                 .y = "BLEU",
                 .series = {width, root},
                 .log_x = true,
                 .log_y = true,
                 .caption = "Four times as many sentences halve it."});
    lesson.check("more segments, narrower intervals", width.y.back() < 0.6 * width.y.front());
    lesson.result("interval_width_50", width.y.front());
    lesson.result("interval_width_400", width.y[3]);

    lesson.section("Does it hold what it promises?", "Evaluation Metrics");
    const int trials = lesson.quick() ? 50 : 400;
    const double all = bootstrap(better, bleu_of, {.samples = 1}).score;
    Generator gen(seed, 4);
    int held = 0;
    for (int trial = 0; trial < trials; trial++) {
        SegmentCounts test;
        for (int i = 0; i < 100; i++)
            test.push_back(better[static_cast<size_t>(gen.below(static_cast<int64_t>(better.size())))]);
        const Interval i = bootstrap(test, bleu_of, {.samples = 200, .seed = seed + static_cast<uint64_t>(trial)});
        held += i.low <= all && all <= i.high;
    }
    const double coverage = static_cast<double>(held) / trials;
    lesson.text(
        fmt::format("Here it can be tried. All {} sentences stand for the whole language; {} test sets of 100 are "
                    "drawn from them, and each gives an interval from its own sentences. "
                    "The score of the whole lies in {:.1f} % of the intervals.",
                    better.size(), trials, 100 * coverage));
    lesson.result("interval_coverage", coverage);
    lesson.check("the intervals of 95 % hold the truth in more than 80 %", coverage > 0.8);

    lesson.section("Is one better than the other?", "Evaluation Metrics");
    lesson.text(
        "Two systems: one has a fifth of its words wrong, the other a little more (22 %), and both have most of them "
        "in the same hard sentences. Each one's interval is wide, "
        "since it holds the luck of which sentences were drawn; but that luck is the same for both. So draw the "
        "same segments for both, and look at the *difference* (paired bootstrap; Koehn 2004).");
    lesson::Table pairs{.caption = "The same two systems, judged on more and more sentences. p as sacreBLEU counts it",
                        .header = {"segments", "22 %", "20 %", "difference", "from", "to", "better in", "p"}};
    Comparison last = {};
    for (size_t n : {size_t{50}, size_t{200}, size_t{800}, size_t{3200}}) {
        const size_t used = std::min(n, sentences.size());
        last = paired_bootstrap(first(worse, used), first(better, used), bleu_of, {.samples = samples, .seed = seed});
        pairs.rows.push_back({used, last.a.score, last.b.score, last.difference.score, last.difference.low,
                              last.difference.high, fmt::format("{:.1f} %", 100 * last.b_better), last.p_value});
        if (used < n) break;
    }
    lesson.table(pairs);
    lesson.text(
        "A p of 0.05 says: such a difference would come about in one of twenty draws if the systems were equally good. "
        "Try twenty things and one will look significant. And it says nothing of whether the "
        "difference matters, nor of other seeds: a model trained again with another seed is another system (chapters "
        "02 and 03 show how far apart they fall).");
    lesson.check(
        "drawing the same segments for both makes the difference's interval narrower than either system's",
        last.difference.high - last.difference.low < std::min(last.a.high - last.a.low, last.b.high - last.b.low));
    if (!lesson.quick())
        lesson.check("on all sentences the difference is beyond doubt", last.difference.low > 0 && last.p_value < 0.05);
    lesson.result("difference_all", last.difference.score);
    lesson.result("difference_all_p", last.p_value);
}

}  // namespace unroll
