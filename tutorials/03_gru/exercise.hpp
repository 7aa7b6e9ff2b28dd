#pragma once
#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/reductions.hpp"
#include "core/ops/shape.hpp"
#include "tutorials/grader/unimplemented.hpp"

/// Exercises of chapter 03. They climb from one step of the GRU to its backpropagation through time, then to the
/// variant that cuDNN and PyTorch have, to PyTorch's weights, and to what the comparison with the LSTM rests on.
///
/// Letters: T time steps, B sequences side by side (the batch), D inputs, H hidden units. The book counts steps from 1,
/// C++ from 0: step t reads x[t] and the state before it, which is h_0 for t = 0 and h[t-1] later, and makes h[t]. A
/// matrix of the book's stands left of a column; here every sequence is a *row*, so W [h, x] is written
/// matmul(concat(h, x), transposed(W)). σ is the logistic function, `sigmoid`; ⊙ is *.
///
/// All numbers are f64. A Tensor of your own is made by `Tensor::zeros({B, H}, DType::f64)`; sizes are `x.dim(0)`;
/// numbers are `x.at({b, d})` and `x.set({b, d}, value)`. `x[t]` is a view of step t, not a copy, and copying a Tensor
/// shares its numbers as well: `clone()` copies them. Inputs must stay as they are. Of the library you may call
/// + - * /, matmul, sigmoid, tanh, exp, log, sum, mean, stack, concat and columns of Tensors; the tape is what you are
/// rebuilding. An exercise may call an earlier one of yours, but a mistake there then costs both.
namespace unroll::exercise {

/// The book's: each matrix acts on [h, x], h's columns first.
struct Weights {
    Tensor W_z, W_r, W_h;  // [H, H+D]
    Tensor b_z, b_r, b_h;  // [H]
};

/// 3.1  One step for a batch: x_t [B, D] and h_{t-1} [B, H] give
///
///     z_t = σ(W_z [h_{t-1}, x_t] + b_z)     r_t = σ(W_r [h_{t-1}, x_t] + b_r)
///     h̃_t = tanh(W_h [r_t ⊙ h_{t-1}, x_t] + b_h)     h_t = (1 - z_t) ⊙ h_{t-1} + z_t ⊙ h̃_t
///
/// Hint: concat(h, x) puts [B, H] and [B, D] side by side. About 6 lines.
struct Step {
    Tensor z, r, h_tilde, h;  // each [B, H]
};
Step gru_step_forward(const Tensor& x_t, const Tensor& h_before, const Weights& w);

/// 3.2  Backward of one step. dh_t = dL/dh_t [B, H] arrives; x_t, h_{t-1} and `s` are those of the forward pass. With
/// δ for the gradient at what stands inside σ or tanh, a row for each sequence,
///
///     δ_h = dh_t ⊙ z_t ⊙ (1 - h̃_t²)     δ_z = dh_t ⊙ (h̃_t - h_{t-1}) ⊙ z_t ⊙ (1 - z_t)
///     g = dL/d(r_t ⊙ h_{t-1}), the first H columns of δ_h W_h     δ_r = g ⊙ h_{t-1} ⊙ r_t ⊙ (1 - r_t)
///
/// The rest is yours. Hint: four ways lead from h_{t-1} to h_t, and what comes back on them is added; three lead from
/// x_t. W_h multiplied [r_t ⊙ h_{t-1}, x_t], the other two [h_{t-1}, x_t]. columns(y, begin, end) are columns begin ..
/// end-1 of y. About 18 lines.
struct StepGradients {
    Tensor dx_t, dh_before;   // [B, D], [B, H]
    Tensor dW_z, dW_r, dW_h;  // [H, H+D]
    Tensor db_z, db_r, db_h;  // [H]
};
StepGradients gru_step_backward(const Tensor& dh_t, const Tensor& x_t, const Tensor& h_before, const Step& s,
                                const Weights& w);

/// 3.3  The whole sequence: x [T, B, D] and h_0 [B, H] give the states h_1 .. h_T, and what the backward pass needs of
/// each step.
///
/// Hint: `stack` puts a std::vector of T tensors [B, H] above each other. About 15 lines.
struct Sequence {
    Tensor z, r, h_tilde, h;  // each [T, B, H]
};
Sequence gru_forward(const Tensor& x, const Tensor& h_0, const Weights& w);

/// 3.4  Backpropagation through time. Every output has a gradient of its own, dy [T, B, H] with dy[t] = ∂L_t/∂h_t from
/// the loss of its step, and so has the last state as such, dh_T [B, H], from whatever goes on with it. `s` is what 3.3
/// gave. From the last step to the first, dh_t = dy_t + what step t+1 sends back to h_t (at the last step: dy_T +
/// dh_T), then the equations of 3.2; the gradients of the weights are sums over t. Hint: as in 1.4 one tensor is
/// carried from step to step, and the four ways of 3.2 lead back to h_{t-1}. About 32 lines.
struct Gradients {
    Tensor dx, dh_0;          // [T, B, D], [B, H]
    Tensor dW_z, dW_r, dW_h;  // [H, H+D]
    Tensor db_z, db_r, db_h;  // [H]
};
Gradients gru_backward(const Tensor& dy, const Tensor& dh_T, const Tensor& x, const Tensor& h_0, const Sequence& s,
                       const Weights& w);

/// The weights of the other variant: for x and for h apart, z, r and h̃ above each other. Rows 0 .. H-1 are z's, H ..
/// 2H-1 r's, 2H .. 3H-1 the candidate's.
struct StackedWeights {
    Tensor W_xh, W_hh, b;  // [3H, D], [3H, H], [3H]
    Tensor b_hh;           // [H], the candidate's second bias, inside the reset product
};

/// 3.5  One step with the reset *after* the matrix, as cuDNN and PyTorch have it. With their rows of a = W_xh x_t + b
/// and of p = W_hh h_{t-1}, which are [B, 3H] with each sequence as a row,
///
///     z_t = σ(a_z + p_z)     r_t = σ(a_r + p_r)     q_t = p_h + b_hh     h̃_t = tanh(a_h + r_t ⊙ q_t)
///
/// and h_t = (1 - z_t) ⊙ h_{t-1} + z_t ⊙ h̃_t as before. All products with h_{t-1} are one, and none waits for r_t: that
/// is why the variant is there. Then its backward, where δ_z and δ_h are those of 3.2 and
///
///     dq_t = δ_h ⊙ r_t     δ_r = δ_h ⊙ q_t ⊙ r_t ⊙ (1 - r_t)
///
/// Hint: the gradient at a is [δ_z, δ_r, δ_h], that at p is [δ_z, δ_r, dq_t]. columns(a, H, 2 * H) are r's,
/// concat({u, v, w}) puts three side by side. About 10 lines each.
struct StepAfter {
    Tensor z, r, q, h_tilde, h;  // each [B, H]
};
struct StackedGradients {
    Tensor dx_t, dh_before, dW_xh, dW_hh, db, db_hh;  // [B, D], [B, H], [3H, D], [3H, H], [3H], [H]
};
StepAfter reset_after_forward(const Tensor& x_t, const Tensor& h_before, const StackedWeights& w);
StackedGradients reset_after_backward(const Tensor& dh_t, const Tensor& x_t, const Tensor& h_before, const StepAfter& s,
                                      const StackedWeights& w);

/// 3.6  The weights of PyTorch's GRU, whose rows are r's, z's and the candidate's (it calls it n), and which has
///
///     r = σ(W_ir x + b_ir + W_hr h + b_hr)     z = σ(W_iz x + b_iz + W_hz h + b_hz)
///     n = tanh(W_in x + b_in + r ⊙ (W_hn h + b_hn))     h_t = (1 - z) ⊙ n + z ⊙ h_{t-1}
///
/// as the weights of 3.5 that compute the same h_t. Mind which state z weights: σ(-a) = 1 - σ(a). Hint: x.slice(begin,
/// end) are rows begin .. end-1; `concat({a, b, c}, 0)` puts three above each other; -x is x with the other sign. About
/// 14 lines.
struct PyTorchWeights {
    Tensor weight_ih, weight_hh, bias_ih, bias_hh;  // [3H, D], [3H, H], [3H], [3H]
};
StackedWeights from_pytorch(const PyTorchWeights& p);

/// 3.7  How many numbers the layers have: `layers` of them above each other, the first reads x_t [D], the others the
/// h_t [H] of the one below. Of each cell: RNN W_hh, W_xh, b_h; LSTM that much for each of three gates and a candidate;
/// GRU for two gates and a candidate; with the reset after the matrix it has b_hh in addition. About 8 lines.
///
/// And the largest H for which one GRU layer (reset before) of D inputs has no more than `parameters` numbers, 0 where
/// there is none: what a fair comparison with an LSTM takes. Hint: count one matrix on [h, x] with its bias,
/// then how many of them a cell has; and try H = 1, 2 and so on. About 4 lines.
struct Counts {
    double rnn, lstm, gru, gru_reset_after;
};
Counts parameter_counts(int D, int H, int layers);
int largest_gru(double parameters, int D);

/// 3.8  What a state is made of. h_t = (1 - z_t) ⊙ h_{t-1} + z_t ⊙ h̃_t is a mean of two; so h_T is a mean of h_0 and
/// all the candidates, each unit with weights of its own that depend on z alone:
///
///     h_T = w_0 ⊙ h_0 + Σ_t w_t ⊙ h̃_t     w_0 = Π_{s=1..T} (1 - z_s)     w_t = z_t ⊙ Π_{s=t+1..T} (1 - z_s)
///
/// z and h_tilde [T, H] of one sequence, h_0 [H]. `weights` row 0 is w_0, row t is w_t; they are 1 in sum. Hint: from
/// the last step to the first the product grows by a factor a step. z[t] is what the book calls z_{t+1}. About 12
/// lines.
struct Memory {
    Tensor weights;  // [T+1, H]
    Tensor h_T;      // [H]
};
Memory memory(const Tensor& z, const Tensor& h_tilde, const Tensor& h_0);

}  // namespace unroll::exercise
