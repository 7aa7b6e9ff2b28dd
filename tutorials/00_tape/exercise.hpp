#pragma once
#include <functional>
#include <vector>

#include "core/ids.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/reductions.hpp"
#include "tutorials/grader/unimplemented.hpp"

/// Exercises of chapter 00. They climb from one product of numbers to a tape of your own that differentiates whatever
/// is recorded, and end with the check that tells whether to believe it.
///
/// All numbers are f64. A Tensor of your own is made by `Tensor::zeros({R, K}, DType::f64)`; its numbers are
/// `x.at({r, k})` and `x.set({r, k}, value)`, or, faster, `x.data<double>()[r * K + k]`: tensors are row-major, so the
/// last index runs fastest. Inputs must stay as they are, and copying a Tensor shares its numbers: `clone()` copies
/// them. Of the library you may call + - * /, matmul, sum, exp, log and tanh of Tensors; the tape is what you are
/// rebuilding.
namespace unroll::exercise {

/// 0.1  y = x Wᵀ by three loops, with x [R, K], W [N, K] (a weight is stored [out, in]), y [R, N]:
///
///     y[r, n] = Σ_k x[r, k] W[n, k]
///
/// Do this one on the numbers themselves, without matmul. Hint: both rows that meet are contiguous. About 8 lines.
Tensor linear(const Tensor& x, const Tensor& W);

/// 0.2  Backward of y = x Wᵀ + b, with x [R, K], W [N, K], b [N], and dy = dL/dy [R, N]:
///
///     dx = dy W     dW = dyᵀ x     db[n] = Σ_r dy[r, n]
///
/// Hint: each gradient has the shape of what it is the gradient of, and only one order of the factors gives that shape.
/// `matmul(transposed(dy), x)` is dyᵀ x. About 8 lines.
struct LinearGradients {
    Tensor dx, dW, db;
};
LinearGradients linear_backward(const Tensor& dy, const Tensor& x, const Tensor& W);

/// 0.3  Backward of y = tanh(x), from the *output* y and dy, any shape: dx = dy ⊙ tanh'(x).
///
/// Hint: tanh' can be written with y alone, so x need not be kept. 1 line.
Tensor tanh_backward(const Tensor& dy, const Tensor& y);

/// 0.4  Softmax and cross-entropy in one, over logits z [R, V] with one target a row, 0 <= target < V:
///
///     p[r, v] = exp(z[r, v]) / Σ_u exp(z[r, u])     loss = -1/R Σ_r log p[r, target_r]
///
/// Logits may be 1000 or -1000; p and loss have to be finite then too. Hint: p does not change when a number is
/// subtracted from a whole row, so subtract the row's largest; then log p[r, v] = z[r, v] - max - log Σ exp(z - max)
/// needs no logarithm of a p that has become 0. About 15 lines.
struct CrossEntropy {
    Tensor p;  // [R, V]
    double loss;
};
CrossEntropy cross_entropy(const Tensor& z, const Ids& targets);

/// 0.5  Backward of 0.4: dz [R, V] from p [R, V], the targets, and dloss = dL/dloss (a number, not always 1).
///
/// Hint: differentiate one row's loss, log Σ_u exp(z_u) - z_target; remember the mean over the R rows. About 6 lines.
Tensor cross_entropy_backward(double dloss, const Tensor& p, const Ids& targets);

/// A tape of numbers. Line i computes value i from values of earlier lines: operands a and b are indices below i.
enum class Op { input, add, sub, mul, tanh };
struct Line {
    Op op;
    int a = -1, b = -1;  // input has none, tanh has a alone
};
using List = std::vector<Line>;

/// 0.6  Runs the tape: the value of every line. The lines `input` take the numbers of `inputs`, the first such line the
/// first number, and so on; they may stand anywhere. Hint: keep the values in a vector, one a line; a line's operands
/// are the numbers of lines before it. About 12 lines.
std::vector<double> run(const List& list, const std::vector<double>& inputs);

/// 0.7  Runs the tape backward: for every line i, d value[output] / d value[i]; 0 where `output` does not depend on it.
/// `values` is what 0.6 gave. A value may be used by several lines, or twice by one (b = a + a): what each use
/// contributes is added up. Hint: one loop from `output` down to line 0. Tapes are long, so no recursion. About 15
/// lines.
std::vector<double> run_backward(const List& list, const std::vector<double>& values, int output);

/// 0.8  The numeric gradient of f at x, every entry, by central differences: entry i is
///
///     (f(x with x_i + h) - f(x with x_i - h)) / 2h
///
/// The shape of x; x is the caller's and must not change. Hint: work on a clone, and put the entry back before the next
/// one. About 10 lines.
Tensor numeric_gradient(const std::function<double(const Tensor&)>& f, const Tensor& x, double h);

}  // namespace unroll::exercise
