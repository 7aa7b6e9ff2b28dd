#pragma once
#include <vector>

#include "core/ids.hpp"
#include "core/tensor.hpp"
#include "tutorials/grader/unimplemented.hpp"

/// Exercises of chapter 10: how well did it say it. BLEU from its clipped counts to the corpus, ROUGE as the book
/// prints it and as rouge-score counts it, the longest common subsequence, perplexity over batches of unequal size, and
/// whether a difference means anything.
///
/// A text is its tokens' numbers, Ids [length]: `x.size()` of them, `x[i]`. Two tokens are the same where their numbers
/// are. The n-grams of a text are its stretches of n tokens, one begins at each of i = 0 .. length - n; a shorter text
/// has none.
///
/// Letters: S segments (sentences that are scored together), N the longest n-grams that count, T time steps, B
/// sequences.
///
/// All numbers are f64. `x.at({s, n})` reads one, `x.dim(0)` is a size; a Tensor of your own is made by
/// `Tensor::zeros({m, n}, DType::f64)` and filled by `x.set({i, j}, value)`. The standard library is yours (std::map,
/// std::sort, std::exp); of this library the members of Tensor and Ids. An exercise may call an earlier one of yours,
/// but a mistake there then costs both.
namespace unroll::exercise {

/// 10.1  Clipped counts. Each distinct n-gram g of the hypothesis counts as often as it is there, but at most as often
/// as in the reference that has it most often:
///
///     matches = Σ_g min(count(g, hypothesis), max over references r of count(g, r))
///     total = Σ_g count(g, hypothesis)
///
/// Hint: a std::map from std::vector<int> to a number counts n-grams. About 15 lines.
struct Matches {
    double matches, total;
};
Matches clipped_matches(const Ids& hypothesis, const std::vector<Ids>& references, int n);

/// 10.2  The brevity penalty of a corpus; references[s] are those of hypotheses[s].
///
///     c = Σ_s length of hypothesis s
///     r = Σ_s the length of the reference of s closest to it, of two as close the shorter
///     penalty = 1 where c >= r, e^(1 - r/c) where c < r, 0 where c = 0
///
/// Hint: `std::abs(length - c_s)` decides, then the shorter. About 12 lines.
struct Brevity {
    double c, r, penalty;
};
Brevity brevity_penalty(const std::vector<Ids>& hypotheses, const std::vector<std::vector<Ids>>& references);

/// 10.3  BLEU of a corpus, 0 to 100. matches and totals [S, N] are 10.1's numbers for n = 1 .. N, weights [N] add up to
/// 1:
///
///     p_n = Σ_s matches[s, n] / Σ_s totals[s, n]      BLEU = 100 penalty exp(Σ_n w_n log p_n)
///
/// 0 where an order whose weight is above 0 has no match or no n-grams. Hint: first add up, then divide. About 10
/// lines.
double corpus_bleu(const Tensor& matches, const Tensor& totals, double penalty, const Tensor& weights);

/// 10.4  BLEU of one sentence, 0 to 100, from its matches and totals [N]. Two things keep it from being 0 nearly
/// always: only orders that the sentence has n-grams of count, n = 1 .. M where totals are above 0; and the k-th of
/// them that has no match (k = 1, 2, ..) is taken for p_n = 1 / (2^k totals[n]).
///
///     BLEU = 100 penalty exp(1/M Σ_{n=1..M} log p_n)      but 0 where nothing matches at all
///
/// Hint: k begins at 1 and grows only where an order has no match. About 12 lines.
double sentence_bleu(const Tensor& matches, const Tensor& totals, double penalty);

/// 10.5  ROUGE-N twice. As the book prints it, recall with matches and counts summed over the references:
///
///     Σ_r Σ_g min(count(g, prediction), count(g, r)) / Σ_r (number of n-grams of r)
///
/// and as Google's rouge-score has it: for each reference precision = matches / n-grams of the prediction, recall =
/// matches / n-grams of the reference, F = 2 precision recall / (precision + recall), each 0 where it would divide by
/// 0; what counts is the reference of the highest F (of equals the first). Hint: 10.1's counting serves for both; the
/// book's sums run over the references, the other's do not. About 20 lines in all.
double rouge_n_book(const Ids& prediction, const std::vector<Ids>& references, int n);
struct Rouge {
    double precision, recall, f;
};
Rouge rouge_n(const Ids& prediction, const std::vector<Ids>& references, int n);

/// 10.6  ROUGE-L. The table [m + 1, n + 1] of a, m tokens, and b, n tokens, holds at (i, j) the length of the longest
/// common subsequence of the first i tokens of a and the first j of b:
///
///     0 where i = 0 or j = 0      table[i-1, j-1] + 1 where a_i = b_j      else max(table[i-1, j], table[i, j-1])
///
/// (a_i is a[i-1].) rouge_l reads precision, recall and F from its corner, as 10.5 does from matches; all 0 where a
/// text is empty. Hint: row 0 and column 0 are zeros, and an entry needs only those above it, to its left, and above
/// to the left. About 8 lines, and 5.
Tensor lcs_table(const Ids& a, const Ids& b);
Rouge rouge_l(const Tensor& table);  // of lcs_table(prediction, reference)

/// 10.7  Perplexity over several batches. log_p[k] [T, B] are the logarithms of the probabilities that a model gave to
/// the right tokens of batch k, sequences side by side; lengths[k] [B] say how many of each column count, the rest is
/// padding.
///
///     nats = -1/tokens Σ over all tokens that count of log p      perplexity = e^nats
///
/// Hint: add up sums, not means: the batches are of unequal size. About 10 lines.
struct Perplexity {
    double tokens, nats, perplexity;
};
Perplexity perplexity(const std::vector<Tensor>& log_p, const std::vector<Ids>& lengths);

/// 10.8  Is system b better than a? a and b [S, 2] hold for each segment two numbers that add up, and the score of a
/// set of segments is Σ first / Σ second. Row j of draws [K, S] are the segments of sample j, which may come several
/// times. For each sample take the difference, score of b - score of a, over the same segments. In ascending order, d_0
/// .. d_{K-1}, and with m = K (1 - confidence) / 2 rounded down:
///
///     low = d_m      high = d_{K-1-m}      better = the share of samples in which b - a > 0
///
/// Hint: one vector of K differences, sorted; a difference of 0 is not better. About 15 lines.
struct Interval {
    double low, high, better;
};
Interval paired_interval(const Tensor& a, const Tensor& b, const Ids& draws, double confidence);

}  // namespace unroll::exercise
