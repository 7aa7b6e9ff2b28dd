#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "data/batches.hpp"
#include "models/language_model.hpp"
#include "nn/optim.hpp"

namespace unroll {

struct LanguageModelTraining {
    int64_t steps = 17500;        // of batch * length tokens
    int64_t batch = 32;           // B streams through the text, side by side
    int64_t length = 64;          // T, after which BPTT is truncated and the state carried on
    bool sgd = false;             // plain SGD in place of Adam
    double learning_rate = 2e-3;  // constant for three quarters of the steps, then falling linearly to 2 %
    double decay = 0;             // above 0: in place of that, times this after each validation that is no better
    double max_norm = 1;          // gradient clipping
    int64_t validate_every = 1750;
    int64_t patience = 5;  // it stops early after more validations than this without a better one
    uint64_t seed = 1;     // of dropout
};

/// Trains a LanguageModel by truncated BPTT, keeps the weights of the best validation, and can be stopped and resumed
/// at any step with bitwise the same result as without the stop.
class LanguageModelTrainer {
  public:
    /// Both texts as ids of the model's vocabulary; they must outlive the trainer.
    LanguageModelTrainer(LanguageModel& model, const std::vector<int32_t>& train, const std::vector<int32_t>& valid,
                         const LanguageModelTraining& options, Where at = {});

    /// One step; false when the training has ended (all steps done, or stopped early).
    bool step();
    int64_t steps_done() const { return done_; }
    double loss() const { return loss_; }  // of the last step, nats a token
    double learning_rate() const { return optimizer_->lr(); }
    struct Validation {
        int64_t step;
        double train, valid;  // nats; train is the mean since the validation before
    };
    const std::vector<Validation>& history() const { return history_; }
    double best() const { return best_; }
    /// The weights of the best validation, put into the model.
    void take_best();

    /// Everything that the next step depends on, in one file, written atomically.
    void save(const std::string& path) const;
    /// Throws Error where the file is of another model, text or configuration.
    void resume(const std::string& path, Where at = {});

  private:
    void validate();
    std::map<std::string, std::string> configuration() const;

    LanguageModel& model_;
    const std::vector<int32_t>& valid_;
    uint64_t data_;  // fingerprint of both texts
    LanguageModelTraining options_;
    std::vector<Parameter> parameters_;
    std::unique_ptr<Optimizer> optimizer_;
    Generator generator_;  // of dropout
    StreamBatches batches_;
    Tape tape_;
    StateValues state_;
    int64_t done_ = 0, waited_ = 0;
    double loss_ = 0, sum_ = 0, best_;
    std::vector<Tensor> best_weights_;
    std::vector<Validation> history_;
};

}  // namespace unroll
