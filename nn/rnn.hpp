#pragma once
#include "core/bptt/rnn.hpp"
#include "nn/recurrent.hpp"

namespace unroll {

struct RnnOptions {
    int64_t input_size = 0, hidden_size = 0;
    Activation activation = Activation::tanh;  // the book's σ
    DType dtype = DType::f32;
    // Read by the layer, not by the cell:
    int64_t num_layers = 1;
    bool bidirectional = false;
    double dropout = 0;        // probability of dropping an output on its way to the next layer
    bool variational = false;  // one mask for all time steps (variational_dropout)
};

/// Elman's cell:  h_t = σ(W_hh h_{t-1} + W_xh x_t + b_h)                                        (book: Basic RNN)
/// W_hh [H, H], W_xh [H, D] and b_h [H] start uniform in ±1/√H, as PyTorch's.
class RnnCell : public Module {
  public:
    static constexpr bool has_cell_state = false;
    using Options = RnnOptions;

    explicit RnnCell(const Options& options, Generator& gen);
    /// x [B, D], h_{t-1} [B, H] to h_t.
    States step(const Operand& x, const States& s) const;
    Scanned sequence(const Var& x, const States& s, const SequenceOptions& options) const;

    void visit(Visitor& v) override;
    std::string pretty() const override;

    Parameter W_hh, W_xh, b_h;

  private:
    Activation activation_;
};

using Rnn = Recurrent<RnnCell>;

}  // namespace unroll
