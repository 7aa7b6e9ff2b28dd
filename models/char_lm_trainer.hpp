#pragma once
#include <map>
#include <string>
#include <vector>

#include "models/char_lm.hpp"
#include "nn/optim.hpp"

namespace unroll {

struct CharLmTraining {
    int64_t steps = 17500;        // of batch * length characters
    int64_t batch = 32;           // B streams through the text, side by side
    int64_t length = 64;          // T, after which BPTT is truncated and the state carried on
    double learning_rate = 2e-3;  // Adam's; constant for three quarters of the steps, then falling linearly to 2 %
    double max_norm = 1;          // gradient clipping
    int64_t validate_every = 1750;
    int64_t patience = 5;  // validations without a better one before it stops early
};

/// Trains a CharLm by truncated BPTT, keeps the weights of the best validation, and can be stopped and resumed at any
/// step with bitwise the same result as without the stop.
class CharLmTrainer {
  public:
    /// Both texts as ids of the model's vocabulary; they must outlive the trainer.
    CharLmTrainer(CharLm& model, const std::vector<int32_t>& train, const std::vector<int32_t>& valid,
                  const CharLmTraining& options, Where at = {});

    /// One step; false when the training has ended (all steps done, or stopped early).
    bool step();
    int64_t steps_done() const { return done_; }
    double loss() const { return loss_; }  // of the last step, nats a character
    double norm() const { return norm_; }  // of the last gradient, before clipping
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
    void resume(const std::string& path);

  private:
    void validate();
    std::map<std::string, std::string> configuration() const;

    CharLm& model_;
    const std::vector<int32_t>& valid_;
    CharLmTraining options_;
    std::vector<Parameter> parameters_;
    Adam adam_;
    Generator generator_{0};  // nothing is drawn in training; a checkpoint has one
    StreamBatches batches_;
    Tape tape_;
    StateValues state_;
    int64_t done_ = 0, waited_ = 0;
    double loss_ = 0, norm_ = 0, sum_ = 0, best_;
    std::vector<Tensor> best_weights_;
    std::vector<Validation> history_;
};

}  // namespace unroll
