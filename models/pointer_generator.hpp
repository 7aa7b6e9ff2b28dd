#pragma once
#include "core/ops/copy.hpp"
#include "nn/attention.hpp"
#include "nn/decode.hpp"
#include "nn/embedding.hpp"
#include "nn/linear.hpp"
#include "nn/lstm.hpp"

namespace unroll {

struct PointerGeneratorOptions {
    int64_t vocabulary = 0;         // R: words 0 .. R-1 are read, any above as the unknown one
    int64_t written = 0;            // V: words 0 .. V-1 may be generated
    int32_t unknown = 3;            // below V, as those before it (padding, start, end)
    bool copying = true;            // else p_gen = 1: attention alone
    bool selective_reading = true;  // where it copies
    int64_t embedding_size = 128, encoder_size = 192, hidden_size = 256;  // the encoder's each way
    double dropout = 0.35;       // in training: of the embeddings and of what scores the words
    double unknown_share = 0.1;  // of the words that are read, in training: read as unknown, so as to learn to
    DType dtype = DType::f32;
};

/// From a document to its summary, by words that are generated or copied       (book: Text Summarization)
///     s_i = BiLSTM(E x_i)                              the document's states
///     r_t = mean of the s_i with x_i = y_{t-1}         selective reading: what stood where the word before stands
///     h_t = LSTM(h_{t-1}, [E y_{t-1}, r_t])            (CopyNet's idea, Gu et al., ACL 2016)
///     e_{t,i} = h_t W_a s_i,  α_t = softmax(e_t),  c_t = Σ_i α_{t,i} s_i
///     o_t = tanh(W_c [c_t, h_t] + b_c),  P_generated = softmax(E_V o_t + b),  E_V the first V rows of E
///     p_gen = σ(w_g [c_t, h_t, E y_{t-1}, r_t] + b_g)                             (See et al., ACL 2017)
///     P(y_t) = p_gen P_generated(y_t) + (1 - p_gen) Σ_{i: x_i = y_t} α_{t,i}
/// No step needs what attention gave at the one before: in training all T are one operation each.
/// Letters: S places of the source, T target steps, B pairs, He = 2 encoder_size, H hidden_size.
class PointerGenerator : public Module {
  public:
    struct Encoded {
        Attention::Keys memory;  // its values are s [S, B, He]
        CopySource source;
        States start;  // [1, B, H]
        template <class F>
        void each(F f) {  // but for the start
            f(memory.side), f(memory.values), f(memory.lengths), f(source.words), f(source.lengths);
        }
    };
    /// x, g and e are what copy_loss takes; without copying g and e have no value.
    struct Output {
        Var x, g, e;  // [T, B, V], [T, B], [T, B, S]
    };

    PointerGenerator() = default;
    PointerGenerator(const PointerGeneratorOptions& options, Generator& gen, Where at = {});

    /// Given in training: `dropout`.
    Encoded encode(Tape& tape, const CopySource& source, Generator* dropout = nullptr, Where at = {}) const;
    /// T steps, given the word before each [T, B]; moves the state on.
    Output decode(const Encoded& source, const Ids& before, States& state, Generator* dropout = nullptr,
                  Where at = {}) const;
    /// Mean of -log P(y_t | y_1 .. y_{t-1}, source) over the targets [T, B] that are not padding. One that can be
    /// neither generated nor copied must be the unknown one.
    Var loss(Tape& tape, const CopySource& source, const Ids& before, const Ids& targets, int32_t padding,
             Generator* dropout = nullptr, Where at = {}) const;
    /// log P of all words 0 .. W-1 [T, B, W], -inf for those that can be neither generated nor copied.
    Tensor log_probabilities(const Encoded& source, const Output& out, int64_t W) const;
    /// As Seq2Seq's, over words 0 .. W-1 with W above all numbers of the source's words.
    DecoderStep decoder_step(Tape& tape, const CopySource& source, int64_t W, Where at = {}) const;

    const PointerGeneratorOptions& options() const { return options_; }
    void visit(Visitor& v) override;
    std::string pretty() const override;

    Embedding words;
    Lstm encoder, decoder;
    Linear bridge_h, bridge_C;
    Attention attention;
    Linear combine;  // W_c
    Linear gate;     // w_g; no value without copying
    Parameter b;

  private:
    Var read(Tape& tape, const Ids& ids, Generator* dropout) const;

    PointerGeneratorOptions options_;
};

}  // namespace unroll
