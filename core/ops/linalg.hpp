#pragma once
#include "core/tape.hpp"

namespace unroll {

/// The transpose of a matrix, as an operand of matmul and nothing else: no number is moved.
struct TransposedTensor {
    const Tensor& x;
};
struct TransposedOperand {
    Operand x;
};
inline TransposedTensor transposed(const Tensor& x) { return {x}; }
inline TransposedOperand transposed(const Operand& x) { return {x}; }

/// Matrix product. x [.., K] times W [K, N] gives [.., N]: the leading dimensions of x count as rows. With weights
/// stored [out, in], as everywhere here: matmul(x, transposed(W)). A transposed left operand must be a matrix.
Tensor matmul(const Tensor& x, const Tensor& W, Where at = {});
Tensor matmul(const Tensor& x, const TransposedTensor& W, Where at = {});
Tensor matmul(const TransposedTensor& x, const Tensor& W, Where at = {});

Var matmul(const Operand& x, const Operand& W);
Var matmul(const Operand& x, const TransposedOperand& W);
Var matmul(const TransposedOperand& x, const Operand& W);

/// x Wᵀ + b in one pass: x [.., in], W [out, in], b [out] to [.., out].
Tensor linear(const Tensor& x, const Tensor& W, const Tensor& b, Where at = {});
Var linear(const Operand& x, const Operand& W, const Operand& b);

}  // namespace unroll
