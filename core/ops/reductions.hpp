#pragma once
#include "core/ids.hpp"
#include "core/tape.hpp"

namespace unroll {

/// Of all elements: a scalar, shape []. Added in a fixed order, as every sum here, and in double precision. The mean of
/// nothing is an error.
Tensor sum(const Tensor& x, Where at = {});
Tensor mean(const Tensor& x, Where at = {});

/// Over one axis, which is dropped: [T, B, H] over axis 0 gives [B, H]. A negative axis counts from the last. Over the
/// last axis in double precision, over another one pairwise in the tensor's own.
Tensor sum(const Tensor& x, int axis, Where at = {});
Tensor mean(const Tensor& x, int axis, Where at = {});

/// Over the last axis, [.., V]: exp(x) / Σ exp(x), and its logarithm x - log Σ exp(x). Stable for large numbers; -inf
/// is the logit of a probability of 0. A row that is -inf throughout, or holds +inf or NaN, gives NaN.
Tensor softmax(const Tensor& x, Where at = {});
Tensor log_softmax(const Tensor& x, Where at = {});

/// The softmax of x [.., B, S] over the first lengths[b] places of each row, 1 to S of them; the others get exactly 0,
/// whatever they hold: attention over sources of unequal lengths. Lengths that are not defined are all S.
Tensor softmax(const Tensor& x, const Ids& lengths, Where at = {});

Var sum(const Operand& x);
Var mean(const Operand& x);
Var sum(const Operand& x, int axis);
Var mean(const Operand& x, int axis);
Var softmax(const Operand& x);
Var softmax(const Operand& x, const Ids& lengths);
Var log_softmax(const Operand& x);

}  // namespace unroll
