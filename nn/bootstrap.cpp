#include "nn/bootstrap.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace unroll {
namespace {

void check(const SegmentCounts& segments, const BootstrapOptions& options, Where at) {
    if (segments.empty()) fail("bootstrap", at, "no segments");
    for (const std::vector<double>& row : segments)
        if (row.size() != segments[0].size())
            fail("bootstrap", at, "rows of {} and of {} numbers", segments[0].size(), row.size());
    if (options.samples < 1) fail("bootstrap", at, "samples is {}, expected 1 or more", options.samples);
    if (!(options.confidence > 0 && options.confidence < 1))
        fail("bootstrap", at, "confidence is {}, expected between 0 and 1", options.confidence);
}

double score_all(const SegmentCounts& segments, const ScoreOfSum& score) {
    std::vector<double> sum(segments[0].size());
    for (const std::vector<double>& row : segments)
        for (size_t i = 0; i < sum.size(); i++) sum[i] += row[i];
    return score(sum);
}

/// The score of each sample. One seed draws the same segments every time.
std::vector<double> sample_scores(const SegmentCounts& segments, const ScoreOfSum& score,
                                  const BootstrapOptions& options) {
    Generator gen(options.seed);
    std::vector<double> scores, sum(segments[0].size());
    for (int sample = 0; sample < options.samples; sample++) {
        std::fill(sum.begin(), sum.end(), 0);
        for (size_t drawn = 0; drawn < segments.size(); drawn++) {
            const std::vector<double>& row =
                segments[static_cast<size_t>(gen.below(static_cast<int64_t>(segments.size())))];
            for (size_t i = 0; i < sum.size(); i++) sum[i] += row[i];
        }
        scores.push_back(score(sum));
    }
    return scores;
}

double mean_of(const std::vector<double>& scores) {
    return std::accumulate(scores.begin(), scores.end(), 0.0) / static_cast<double>(scores.size());
}

Interval interval(double score, std::vector<double> samples, double confidence) {
    std::sort(samples.begin(), samples.end());
    const auto outside = static_cast<size_t>(static_cast<double>(samples.size()) * (1 - confidence) / 2 + 1e-9);
    return {score, mean_of(samples), samples[outside], samples[samples.size() - 1 - outside]};
}

}  // namespace

Interval bootstrap(const SegmentCounts& segments, const ScoreOfSum& score, const BootstrapOptions& options, Where at) {
    check(segments, options, at);
    return interval(score_all(segments, score), sample_scores(segments, score, options), options.confidence);
}

Comparison paired_bootstrap(const SegmentCounts& a, const SegmentCounts& b, const ScoreOfSum& score,
                            const BootstrapOptions& options, Where at) {
    check(a, options, at);
    check(b, options, at);
    if (a.size() != b.size()) fail("paired_bootstrap", at, "{} and {} segments, expected the same", a.size(), b.size());
    const double score_a = score_all(a, score), score_b = score_all(b, score);
    const std::vector<double> scores_a = sample_scores(a, score, options), scores_b = sample_scores(b, score, options);
    std::vector<double> difference, size;
    double better = 0;
    for (size_t i = 0; i < scores_a.size(); i++) {
        difference.push_back(scores_b[i] - scores_a[i]);
        size.push_back(std::abs(difference[i]));
        better += difference[i] > 0;
    }
    const double mean = mean_of(size), seen = std::abs(score_b - score_a);
    const auto as_large = std::count_if(size.begin(), size.end(), [&](double d) { return d - mean > seen; });
    const auto n = static_cast<double>(options.samples);
    return {interval(score_a, scores_a, options.confidence), interval(score_b, scores_b, options.confidence),
            interval(score_b - score_a, difference, options.confidence), better / n,
            (static_cast<double>(as_large) + 1) / (n + 1)};
}

}  // namespace unroll
