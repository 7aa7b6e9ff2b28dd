#pragma once
#include <functional>
#include <vector>

#include "core/ids.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/reductions.hpp"
#include "core/ops/shape.hpp"
#include "tutorials/grader/unimplemented.hpp"

/// Exercises of chapter 07. They run a recurrent network in both directions over sequences of unequal lengths, stack
/// it, and let it look back at its own states; the first two forward and backward through time, the third with the
/// gradient of its attention.
///
/// Letters: T time steps, B sequences side by side (the batch), D inputs, H hidden units, L layers, N states that are
/// attended to, A units inside the concat score. The book counts steps and layers from 1, C++ from 0: step t reads x[t]
/// and makes h[t], layer 0 reads x. Every sequence is a *row*, so W_hh h_{t-1} is written matmul(h_before,
/// transposed(W_hh)).
///
/// All numbers are f64. A Tensor of your own is made by `Tensor::zeros({T, B, H}, DType::f64)`; sizes are `x.dim(0)`;
/// numbers are `x.at({b, d})` and `x.set({b, d}, value)`. `x[t]` is a view of step t, not a copy, and `x[t][b]` a view
/// of sequence b in it: `y[t][b].copy_from(x[s][b])` moves a row. Copying a Tensor shares its numbers; `clone()` copies
/// them. Inputs must stay as they are. Of the library you may call + - * /, matmul, tanh, exp, log, sqrt, sum, mean,
/// stack, concat, slice, columns and reshape of Tensors; the recurrent layers, the softmax and the tape are what you
/// are rebuilding. An exercise may call an earlier one of yours, but a mistake there then costs both.
namespace unroll::exercise {

/// Of one layer and direction: h_t = tanh(W_hh h_{t-1} + W_xh x_t + b_h).
struct Weights {
    Tensor W_hh, W_xh, b_h;  // [H, H], [H, D], [H]
};
struct WeightGradients {
    Tensor dW_hh, dW_xh, db_h;
};

/// 7.1  Each sequence turned round within its own length: x [T, B, F], lengths [B] with 1 <= lengths[b] <= T,
///
///     y[t, b] = x[lengths[b] - 1 - t, b]  for t < lengths[b]     y[t, b] = x[t, b]  behind: padding stays where it is
///
/// The batch is padded: behind its end a sequence has numbers that mean nothing. Hint: turned round twice, a sequence
/// is what it was. About 7 lines.
Tensor reverse_by_lengths(const Tensor& x, const Ids& lengths);

/// 7.2  Both directions over x [T, B, D]: f reads from left to right, b from right to left, each with weights of its
/// own,
///
///     h(f)_t = tanh(W_hh(f) h(f)_{t-1} + W_xh(f) x_t + b_h(f))     h(b)_t = tanh(W_hh(b) h(b)_{t+1} + W_xh(b) x_t +
///     b_h(b)) y_t = [h(f)_t; h(b)_t]
///
/// h_0 [2, B, H] are the states before the first step of each direction: h_0[0] comes before x_1, h_0[1] comes behind
/// the sequence's *own last* input, x_{lengths[b]}. Gives y [T, B, 2H], zero where t lies behind the end of the
/// sequence, and last [2, B, H], the states after each direction's last step: h(f) at the sequence's own last step, and
/// h(b) at its first one, t = 1, where the reverse direction ends.
///
/// Hint: at a step behind the end of a sequence its state stays what it was; then the loop t = T .. 1 does the right
/// thing for the reverse direction too. About 25 lines.
struct Bidirectional {
    Tensor y, last;
};
Bidirectional bidirectional_forward(const Tensor& x, const Ids& lengths, const Tensor& h_0, const Weights& f,
                                    const Weights& b);

/// 7.3  Backward of 7.2. dy [T, B, 2H] arrives at the outputs and dlast [2, B, H] at the last states; y is what 7.2
/// gave. What dy holds behind the end of a sequence means nothing: y is a constant 0 there. Each direction is walked
/// against its own order, so for h(b) from t = 1 to T, and with δ_t = dL/da_t, a row for each sequence,
///
///     δ_t = dh_t ⊙ (1 - h_t²),  dh_t = dy_t's half + δ W_hh of the step that h_t was handed to (else: dlast)
///     dx_t = δ(f)_t W_xh(f) + δ(b)_t W_xh(b)     dW_hh = Σ_t δ_tᵀ (the state before that step)
///     dW_xh = Σ_t δ_tᵀ x_t     db_h = Σ_t Σ_b δ_t[b]     dh_0 = δ W_hh of the direction's first step
///
/// Hint: behind the end δ is 0 and dh passes through unchanged, as the state did forward. The state before step t is
/// y[t-1] for f and y[t+1] for b, and h_0 where there is no such step in that sequence. Write it for one direction and
/// call it twice. About 45 lines.
struct BidirectionalGradients {
    Tensor dx, dh_0;  // [T, B, D], [2, B, H]
    WeightGradients f, b;
};
BidirectionalGradients bidirectional_backward(const Tensor& dy, const Tensor& dlast, const Tensor& x,
                                              const Ids& lengths, const Tensor& h_0, const Tensor& y, const Weights& f,
                                              const Weights& b);

/// 7.4  A deep network: layer 1 reads x [T, B, D], every other one the states of the layer below,
///
///     h(l)_t = tanh(W_hh(l) h(l)_{t-1} + W_xh(l) h(l-1)_t + b_h(l)),   h(0)_t = x_t
///
/// h_0 [L, B, H] are the initial states of the layers, W_xh is [H, D] in the first layer and [H, H] above. Gives the
/// states of all layers, h [L, T, B, H]. Hint: the whole sequence of one layer first, then that of the next. About 14
/// lines.
Tensor deep_forward(const Tensor& x, const Tensor& h_0, const std::vector<Weights>& layers);

/// 7.5  Backward of 7.4. dy [T, B, H] arrives at the outputs of the *top* layer, dlast [L, B, H] at the last state of
/// every layer; h [L, T, B, H] is what 7.4 gave. From the top layer down, and in each from the last step to the first,
///
///     dh(l)_t = (from above) + δ(l)_{t+1} W_hh(l)  (at t = T: + dlast(l))     δ(l)_t = dh(l)_t ⊙ (1 - h(l)_t²)
///     from above: dy_t at the top, δ(l+1)_t W_xh(l+1) below it
///     dx_t = δ(1)_t W_xh(1)     dh_0(l) = δ(l)_1 W_hh(l)     and the weights as ever
///
/// Hint: what a layer sends down through W_xh at all steps is the dy of the layer below. About 30 lines.
struct DeepGradients {
    Tensor dx, dh_0;  // [T, B, D], [L, B, H]
    std::vector<WeightGradients> layers;
};
DeepGradients deep_backward(const Tensor& dy, const Tensor& dlast, const Tensor& x, const Tensor& h_0, const Tensor& h,
                            const std::vector<Weights>& layers);

/// 7.6  Attention: a query q [B, H] looks at N states [N, B, H] of which sequence b has lengths[b] >= 1; what stands
/// behind them means nothing. The states are scored, the scores become weights, and the context is the weighted mean:
///
///     dot      e[b, i] = q[b] · h[i, b]
///     general  e[b, i] = q[b] · (W_a h[i, b])                    W_a [H, H]
///     concat   e[b, i] = v_a · tanh(W_a [q[b]; h[i, b]])         W_a [A, 2H], v_a [A]
///     α[b, i] = exp(e[b, i]) / Σ_{j < lengths[b]} exp(e[b, j]),  0 for i >= lengths[b]     c[b] = Σ_i α[b, i] h[i, b]
///
/// Gives α [B, N] and c [B, H]. Scores may be 1000 or -1000; all has to be finite then too. Hint: W_a h is
/// matmul(h, transposed(W_a)), and q · (W_a h) is the sum over the last axis of q times that; a column
/// [B, 1] times [B, H] weighs rows. About 30 lines.
enum class Score { dot, general, concat };
struct ScoreWeights {
    Score kind;
    Tensor W_a, v_a;  // undefined where the score has none
};
struct Attended {
    Tensor alpha, c;
};
Attended attention(const Tensor& q, const Tensor& states, const Ids& lengths, const ScoreWeights& w);

/// 7.7  Backward of 7.6 with the dot score: dc [B, H] arrives at the context, alpha [B, N] is what 7.6 gave. A state is
/// used twice, in the mean and by its score:
///
///     dα[b, i] = dc[b] · h[i, b]     de[b, i] = α[b, i] (dα[b, i] - Σ_j α[b, j] dα[b, j])
///     dq[b] = Σ_i de[b, i] h[i, b]     dh[i, b] = α[b, i] dc[b] + de[b, i] q[b]
///
/// Hint: where α is 0 so is de, and no mask is needed any more. About 16 lines.
struct AttentionGradients {
    Tensor dq, dstates;  // [B, H], [N, B, H]
};
AttentionGradients attention_backward(const Tensor& dc, const Tensor& q, const Tensor& states, const Tensor& alpha);

/// The attention as 7.8 gets it: 7.6 with weights of its own, over any number N of states, all of them valid.
using Attention = std::function<Attended(const Tensor& q, const Tensor& states)>;

/// 7.8  The attention RNN over x [T, B, D]. At each step the state so far asks, and the states *before* this step
/// answer:
///
///     c_t = Attention(h_{t-1}, {h_1 .. h_{t-1}}),  at t = 1: Attention(h_0, {h_0})
///     h_t = tanh(W_hh h_{t-1} + W_xh [x_t; c_t] + b_h),  W_xh [H, D + H]
///
/// Gives h [T, B, H] and the contexts c [T, B, H]. Hint: `stack` takes a std::vector of states [B, H]. About 14 lines.
struct AttentionStates {
    Tensor h, c;
};
AttentionStates attention_rnn(const Attention& attention, const Tensor& x, const Tensor& h_0, const Weights& w);

}  // namespace unroll::exercise
