#pragma once
#include <memory>
#include <optional>
#include <string>

#include "nn/embedding.hpp"
#include "nn/linear.hpp"
#include "nn/optim.hpp"
#include "nn/rnn.hpp"

namespace unroll::bench {

/// A case of the comparison with PyTorch by its name, "lstm-512": a language model of V characters, embedding and hidden
/// size H, trained on B sequences of T steps. The number may be any.
struct Case {
    std::string kind;
    int64_t H = 0, T = 64, B = 32, layers = 1;

    static constexpr int64_t V = 65;
    int64_t tokens() const { return T * B; }
    /// Those of the matrix products alone: forward, gradient by weights, gradient by inputs.
    double flops() const;
    int64_t gates() const;
};

/// Nothing for a name that is none.
std::optional<Case> parse_case(const std::string& name);
/// "rnn-H, lstm-H, ..."
std::string case_names();

struct LanguageModel : Module {
    LanguageModel(const Case& c, Generator& gen);
    void visit(Visitor& v) override;
    std::string pretty() const override { return rnn->pretty(); }
    /// The loss of all T steps; with `dropout` as in training.
    Var loss(Tape& tape, const Ids& inputs, const Ids& targets, Generator* dropout) const;

    Embedding embedding;
    std::unique_ptr<Rnn> rnn;
    Linear out;
    double p = 0;  // of the dropout before and after the recurrent layers
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

/// Draws `characters` one after the other, each from the softmax of the step before.
struct Sampling : Work {
    static constexpr int64_t characters = 1000;
    explicit Sampling(const Case& c);
    void run() override;

    Generator gen{1};
    LanguageModel model;
};

std::unique_ptr<Work> work_of(const Case& c);

}  // namespace unroll::bench
