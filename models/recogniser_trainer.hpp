#pragma once
#include <functional>
#include <map>

#include "models/recogniser.hpp"
#include "nn/optim.hpp"

namespace unroll {

struct RecogniserTraining {
    int64_t steps = 10000;  // a batch each
    int64_t warm_up = 200;
    double learning_rate = 3e-3;  // Adam's; rises over the warm-up, then falls along a cosine to 0
    double max_norm = 2;          // gradient clipping
    int64_t validate_every = 500;
    uint64_t seed = 1;  // of dropout
};

/// Trains a Recogniser, and can be stopped and resumed at any step with bitwise the same result.
class RecogniserTrainer {
  public:
    /// The batch of a step, a function of its number and of nothing else.
    using Source = std::function<SpeechBatch(int64_t step)>;
    /// The model must outlive the trainer.
    RecogniserTrainer(Recogniser& model, Source train, std::vector<SpeechBatch> valid,
                      const RecogniserTraining& options, Where at = {});

    /// One step; false when all are done.
    bool step();
    int64_t steps_done() const { return done_; }
    double loss() const { return loss_; }  // of the last step, nats a label
    struct Validation {
        int64_t step;
        double train, valid;  // nats a label; train is the mean since the validation before
    };
    const std::vector<Validation>& history() const { return history_; }

    /// Everything that the next step depends on, in one file, written atomically; and what the caller adds, which must
    /// be there again to resume: it tells what the batches are.
    void save(const std::string& path, const std::map<std::string, std::string>& source) const;
    /// Throws Error where the file is of another model, other options or another source.
    void resume(const std::string& path, const std::map<std::string, std::string>& source, Where at = {});

  private:
    std::map<std::string, std::string> configuration(std::map<std::string, std::string> more) const;

    Recogniser& model_;
    Source source_;
    std::vector<SpeechBatch> valid_;
    RecogniserTraining options_;
    std::vector<Parameter> parameters_;
    Adam adam_;
    Generator dropout_;
    Tape tape_;
    int64_t done_ = 0;
    double loss_ = 0, sum_ = 0;
    std::vector<Validation> history_;
};

}  // namespace unroll
