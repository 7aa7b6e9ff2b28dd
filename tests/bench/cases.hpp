#pragma once
#include <memory>
#include <optional>
#include <string>

#include "models/sample.hpp"
#include "nn/optim.hpp"

namespace unroll::bench {

/// A case of the comparison with PyTorch by its name, "lstm-512": a language model of V characters, embedding and
/// hidden size H, trained on B sequences of T steps. The number may be any. seq2seq, greedy and greedy32 are of
/// seq2seq.cpp; without a number they have H = 256.
struct Case {
    std::string kind;
    int64_t gates = 1, layers = 1, H = 0, T = 64, B = 32;

    static constexpr int64_t V = 65, characters = 1000;  // of one run of sample-H
    int64_t tokens() const { return kind == "sample" ? characters : T * B; }
    bool translates() const { return kind == "seq2seq" || kind == "greedy" || kind == "greedy32"; }
    /// Those of the matrix products alone: forward and, in training, gradient by weights and gradient by inputs.
    double flops() const;
};

/// Nothing for a name that is none.
std::optional<Case> parse_case(const std::string& name);
/// "rnn-H, lstm-H, ..."
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

/// Zero gradients, forward, loss, backward, clipping to a norm of 5, Adam.
struct Training : Work {
    explicit Training(const Case& c);
    void run() override;
    Var forward(bool with_dropout);

    Generator gen{1};
    LanguageModel model;
    std::vector<Parameter> all;
    Adam adam;
    Ids inputs, targets;  // [T, B]
    Tape tape;
};

/// Draws characters one after the other, each from the softmax of the step before.
struct Sampling : Work {
    explicit Sampling(const Case& c);
    void run() override;

    Generator gen{1};
    unroll::LanguageModel model;
};

std::unique_ptr<Work> work_of(const Case& c);

std::unique_ptr<Work> seq2seq_work(const Case& c);
double seq2seq_flops(const Case& c);
/// Weights and ids of a small model, for PyTorch to compute from; prints what it must find.
void write_seq2seq_weights(const Case& c, const std::string& path);

}  // namespace unroll::bench
