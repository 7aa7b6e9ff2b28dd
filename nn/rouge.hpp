#pragma once
#include <string>
#include <vector>

#include "core/error.hpp"
#include "nn/metric_tokens.hpp"

/// ROUGE (Lin, "ROUGE: a package for automatic evaluation of summaries", 2004), on rouge_tokens.
namespace unroll {

/// Each 0 .. 1; f is their harmonic mean, and 0 where both are.
struct RougeScore {
    double precision, recall, f;
};

/// The same numbers as Google's rouge-score without stemming, for any n: n-grams in common, by the n-grams of the
/// prediction (precision) and of the reference (recall).
RougeScore rouge_n(const std::string& prediction, const std::string& reference, int n, Where at = {});
RougeScore rouge_n(const Tokens& prediction, const Tokens& reference, int n, Where at = {});
/// As the book prints it: recall, with matches and counts summed over the references. 0 where they have no n-gram.
double rouge_n_book(const std::string& prediction, const std::vector<std::string>& references, int n, Where at = {});
double rouge_n_book(const Tokens& prediction, const std::vector<Tokens>& references, int n, Where at = {});

/// By the longest common subsequence of all tokens. Throws Error for texts of a million tokens each.
RougeScore rouge_l(const std::string& prediction, const std::string& reference, Where at = {});
RougeScore rouge_l(const Tokens& prediction, const Tokens& reference, Where at = {});
/// For summaries of several sentences, a line each: in each sentence of the reference, the tokens that are in a longest
/// common subsequence with any sentence of the prediction; a token counts at most as often as either text has it.
/// Throws Error where the table of two sentences has more than 2^28 entries.
RougeScore rouge_lsum(const std::string& prediction, const std::string& reference, Where at = {});

/// Each of several references is compared with by itself, and the one of the highest f counts.
template <class Text, class Score>
RougeScore best_reference(const std::vector<Text>& references, Score score_with) {
    RougeScore best = {0, 0, 0};
    for (const Text& reference : references)
        if (const RougeScore score = score_with(reference); score.f > best.f) best = score;
    return best;
}

/// The length of the longest common subsequence: the most tokens that both hold in the same order.
int64_t longest_common_subsequence(const Tokens& a, const Tokens& b, Where at = {});

}  // namespace unroll
