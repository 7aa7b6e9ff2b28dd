#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "nn/metric_tokens.hpp"

namespace unroll {

using Lines = std::vector<std::string>;

/// What stands for a precision of 0 (Chen and Cherry, "A systematic comparison of smoothing techniques for
/// sentence-level BLEU", WMT 2014). exp: the k-th such precision becomes 1 / (2^k total); floor: value / total; add_k:
/// value is added to matches and totals of n > 1.
enum class Smoothing { exp, floor, add_k, none };

struct BleuOptions {
    Tokeniser tokeniser = Tokeniser::v13a;
    bool lowercase = false;
    Smoothing smoothing = Smoothing::exp;
    std::optional<double> smooth_value = {};  // floor: 0.1, add_k: 1
    int max_n = 4;
    std::vector<double> weights = {};  // w_n, which add up to 1; none: 1 / max_n each
    bool effective_order = false;  // n only as far as the hypotheses have n-grams; weights are scaled to add up to 1
};

struct BleuScore {
    double score;            // 0 .. 100
    double brevity_penalty;  // 0 .. 1
    int64_t hypothesis_length, reference_length;
    std::vector<double> precisions;       // p_n, 0 .. 100, smoothed
    std::vector<double> matches, totals;  // n-grams, as counted
};

/// BLEU = BP exp(Σ_n w_n log p_n), the same numbers as sacreBLEU's (Papineni et al., "BLEU: a method for automatic
/// evaluation of machine translation", ACL 2002; Post, "A call for clarity in reporting BLEU scores", WMT 2018). p_n:
/// matching n-grams, each counted at most as often as in the reference that has it most often, by all n-grams of the
/// hypotheses. BP = min(1, exp(1 - r / c)), c the hypotheses' length, r that of the references, in each segment the one
/// whose length is closest, the shorter of two.
class Bleu {
  public:
    /// Throws Error where max_n is below 1, weights are not max_n numbers from 0 that add up to 1, or smooth_value is
    /// negative.
    explicit Bleu(BleuOptions options = {}, Where at = {});

    /// references[r][s] is reference r of segment s: as many segments as hypotheses, else Error. An empty one counts,
    /// as a reference of no tokens.
    BleuScore corpus(const Lines& hypotheses, const std::vector<Lines>& references, Where at = {}) const;
    /// One segment, with effective order. The mean over segments is not the corpus's BLEU.
    BleuScore sentence(const std::string& hypothesis, const Lines& references, Where at = {}) const;

    /// What a segment adds: hypothesis length, reference length, matches of n = 1 .. N, n-grams of n = 1 .. N. A row a
    /// segment, for resampling; the score of a corpus is that of the rows' sum.
    std::vector<std::vector<double>> counts(const Lines& hypotheses, const std::vector<Lines>& references,
                                            Where at = {}) const;
    BleuScore score(const std::vector<double>& counts, Where at = {}) const;

    /// As sacreBLEU prints it: "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:unroll". What sacreBLEU has not,
    /// order and weights, is said where it is not 4 and equal.
    std::string signature(size_t references) const;

  private:
    BleuScore score(const std::vector<double>& counts, bool effective_order) const;
    template <class Sums>
    void count(const Lines& hypotheses, const std::vector<Lines>& references, Where at, Sums sums_of) const;

    BleuOptions options_;
};

}  // namespace unroll
