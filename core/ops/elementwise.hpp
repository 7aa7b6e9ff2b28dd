#pragma once
#include "core/tape.hpp"

/// Element by element. Every operation has the same name on Tensors (computes) and on Vars (computes and is recorded).
///
/// Two operands must have the same shape, or one of them is repeated over the other:
///   row      [.., H] with [H]        a bias
///   column   [.., H] with [.., 1]    a weight for each row
///   scalar   [..] with a tensor of one element, or a number
/// Any other pair of shapes is an error.
namespace unroll {

/// A Tensor operand of an operator, with the line of the reader's expression.
struct At {
    At(const Tensor& t, Where at = {}) : t(t), at(at) {}
    const Tensor& t;
    Where at;
};

Tensor add(const Tensor& a, const Tensor& b, Where at = {});
Tensor sub(const Tensor& a, const Tensor& b, Where at = {});
Tensor mul(const Tensor& a, const Tensor& b, Where at = {});  // a ⊙ b
Tensor div(const Tensor& a, const Tensor& b, Where at = {});
Tensor scale(const Tensor& x, double factor, double shift = 0);  // factor x + shift
Tensor div(const Tensor& x, double s, Where at = {});            // x / s, rounded once

Tensor sigmoid(const Tensor& x, Where at = {});  // the logistic 1 / (1 + e^-x)
Tensor tanh(const Tensor& x, Where at = {});
Tensor relu(const Tensor& x, Where at = {});  // NaN stays NaN
Tensor exp(const Tensor& x, Where at = {});
Tensor log(const Tensor& x, Where at = {});
Tensor sqrt(const Tensor& x, Where at = {});

inline Tensor operator+(At a, const Tensor& b) { return add(a.t, b, a.at); }
inline Tensor operator-(At a, const Tensor& b) { return sub(a.t, b, a.at); }
inline Tensor operator*(At a, const Tensor& b) { return mul(a.t, b, a.at); }
inline Tensor operator/(At a, const Tensor& b) { return div(a.t, b, a.at); }
inline Tensor operator+(const Tensor& x, double s) { return scale(x, 1, s); }
inline Tensor operator+(double s, const Tensor& x) { return scale(x, 1, s); }
inline Tensor operator-(const Tensor& x, double s) { return scale(x, 1, -s); }
inline Tensor operator-(double s, const Tensor& x) { return scale(x, -1, s); }
inline Tensor operator*(const Tensor& x, double s) { return scale(x, s); }
inline Tensor operator*(double s, const Tensor& x) { return scale(x, s); }
inline Tensor operator/(const Tensor& x, double s) { return div(x, s); }
inline Tensor operator-(const Tensor& x) { return scale(x, -1); }

Var add(const Operand& a, const Operand& b);
Var sub(const Operand& a, const Operand& b);
Var mul(const Operand& a, const Operand& b);
Var div(const Operand& a, const Operand& b);
Var scale(const Operand& x, double factor, double shift = 0);
Var div(const Operand& x, double s);
Var sigmoid(const Operand& x);
Var tanh(const Operand& x);
Var relu(const Operand& x);
Var exp(const Operand& x);
Var log(const Operand& x);
Var sqrt(const Operand& x);

inline Var operator+(const Operand& a, const Operand& b) { return add(a, b); }
inline Var operator-(const Operand& a, const Operand& b) { return sub(a, b); }
inline Var operator*(const Operand& a, const Operand& b) { return mul(a, b); }
inline Var operator/(const Operand& a, const Operand& b) { return div(a, b); }
inline Var operator+(const Operand& x, double s) { return scale(x, 1, s); }
inline Var operator+(double s, const Operand& x) { return scale(x, 1, s); }
inline Var operator-(const Operand& x, double s) { return scale(x, 1, -s); }
inline Var operator-(double s, const Operand& x) { return scale(x, -1, s); }
inline Var operator*(const Operand& x, double s) { return scale(x, s); }
inline Var operator*(double s, const Operand& x) { return scale(x, s); }
inline Var operator/(const Operand& x, double s) { return div(x, s); }
inline Var operator-(const Operand& x) { return scale(x, -1); }

/// Gradient g of a result, summed down to the shape of an operand that was repeated over it; for no
/// other shape.
Tensor sum_to(const Tensor& g, const Shape& shape);

}  // namespace unroll
