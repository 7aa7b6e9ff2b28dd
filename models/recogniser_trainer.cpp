#include "models/recogniser_trainer.hpp"

namespace unroll {

RecogniserTrainer::RecogniserTrainer(Recogniser& model, Source train, std::vector<SpeechBatch> valid,
                                     const Training& options, uint64_t seed, Where at)
    : Trainer("RecogniserTrainer", model, options, seed, at),
      model_(model),
      source_(std::move(train)),
      valid_(std::move(valid)),
      seed_(seed) {
    if (valid_.empty() || options.label_smoothing != 0)
        fail("RecogniserTrainer", at, "{} batches to validate with, label_smoothing {}: expected 1 or more, and 0",
             valid_.size(), options.label_smoothing);
}

Trainer::Counted RecogniserTrainer::next_loss(Tape& tape, Generator& dropout) {
    const SpeechBatch batch = source_(steps_done());
    int64_t labels = 0;
    for (int64_t b = 0; b < batch.targets.target_lengths.size(); b++) labels += batch.targets.target_lengths[b];
    return {model_.loss(tape, batch, &dropout), labels};
}

double RecogniserTrainer::validate() const {
    double sum = 0;
    int64_t recordings = 0;
    Tape tape(Tape::Mode::forward_only);
    for (const SpeechBatch& batch : valid_) {
        const int64_t B = batch.x.dim(1);
        sum += model_.loss(tape, batch).item() * double(B), recordings += B;
    }
    return sum / double(recordings);
}

std::map<std::string, std::string> RecogniserTrainer::configuration() const {
    std::map<std::string, std::string> all = model_.configuration();
    all["seed"] = fmt::format("{}", seed_);
    return all;
}

}  // namespace unroll
