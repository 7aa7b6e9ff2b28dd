#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/random.hpp"
#include "nn/module.hpp"
#include "nn/optim.hpp"

namespace unroll {

struct Training {
    int64_t steps = 1000;         // a batch each
    int64_t warm_up = 150;        // steps in which the rate rises; then it falls along a cosine to 0
    double learning_rate = 3e-3;  // Adam's
    double beta2 = 0.99;          // Adam's
    double weight_decay = 0;      // above 0: AdamW's
    double max_norm = 1;          // gradient clipping
    double label_smoothing = 0;   // Seq2Seq's; the other models' losses have none
    int64_t validate_every = 1000;
};

/// Trains a model, and can be stopped and resumed at any step with bitwise the same result.
class Trainer {
  public:
    virtual ~Trainer() = default;

    /// One step; false when all are done. One that throws is taken again by the next call, with the same batch and
    /// draws; what batch normalisation has counted of it stays counted.
    bool step();
    int64_t steps_done() const { return done_; }
    double loss() const { return loss_; }     // of the last step, nats a word (of a recogniser: Recogniser::loss)
    int64_t words() const { return words_; }  // that were to be told, of all steps
    struct Validation {
        int64_t step, words;
        double train, valid;  // nats a word; train is the mean since the validation before
    };
    const std::vector<Validation>& history() const { return history_; }

    /// Everything that the next step depends on, in one file, written atomically; and what the caller adds.
    void save(const std::string& path, std::map<std::string, std::string> more = {}) const;
    /// Throws Error where the file is of another model, other data or options, or was saved without `more`.
    void resume(const std::string& path, std::map<std::string, std::string> more = {}, Where at = {});

  protected:
    /// The model must outlive the trainer; `name` is for errors, the seed of dropout.
    Trainer(const char* name, Module& model, const Training& options, uint64_t seed, Where at);

    struct Counted {
        Var loss;  // a mean over the words
        int64_t words;
    };
    /// Of the batch of this step.
    virtual Counted next_loss(Tape& tape, Generator& dropout) = 0;
    /// Mean loss on what it doesn't learn from.
    virtual double validate() const = 0;
    /// Everything else that a checkpoint must agree in.
    virtual std::map<std::string, std::string> configuration() const = 0;
    /// The next batch is that of this step.
    virtual void move_to(int64_t step, Where at) = 0;

    Training options_;

  private:
    std::map<std::string, std::string> all_configuration(std::map<std::string, std::string> more) const;

    Module& model_;
    std::vector<Parameter> parameters_;
    std::unique_ptr<Optimizer> adam_;
    Generator dropout_;
    Tape tape_;
    int64_t done_ = 0, words_ = 0;
    double loss_ = 0, sum_ = 0;
    std::vector<Validation> history_;
};

}  // namespace unroll
