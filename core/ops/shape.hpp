#pragma once
#include <initializer_list>
#include <span>

#include "core/tape.hpp"

namespace unroll {

/// The same numbers in another shape; one size may be -1. A view.
Tensor reshape(const Tensor& x, const Shape& shape, Where at = {});
Tensor reshape(const Tensor& x, std::initializer_list<int64_t> sizes, Where at = {});
Var reshape(const Operand& x, const Shape& shape);
Var reshape(const Operand& x, std::initializer_list<int64_t> sizes);

/// Rows begin .. end-1 of the leading dimension; row i with the dimension dropped: the x_t of [T, B, D]. Views, whose
/// gradients are added into that of x where they belong: T steps that take a row each cost no more than x itself.
Tensor slice(const Tensor& x, int64_t begin, int64_t end, Where at = {});
Tensor row(const Tensor& x, int64_t i, Where at = {});
Var slice(const Operand& x, int64_t begin, int64_t end);
Var row(const Operand& x, int64_t i);

/// Columns begin .. end-1 of the last dimension, copied: one gate of [B, 4H].
Tensor columns(const Tensor& x, int64_t begin, int64_t end, Where at = {});
Var columns(const Operand& x, int64_t begin, int64_t end);

/// The axes in another order, copied: axis i of the result is axis order[i] of x. Pictures [B, C, H, W] by {2, 3, 0, 1}
/// are features of places, [H, W, B, C].
Tensor permute(const Tensor& x, std::initializer_list<int> order, Where at = {});
Var permute(const Operand& x, std::initializer_list<int> order);

/// Side by side along an axis, all other sizes being equal; a negative axis counts from the last. The book's [h, x] is
/// concat(h, x): [B, H] and [B, D] give [B, H+D].
Tensor concat(std::span<const Tensor> list, int axis = -1, Where at = {});
Tensor concat(const Tensor& a, const Tensor& b, Where at = {});
Var concat(std::span<const Var> list, int axis = -1, Where at = {});
Tensor concat(std::initializer_list<Tensor> list, int axis = -1, Where at = {});
Var concat(std::initializer_list<Var> list, int axis = -1, Where at = {});
Var concat(const Operand& a, const Operand& b);

/// n equal shapes above each other in a new leading dimension: h_1 .. h_T [B, H] give [T, B, H].
Tensor stack(std::span<const Tensor> list, char axis = 'T', Where at = {});
Var stack(std::span<const Var> list, char axis = 'T', Where at = {});
Tensor stack(std::initializer_list<Tensor> list, char axis = 'T', Where at = {});
Var stack(std::initializer_list<Var> list, char axis = 'T', Where at = {});

}  // namespace unroll
