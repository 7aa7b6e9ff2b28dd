#pragma once
#include "core/bptt/gru.hpp"
#include "nn/recurrent.hpp"

namespace unroll {

struct GruOptions {
    int64_t input_size = 0, hidden_size = 0;
    bool reset_after = false;  // r multiplies W h + b, as in cuDNN and PyTorch; else h itself, as in the book
    DType dtype = DType::f32;
    // Read by the layer, not by the cell:
    int64_t num_layers = 1;
    bool bidirectional = false;
    double dropout = 0;        // probability of dropping an output on its way to the next layer
    bool variational = false;  // one mask for all time steps (variational_dropout)
};

/// The GRU cell:                                                                                      (book: GRU)
///   z_t = σ(W_z [h_{t-1}, x_t] + b_z)    r_t = σ(W_r [h_{t-1}, x_t] + b_r)
///   h̃_t = tanh(W_h [r_t ⊙ h_{t-1}, x_t] + b_h)    h_t = (1 - z_t) ⊙ h_{t-1} + z_t ⊙ h̃_t
/// or, reset after the matrix, h̃_t = tanh(W_xh x_t + b_h + r_t ⊙ (W_hh h_{t-1} + b_hh)) with the rows of h̃.
/// The matrices stand above each other in the order z, r, h̃, and in two parts, for h and for x: W_hh [3H, H],
/// W_xh [3H, D], b [3H]; nn/book.hpp turns them into the book's W_z [H, H+D] and so on. b_hh [H] is there where reset
/// after. All start uniform in ±1/√H, as PyTorch's, whose z is 1 - z here: nn/pytorch.hpp.
class GruCell : public Module {
  public:
    static constexpr bool has_cell_state = false;
    using Options = GruOptions;

    explicit GruCell(const Options& options, Generator& gen);
    /// x [B, D], h_{t-1} [B, H] to h_t.
    States step(const Operand& x, const States& s) const;
    Scanned sequence(const Var& x, const States& s, const SequenceOptions& options) const;
    /// The rows' order, a letter a gate.
    const char* gates() const { return "zrh"; }

    void visit(Visitor& v) override;
    std::string pretty() const override;

    Parameter W_hh, W_xh, b, b_hh;  // b_hh has no value where the reset comes before the matrix
};

using Gru = Recurrent<GruCell>;

}  // namespace unroll
