#include "models/pair_trainer.hpp"

#include "nn/checkpoint.hpp"
#include "nn/clip.hpp"
#include "nn/schedule.hpp"

namespace unroll {

PairTrainer::PairTrainer(Module& model, double dropout, const PairIds& train, const PairIds& valid,
                         const PairBatchOptions& batches, const PairTraining& options, Where at)
    : train_(train),
      valid_(valid),
      batching_(batches),
      options_(options),
      model_(model),
      probability_(dropout),
      data_(0),
      parameters_(parameters(model)),
      dropout_(batches.seed, 1),
      batches_(train.sources, train.targets, batches, at) {
    if (options.steps < 0 || options.validate_every < 1)
        fail("PairTrainer", at, "steps {}, validate_every {}: expected 0 or more, and 1 or more", options.steps,
             options.validate_every);
    const std::array<double, 2> betas = {0.9, options.beta2};
    if (options.weight_decay > 0)
        adam_ = std::make_unique<AdamW>(
            parameters_,
            AdamWOptions{.lr = options.learning_rate, .betas = betas, .weight_decay = options.weight_decay}, at);
    else
        adam_ = std::make_unique<Adam>(parameters_, AdamOptions{.lr = options.learning_rate, .betas = betas}, at);
    for (const PairIds* pairs : {&train, &valid})
        for (const auto* sentences : {&pairs->sources, &pairs->targets, &pairs->forms})
            data_ = fingerprint(*sentences, data_);
}

bool PairTrainer::step() {
    if (done_ >= options_.steps) return false;
    adam_->set_lr(options_.learning_rate * warm_cosine(done_, options_.steps, options_.warm_up));
    const PairBatches::Batch b = batches_.next();
    tape_.clear();
    const Var loss = batch_loss(tape_, b, &dropout_);
    tape_.backward(loss);
    clip_grad_norm(tape_, parameters_, options_.max_norm);
    adam_->step(tape_);
    loss_ = loss.item();
    sum_ += loss_;
    words_ += b.target_tokens;
    done_++;
    if (done_ % options_.validate_every == 0 || done_ == options_.steps) {
        const int64_t since = done_ - (history_.empty() ? 0 : history_.back().step);
        history_.push_back({done_, words_, sum_ / double(since), validate()});
        sum_ = 0;
    }
    return true;
}

std::map<std::string, std::string> PairTrainer::configuration() const {
    std::map<std::string, std::string> all = {
        {"model", model_.pretty()},
        {"training", fmt::format("{} steps of {} sentences or {} words at most, rate {}, warm-up {}, beta2 {}, norm "
                                 "{}, smoothing {}, dropout {}, validated every {}, seed {}",
                                 options_.steps, batching_.sentences, batching_.tokens, options_.learning_rate,
                                 options_.warm_up, options_.beta2, options_.max_norm, options_.label_smoothing,
                                 probability_, options_.validate_every, batching_.seed)},
        {"pairs", fmt::format("{} to learn from, {} to validate with, fingerprint {:016x}", train_.sources.size(),
                              valid_.sources.size(), data_)}};
    all.insert(more_.begin(), more_.end());
    return all;
}

void PairTrainer::save(const std::string& path, std::map<std::string, std::string> more) const {
    Progress progress{.configuration = std::move(more)};
    progress.configuration.merge(configuration());
    progress.numbers = {{"done", double(done_)}, {"words", double(words_)}, {"loss", loss_}, {"sum", sum_}};
    Tensor history = Tensor::empty({int64_t(history_.size()), 4}, DType::f64);
    for (size_t i = 0; i < history_.size(); i++) {
        const auto& [step, words, train, valid] = history_[i];
        const double row[] = {double(step), double(words), train, valid};
        for (int64_t k = 0; k < 4; k++) history.set({int64_t(i), k}, row[k]);
    }
    progress.tensors["history"] = history;
    save_checkpoint(path, model_, *adam_, dropout_, progress);
}

void PairTrainer::resume(const std::string& path, Where at) {
    check_configuration(path, configuration());
    const Progress progress = load_checkpoint(path, model_, *adam_, dropout_, at);
    done_ = int64_t(progress.number("done"));
    words_ = int64_t(progress.number("words"));
    loss_ = progress.number("loss");
    sum_ = progress.number("sum");
    batches_.set_position(done_, at);
    history_.clear();
    const Tensor& history = progress.tensor("history");
    for (int64_t i = 0; i < history.dim(0); i++)
        history_.push_back(
            {int64_t(history.at({i, 0})), int64_t(history.at({i, 1})), history.at({i, 2}), history.at({i, 3})});
}

}  // namespace unroll
