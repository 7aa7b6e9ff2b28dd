#pragma once
#include <vector>

#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/reductions.hpp"
#include "core/ops/shape.hpp"
#include "tutorials/grader/unimplemented.hpp"

/// Exercises of chapter 08: what keeps the training of a recurrent network on its feet. Clipping, dropout with one mask
/// a step and with one for all steps, layer normalisation forward and backward, and the step that puts them in order.
///
/// Letters: T time steps, B sequences side by side (the batch), H hidden units.
///
/// All numbers are f64. A Tensor of your own is made by `Tensor::zeros({B, H}, DType::f64)`; sizes are `x.dim(0)`;
/// numbers are `x.at({b, h})` and `x.set({b, h}, value)`, or `x.flat(i)` and `x.set_flat(i, value)` in row-major order.
/// Copying a Tensor shares its numbers: `clone()` copies them. Inputs must stay as they are. Of the library you may
/// call
/// + - * /, matmul, sqrt, sum, mean, stack, reshape and tanh of Tensors; clipping, dropout and layer_norm are what you
/// are rebuilding. An exercise may call an earlier one of yours, but a mistake there then costs both.
namespace unroll::exercise {

using Gradients = std::vector<Tensor>;  // one a parameter, of any shapes

/// 8.1  The norm of all gradients taken as one long vector:  ‖g‖ = √(Σ over all tensors and entries g²).
///
/// Gradients explode: entries may be as large as 1e200, whose square is no double. Hint: divide by the largest absolute
/// entry first, and multiply at the end; where that is 0, so is the norm. About 10 lines.
double global_norm(const Gradients& gradients);

/// 8.2  Clipping by norm: where ‖g‖ > τ every gradient becomes (τ / ‖g‖) g, else they stay. `norm` is the norm before.
///
/// Gives new tensors. Hint: one factor for all tensors, or the direction changes. About 5 lines.
struct Clipped {
    Gradients gradients;
    double norm;
};
Clipped clip_by_norm(const Gradients& gradients, double tau);

/// 8.3  Clipping by value: every entry is brought into -limit .. limit, by itself. `cosine` is that of the angle
/// between the gradients before and after, each taken as one long vector: (a · b) / (‖a‖ ‖b‖). Not 1 where the
/// direction changed. Hint: three sums, a · b, a · a and b · b, over all gradients together. About 10 lines.
struct ClippedValues {
    Gradients gradients;
    double cosine;
};
ClippedValues clip_by_value(const Gradients& gradients, double limit);

/// 8.4  Dropout in training, x [T, B, H]. `draws` [T, B, H] are uniform in 0 .. 1: an entry is dropped where its draw
/// is below p, and multiplied by 1 / (1 - p) where it is kept, so that the expectation stays:
///
///     mask = 0 where draws < p, else 1 / (1 - p)     y = mask ⊙ x     dx = mask ⊙ dy
///
/// At evaluation (training = false) y = x and dx = dy. Hint: gives the mask too; it is what the backward pass must use
/// again. At evaluation it is all ones. About 8 lines, and 1.
struct Dropped {
    Tensor y, mask;
};
Dropped dropout_forward(const Tensor& x, const Tensor& draws, double p, bool training);
Tensor dropout_backward(const Tensor& dy, const Tensor& mask);

/// 8.5  Variational dropout: ONE mask for all time steps. x [T, B, H], draws [B, H]: what is dropped in a sequence is
/// dropped at each of its steps. mask is [B, H]. Hint: one time step has the mask's shape; `stack` joins them. About 8
/// lines, and 5.
Dropped variational_forward(const Tensor& x, const Tensor& draws, double p, bool training);
Tensor variational_backward(const Tensor& dy, const Tensor& mask);

/// 8.6  Layer normalisation over the last axis. For each row x of x [B, H]:
///
///     μ = 1/H Σ_j x_j     v = 1/H Σ_j (x_j - μ)²     x̂_j = (x_j - μ) / √(v + ε)     y_j = w_j x̂_j + b_j
///
/// weight and bias are [H]. `inverse` [B] is 1 / √(v + ε). Hint: columns like μ [B, 1] are subtracted by -; for H = 1
/// the variance is 0, and ε is all that stands below. About 8 lines.
struct Normalised {
    Tensor y, x_hat, inverse;  // [B, H], [B, H], [B]
};
Normalised layer_norm_forward(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps);

/// 8.7  Its backward: dy [B, H] arrives, x_hat and inverse are those of 8.6. With g_j = dy_j w_j in each row,
///
///     dx_j = inverse (g_j - 1/H Σ_k g_k - x̂_j 1/H Σ_k g_k x̂_k)
///     dweight_j = Σ_b dy[b, j] x̂[b, j]     dbias_j = Σ_b dy[b, j]
///
/// μ and v depend on every x_j of the row: that is where the two means come from. Hint: the two means are one number a
/// row each: have them before the loop over j. About 8 lines.
struct NormGradients {
    Tensor dx, dweight, dbias;  // [B, H], [H], [H]
};
NormGradients layer_norm_backward(const Tensor& dy, const Tensor& x_hat, const Tensor& inverse, const Tensor& weight);

/// 8.8  One step of gradient descent from several small batches whose gradients are too many for memory at once.
/// micro[m] are the gradients of the mean loss over micro-batch m of sizes[m] sequences. The step is to be the one that
/// a single batch of all sequences would take:
///
///     g = Σ_m sizes[m] micro[m] / Σ_m sizes[m]     then clipped by norm to τ     θ ← θ - rate g
///
/// Gives the new parameters as new tensors. Hint: all gradients are averaged before any is clipped; 8.2 is at hand.
/// About 12 lines.
std::vector<Tensor> accumulated_step(const std::vector<Tensor>& parameters, const std::vector<Gradients>& micro,
                                     const std::vector<double>& sizes, double tau, double rate);

}  // namespace unroll::exercise
