#pragma once
#include "core/bptt/lstm.hpp"
#include "nn/recurrent.hpp"

namespace unroll {

enum class Peephole { none, diagonal, full };

struct LstmOptions {
    int64_t input_size = 0, hidden_size = 0;
    Peephole peephole = Peephole::none;  // full: the book's matrices; diagonal: Gers and Schmidhuber (2000)
    bool coupled = false;                // f = 1 - i
    double forget_bias = 0;              // added to b_f (coupled: there is none) at the start: 1 begins by remembering
                                         // (Gers, Schmidhuber and Cummins 2000; Jozefowicz et al., ICML 2015)
    DType dtype = DType::f32;
    // Read by the layer, not by the cell:
    int64_t num_layers = 1;
    bool bidirectional = false;
    double dropout = 0;        // probability of dropping an output on its way to the next layer
    bool variational = false;  // one mask for all time steps (variational_dropout)
};

/// The LSTM cell:                                                                                    (book: LSTM)
///   f_t = σ(W_f [h_{t-1}, x_t] + b_f)    i_t = σ(W_i [h_{t-1}, x_t] + b_i)    o_t = σ(W_o [h_{t-1}, x_t] + b_o)
///   C̃_t = tanh(W_C [h_{t-1}, x_t] + b_C)    C_t = f_t ⊙ C_{t-1} + i_t ⊙ C̃_t    h_t = o_t ⊙ tanh(C_t)
/// With peepholes f and i also see C_{t-1}, and o sees C_t. Coupled: f_t = 1 - i_t.
/// The matrices of the gates stand above each other in the order f, i, C̃, o (coupled: i, C̃, o), and in two parts, for
/// h and for x: W_hh [4H, H], W_xh [4H, D], b [4H]; nn/book.hpp turns them into the book's W_f [H, H+D] and so on.
/// P_f, P_i, P_o are [H, H], or [H] in the diagonal form. All start uniform in ±1/√H, as PyTorch's.
class LstmCell : public Module {
  public:
    static constexpr bool has_cell_state = true;
    using Options = LstmOptions;

    LstmCell() = default;
    explicit LstmCell(const Options& options, Generator& gen);
    /// x [B, D], h_{t-1} and C_{t-1} [B, H] to h_t and C_t.
    States step(const Operand& x, const States& s) const;
    Scanned sequence(const Var& x, const States& s, const SequenceOptions& options) const;
    /// The rows' order, a letter a gate.
    const char* gates() const { return coupled_ ? "iCo" : "fiCo"; }

    void visit(Visitor& v) override;
    std::string pretty() const override;

    Parameter W_hh, W_xh, b, P_f, P_i, P_o;  // P_* have no value where there are no peepholes

  private:
    bool coupled_ = false;
};

using Lstm = Recurrent<LstmCell>;

}  // namespace unroll
