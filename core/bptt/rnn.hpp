#pragma once
#include "core/bptt/scan.hpp"

namespace unroll {

/// φ, the book's σ.
enum class Activation { tanh, relu, logistic };

/// Elman's RNN over a whole sequence, one operation with explicit backpropagation through time.
///   h_t = φ(W_hh h_{t-1} + W_xh x_t + b_h),  t = 1 .. T                                    (book: Basic RNN)
/// x [T, B, D], h_0 [B, H], W_xh [H, D], W_hh [H, H], b_h [H]; returns y [T, B, H] = h_1 .. h_T, and h_T [B, H].
struct RnnStates {
    Tensor y, h_T;
};
struct RnnVars {
    Var y, h_T;
};
RnnStates rnn_sequence(const Tensor& x, const Tensor& h_0, const Tensor& W_xh, const Tensor& W_hh, const Tensor& b_h,
                       Activation phi = Activation::tanh, const SequenceOptions& options = {}, Where at = {});
RnnVars rnn_sequence(const Operand& x, const Operand& h_0, const Operand& W_xh, const Operand& W_hh, const Operand& b_h,
                     Activation phi = Activation::tanh, const SequenceOptions& options = {});

}  // namespace unroll
