#pragma once
#include <string>

#include "data/text.hpp"
#include "nn/embedding.hpp"
#include "nn/linear.hpp"
#include "nn/recurrent_layer.hpp"

namespace unroll {

struct CharLmOptions {
    int64_t vocabulary = 0;
    CellKind cell = CellKind::rnn;
    int64_t embedding_size = 64, hidden_size = 256, num_layers = 1;
    DType dtype = DType::f32;
};

/// A language model of characters (book: Language Modeling):
///   x_t = E_{w_{t-1}},  h_t = RNN(h_{t-1}, x_t),  P(w_t | w_1 .. w_{t-1}) = softmax(W_out h_t + b_out)
/// The input of step t is the character before the one it predicts.
class CharLm : public Module {
  public:
    CharLm(const CharLmOptions& options, Generator& gen);

    struct Output {
        Var loss;           // mean of -log P over the T*B targets, in nats
        StateValues state;  // [layers, B, H], to be carried into the next chunk as constants: BPTT is truncated there
    };
    /// inputs and targets [T, B]; state as returned by the call before, or {} for zeros.
    Output loss(Tape& tape, const Ids& inputs, const Ids& targets, const StateValues& state) const;
    /// Scores of the next character [B, V] after one more character of each sequence; moves the state on. The table,
    /// for all steps on a forward-only tape: rnn->projection(tape.watch(embedding.E)).
    Tensor next(const Var& table, const Ids& characters, StateValues& state) const;

    const CharLmOptions& options() const { return options_; }
    void visit(Visitor& v) override;
    std::string pretty() const override;

    Embedding embedding;
    std::shared_ptr<RecurrentLayer> rnn;
    Linear out;

  private:
    CharLmOptions options_;
};

struct TextScore {
    double nats;  // mean -log P of a character
    int64_t characters;
    double bits() const;        // nats / ln 2
    double perplexity() const;  // e^nats
};
/// -log P of every character of a text but the first, which starts it; each counts once.
TextScore evaluate(const CharLm& model, const std::vector<int32_t>& text);

struct SampleOptions {
    int64_t length = 400;    // characters
    double temperature = 1;  // logits are divided by it; 0 takes the most probable character
    int64_t top_k = 0;       // draw from the k most probable only; 0 for all
};
/// Continues the prompt, character by character. The prompt must not be empty and must be of known characters.
std::string sample(const CharLm& model, const Vocabulary& vocabulary, const std::string& prompt,
                   const SampleOptions& options, Generator& gen, Where at = {});

}  // namespace unroll
