#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/random.hpp"
#include "data/batches.hpp"
#include "nn/module.hpp"
#include "nn/optim.hpp"

namespace unroll {

/// Pairs of sentences as ids, without start and end.
struct PairIds {
    std::vector<std::vector<int32_t>> sources, targets;
    std::vector<std::vector<int32_t>> forms = {};  // of the sources' words, where the model has them
};

struct PairTraining {
    int64_t steps = 1000;         // a batch each
    int64_t warm_up = 150;        // steps in which the rate rises; then it falls along a cosine to 0
    double learning_rate = 3e-3;  // Adam's
    double beta2 = 0.99;          // Adam's
    double weight_decay = 0;      // above 0: AdamW's
    double max_norm = 1;          // gradient clipping
    double label_smoothing = 0.1;
    int64_t validate_every = 1000;
};

/// Trains a model of pairs by teacher forcing, and can be stopped and resumed at any step with bitwise the same result.
class PairTrainer {
  public:
    virtual ~PairTrainer() = default;

    /// One step; false when all are done.
    bool step();
    int64_t steps_done() const { return done_; }
    double loss() const { return loss_; }                   // of the last step, nats a target word, smoothing in it
    int64_t words() const { return words_; }                // target words of all steps
    int64_t batches() const { return batches_.batches(); }  // in a pass over the pairs
    struct Validation {
        int64_t step, words;
        double train, valid;  // nats a word; train is the mean since the validation before
    };
    const std::vector<Validation>& history() const { return history_; }

    /// Everything that the next step depends on, in one file, written atomically; and what the caller adds.
    void save(const std::string& path, std::map<std::string, std::string> more = {}) const;
    /// Throws Error where the file is of another model, other pairs or options.
    void resume(const std::string& path, Where at = {});

  protected:
    /// The model and the pairs must outlive the trainer. dropout is the model's, for save().
    PairTrainer(Module& model, double dropout, const PairIds& train, const PairIds& valid,
                const PairBatchOptions& batches, const PairTraining& options, Where at);
    /// Mean of -log P of the batch's target words; in training with dropout and smoothing.
    virtual Var batch_loss(Tape& tape, const PairBatches::Batch& batch, Generator* dropout) const = 0;
    /// Mean of -log P of a target word of the pairs to validate with.
    virtual double validate() const = 0;

    const PairIds &train_, &valid_;
    PairBatchOptions batching_;
    PairTraining options_;
    std::map<std::string, std::string> more_;  // that a checkpoint must agree in

  private:
    std::map<std::string, std::string> configuration() const;

    Module& model_;
    double probability_;  // of dropping
    uint64_t data_;       // fingerprint of all pairs
    std::vector<Parameter> parameters_;
    std::unique_ptr<Optimizer> adam_;
    Generator dropout_;
    PairBatches batches_;
    Tape tape_;
    int64_t done_ = 0, words_ = 0;
    double loss_ = 0, sum_ = 0;
    std::vector<Validation> history_;
};

/// Mean of f(tape, batch), itself a mean over a batch's target words, over the target words of all pairs.
template <class F>
double mean_loss(const PairIds& pairs, PairBatchOptions options, F f) {
    options.shuffle = false;
    PairBatches batches(pairs.sources, pairs.targets, options);
    Tape tape(Tape::Mode::forward_only);
    double sum = 0, words = 0;
    for (int64_t i = 0; i < batches.batches(); i++) {
        const PairBatches::Batch b = batches.next();
        const auto n = double(b.target_tokens);
        sum += n * f(tape, b).item();
        words += n;
    }
    return sum / words;
}

}  // namespace unroll
