#pragma once
#include <optional>

#include "core/bptt/scan.hpp"

namespace unroll {

/// The weights of a GRU, those of z, r and h̃ above each other: W_xh [3H, D], W_hh [3H, H], b [3H]. With b_hh [H] the
/// reset gate stands after the matrix, as cuDNN and PyTorch have it; without it before, as the book.
struct GruWeights {
    Operand W_xh, W_hh, b;
    std::optional<Operand> b_hh = {};
};

/// A GRU over a whole sequence, one operation with explicit backpropagation through time:
///   z_t = σ(W_z [h_{t-1}, x_t] + b_z)      r_t = σ(W_r [h_{t-1}, x_t] + b_r)
///   h̃_t = tanh(W_h [r_t ⊙ h_{t-1}, x_t] + b_h)                                  reset before    (book: GRU)
///   h̃_t = tanh(W_xh x_t + b_h + r_t ⊙ (W_hh h_{t-1} + b_hh))                    reset after, rows of h̃
///   h_t = (1 - z_t) ⊙ h_{t-1} + z_t ⊙ h̃_t
/// x [T, B, D], h_0 [B, H]; returns y [T, B, H] = h_1 .. h_T, and h_T [B, H].
struct GruStates {
    Tensor y, h_T;
};
struct GruVars {
    Var y, h_T;
};
GruStates gru_sequence(const Tensor& x, const Tensor& h_0, const GruWeights& weights,
                       const SequenceOptions& options = {}, Where at = {});
GruVars gru_sequence(const Operand& x, const Operand& h_0, const GruWeights& weights,
                     const SequenceOptions& options = {});

}  // namespace unroll
