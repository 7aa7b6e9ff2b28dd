#pragma once
#include <functional>
#include <vector>

#include "core/random.hpp"

/// How far a corpus's score would move on another test set of this kind: the segments are drawn anew, with replacement,
/// as many as there are, again and again (Efron 1979; Koehn, "Statistical significance tests for machine translation
/// evaluation", EMNLP 2004).
namespace unroll {

/// A row a segment, of numbers that add up (n-gram matches and lengths, errors and words, a score and 1); and what the
/// score of such a sum is.
using SegmentCounts = std::vector<std::vector<double>>;
using ScoreOfSum = std::function<double(const std::vector<double>& sum)>;

struct BootstrapOptions {
    int samples = 1000;
    double confidence = 0.95;
    uint64_t seed = 1;
};

struct Interval {
    double score;      // of the segments as they are
    double mean;       // of the samples
    double low, high;  // so many of the samples, by `confidence`, lie between; as many above as below
};
/// Throws Error where there are no segments, rows of unequal length, samples below 1, confidence outside 0 .. 1.
Interval bootstrap(const SegmentCounts& segments, const ScoreOfSum& score, const BootstrapOptions& options = {},
                   Where at = {});

struct Comparison {
    Interval a, b, difference;  // difference: b - a, sample by sample
    double b_better;            // share of the samples in which b scores higher
    /// How often a difference as large as the one seen arises by the drawing alone, as sacreBLEU counts it: samples
    /// whose |difference| is above the mean |difference| by more than |difference seen|; plus one, of all samples plus
    /// one.
    double p_value;
};
/// Of two systems on the same segments: each sample draws the same segments for both.
Comparison paired_bootstrap(const SegmentCounts& a, const SegmentCounts& b, const ScoreOfSum& score,
                            const BootstrapOptions& options = {}, Where at = {});

}  // namespace unroll
