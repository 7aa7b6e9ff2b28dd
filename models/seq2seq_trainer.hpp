#pragma once
#include <map>
#include <string>
#include <vector>

#include "data/batches.hpp"
#include "models/seq2seq.hpp"
#include "nn/optim.hpp"

namespace unroll {

/// Pairs of sentences as ids, without start and end.
struct PairIds {
    std::vector<std::vector<int32_t>> sources, targets;
    std::vector<std::vector<int32_t>> forms = {};  // of the sources' words, where the model has them
};

/// What the model reads of a batch; the forms are those of the pairs.
Seq2Seq::Source source_of(const PairBatches::Batch& batch, const PairIds& pairs);

/// Mean -log P of a target word, ends counted, in nats.
double evaluate(const Seq2Seq& model, const PairIds& pairs, PairBatchOptions batches);

struct Seq2SeqTraining {
    int64_t steps = 1000;         // a batch each
    int64_t warm_up = 150;        // steps in which the rate rises; then it falls along a cosine to 0
    double learning_rate = 3e-3;  // Adam's
    double beta2 = 0.99;          // Adam's
    double max_norm = 1;          // gradient clipping
    double label_smoothing = 0.1;
    int64_t validate_every = 1000;
};

/// Trains a Seq2Seq by teacher forcing, and can be stopped and resumed at any step with bitwise the same result.
class Seq2SeqTrainer {
  public:
    /// The model and the pairs must outlive the trainer.
    Seq2SeqTrainer(Seq2Seq& model, const PairIds& train, const PairIds& valid, const PairBatchOptions& batches,
                   const Seq2SeqTraining& options, Where at = {});

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
    void resume(const std::string& path);

  private:
    std::map<std::string, std::string> configuration() const;

    Seq2Seq& model_;
    const PairIds &train_, &valid_;
    PairBatchOptions batching_;
    Seq2SeqTraining options_;
    std::vector<Parameter> parameters_;
    Adam adam_;
    Generator dropout_;
    PairBatches batches_;
    Tape tape_;
    int64_t done_ = 0, words_ = 0;
    double loss_ = 0, sum_ = 0;
    std::vector<Validation> history_;
};

}  // namespace unroll
