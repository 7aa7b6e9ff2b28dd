#pragma once
#include <vector>

#include "nn/embedding.hpp"
#include "nn/linear.hpp"
#include "nn/recurrent_layer.hpp"

namespace unroll {

struct LanguageModelOptions {
    int64_t vocabulary = 0;
    CellKind cell = CellKind::rnn;
    int64_t embedding_size = 64, hidden_size = 256, num_layers = 1;
    bool tied = false;         // W_out is E: the embedding's weights are the output's; embedding_size = hidden_size
    double dropout = 0;        // in training: of the words' vectors, between the layers, and of the last layer's output
    bool variational = false;  // one mask for all steps of a chunk
    DType dtype = DType::f32;
};

/// A language model of characters or words (book: Language Modeling):
///   x_t = E_{w_{t-1}},  h_t = RNN(h_{t-1}, x_t),  P(w_t | w_1 .. w_{t-1}) = softmax(W_out h_t + b_out)
/// The input of step t is the word before the one it predicts.
class LanguageModel : public Module {
  public:
    /// Tied weights start uniform in ±0.1, with b_out = 0. (Press and Wolf, "Using the output embedding to improve
    /// language models", EACL 2017; Inan, Khosravi and Socher, ICLR 2017.)
    LanguageModel(const LanguageModelOptions& options, Generator& gen, Where at = {});

    struct Scores {
        Var scores;         // [T, B, V]: the logarithms of P, but for a constant of each row
        StateValues state;  // [layers, B, H], to be carried into the next chunk as constants: BPTT is truncated there
    };
    /// inputs [T, B]; state as returned by the call before, or {} for zeros. Dropout draws from a generator that is
    /// given, in training.
    Scores scores(Tape& tape, const Ids& inputs, const StateValues& state, Generator* dropout = nullptr,
                  Where at = {}) const;
    struct Output {
        Var loss;  // mean of -log P over the T*B targets, in nats
        StateValues state;
    };
    Output loss(Tape& tape, const Ids& inputs, const Ids& targets, const StateValues& state,
                Generator* dropout = nullptr, Where at = {}) const;

    const LanguageModelOptions& options() const { return options_; }
    void visit(Visitor& v) override;
    std::string pretty() const override;

    Embedding embedding;
    std::shared_ptr<RecurrentLayer> rnn;
    Linear out;

  private:
    LanguageModelOptions options_;
};

struct TextScore {
    double nats;                // mean -log P of a token
    int64_t tokens;             // that count
    double bits() const;        // nats / ln 2
    double perplexity() const;  // e^nats
};
/// -log P of every token of a text but the first, which starts it; each counts once, <eos> and <unk> as all others. The
/// text is read in streams side by side, one for each 1000 tokens but at most 16: all but the first begin without the
/// state of what is before them.
TextScore evaluate(const LanguageModel& model, const std::vector<int32_t>& text, Where at = {});

/// The same for each token: -log P(w_t | w_1 .. w_{t-1}) in nats, t = 2 .. n. Their sum is that of the sentence.
std::vector<double> surprisals(const LanguageModel& model, const std::vector<int32_t>& text, Where at = {});

}  // namespace unroll
