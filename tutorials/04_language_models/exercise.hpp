#pragma once
#include <functional>
#include <vector>

#include "core/ids.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/reductions.hpp"
#include "core/ops/shape.hpp"
#include "tutorials/grader/unimplemented.hpp"

/// Exercises of chapter 04: around the recurrent network, what makes it a language model. The loss over words that
/// count, perplexity, the streams a text is cut into, one matrix for two uses, a long text in chunks, and how a word is
/// drawn and a sentence scored.
///
/// Letters: T time steps, B streams side by side, N rows or words, V words in the vocabulary, D numbers in a word's
/// vector, H hidden units.
///
/// All numbers are f64. A Tensor of your own is made by `Tensor::zeros({N, V}, DType::f64)`; sizes are `x.dim(0)`;
/// numbers are `x.at({n, v})` and `x.set({n, v}, value)`, or `x.flat(i)` and `x.set_flat(i, value)` in row-major order.
/// Words are Ids: `words[i]` is one of them (row-major too), `words.size()` says how many, `Ids(std::vector<int32_t>)`
/// makes some, `Ids(vector, {T, B})` in a shape. Inputs must stay as they are. Of the library you may call + - * /,
/// matmul, exp, log, sum, mean, slice, row, stack, concat and reshape of Tensors; softmax, log_softmax and
/// cross_entropy are what you are rebuilding. An exercise may call an earlier one of yours, but a mistake there then
/// costs both.
namespace unroll::exercise {

/// 4.1  The loss of a batch in which some targets are padding, and its gradient. scores [N, V], targets [N] of 0 .. V-1
/// or `padding`; N_c is how many are not padding:
///
///     p[n, v] = exp(scores[n, v]) / Σ_u exp(scores[n, u])     L = -1/N_c Σ_n log p[n, target[n]]
///     dscores[n, v] = (p[n, v] - (1 if v = target[n] else 0)) / N_c
///
/// with sums over the rows that count; the others get a gradient of 0. Where none counts, L is 0. Scores may be 1000 or
/// -1000. Hint: log p = s - max - log Σ exp(s - max). About 18 lines.
struct Loss {
    double L;
    int counted;     // N_c
    Tensor dscores;  // [N, V]
};
Loss cross_entropy_padded(const Tensor& scores, const Ids& targets, int padding);

/// 4.2  The perplexity of a text from its batches, of which each has a mean loss and a number of words that counted:
///
///     perplexity = exp(Σ over all words of -log P / number of words)
///
/// It must not depend on how the text was cut. A batch without a word that counts has a mean of NaN: leave it out.
/// Hint: a mean times the words that it counted is a sum again. About 8 lines.
struct BatchLoss {
    double mean_nats;
    int words;
};
double perplexity(const std::vector<BatchLoss>& batches);

/// 4.3  A text for truncated backpropagation: it is cut into B streams of L = n / B words (rounded down; what is left
/// over at the end is not used). Stream b is the words b L .. b L + L - 1. Batch k has T steps of every stream, a
/// column each:
///
///     inputs[t, b] = word k T + t of stream b     targets[t, b] = the word after it in the text
///
/// A batch needs T + 1 words of each stream; `batches` says how many such batches there are, 0 <= k < batches. So that
/// the state behind batch k is the state before batch k + 1. Hint: fill T * B numbers in the order t, then b, and make
/// Ids of them with their shape. About 12 lines.
struct StreamBatch {
    Ids inputs, targets;  // [T, B]
    int batches;
};
StreamBatch stream_batch(const Ids& text, int B, int T, int k);

/// 4.4  Backward through a model with one matrix for two uses: E [V, D] gives the vectors of the words read, and the
/// scores of the words to come:
///
///     x[n] = E[words[n]]     scores = h Eᵀ + b
///
/// dx [N, D] and dscores [N, V] have arrived. E has two users, and a word may have been read several times: dE is the
/// sum of it all. h [N, D]. Hint: one matrix product, and a loop. About 10 lines.
struct TiedGradients {
    Tensor dE, db, dh;  // [V, D], [V], [N, D]
};
TiedGradients tied_backward(const Tensor& dx, const Tensor& dscores, const Ids& words, const Tensor& h,
                            const Tensor& E);

/// A model as 4.5 gets it: it reads n words after a state [H] and gives the scores [n, V] of the word after each, and
/// the state behind the last.
struct Read {
    Tensor scores, state;
};
using Model = std::function<Read(const Ids& words, const Tensor& state)>;

/// 4.5  How well a model predicts a text of n words, read in chunks of T words (the last one may be shorter), because
/// the scores of all at once would not fit into memory. The first word only starts it: the model reads words 0 .. n-2
/// and is judged by words 1 .. n-1. The answer must be the same for every T: what has been read stays in the state.
///
///     nats = 1/(n-1) Σ_{i=1}^{n-1} -log P(word i | words 0 .. i-1)
///
/// Hint: the last target is word n-1, so there are n-1 inputs; hand each chunk the state that the one before gave back.
/// About 18 lines.
struct TextScore {
    double nats;
    Tensor state;  // behind the last word read
};
TextScore score_text(const Model& model, const Ids& text, const Tensor& start, int T);

/// 4.6  The distribution at a temperature τ >= 0, scores [V]:
///
///     p[v] = exp(scores[v] / τ) / Σ_u exp(scores[u] / τ)
///
/// τ = 0 is its limit: 1 for the word of the largest score (the first of several), 0 for all others. Everything has to
/// be finite at τ = 0.001 too. Hint: subtract the largest score before you divide by τ. About 12 lines.
Tensor with_temperature(const Tensor& scores, double temperature);

/// 4.7  What of a distribution p [V] a word may be drawn from. First only the k most probable words are kept (k = 0:
/// all). Then, of these, the nucleus: the fewest, the most probable first, whose share of what k has left is `top_p` or
/// more; 0 < top_p <= 1. Words that are equally probable come in their order. Gives the probabilities of the words
/// kept, which add up to 1, and 0 for the others.
///
/// Hint: sort the words. At least one is always kept. About 18 lines.
Tensor keep_probable(const Tensor& p, int k, double top_p);

/// 4.8  A given sentence, word by word. scores [T, V]: row t is what the model said after it had read words 0 .. t-1,
/// so it predicts words[t].
///
///     surprise[t] = -log P(words[t] | words[0 .. t-1])     log_p = log P(sentence)     rank[t] = how many words of the
///     vocabulary have a higher score than words[t] at that place
///
/// in nats. Scores may be 1000 or -1000. Hint: log Σ exp with the largest score taken out first; only what is strictly
/// higher counts for the rank. About 16 lines.
struct SentenceScore {
    std::vector<double> surprise, rank;  // [T]
    double log_p;
};
SentenceScore score_sentence(const Tensor& scores, const Ids& words);

}  // namespace unroll::exercise
