#pragma once
#include <functional>
#include <vector>

#include "core/ids.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/reductions.hpp"
#include "core/ops/shape.hpp"
#include "tutorials/grader/unimplemented.hpp"

/// Exercises of chapter 06. They climb from what a decoder is shown in training, over the three scores and attention
/// with their backward passes, to one step of a decoder, and to the search for the best output.
///
/// Letters: S places of a source, T steps of a target, B sentences side by side (the batch), E numbers of an embedding,
/// H of a state, A of the concat score's layer, V words, K hypotheses. The book counts from 1, C++ from 0. A matrix of
/// the book's stands left of a column; here every sentence is a *row*, so W x is written matmul(x, transposed(W)).
///
/// All numbers are f64. A Tensor of your own is made by `Tensor::zeros({B, H}, DType::f64)`; sizes are `x.dim(0)`;
/// numbers are `x.at({b, h})` and `x.set({b, h}, value)`. s[i] is a view of place i, not a copy, and copying a Tensor
/// shares its numbers as well: `clone()` copies them. Ids are whole numbers: `words[i]` counts through them row by row,
/// `words.shape()[0]` is a size, `Ids::empty({T, B})` makes them and `mutable_data()[i] = 7` writes one. Inputs must
/// stay as they are. Of the library you may call + - * /, matmul, sigmoid, tanh, exp, log, sqrt, sum, mean, stack,
/// concat and columns of Tensors; the tape is what you are rebuilding. An exercise may call an earlier one of yours,
/// but a mistake there then costs both.
namespace unroll::exercise {

/// 6.1  Teacher forcing. words [T, B] are the target sentences without marks, sentence b in column b, of which
/// lengths[b] count; what stands below is of no meaning. A decoder that is trained on them is given the word *before*
/// the one it has to predict. With n = lengths[b], column b becomes
///
///     inputs    start  w_1  ..  w_n  pad ..        targets    w_1  ..  w_n  end  pad ..
///
/// both [T+1, B]: the shift by one, the end that must be learnt too, and padding that will not count. Hint: element t
/// of column b is number t * B + b. About 12 lines.
struct Forced {
    Ids inputs, targets;  // [T+1, B]
};
Forced teacher_forcing(const Ids& words, const Ids& lengths, int start, int end, int pad);

enum class Score { dot, general, concat };
struct ScoreWeights {
    Score kind;
    Tensor W_a;  // general [H, H]; concat [A, 2H], acting on [q; s_i]
    Tensor v_a;  // concat [A]
};

/// 6.2  How well a query q [B, H] (a state of the decoder) and each state s_i of the encoder fit, s [S, B, H]:
///
///     dot       e_i = q · s_i       general       e_i = q · W_a s_i       concat       e_i = v_a · tanh(W_a [q; s_i])
///
/// Returns e [B, S]. Hint: sum(x, 1) sums each row of [B, H] to [B]; x.reshape({B, 1}) makes it a column, and concat
/// of a std::vector of columns puts them side by side. About 12 lines.
Tensor scores(const Tensor& q, const Tensor& s, const ScoreWeights& w);

/// 6.3  Its backward: from de = dL/de [B, S] the gradients at q and s, and at the weights that there are (the others
/// stay empty).
///
///     dot       dq = Σ_i de_i s_i         ds_i = de_i q
///     general   dq = Σ_i de_i W_a s_i     ds_i = de_i W_aᵀ q     dW_a = Σ_i de_i q s_iᵀ
///     concat    with u_i = tanh(W_a [q; s_i]) and g_i = de_i v_a ⊙ (1 - u_i²):
///               [dq; ds_i] = W_aᵀ g_i, dq summed over i     dW_a = Σ_i g_i [q; s_i]ᵀ     dv_a = Σ_i de_i u_i
///
/// The sums over the sentences of the batch are in the products of matrices. Hint: columns(de, i, i + 1) is the column
/// [B, 1] that multiplies every number of a row. About 30 lines.
struct ScoreGradients {
    Tensor dq, ds;      // [B, H], [S, B, H]
    Tensor dW_a, dv_a;  // as in ScoreWeights
};
ScoreGradients scores_backward(const Tensor& de, const Tensor& q, const Tensor& s, const ScoreWeights& w);

/// 6.4  Attention over sources of unequal lengths: from scores e [B, S]
///
///     α_i = exp(e_i) / Σ_j exp(e_j), the sum over j < lengths[b],     c = Σ_i α_i s_i
///
/// Past a sentence's length α is exactly 0, whatever finite numbers e and s have there. Scores may be large: exp(1000)
/// is infinite, but α does not change when the largest score is subtracted from all. Hint: the largest score is that of
/// the first lengths[b] alone. About 15 lines.
struct Attended {
    Tensor alpha, c;  // [B, S], [B, H]
};
Attended attention(const Tensor& e, const Tensor& s, const Ids& lengths);

/// 6.5  Its backward: from dc = dL/dc [B, H] the gradients at the scores and at the states,
///
///     dα_i = dc · s_i     de_i = α_i (dα_i - Σ_j α_j dα_j)     ds_i = α_i dc
///
/// Past a sentence's length both are 0: there alpha is. Hint: Σ_j α_j dα_j is one number a sequence: have it before the
/// loop over i. About 12 lines.
struct AttentionGradients {
    Tensor de, ds;  // [B, S], [S, B, H]
};
AttentionGradients attention_backward(const Tensor& dc, const Tensor& s, const Tensor& alpha);

/// 6.6  One step of the book's decoder, its circle put right: the state *before* asks,
///
///     c_t = look(h_{t-1})     h_t = tanh(W_hh h_{t-1} + W_xh [y_{t-1}; c_t] + b_h)
///     p_t = softmax(W_out h_t + b_out)
///
/// look is the attention with everything filled in but the query. y_{t-1} [B, E] is the embedding of the word before.
/// Hint: softmax is exp, divided by the sum of its row; here the scores are small. About 8 lines.
using Look = std::function<Tensor(const Tensor& query)>;  // [B, H] to c [B, H]
struct DecoderWeights {
    Tensor W_hh, W_xh, b_h;  // [H, H], [H, E+H], [H]
    Tensor W_out, b_out;     // [V, H], [V]
};
struct DecoderStep {
    Tensor c, h, p;  // [B, H], [B, H], [B, V]
};
DecoderStep decoder_step(const Look& look, const Tensor& y_before, const Tensor& h_before, const DecoderWeights& w);

/// 6.7  Outputs of different lengths compared. log_probs holds log P of each, lengths the numbers of their words, ends
/// counted. Divided by a power of the length, and by GNMT's penalty:
///
///     plain   log P / n^α         gnmt   log P / ((5 + n) / 6)^α
///
/// and which of them is the best by `plain` (of equals the first). Hint: log P is negative: divided by a larger number
/// it is larger. About 10 lines.
struct Normalised {
    std::vector<double> plain, gnmt;
    int best;
};
Normalised normalised(const std::vector<double>& log_probs, const std::vector<int>& lengths, double alpha);

/// 6.8  One step of a beam search of width k. There are K hypotheses that go on, with log P so far in log_probs [K],
/// the most probable first, and `ended` others that have ended before and keep their places in the beam. log_p [K, V]
/// are the log P of every next word after each. Of all K V extensions take the k - ended most probable (fewer where
/// there are no more; of equals the one of the earlier hypothesis, then of the smaller word). Those whose word is `end`
/// have ended; the others go on. Each list in order, the most probable first. Hint: put all K V extensions into one
/// list with their log P, and sort it with a rule for equals (std::stable_sort keeps the order of what is equal). About
/// 25 lines.
struct Extended {
    std::vector<int> parents, words;  // of those that go on: 0 .. K-1, 0 .. V-1
    std::vector<double> log_probs;
    std::vector<int> ended_parents;  // of those that have ended now
    std::vector<double> ended_log_probs;
};
Extended beam_step(const std::vector<double>& log_probs, const Tensor& log_p, int k, int ended, int end);

}  // namespace unroll::exercise
