#pragma once
#include <vector>

#include "core/ids.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/reductions.hpp"
#include "tutorials/grader/unimplemented.hpp"

/// Exercises of chapter 09: what it takes to score, choose, copy and judge a summary, and to hear. The mixture of
/// generating and copying forward and backward, the same with logarithms, log P of a pair, a choice between outputs of
/// unequal length, a rule to beat, and the measure to beat it by; then CTC forward and backward, a step of prefix beam
/// search, and the edits that a word error rate counts.
///
/// Letters: V words that may be generated, W >= V words in all (those from V on can be copied only), S places of the
/// source, B sequences side by side, T words of an output.
///
/// All numbers are f64; words are whole numbers in Ids: `ids[i]` in row-major order, `ids.size()`, `ids.shape()[0]`. A
/// Tensor of your own is made by `Tensor::zeros({B, V}, DType::f64)`; sizes are `x.dim(0)`; numbers are `x.at({b, v})`
/// and `x.set({b, v}, value)`. Inputs must stay as they are. Of the library you may call + - * /, exp, log, sigmoid,
/// softmax, log_softmax, sum and mean of Tensors; copy_loss is what you are rebuilding. An exercise may call an earlier
/// one of yours, but a mistake there then costs both.
namespace unroll::exercise {

/// 9.1  The mixture. generated [B, V] and alpha [B, S] are probabilities, p_gen [B]; source [S, B] are the words to
/// copy:
///
///     P(w) = p_gen generated_w + (1 - p_gen) Σ_{s: source_s = w} alpha_s
///
/// for w = 0 .. W-1, the first term where w < V. Gives P [B, W]. Hint: source is time-major, sequence b's place s is
/// source[s * B + b]; a word that stands twice collects from both places, and a word below V from both terms. About 8
/// lines.
Tensor copy_distribution(const Tensor& generated, const Tensor& alpha, const Tensor& p_gen, const Ids& source,
                         int64_t W);

/// 9.2  Its backward: dP [B, W] arrives.
///
///     dgenerated_v = p_gen dP_v      dalpha_s = (1 - p_gen) dP_{source_s}
///     dp_gen = Σ_v generated_v dP_v - Σ_s alpha_s dP_{source_s}
///
/// Hint: copies of one word at several places of the source each get their part. About 10 lines.
struct CopyGradients {
    Tensor dgenerated, dalpha, dp_gen;  // [B, V], [B, S], [B]
};
CopyGradients copy_backward(const Tensor& dP, const Tensor& generated, const Tensor& alpha, const Tensor& p_gen,
                            const Ids& source);

/// 9.3  Σ_b -log P(target_b) from scores: x [B, V] before their softmax, g [B] before its sigmoid, e [B, S] before
/// their softmax over the first lengths_b places. Scores may be as far apart as 1000, where every probability but one
/// is 0 in doubles, and the logarithm still is an ordinary number. So add logarithms:
///
///     log P = logaddexp(log σ(g) + log_softmax(x)_w, log σ(-g) + log Σ_{s: source_s = w} exp log_softmax(e)_s)
///     logaddexp(a, b) = m + log(exp(a - m) + exp(b - m)),  m = max(a, b)      log σ(g) = min(g, 0) - log(1 + e^-|g|)
///
/// One of the two may be impossible (-inf), not both. `reason` [B] is the probability that the target was generated,
/// given that it was written: exp(first - log P). Hint: log Σ exp over the places that hold w: take out the largest,
/// and where there is none it is -inf. About 25 lines.
struct Mixture {
    double loss;
    Tensor reason;
};
Mixture mixture_loss(const Tensor& x, const Tensor& g, const Tensor& e, const Ids& source, const Ids& lengths,
                     const Ids& targets);

/// 9.4  Its gradient, r being `reason`, w the target, C = Σ_{s: source_s = w} α_s, α = softmax(e) over the length:
///
///     dx_v = r (softmax(x)_v - 1{v = w})     dg = σ(g) - r     de_s = (1 - r) (α_s - 1{source_s = w} α_s / C)
///
/// each part is a cross-entropy that counts as far as it may have been the reason; de is 0 past the length. Where the
/// target is not in the source r is 1 and de is 0; where it is V or more dx is 0. Hint: what 9.3 gave says how much
/// each part counts; a target that can't be generated has r = 0. About 25 lines.
struct MixtureGradients {
    Tensor dx, dg, de;  // [B, V], [B], [B, S]
};
MixtureGradients mixture_gradient(const Tensor& x, const Tensor& g, const Tensor& e, const Ids& source,
                                  const Ids& lengths, const Ids& targets, const Tensor& reason);

/// 9.5  log P(y | x) = Σ_t log P(y_t | y_1 .. y_{t-1}, x), word by word. logits [T, V] are a decoder's scores at every
/// step, given the words before; targets [T] are y_1, y_2, .., the end among them, then padding. `words` are the
/// log-probabilities up to and with the end's, `total` their sum. Hint: the row's largest logit out first; stop behind
/// the first end. About 8 lines.
struct PairScore {
    std::vector<double> words;
    double total;
};
PairScore score_pair(const Tensor& logits, const Ids& targets, int32_t end);

/// 9.6  Which of N outputs to give, from their log_probs [N] and their lengths [N] in words without the end:
///
///     score = log P / (length + 1)^exponent      (the end is a word too)
///
/// Gives the index of the largest score (the first of equals), and that score. Hint: begin with the first output, and
/// take another only where it is strictly better. About 8 lines.
struct Choice {
    int64_t index;
    double score;
};
Choice choose(const Tensor& log_probs, const Ids& lengths, double exponent);

/// 9.7  A rule to beat: what the first sentence says the thing is. Where one of `verbs` (is, are, provides, ..) is
/// among the first 8 words of the sentence, the words after the first such verb, without one of `articles` (a, an, the)
/// at their beginning; else all words. At most 12 of them. Hint: words are numbers here; std::find over data() tells
/// whether one is in a list. About 12 lines.
std::vector<double> what_it_is(const Ids& sentence, const Ids& verbs, const Ids& articles);

/// 9.8  ROUGE-1. matches = Σ over distinct words of min(count in the prediction, count in the reference):
///
///     precision = matches / words of the prediction     recall = matches / words of the reference
///     f = 2 precision recall / (precision + recall), 0 where both are 0
///
/// Hint: a std::map from word to count for each side. About 12 lines.
struct Rouge {
    double precision, recall, f;
};
Rouge rouge_1(const Ids& prediction, const Ids& reference);

/// 9.9  CTC's α. y [T, C] are probabilities, a row a step, class 0 the blank; labels [N] are classes from 1 on. The
/// places l are blank, labels_0, blank, labels_1, .., blank: S = 2 N + 1 of them. With α_{-1} = 1 before place 0, a
/// path begins at place 0 or 1:
///
///     α_t(s) = y_t[l_s] (α_{t-1}(s) + α_{t-1}(s-1) + [l_s is a label other than l_{s-2}] α_{t-1}(s-2))
///     P = α_{T-1}(S-1) + α_{T-1}(S-2)      loss = -log P
///
/// Gives alpha [T, S] and the loss. (Real code adds logarithms; these T are small.) Hint: place s holds the blank where
/// s is even, else labels[(s - 1) / 2]. About 15 lines.
struct CtcAlpha {
    Tensor alpha;
    double loss;
};
CtcAlpha ctc_alpha(const Tensor& y, const Ids& labels);

/// 9.10  Its β and gradient. β_t(s) is the probability of what may follow after step t: 1 after the last one at the
/// last two places, else 0; before, the sum over the places s' that may follow s (s, s+1 and, where a label other than
/// l_s stands there, s+2):
///
///     β_t(s) = Σ_{s'} y_{t+1}[l_{s'}] β_{t+1}(s')      dx_t[k] = y_t[k] - Σ_{s: l_s = k} α_t(s) β_t(s) / P
///
/// where x are the scores that y = softmax(x) came from. P as in 9.9, from alpha. Hint: fill β from the last step
/// backward, then add α β up by class. About 25 lines.
struct CtcGradient {
    Tensor beta, dx;  // [T, S], [T, C]
};
CtcGradient ctc_gradient(const Tensor& y, const Ids& labels, const Tensor& alpha);

/// 9.11  A step of prefix beam search over N prefixes. ends_blank [N] and ends_label [N] are the probabilities of a
/// prefix's paths so far that end in the blank, and in its last label; last [N] is that label, 0 for the empty prefix.
/// y [C] are the step's probabilities, class 0 the blank; language [N, C] is P(k | prefix n). Without pruning:
///
///     blank_n = (ends_blank_n + ends_label_n) y_0      label_n = ends_label_n y_{last_n}      (0 for the empty prefix)
///     longer_{n,k} = language_{n,k} y_k (ends_blank_n + [k other than last_n] ends_label_n)      for k >= 1
///
/// Column 0 of longer stays 0. Where n with k added is a prefix of the beam already, known[n * C + k] is its index,
/// else -1: it is added to that one's label, and longer_{n,k} is 0. Hint: first what stays as it is, for all n; then
/// what grows, which may add to another prefix's label. About 15 lines.
struct PrefixStep {
    Tensor blank, label, longer;  // [N], [N], [N, C]
};
PrefixStep prefix_step(const Tensor& ends_blank, const Tensor& ends_label, const Ids& last, const Tensor& y,
                       const Tensor& language, const Ids& known);

/// 9.12  The fewest edits that make the reference of the hypothesis: words replaced, words of the hypothesis that are
/// too many (insertions) and of the reference that are missing (deletions), all of cost 1. Of several cheapest ways the
/// one with the most substitutions. Hint: rows are the hypothesis' words so far, columns the reference's; keep the
/// three counts in each cell, and of ways that cost the same the one with more substitutions. About 20 lines.
struct Edits {
    double substitutions, insertions, deletions;
};
Edits edit_distance(const Ids& hypothesis, const Ids& reference);

}  // namespace unroll::exercise
