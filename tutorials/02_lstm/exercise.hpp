#pragma once
#include <functional>
#include <vector>

#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/reductions.hpp"
#include "core/ops/shape.hpp"
#include "tutorials/grader/unimplemented.hpp"

/// Exercises of chapter 02. They climb from one step of the LSTM to backpropagation through time with its two states,
/// then to the variants, to the weights of another library, and to the chunks that a long text is learnt in.
///
/// Letters: T time steps, B sequences side by side (the batch), D inputs, H hidden units. Step t reads x[t] and the
/// states before it, h_0 and C_0 for t = 0 and h[t-1] and C[t-1] later. Every sequence is a *row*, so W_f [h, x] is
/// written matmul(concat(h, x), transposed(W_f)). ⊙ is *, entry by entry.
///
/// The four matrices of the book, each [H, H+D] on [h_{t-1}, x_t], stand above each other in one W [4H, H+D], in the
/// order f, i, C̃, o: the forget gate's in rows 0 .. H-1, the input gate's below it, then the candidate's and the
/// output gate's. b [4H] likewise. So one product gives all four, side by side: `columns(a, begin, end)` takes columns
/// begin .. end-1 of a [B, 4H], and `concat({p, q, r, s})` puts four [B, H] side by side again.
///
/// All numbers are f64. A Tensor of your own is made by `Tensor::zeros({B, H}, DType::f64)`; sizes are `x.dim(0)`.
/// `x[t]` and `W.slice(begin, end)` (rows begin .. end-1) are views, not copies, and copying a Tensor shares its
/// numbers as well: `clone()` copies them. Inputs must stay as they are. Of the library you may call + - * /, matmul,
/// sigmoid, tanh, exp, sum, mean, columns, concat, slice and stack of Tensors; the tape is not among them. An exercise
/// may call an earlier one of yours, but a mistake there then costs both.
namespace unroll::exercise {

struct Weights {
    Tensor W, b;  // [4H, H+D], [4H]
};

/// What a step makes: three gates, the candidate C̃, and the two states. Each is [B, H]; of a sequence, [T, B, H].
struct Step {
    Tensor f, i, candidate, o, C, h;
};

/// 2.1  One step for a batch: x_t [B, D], h_{t-1} and C_{t-1} [B, H] give all that the step makes, σ the logistic:
///
///     f_t = σ(W_f [h_{t-1}, x_t] + b_f)     i_t = σ(W_i [h_{t-1}, x_t] + b_i)
///     C̃_t = tanh(W_C [h_{t-1}, x_t] + b_C)     o_t = σ(W_o [h_{t-1}, x_t] + b_o)
///     C_t = f_t ⊙ C_{t-1} + i_t ⊙ C̃_t     h_t = o_t ⊙ tanh(C_t)
///
/// Hint: `concat(h, x)` is [h, x]. About 10 lines.
Step lstm_step_forward(const Tensor& x_t, const Tensor& h_before, const Tensor& C_before, const Weights& w);

/// 2.2  Backward of one step. Two gradients arrive, dh_t = dL/dh_t and dC_t [B, H]: what came to C_t from later steps.
/// `s` holds the values of the forward pass. h_t was made of C_t too, so the gradient of C_t is a sum:
///
///     dC = dC_t + dh_t ⊙ o_t ⊙ (1 - tanh²(C_t))
///     df = dC ⊙ C_{t-1}     di = dC ⊙ C̃_t     dC̃ = dC ⊙ i_t     do = dh_t ⊙ tanh(C_t)     dC_{t-1} = dC ⊙ f_t
///     δ_f = df ⊙ f_t ⊙ (1 - f_t), and so for i and o     δ_C = dC̃ ⊙ (1 - C̃_t²)
///     δ = [δ_f, δ_i, δ_C, δ_o]     [dh_{t-1}, dx_t] = δ W     dW = δᵀ [h_{t-1}, x_t]     db[j] = Σ_b δ[b, j]
///
/// Hint: write these lines down in this order. About 16 lines.
struct StepGradients {
    Tensor dx_t, dh_before, dC_before, dW, db;  // [B, D], [B, H], [B, H], [4H, H+D], [4H]
};
StepGradients lstm_step_backward(const Tensor& dh_t, const Tensor& dC_t, const Tensor& x_t, const Tensor& h_before,
                                 const Tensor& C_before, const Step& s, const Weights& w);

/// 2.3  The whole sequence: x [T, B, D], h_0 and C_0 [B, H] give what all steps made, each [T, B, H].
///
/// Hint: `stack` puts a std::vector of T tensors [B, H] above each other. About 20 lines.
Step lstm_forward(const Tensor& x, const Tensor& h_0, const Tensor& C_0, const Weights& w);

/// 2.4  Backpropagation through time. dy [T, B, H] with dy[t] = ∂L_t/∂h_t comes from the losses of the steps; dh_T and
/// dC_T [B, H] come to the last states from whatever goes on with them (a decoder, say). From the last step to the
/// first, with the equations of 2.2,
///
///     dh_t = dy_t + dh (from step t+1; at the last step dh_T)     dC_t = dC (from step t+1; at the last step dC_T)
///     dW and db are sums over the steps; what the first step sends back is dh_0 and dC_0
///
/// `s` is what 2.3 gave. Hint: carry two tensors from step to step. About 28 lines.
struct Gradients {
    Tensor dx, dh_0, dC_0, dW, db;  // [T, B, D], [B, H], [B, H], [4H, H+D], [4H]
};
Gradients lstm_backward(const Tensor& dy, const Tensor& dh_T, const Tensor& dC_T, const Tensor& x, const Tensor& h_0,
                        const Tensor& C_0, const Step& s, const Weights& w);

/// 2.5  The peephole LSTM: the gates see the cell state too. The book's W_f, W_i and W_o work on [h, x, C]; here their
/// columns for C are the matrices P_f, P_i, P_o, above each other in P [3H, H], and W and b are as before:
///
///     f_t = σ(W_f [h_{t-1}, x_t] + P_f C_{t-1} + b_f)     i_t = σ(W_i [h_{t-1}, x_t] + P_i C_{t-1} + b_i)
///     o_t = σ(W_o [h_{t-1}, x_t] + P_o C_t + b_o): the *new* cell state     C̃_t, C_t, h_t as in 2.1
///
/// Backward: C_t has one more user, o_t, and C_{t-1} two more, f_t and i_t:
///
///     δ_o as in 2.2, before all else     dC = dC_t + dh_t ⊙ o_t ⊙ (1 - tanh²(C_t)) + δ_o P_o
///     dC_{t-1} = dC ⊙ f_t + δ_f P_f + δ_i P_i     dP_f = δ_fᵀ C_{t-1}     dP_i = δ_iᵀ C_{t-1}     dP_o = δ_oᵀ C_t
///
/// Hint: 2.1 and 2.2 with a line more here and there; `concat({p, q, r}, 0)` puts matrices above each other. About 14
/// and 22 lines.
struct PeepholeWeights {
    Tensor W, b, P;  // [4H, H+D], [4H], [3H, H]
};
struct PeepholeGradients {
    Tensor dx_t, dh_before, dC_before, dW, db, dP;
};
Step peephole_step_forward(const Tensor& x_t, const Tensor& h_before, const Tensor& C_before, const PeepholeWeights& w);
PeepholeGradients peephole_step_backward(const Tensor& dh_t, const Tensor& dC_t, const Tensor& x_t,
                                         const Tensor& h_before, const Tensor& C_before, const Step& s,
                                         const PeepholeWeights& w);

/// 2.6  The coupled LSTM forgets what it replaces: f_t = 1 - i_t. There is no W_f, so W is [3H, H+D] and b [3H], in the
/// order i, C̃, o:
///
///     C_t = (1 - i_t) ⊙ C_{t-1} + i_t ⊙ C̃_t     and all else as in 2.1
///
/// The Step has f = 1 - i. Backward: find di yourself; δ = [δ_i, δ_C, δ_o]. Hint: i_t stands in the equation of C_t
/// twice. About 9 and 14 lines.
Step coupled_step_forward(const Tensor& x_t, const Tensor& h_before, const Tensor& C_before, const Weights& w);
StepGradients coupled_step_backward(const Tensor& dh_t, const Tensor& dC_t, const Tensor& x_t, const Tensor& h_before,
                                    const Tensor& C_before, const Step& s, const Weights& w);

/// 2.7  PyTorch's weights as those of 2.1: W [4H, H+D] and b [4H], so that both compute the same. PyTorch has one
/// matrix for x, weight_ih [4H, D], one for h, weight_hh [4H, H], and a bias with each, bias_ih and bias_hh [4H], which
/// it adds up. Its blocks of H rows stand in the order i, f, g, o, with g the candidate. Hint: build the blocks first.
/// About 8 lines.
struct PyTorchWeights {
    Tensor weight_ih, weight_hh, bias_ih, bias_hh;
};
Weights from_pytorch(const PyTorchWeights& p);

/// The layer as 2.8 gets it: an LSTM with weights of its own, for any number of steps. h and C are [T, B, H].
struct States {
    Tensor h, C;
};
struct Layer {
    std::function<States(const Tensor& x, const Tensor& h_0, const Tensor& C_0)> forward;
    std::function<Gradients(const Tensor& dy, const Tensor& dh_T, const Tensor& dC_T, const Tensor& x,
                            const Tensor& h_0, const Tensor& C_0)>
        backward;  // runs forward again by itself
};

/// 2.8  Truncated backpropagation through time: x [T, B, D] and dy [T, B, H] are cut into chunks of n steps, 1 <= n <=
/// T (the last chunk is shorter where n doesn't divide T). *Both* states are carried: the last h and C of a chunk are
/// the h_0 and C_0 of the next. The gradient is cut: no chunk sends anything back to the one before, so dh_T and dC_T
/// are 0 in every chunk. Gives the states of all T steps and the gradients of the weights, summed over chunks.
///
/// Hint: x.slice(begin, end) is a view of steps begin .. end-1; `concat(list, 0)` joins a std::vector of tensors in
/// time. About 16 lines.
struct Truncated {
    Tensor h, C, dW, db;  // [T, B, H], [T, B, H], [4H, H+D], [4H]
};
Truncated truncated_bptt(const Layer& layer, const Tensor& x, const Tensor& dy, const Tensor& h_0, const Tensor& C_0,
                         int n);

}  // namespace unroll::exercise
