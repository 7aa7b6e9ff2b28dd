#pragma once
#include "models/pair_trainer.hpp"
#include "models/seq2seq.hpp"

namespace unroll {

/// What the model reads of a batch; the forms are those of the pairs.
Seq2Seq::Source source_of(const PairBatches::Batch& batch, const PairIds& pairs);

/// Mean -log P of a target word, ends counted, in nats.
double evaluate(const Seq2Seq& model, const PairIds& pairs, const PairBatchOptions& batches);

using Seq2SeqTraining = Training;

class Seq2SeqTrainer final : public PairTrainer {
  public:
    /// The model and the pairs must outlive the trainer.
    Seq2SeqTrainer(Seq2Seq& model, const PairIds& train, const PairIds& valid, const PairBatchOptions& batches,
                   const Seq2SeqTraining& options, Where at = {});

  private:
    Var batch_loss(Tape& tape, const PairBatches::Batch& batch, Generator* dropout) const override;
    double validate() const override { return evaluate(model_, valid_, batching_); }

    const Seq2Seq& model_;
};

}  // namespace unroll
