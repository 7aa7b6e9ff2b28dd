#pragma once
#include "core/tape.hpp"

/// What global attention is made of. T target steps, B sequences, S source places, H the size of a key. Queries are one
/// step's, [B, H], or those of all steps at once, [T, B, H]; keys and values are time-major, as an encoder gives them.
namespace unroll {

/// e_{t,s} = q_t · k_s for each sequence: q [.., B, H], k [S, B, H] to e [.., B, S].
Tensor dot_scores(const Tensor& q, const Tensor& k, Where at = {});
Var dot_scores(const Operand& q, const Operand& k);

/// e_{t,s} = v · tanh(q_t + k_s): q [.., B, A], k [S, B, A], v [A] to e [.., B, S]. The hyperbolic tangents, T B S A of
/// them, are never stored: backward computes them again.
Tensor additive_scores(const Tensor& q, const Tensor& k, const Tensor& v, Where at = {});
Var additive_scores(const Operand& q, const Operand& k, const Operand& v);

/// c_t = Σ_s α_{t,s} V_s: alpha [.., B, S], V [S, B, H] to c [.., B, H].
Tensor weighted_sum(const Tensor& alpha, const Tensor& V, Where at = {});
Var weighted_sum(const Operand& alpha, const Operand& V);

}  // namespace unroll
