#include "models/trainer.hpp"

#include "nn/checkpoint.hpp"
#include "nn/clip.hpp"
#include "nn/schedule.hpp"

namespace unroll {

Trainer::Trainer(const char* name, Module& model, const Training& options, uint64_t seed, Where at)
    : options_(options), model_(model), parameters_(parameters(model)), dropout_(seed, 1) {
    if (options.steps < 0 || options.validate_every < 1)
        fail(name, at, "steps {}, validate_every {}: expected 0 or more, and 1 or more", options.steps,
             options.validate_every);
    const std::array<double, 2> betas = {0.9, options.beta2};
    if (options.weight_decay > 0)
        adam_ = std::make_unique<AdamW>(
            parameters_,
            AdamWOptions{.lr = options.learning_rate, .betas = betas, .weight_decay = options.weight_decay}, at);
    else
        adam_ = std::make_unique<Adam>(parameters_, AdamOptions{.lr = options.learning_rate, .betas = betas}, at);
}

bool Trainer::step() {
    if (done_ >= options_.steps) return false;
    adam_->set_lr(options_.learning_rate * warm_cosine(done_, options_.steps, options_.warm_up));
    tape_.clear();
    const Generator::State before = dropout_.state();
    Counted next;
    try {
        next = next_loss(tape_, dropout_);
        tape_.backward(next.loss);
        clip_grad_norm(tape_, parameters_, options_.max_norm);
        adam_->step(tape_);
    } catch (...) {  // this step is the next one still
        dropout_.restore(before);
        move_to(done_, {});
        throw;
    }
    loss_ = next.loss.item();
    sum_ += loss_;
    words_ += next.words;
    done_++;
    if (done_ % options_.validate_every == 0 || done_ == options_.steps) {
        const int64_t since = done_ - (history_.empty() ? 0 : history_.back().step);
        history_.push_back({done_, words_, sum_ / double(since), validate()});
        sum_ = 0;
    }
    return true;
}

std::map<std::string, std::string> Trainer::all_configuration(std::map<std::string, std::string> more) const {
    more["model"] = model_.pretty();
    const Training& o = options_;
    more["training"] = fmt::format(
        "{} steps, rate {}, warm-up {}, beta2 {}, decay {}, norm {}, smoothing {}, validated every {}", o.steps,
        o.learning_rate, o.warm_up, o.beta2, o.weight_decay, o.max_norm, o.label_smoothing, o.validate_every);
    more.merge(configuration());
    return more;
}

void Trainer::save(const std::string& path, std::map<std::string, std::string> more) const {
    Progress progress{.configuration = all_configuration(std::move(more))};
    progress.numbers = {{"done", double(done_)}, {"words", double(words_)}, {"loss", loss_}, {"sum", sum_}};
    std::vector<double> history;
    for (const Validation& v : history_)
        history.insert(history.end(), {double(v.step), double(v.words), v.train, v.valid});
    progress.tensors["history"] = Tensor::from(history, {int64_t(history_.size()), 4}, DType::f64);
    save_checkpoint(path, model_, *adam_, dropout_, progress);
}

void Trainer::resume(const std::string& path, std::map<std::string, std::string> more, Where at) {
    check_configuration(path, all_configuration(std::move(more)));
    const Progress progress = load_checkpoint(path, model_, *adam_, dropout_, at);
    done_ = int64_t(progress.number("done"));
    words_ = int64_t(progress.number("words"));
    loss_ = progress.number("loss");
    sum_ = progress.number("sum");
    move_to(done_, at);
    history_.clear();
    const Tensor& history = progress.tensor("history");
    for (int64_t i = 0; i < history.dim(0); i++)
        history_.push_back(
            {int64_t(history.at({i, 0})), int64_t(history.at({i, 1})), history.at({i, 2}), history.at({i, 3})});
}

}  // namespace unroll
