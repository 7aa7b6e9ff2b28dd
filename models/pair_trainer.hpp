#pragma once
#include "data/batches.hpp"
#include "models/trainer.hpp"

namespace unroll {

/// Pairs of sentences as ids, without start and end.
struct PairIds {
    std::vector<std::vector<int32_t>> sources, targets;
    std::vector<std::vector<int32_t>> forms = {};  // of the sources' words, where the model has them
};

/// Trains a model of pairs by teacher forcing.
class PairTrainer : public Trainer {
  public:
    int64_t batches() const { return batches_.batches(); }  // in a pass over the pairs

  protected:
    /// The model and the pairs must outlive the trainer. dropout is the model's, for save().
    PairTrainer(Module& model, double dropout, const PairIds& train, const PairIds& valid,
                const PairBatchOptions& batches, const Training& options, Where at);
    /// Mean of -log P of the batch's target words; in training with dropout and smoothing.
    virtual Var batch_loss(Tape& tape, const PairBatches::Batch& batch, Generator* dropout) const = 0;

    const PairIds &train_, &valid_;
    PairBatchOptions batching_;
    std::map<std::string, std::string> more_;  // that a checkpoint must agree in

  private:
    Counted next_loss(Tape& tape, Generator& dropout) override;
    std::map<std::string, std::string> configuration() const override;
    void move_to(int64_t step, Where at) override { batches_.set_position(step, at); }

    double probability_;  // of dropping
    uint64_t data_ = 0;   // fingerprint of all pairs
    PairBatches batches_;
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
