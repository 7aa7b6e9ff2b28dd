#pragma once
#include <optional>

#include "core/bptt/scan.hpp"

namespace unroll {

/// The weights of an LSTM, those of its gates above each other in the order f, i, C̃, o:  G = 4, or 3 where coupled,
/// which has no f (f = 1 - i). W_xh [G*H, D], W_hh [G*H, H], b [G*H]. Peepholes, all of them or none, let the gates see
/// the cell state: f and i see C_{t-1}, o sees C_t. P_* [H, H] are the book's full matrices, P_* [H] the diagonal form
/// of Gers and Schmidhuber (2000). Coupled has no P_f.
struct LstmWeights {
    Operand W_xh, W_hh, b;
    std::optional<Operand> P_f = {}, P_i = {}, P_o = {};
};

/// An LSTM over a whole sequence, one operation with explicit backpropagation through time:
///   f_t = σ(W_f [h_{t-1}, x_t] + P_f C_{t-1} + b_f)      i_t = σ(W_i [h_{t-1}, x_t] + P_i C_{t-1} + b_i)
///   C̃_t = tanh(W_C [h_{t-1}, x_t] + b_C)                 C_t = f_t ⊙ C_{t-1} + i_t ⊙ C̃_t
///   o_t = σ(W_o [h_{t-1}, x_t] + P_o C_t + b_o)          h_t = o_t ⊙ tanh(C_t)                (book: LSTM)
/// x [T, B, D], h_0 and C_0 [B, H]; returns y [T, B, H] = h_1 .. h_T, h_T and C_T [B, H].
struct LstmStates {
    Tensor y, h_T, C_T;
};
struct LstmVars {
    Var y, h_T, C_T;
};
LstmStates lstm_sequence(const Tensor& x, const Tensor& h_0, const Tensor& C_0, const LstmWeights& weights,
                         bool coupled = false, const SequenceOptions& options = {}, Where at = {});
LstmVars lstm_sequence(const Operand& x, const Operand& h_0, const Operand& C_0, const LstmWeights& weights,
                       bool coupled = false, const SequenceOptions& options = {});

}  // namespace unroll
