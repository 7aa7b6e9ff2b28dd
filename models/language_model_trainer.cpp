#include "models/language_model_trainer.hpp"

#include <limits>

#include "nn/checkpoint.hpp"
#include "nn/clip.hpp"
#include "nn/schedule.hpp"

namespace unroll {

LanguageModelTrainer::LanguageModelTrainer(LanguageModel& model, const std::vector<int32_t>& train,
                                           const std::vector<int32_t>& valid, const LanguageModelTraining& options,
                                           Where at)
    : model_(model),
      valid_(valid),
      data_(fingerprint(valid, fingerprint(train))),
      options_(options),
      parameters_(parameters(model)),
      generator_(options.seed),
      batches_(train, options.batch, options.length, at),
      best_(std::numeric_limits<double>::infinity()) {
    if (options.steps < 0 || options.validate_every < 1)
        fail("LanguageModelTrainer", at, "steps {}, validate_every {}: expected 0 or more, and 1 or more",
             options.steps, options.validate_every);
    if (!(options.decay >= 0 && options.decay < 1))
        fail("LanguageModelTrainer", at, "decay {}: expected 0 or more, and less than 1", options.decay);
    if (options.sgd)
        optimizer_ = std::make_unique<Sgd>(parameters_, SgdOptions{.lr = options.learning_rate}, at);
    else
        optimizer_ = std::make_unique<Adam>(parameters_, AdamOptions{.lr = options.learning_rate}, at);
}

bool LanguageModelTrainer::step() {
    if (done_ >= options_.steps || waited_ > options_.patience) return false;
    if (options_.decay == 0) optimizer_->set_lr(options_.learning_rate * linear_tail(done_, options_.steps));
    const Generator::State before = generator_.state();
    const int64_t position = batches_.position();
    LanguageModel::Output out;
    try {
        const StreamBatches::Batch batch = batches_.next();
        tape_.clear();
        // Where the streams begin anew, so does the memory of what came before.
        out = model_.loss(tape_, batch.inputs, batch.targets, batch.first ? StateValues() : state_, &generator_);
        tape_.backward(out.loss);
        clip_grad_norm(tape_, parameters_, options_.max_norm);
        optimizer_->step(tape_);
    } catch (...) {  // this step is the next one still
        generator_.restore(before);
        batches_.set_position(position);
        throw;
    }
    state_ = std::move(out.state);
    loss_ = out.loss.item();
    sum_ += loss_;
    done_++;
    if (done_ % options_.validate_every == 0 || done_ == options_.steps) validate();
    return true;
}

void LanguageModelTrainer::validate() {
    const int64_t since = done_ - (history_.empty() ? 0 : history_.back().step);
    const double valid = evaluate(model_, valid_).nats;
    history_.push_back({done_, sum_ / double(since), valid});
    sum_ = 0;
    if (!(valid < best_)) {
        waited_++;
        if (options_.decay > 0) optimizer_->set_lr(options_.decay * optimizer_->lr());
        return;
    }
    best_ = valid;
    waited_ = 0;
    best_weights_.resize(parameters_.size());
    for (size_t i = 0; i < parameters_.size(); i++) best_weights_[i] = parameters_[i].value.clone();
}

void LanguageModelTrainer::take_best() {
    for (size_t i = 0; i < best_weights_.size(); i++) parameters_[i].value.copy_from(best_weights_[i]);
}

std::map<std::string, std::string> LanguageModelTrainer::configuration() const {
    return {{"model", model_.pretty()},
            {"training",
             fmt::format(
                 "{} steps of {} x {} tokens, {}, rate {}, decay {}, norm {}, validated every {}, patience {}, seed "
                 "{}",
                 options_.steps, options_.batch, options_.length, optimizer_->name(), options_.learning_rate,
                 options_.decay, options_.max_norm, options_.validate_every, options_.patience, options_.seed)},
            {"text", fmt::format("{} tokens to learn from, {} to validate with, fingerprint {:016x}", batches_.size(),
                                 valid_.size(), data_)}};
}

void LanguageModelTrainer::save(const std::string& path) const {
    Progress progress{.configuration = configuration()};
    progress.numbers = {{"done", done_}, {"waited", waited_}, {"loss", loss_},
                        {"sum", sum_},   {"best", best_},     {"position", batches_.position()}};
    if (state_.h.defined()) progress.tensors["state h"] = state_.h;
    if (state_.C.defined()) progress.tensors["state C"] = state_.C;
    for (size_t i = 0; i < best_weights_.size(); i++)
        progress.tensors["best " + parameters_[i].name] = best_weights_[i];
    std::vector<double> history;
    for (const Validation& v : history_) history.insert(history.end(), {double(v.step), v.train, v.valid});
    progress.tensors["history"] = Tensor::from(history, {int64_t(history_.size()), 3}, DType::f64);
    save_checkpoint(path, model_, *optimizer_, generator_, progress);
}

void LanguageModelTrainer::resume(const std::string& path, Where at) {
    check_configuration(path, configuration());
    const Progress progress = load_checkpoint(path, model_, *optimizer_, generator_, at);
    done_ = int64_t(progress.number("done"));
    waited_ = int64_t(progress.number("waited"));
    for (auto [name, to] : {std::pair{"loss", &loss_}, {"sum", &sum_}, {"best", &best_}}) *to = progress.number(name);
    batches_.set_position(int64_t(progress.number("position")), at);
    state_ = {};
    if (done_ > 0) state_.h = progress.tensor("state h");
    if (done_ > 0 && model_.options().cell == CellKind::lstm) state_.C = progress.tensor("state C");
    best_weights_.clear();
    for (const Parameter& p : parameters_)
        if (best_ < std::numeric_limits<double>::infinity()) best_weights_.push_back(progress.tensor("best " + p.name));
    history_.clear();
    const Tensor& history = progress.tensor("history");
    for (int64_t i = 0; i < history.dim(0); i++)
        history_.push_back({int64_t(history.at({i, 0})), history.at({i, 1}), history.at({i, 2})});
}

}  // namespace unroll
