#pragma once
#include <map>
#include <string>

#include "data/speech_batch.hpp"
#include "nn/gru.hpp"
#include "nn/linear.hpp"

namespace unroll {

struct RecogniserOptions {
    int64_t input_size = 240;  // of speech_features
    int64_t hidden_size = 96, num_layers = 2;
    int64_t labels = 10;
    double dropout = 0.15;  // in training: of each layer's output
    DType dtype = DType::f32;
};

/// The acoustic model of the noisy channel (book: Speech Recognition), P(w | a) by CTC: layers of GRUs in both
/// directions over the features and, at each step, the blank (class 0) and the labels:
///   h = GRUs(x_1 .. x_T),  P(class | step t) = softmax(W_out h_t + b_out)
class Recogniser : public Module {
  public:
    Recogniser() = default;
    Recogniser(const RecogniserOptions& options, Generator& gen, Where at = {});

    /// x [T, B, F] and lengths [B] to [T, B, 1 + labels]. Dropout draws from a generator that is given, in training.
    Var scores(const Var& x, const Ids& lengths, Generator* dropout = nullptr, Where at = {}) const;
    /// The CTC loss in nats: each recording's for one of its labels, and their mean. A recording too short for what
    /// it says counts 0.
    Var loss(Tape& tape, const SpeechBatch& batch, Generator* dropout = nullptr, Where at = {}) const;
    /// log P(class | step) of each recording, [T_b, 1 + labels].
    std::vector<Tensor> log_probs(const std::vector<Tensor>& features, Where at = {}) const;

    /// With the options and weights, as RecogniserTrainer::save writes them.
    std::map<std::string, std::string> configuration() const;
    static Recogniser load(const std::string& path);

    const RecogniserOptions& options() const { return options_; }
    void visit(Visitor& v) override;
    std::string pretty() const override;

    Gru rnn;
    Linear out;

  private:
    RecogniserOptions options_;
};

}  // namespace unroll
