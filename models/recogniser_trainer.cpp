#include "models/recogniser_trainer.hpp"

#include "nn/checkpoint.hpp"
#include "nn/clip.hpp"
#include "nn/schedule.hpp"

namespace unroll {

RecogniserTrainer::RecogniserTrainer(Recogniser& model, Source train, std::vector<SpeechBatch> valid,
                                     const RecogniserTraining& options, Where at)
    : model_(model),
      source_(std::move(train)),
      valid_(std::move(valid)),
      options_(options),
      parameters_(parameters(model)),
      adam_(parameters_, {.lr = options.learning_rate}, at),
      dropout_(options.seed, 1) {
    if (options.steps < 0 || options.validate_every < 1 || valid_.empty())
        fail("RecogniserTrainer", at,
             "steps {}, validate_every {}, {} batches to validate with: expected 0, 1, 1 or "
             "more",
             options.steps, options.validate_every, valid_.size());
}

bool RecogniserTrainer::step() {
    if (done_ >= options_.steps) return false;
    adam_.set_lr(options_.learning_rate * warm_cosine(done_, options_.steps, options_.warm_up));
    tape_.clear();
    const Var loss = model_.loss(tape_, source_(done_), &dropout_);
    tape_.backward(loss);
    clip_grad_norm(tape_, parameters_, options_.max_norm);
    adam_.step(tape_);
    loss_ = loss.item();
    sum_ += loss_;
    done_++;
    if (done_ % options_.validate_every == 0 || done_ == options_.steps) {
        const int64_t since = done_ - (history_.empty() ? 0 : history_.back().step);
        double valid = 0;
        for (const SpeechBatch& batch : valid_) {
            Tape tape(Tape::Mode::forward_only);
            valid += model_.loss(tape, batch).item() / double(valid_.size());
        }
        history_.push_back({done_, sum_ / double(since), valid});
        sum_ = 0;
    }
    return true;
}

std::map<std::string, std::string> RecogniserTrainer::configuration(std::map<std::string, std::string> more) const {
    more["model"] = model_.pretty();
    more["training"] = fmt::format("{} steps, rate {}, warm-up {}, norm {}, dropout {}, validated every {}, seed {}",
                                   options_.steps, options_.learning_rate, options_.warm_up, options_.max_norm,
                                   model_.options().dropout, options_.validate_every, options_.seed);
    more.merge(model_.configuration());
    return more;
}

void RecogniserTrainer::save(const std::string& path, const std::map<std::string, std::string>& source) const {
    Progress progress{.configuration = configuration(source)};
    progress.numbers = {{"done", double(done_)}, {"loss", loss_}, {"sum", sum_}};
    Tensor history = Tensor::empty({int64_t(history_.size()), 3}, DType::f64);
    for (size_t i = 0; i < history_.size(); i++) {
        const double row[] = {double(history_[i].step), history_[i].train, history_[i].valid};
        for (int64_t k = 0; k < 3; k++) history.set({int64_t(i), k}, row[k]);
    }
    progress.tensors["history"] = history;
    save_checkpoint(path, model_, adam_, dropout_, progress);
}

void RecogniserTrainer::resume(const std::string& path, const std::map<std::string, std::string>& source, Where at) {
    check_configuration(path, configuration(source));
    const Progress progress = load_checkpoint(path, model_, adam_, dropout_, at);
    done_ = int64_t(progress.number("done"));
    loss_ = progress.number("loss");
    sum_ = progress.number("sum");
    history_.clear();
    const Tensor& history = progress.tensor("history");
    for (int64_t i = 0; i < history.dim(0); i++)
        history_.push_back({int64_t(history.at({i, 0})), history.at({i, 1}), history.at({i, 2})});
}

}  // namespace unroll
