#pragma once
#include <functional>
#include <vector>

#include "core/ids.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/reductions.hpp"
#include "core/ops/shape.hpp"
#include "tutorials/grader/unimplemented.hpp"

/// Exercises of chapter 01. They climb from one step of the recurrent network to backpropagation through time, its
/// loss, the Jacobian that vanishes or explodes, and the two ends of a language model: its words and its chunks.
///
/// Letters: T time steps, B sequences side by side (the batch), D inputs, H hidden units, V classes (words,
/// characters). The book counts steps from 1, C++ from 0: step t reads x[t] and the state before it, which is h_0 for t
/// = 0 and h[t-1] later, and makes h[t]. A matrix of the book's stands left of a column; here every sequence is a
/// *row*, so W_hh h_{t-1} is written matmul(h_before, transposed(W_hh)).
///
/// All numbers are f64. A Tensor of your own is made by `Tensor::zeros({B, H}, DType::f64)`; sizes are `x.dim(0)`;
/// numbers are `x.at({b, d})` and `x.set({b, d}, value)`. `x[t]` is a view of step t, not a copy, and copying a Tensor
/// shares its numbers as well: `clone()` copies them. Inputs must stay as they are. Of the library you may call
/// + - * /, matmul, tanh, exp, log, sum, mean, stack and concat of Tensors; softmax, the cross-entropy and the tape are
/// what you are rebuilding. An exercise may call an earlier one of yours, but a mistake there then costs both.
namespace unroll::exercise {

struct Weights {
    Tensor W_hh, W_xh, b_h;  // [H, H], [H, D], [H]
};

/// 1.1  One step for a batch: x_t [B, D] and h_{t-1} [B, H] give h_t [B, H]:
///
///     a_t = W_hh h_{t-1} + W_xh x_t + b_h     h_t = tanh(a_t)
///
/// Hint: a row [H] is added to every row of [B, H] by +. About 3 lines.
Tensor rnn_step_forward(const Tensor& x_t, const Tensor& h_before, const Weights& w);

/// 1.2  Backward of one step. dh_t = dL/dh_t [B, H] arrives; x_t, h_{t-1} and h_t are those of the forward pass. With
/// δ_t = dL/da_t, a row for each sequence,
///
///     δ_t = dh_t ⊙ (1 - h_t²)
///     dx_t = δ_t W_xh     dh_{t-1} = δ_t W_hh
///     dW_hh = δ_tᵀ h_{t-1}     dW_xh = δ_tᵀ x_t     db_h[j] = Σ_b δ_t[b, j]
///
/// Hint: a gradient has the shape of what it is the gradient of. W_hh is square, so there shapes won't tell you whether
/// you need it or its transpose. About 8 lines.
struct StepGradients {
    Tensor dx_t, dh_before, dW_hh, dW_xh, db_h;  // [B, D], [B, H], [H, H], [H, D], [H]
};
StepGradients rnn_step_backward(const Tensor& dh_t, const Tensor& x_t, const Tensor& h_before, const Tensor& h_t,
                                const Weights& w);

/// 1.3  The whole sequence: x [T, B, D] and h_0 [B, H] give the states h_1 .. h_T as h [T, B, H].
///
/// Hint: `stack` puts a std::vector of T tensors [B, H] above each other. About 8 lines.
Tensor rnn_forward(const Tensor& x, const Tensor& h_0, const Weights& w);

/// 1.4  Backpropagation through time. Every output has a gradient of its own, dy [T, B, H] with dy[t] = ∂L_t/∂h_t from
/// the loss of its step, and so has the last state as such, dh_T [B, H], from whatever goes on with it (a decoder, say,
/// or a second layer). From the last step to the first,
///
///     dh_t = dy_t + δ_{t+1} W_hh  (at the last step: dy_T + dh_T)     δ_t = dh_t ⊙ (1 - h_t²)     dx_t = δ_t W_xh
///     dW_hh = Σ_t δ_tᵀ h_{t-1}     dW_xh = Σ_t δ_tᵀ x_t     db_h[j] = Σ_t Σ_b δ_t[b, j]     dh_0 = δ_1 W_hh
///
/// h [T, B, H] is what 1.3 gave. Hint: carry one tensor from step to step, what the step after sends back. About 18
/// lines.
struct Gradients {
    Tensor dx, dh_0, dW_hh, dW_xh, db_h;  // [T, B, D], [B, H], [H, H], [H, D], [H]
};
Gradients rnn_backward(const Tensor& dy, const Tensor& dh_T, const Tensor& x, const Tensor& h_0, const Tensor& h,
                       const Weights& w);

/// 1.5  The loss of a sequence, and its gradient: scores z [T, B, V], targets [T, B] with 0 <= target < V,
///
///     p[t, b, v] = exp(z[t, b, v]) / Σ_u exp(z[t, b, u])     L = -1/(T B) Σ_t Σ_b log p[t, b, target[t, b]]
///     dscores[t, b, v] = dL/dz[t, b, v] = (p[t, b, v] - (1 if v is the target else 0)) / (T B)
///
/// Scores may be 1000 or -1000; all has to be finite then too. Hint: T and B play no part, so think of T B rows; target
/// of row r is `targets[r]`. Subtract each row's largest score; log p = z - max - log Σ exp(z - max). About 16 lines.
struct SequenceLoss {
    double L;
    Tensor dscores;  // [T, B, V]
};
SequenceLoss sequence_loss(const Tensor& scores, const Ids& targets);

/// 1.6  How a change of the state at step k arrives at step t, with σ = tanh: the Jacobian J, a row for each entry of
/// h_t and a column for each of h_k, and the bound of its norm. `states` [T+1, H] are h_0 .. h_T of one sequence,
/// states[i] is h_i; 0 <= k <= t <= T; `norm` is ‖W_hh‖.
///
///     J = ∂h_t/∂h_k = diag(σ'(a_t)) W_hh · diag(σ'(a_{t-1})) W_hh ··· diag(σ'(a_{k+1})) W_hh
///     ‖J‖ <= bound = (‖W_hh‖ m)^(t-k)     m = the largest σ'(a_i)[j] of all steps i = k+1 .. t and units j
///
/// For t = k they are the identity, and 1. Hint: diag(d) W multiplies row j of W by d[j], which is what a column,
/// d.reshape({H, 1}), times W does; σ'(a_i) is known from h_i. About 12 lines.
struct Jacobian {
    Tensor J;  // [H, H]
    double bound;
};
Jacobian jacobian(const Tensor& states, const Tensor& W_hh, double norm, int k, int t);

/// 1.7  What a language model reads, and the gradient of its table of word vectors E [V, D]. words [T, B] are the words
/// w_1 .. w_T that it is to predict, one sequence a column. At step t it has seen the words *before* w_t only:
///
///     x_t = E_{w_{t-1}},  with the word `start` as w_0 of every sequence
///
/// word_vectors gives x [T, B, D]. word_vectors_backward gives dE [V, D] from dx [T, B, D]: row v is the sum of the
/// dx[t, b] of all places whose input was word v. Hint: words[t * B + b] is the word of step t in sequence b. About 8
/// lines each.
Tensor word_vectors(const Tensor& E, const Ids& words, int start);
Tensor word_vectors_backward(const Tensor& dx, const Ids& words, int start, int V);

/// The layer as 1.8 gets it: 1.3 and 1.4 with weights of their own, for any number of steps.
struct Layer {
    std::function<Tensor(const Tensor& x, const Tensor& h_0)> forward;
    std::function<Gradients(const Tensor& dy, const Tensor& dh_T, const Tensor& x, const Tensor& h_0, const Tensor& h)>
        backward;
};

/// 1.8  Truncated backpropagation through time: x [T, B, D] and dy [T, B, H] are cut into chunks of n steps, 1 <= n <=
/// T (the last chunk is shorter where n doesn't divide T). The state is carried: the last one of a chunk is the h_0 of
/// the next. The gradient is cut: no chunk sends anything back to the one before, as if its h_0 were a constant, so
/// dh_T is 0 in every chunk. Gives the states of all T steps, h [T, B, H], and the gradients of the weights, summed
/// over chunks.
///
/// Hint: x.slice(begin, end) is a view of steps begin .. end-1; concat joins a std::vector of tensors along axis 0.
/// About 14 lines.
struct Truncated {
    Tensor h, dW_hh, dW_xh, db_h;
};
Truncated truncated_bptt(const Layer& layer, const Tensor& x, const Tensor& dy, const Tensor& h_0, int n);

}  // namespace unroll::exercise
