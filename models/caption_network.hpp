#pragma once
#include <vector>

#include "nn/batch_norm.hpp"
#include "nn/conv.hpp"
#include "nn/decode.hpp"
#include "nn/embedding.hpp"
#include "nn/linear.hpp"
#include "nn/lstm.hpp"
#include "nn/spatial_attention.hpp"

namespace unroll {

struct CaptionNetworkOptions {
    int64_t vocabulary = 0;     // V
    int64_t picture_size = 32;  // S: pictures are S x S
    int64_t channels = 32;      // of the first convolution, doubled by each next one, at most `features`
    int64_t features = 128;     // Dv, of a region
    bool attention = true;      // over the K regions; false: the same v at each step
    int64_t embedding_size = 128, hidden_size = 256, attention_size = 256;  // E, H, A
    double dropout = 0;  // in training: of the words' vectors, and of what W_out sees
    DType dtype = DType::f32;
};

/// From a picture to words                                                                     (book: Image Captioning)
///     V = CNN(I): each convolution of 3 x 3 with batch normalisation, max(0, .) and, but for the last, pooling by 2,
///                 to a grid of at most 14 x 14 regions; a learnt vector p_i for each place is added
///     v = V pooled to 2 x 2 regions, one below the other;   h_0 = tanh(W_0 v + b_0),  C_0 = W_1 v + b_1
///     h_t = LSTM(h_{t-1}, [x_t, v_t]),  x_t = E_{w_{t-1}},  P(w_t | w_1 .. w_{t-1}, I) = softmax(W_out h_t + b_out)
/// with v_t = v (plain), or v_t = Σ_i α_{t,i} V_i by spatial attention from h_{t-1}. The matrix of [x, v] stands in two
/// parts: `word` is that of x, computed for all steps at once, and the cell's W_xh that of v.
class CaptionNetwork : public Module {
  public:
    struct Encoded {
        Var side, values;  // of the regions, as SpatialAttention::Regions; plain: side is W_xh v [B, 4H], no values
        States start;      // h_0, C_0 [B, H]
        template <class F>
        void each(F f) {  // but for the start
            f(side), f(values);
        }
    };
    struct Output {
        Var h;        // [T, B, H], what W_out sees
        Var weights;  // α [T, B, K]; not of the plain decoder
    };

    CaptionNetwork() = default;
    CaptionNetwork(const CaptionNetworkOptions& options, Generator& gen, Where at = {});

    /// Pictures [B, 3, S, S]; training: by the batch's statistics (nn/batch_norm.hpp).
    Encoded encode(Tape& tape, const Tensor& pictures, bool training = false, Where at = {}) const;
    /// T steps from the state s, first x's start, given the word before each [T, B]; moves the state on.
    Output decode(const Encoded& x, const Ids& before, States& s, Generator* dropout = nullptr, Where at = {}) const;
    /// W_out h + b_out, [.., H] to [.., V].
    Var scores(const Var& h) const { return out(h); }
    /// Mean of -log P(w_t | w_1 .. w_{t-1}, I) over the targets [T, B] that are not padding: the words after `before`.
    Var loss(const Encoded& x, const Ids& before, const Ids& targets, int32_t padding, Generator* dropout = nullptr,
             Where at = {}) const;
    /// As Seq2Seq's.
    DecoderStep decoder_step(Tape& tape, const Tensor& pictures, Where at = {}) const;
    /// Regions down and across.
    int64_t grid() const { return options_.picture_size >> poolings(); }

    const CaptionNetworkOptions& options() const { return options_; }
    void visit(Visitor& v) override;
    std::string pretty() const override;

    std::vector<Conv2d> convolutions;
    std::vector<BatchNorm> norms;
    Parameter places;  // p [Dv K], region by region for each feature
    Linear start;      // W_0, W_1 above each other
    Embedding embedding;
    Linear word;
    SpatialAttention attention;
    LstmCell cell;
    Linear out;

  private:
    int64_t poolings() const;

    CaptionNetworkOptions options_;
};

}  // namespace unroll
