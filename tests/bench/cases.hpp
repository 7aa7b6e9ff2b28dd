#pragma once
#include <memory>
#include <optional>
#include <string>

#include "core/safetensors.hpp"
#include "models/sample.hpp"
#include "nn/optim.hpp"

namespace unroll::bench {

/// A case of the comparison with PyTorch by its name, "lstm-512": a language model of V characters, embedding and
/// hidden size H, trained on B sequences of T steps. The number may be any. Others have their sizes without a number:
/// "wordlm" of words, "seq2seq" and its searches (seq2seq.cpp), "caption" (caption.cpp), and single operations,
/// "conv2d" (operations.cpp).
struct Case {
    std::string name, kind;
    int64_t gates = 1, layers = 1, H = 0, T = 64, B = 32, V = 65;  // no gates: an operation

    static constexpr int64_t characters = 1000;  // of one run of sample-H
    bool words() const { return kind == "wordlm"; }
    bool translates() const { return kind == "seq2seq" || kind == "greedy" || kind == "greedy32" || kind == "beam4"; }
    bool captions() const { return kind == "caption"; }
    bool operation() const { return gates == 0; }
    int64_t tokens() const { return kind == "sample" ? characters : T * B; }
    /// Those of the matrix products alone: forward and, in training, gradient by weights and gradient by inputs.
    double flops() const;
};

/// Nothing for a name that is none.
std::optional<Case> parse_case(const std::string& name);
/// "rnn-H, lstm-H, .., wordlm, .."
std::string case_names();

struct LanguageModel : Module {
    LanguageModel(const Case& c, Generator& gen);
    void visit(Visitor& v) override;
    std::string pretty() const override { return rnn->pretty(); }
    /// Mean over the T*B targets; given a generator with dropout, as in training.
    Var loss(Tape& tape, const Ids& inputs, const Ids& targets, Generator* gen) const;

    double p;  // of the dropout before, between and after the recurrent layers
    Embedding embedding;
    std::shared_ptr<RecurrentLayer> rnn;
    Linear out;
};

/// What a case does again and again.
struct Work {
    virtual ~Work() = default;
    virtual void run() = 0;
};

/// Zero gradients, forward, loss, backward, clipping to a norm of 5, Adam; of words to 0.25, and plain SGD.
struct Training : Work {
    explicit Training(const Case& c);
    void run() override;
    Var forward(bool with_dropout);

    Generator gen{1};
    LanguageModel model;
    std::vector<Parameter> all;
    std::unique_ptr<Optimizer> optimizer;
    Ids inputs, targets;  // [T, B]
    double max_norm;
    Tape tape;
};

/// Draws characters one after the other, each from the softmax of the step before.
struct Sampling : Work {
    explicit Sampling(const Case& c);
    void run() override;

    Generator gen{1};
    unroll::LanguageModel model;
};

/// One operation, forward and backward.
struct Operation : Work {
    void run() override;
    /// Writes what it is computed from, for PyTorch; the loss and the gradients' norms, as JSON.
    std::string check(const std::string& path);

    Tape tape;

  private:
    virtual Var loss() = 0;
    virtual std::vector<Parameter> inputs() const = 0;  // that get a gradient
    virtual SafeTensors constants() const = 0;
};
std::unique_ptr<Operation> operation_of(const Case& c);

std::unique_ptr<Work> seq2seq_work(const Case& c);
double seq2seq_flops(const Case& c);
/// Weights and ids of a small model, for PyTorch to compute from; prints what it must find.
void write_seq2seq_weights(const Case& c, const std::string& path);

std::unique_ptr<Work> caption_work(const Case& c);
double caption_flops(const Case& c);
void write_caption_weights(const Case& c, const std::string& path);

std::unique_ptr<Work> work_of(const Case& c);

}  // namespace unroll::bench
