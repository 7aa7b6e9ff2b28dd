#pragma once
#include "nn/layer_norm.hpp"
#include "nn/recurrent.hpp"

namespace unroll {

struct LayerNormLstmOptions {
    int64_t input_size = 0, hidden_size = 0;
    double forget_bias = 0;  // added to the forget gate's bias, 0, at the start
    double eps = 1e-5;
    DType dtype = DType::f32;
    // Read by the layer, not by the cell:
    int64_t num_layers = 1;
    bool bidirectional = false;
    double dropout = 0;
    bool variational = false;
};

/// An LSTM with layer normalisation inside the cell          (Ba, Kiros and Hinton, "Layer normalization", 2016,
/// (20-22))
///   a_t = LN_h(W_hh h_{t-1}) + LN_x(W_xh x_t)    C_t = σ(a_f) ⊙ C_{t-1} + σ(a_i) ⊙ tanh(a_C)
///   h_t = σ(a_o) ⊙ tanh(LN_C(C_t))
/// W_hh [4H, H] and W_xh [4H, D], rows f, i, C̃, o; each LN is over all 4H numbers (LN_C over H) and has a weight and a
/// bias, so there is no b. The state handed on is the C_t before its normalisation.
class LayerNormLstmCell : public Module {
  public:
    static constexpr bool has_cell_state = true;
    using Options = LayerNormLstmOptions;

    explicit LayerNormLstmCell(const Options& options, Generator& gen);
    States step(const Operand& x, const States& s) const;

    void visit(Visitor& v) override;
    std::string pretty() const override;

    Parameter W_hh, W_xh;
    LayerNorm norm_h, norm_x, norm_C;
};

using LayerNormLstm = Recurrent<LayerNormLstmCell>;

}  // namespace unroll
