#pragma once
#include <functional>
#include <vector>

#include "core/ids.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/reductions.hpp"
#include "core/ops/shape.hpp"
#include "tutorials/grader/unimplemented.hpp"

/// Exercises of chapter 05. They climb from convolution and its backward pass, over pooling and batch normalisation, to
/// spatial attention with its backward pass, and to what a decoder is fed in training.
///
/// Letters: B pictures side by side (the batch), C channels of H x W pixels, O channels that a convolution makes with
/// kernels of n x n, K regions of a picture, each with D numbers, A of the attention's layer, T steps. The book counts
/// from 1, C++ from 0. A matrix of the book's stands left of a column; here every picture is a *row*, so W x is written
/// matmul(x, transposed(W)).
///
/// All numbers are f64. A Tensor of your own is made by `Tensor::zeros({B, C, H, W}, DType::f64)`; sizes are
/// `x.dim(0)`; numbers are `x.at({b, c, i, j})` and `x.set({b, c, i, j}, value)`. V[i] is a view of region i, not a
/// copy, and copying a Tensor shares its numbers as well: `clone()` copies them. Ids are whole numbers, counted through
/// row by row: `words[t * B + b]`, `words.clone()`, `words.mutable_data()[i] = 7`. Inputs must stay as they are. Of the
/// library you may call + - * /, matmul, sigmoid, tanh, exp, log, sqrt, sum, mean, stack, concat and columns of
/// Tensors; the tape is what you are rebuilding. An exercise may call an earlier one of yours, but a mistake there then
/// costs both.
namespace unroll::exercise {

/// 5.1  Convolution as networks have it: x [B, C, H, W], kernels W [O, C, n, n], bias [O]. With stride s and a border
/// of p zeros on each side,
///
///     y[b,o,i,j] = bias[o] + Σ_c Σ_k Σ_l W[o,c,k,l] x[b, c, i s + k - p, j s + l - p]
///
/// where a pixel outside of the picture is 0. Returns y [B, O, (H + 2p - n) / s + 1, (W + 2p - n) / s + 1]. Hint: seven
/// loops are right; leave out what lies outside. About 18 lines.
Tensor conv2d(const Tensor& x, const Tensor& W, const Tensor& bias, int stride, int padding);

/// 5.2  Its backward: every product W x of the forward pass passes dy on, to both of its factors,
///
///     dW[o,c,k,l] += dy[b,o,i,j] x[b, c, i s + k - p, j s + l - p]
///     dx[b, c, i s + k - p, j s + l - p] += dy[b,o,i,j] W[o,c,k,l]
///     dbias[o] += dy[b,o,i,j]
///
/// What lies outside has no gradient. Hint: the same loops. About 22 lines.
struct ConvGradients {
    Tensor dx, dW, dbias;
};
ConvGradients conv2d_backward(const Tensor& dy, const Tensor& x, const Tensor& W, int stride, int padding);

/// 5.3  The largest of each square of n x n pixels, and the way back. x [B, C, H, W] is cut into squares that do not
/// overlap; what is left over at the right and below is left out. The gradient of a square goes to its largest pixel,
/// of equal ones to the first, row by row; all others get 0. Hint: remember for each square where its largest pixel
/// was. About 20 lines.
struct Pooled {
    Tensor y;   // [B, C, H / n, W / n]
    Tensor dx;  // from dy of y's shape
};
Pooled max_pool(const Tensor& x, const Tensor& dy, int n);

/// 5.4  Batch normalisation in training, of x [B, C, H, W]. For each channel over all pictures and pixels, N = B H W
/// numbers,
///
///     μ = 1/N Σ x     σ² = 1/N Σ (x - μ)²     y = weight (x - μ) / √(σ² + eps) + bias
///
/// and what is kept for later, when there is no batch: running <- (1 - m) running + m (that of the batch), for which
/// the variance is divided by N - 1. weight, bias, running_mean and running_var are [C]; the running ones are given
/// back, not changed. Hint: two passes over a channel: first μ, then σ², so that nothing cancels. About 20 lines.
struct Normed {
    Tensor y, running_mean, running_var;
};
Normed batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& running_mean,
                  const Tensor& running_var, double eps, double m);

/// 5.5  Spatial attention, one step. The state before asks, h [B, H], the picture's regions are V [K, B, D]:
///
///     e_i = w_a · tanh(W_h h + W_v V_i + b_a)     α = softmax(e) over the K regions     v = Σ_i α_i V_i
///
/// W_h [A, H], W_v [A, D], b_a [A], w_a [A]. Hint: sum(x, 1) sums each row of [B, A] to [B]; x.reshape({B, 1}) makes it
/// a column, concat of a std::vector of columns puts them side by side, and columns(alpha, i, i + 1) takes one out. The
/// scores here are small. About 14 lines.
struct AttentionWeights {
    Tensor W_h, W_v, b_a, w_a;
};
struct Attended {
    Tensor alpha, v;  // [B, K], [B, D]
};
Attended spatial_attention(const Tensor& h, const Tensor& V, const AttentionWeights& w);

/// 5.6  Its backward, from dv = dL/dv [B, D]. With u_i = tanh(W_h h + W_v V_i + b_a) and α as in 5.5,
///
///     dα_i = dv · V_i     de_i = α_i (dα_i - Σ_j α_j dα_j)     g_i = de_i w_a ⊙ (1 - u_i²)
///     dV_i = α_i dv + W_vᵀ g_i     dh = Σ_i W_hᵀ g_i
///     dW_h = Σ_i g_i hᵀ     dW_v = Σ_i g_i V_iᵀ     db_a = Σ_i g_i     dw_a = Σ_i de_i u_i
///
/// The sums over the pictures of the batch are in the products of matrices; those of db_a and dw_a you write. Hint:
/// += adds to a Tensor, and dV[i].copy_from(x) fills region i of dV. About 28 lines.
struct AttentionGradients {
    Tensor dh, dV, dW_h, dW_v, db_a, dw_a;
};
AttentionGradients spatial_attention_backward(const Tensor& dv, const Tensor& h, const Tensor& V, const Tensor& alpha,
                                              const AttentionWeights& w);

/// 5.7  What scheduled sampling feeds. before [T, B] are the true words before those to be predicted, the start in row
/// 0. The start is always fed. At step t = 1 .. T-1 the word of picture b is the true one where draws[t, b] < epsilon,
/// else the network's own: next(t - 1, row) is its most probable word after row t-1 of what *was fed* [B], for all
/// pictures at once. It must be called once for each t, in order: the network has a state. Hint: fed.row(t) are the
/// words of step t, [B]. About 10 lines.
using Next = std::function<Ids(int64_t t, const Ids& fed)>;
Ids sampled_inputs(const Ids& before, const Tensor& draws, double epsilon, const Next& next);

/// 5.8  How ε falls over the steps i of training:
///
///     linear   max(least, k - slope i)         exponential   k^i         inverse sigmoid   k / (k + e^(i / k))
///
/// Hint: e^(i / k) may be infinite; k over that is 0, which is right. About 6 lines.
enum class Decay { linear, exponential, inverse_sigmoid };
double epsilon(Decay decay, int i, double k, double slope, double least);

}  // namespace unroll::exercise
