#pragma once
#include "nn/attention.hpp"
#include "nn/decode.hpp"
#include "nn/embedding.hpp"
#include "nn/linear.hpp"
#include "nn/recurrent_layer.hpp"

namespace unroll {

/// How the context c_t and the state h_t depend on each other; E y is the embedding of a word, s_i the encoder's
/// states.
enum class DecoderKind {
    fixed,  // c_t = s_S, the last state of the encoder:  h_t = RNN(h_{t-1}, [E y_{t-1}, c_t])
    book,   // c_t from score(h_{t-1}, s_i):              h_t = RNN(h_{t-1}, [E y_{t-1}, c_t])    (book, put right: its
            //                                            score takes the h_t that needs c_t)
    luong   // h_t = RNN(h_{t-1}, E y_{t-1}), c_t from score(h_t, s_i), h̃_t = tanh(W_c [c_t, h_t] + b_c) takes h_t's
            // place before W_out; with input feeding RNN sees [E y_{t-1}, h̃_{t-1}]                     (Luong et al.
            // 2015)
};

struct Seq2SeqOptions {
    int64_t source_vocabulary = 0, target_vocabulary = 0;
    CellKind cell = CellKind::lstm;  // of encoder and decoder
    int64_t embedding_size = 128;
    int64_t encoder_size = 128, encoder_layers = 1;  // units each way
    bool bidirectional = false;
    int64_t hidden_size = 128, decoder_layers = 1;
    DecoderKind decoder = DecoderKind::luong;
    Score score = Score::general;
    int64_t attention_size = 0;     // A, for concat; 0: hidden_size
    bool input_feeding = false;     // luong's
    bool memory_embedding = false;  // attention looks at [s_i, E x_i] in place of s_i
    int64_t source_forms = 0;  // F: a source word comes in so many forms (small letters, capitals, ..): E x + E_form
    bool tied = false;         // W_out is the target's embedding; then hidden_size = embedding_size
    double dropout = 0;        // in training: of the embeddings, between the layers, of what W_out sees
    DType dtype = DType::f32;
};

/// From one sequence to another of its own length            (book: Encoder-Decoder Architecture, Global Attention)
///     s_i = RNN_enc(s_{i-1}, E x_i)      P(y_t | y_1 .. y_{t-1}, x) = softmax(W_out h_t + b_out)
/// The decoder starts from the encoder's last state: as it is where the sizes agree and there is one direction, else by
/// a bridge, h_0 = tanh(W_h [s(f), s(b)] + b_h), C_0 = W_C [C(f), C(b)] + b_C, a part for each of its layers.
/// Letters: S source places, T target steps, B sentences, E embedding, H hidden_size, M numbers of a memory.
class Seq2Seq : public Module {
  public:
    struct Source {
        Ids words;         // [S, B]
        Ids lengths = {};  // [B], each 1 to S; all S where not given
        Ids forms = {};    // [S, B], 0 .. F-1, where there are forms
    };
    struct Encoded {
        Attention::Keys memory;  // not of the fixed decoder
        Var last;                // [B, directions * encoder_size]
        States start;            // [layers, B, H]
        template <class F>
        void each(F f) {  // but for the start
            f(memory.side), f(memory.values), f(memory.lengths), f(last);
        }
    };
    /// What the decoder hands from step to step.
    struct State {
        States s;  // [layers, B, H]
        Var fed;   // h̃ [B, H], with input feeding
        template <class F>
        void each(F f) {
            s.each(f), f(fed);
        }
    };
    struct Output {
        Var h;        // [T, B, H], what W_out sees
        Var weights;  // α [T, B, S]; not of the fixed decoder
    };
    struct Loss {
        int32_t padding = 0;           // target words that don't count
        double label_smoothing = 0;    // as cross_entropy's
        Generator* dropout = nullptr;  // given in training
    };

    Seq2Seq() = default;
    Seq2Seq(const Seq2SeqOptions& options, Generator& gen, Where at = {});

    Encoded encode(Tape& tape, const Source& source, Generator* dropout = nullptr, Where at = {}) const;
    State start(const Encoded& source) const;
    /// T steps, given the word before each, y_0 .. y_{T-1} [T, B] with y_0 the start (teacher forcing); moves the state
    /// on. Whole sequences at once where no step needs what attention gave at the one before.
    Output decode(const Encoded& source, const Ids& before, State& state, Generator* dropout = nullptr,
                  Where at = {}) const;
    /// W_out h + b_out, [.., H] to [.., V].
    Var scores(const Var& h) const { return out(h); }
    /// Mean of -log P(y_t | y_1 .. y_{t-1}, x) over the targets that count: before y_0 .. y_{T-1}, targets y_1 .. y_T.
    Var loss(Tape& tape, const Source& source, const Ids& before, const Ids& targets, const Loss& options,
             Where at = {}) const;

    /// For greedy_search and beam_search. The tape is a forward-only one, and may serve other sources too, so that the
    /// weights are packed once; it and the model must outlive the step.
    DecoderStep decoder_step(Tape& tape, const Source& source, Where at = {}) const;
    const Seq2SeqOptions& options() const { return options_; }
    void visit(Visitor& v) override;
    std::string pretty() const override;

    Embedding source, forms, target;
    std::shared_ptr<RecurrentLayer> encoder, decoder;
    Linear bridge_h, bridge_C;  // no values where there is none
    Attention attention;
    Linear combine;  // W_c
    Linear out;

  private:
    Var attend(const Var& h, const Encoded& source, Var& weights) const;

    Seq2SeqOptions options_;
};

}  // namespace unroll
