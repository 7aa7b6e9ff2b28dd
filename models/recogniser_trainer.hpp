#pragma once
#include <functional>

#include "models/recogniser.hpp"
#include "models/trainer.hpp"

namespace unroll {

/// Trains a Recogniser; its words are the labels.
class RecogniserTrainer final : public Trainer {
  public:
    /// The batch of a step, a function of its number and of nothing else.
    using Source = std::function<SpeechBatch(int64_t step)>;
    /// The model must outlive the trainer; the seed is dropout's. What the batches are, save() and resume() have to be
    /// told.
    RecogniserTrainer(Recogniser& model, Source train, std::vector<SpeechBatch> valid, const Training& options,
                      uint64_t seed = 1, Where at = {});

  private:
    Counted next_loss(Tape& tape, Generator& dropout) override;
    double validate() const override;
    std::map<std::string, std::string> configuration() const override;
    void move_to(int64_t, Where) override {}

    Recogniser& model_;
    Source source_;
    std::vector<SpeechBatch> valid_;
    uint64_t seed_;
};

}  // namespace unroll
