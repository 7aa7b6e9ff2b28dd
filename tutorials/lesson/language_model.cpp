#include "tutorials/lesson/language_model.hpp"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>

#include "nn/checkpoint.hpp"
#include "tutorials/lesson/door.hpp"

namespace unroll::lesson {
namespace {

struct Texts {
    Vocabulary vocabulary;
    std::vector<int32_t> train, valid, test;
};

Texts read(Lesson& lesson, const LanguageModelOptions& options) {
    const std::string path =
        !options.text.empty() ? options.text : (std::filesystem::path(options.data) / "austen").string();
    const TextCorpus corpus = load_text(path);
    const Vocabulary vocabulary = Vocabulary::of_characters(corpus.train);
    lesson.text(
        fmt::format("The text: {} characters to learn from, {} to choose the weights by, {} to judge with. {} "
                    "different characters, and one number for all others.",
                    corpus.train.size(), corpus.valid.size(), corpus.test.size(), vocabulary.size() - 1));
    return {vocabulary, vocabulary.encode(corpus.train), vocabulary.encode(corpus.valid),
            vocabulary.encode(corpus.test)};
}

/// The run's curve; its checkpoint is written at each validation, and taken up where there is one.
void train(Lesson& lesson, CharLmTrainer& trainer, const CharLmTraining& training, const std::string& checkpoint) {
    Progress bar({.title = "training",
                  .total = static_cast<double>(training.steps * training.batch * training.length),
                  .unit = "characters"});
    if (!checkpoint.empty() && std::filesystem::exists(checkpoint)) {
        trainer.resume(checkpoint);
        bar.add(static_cast<double>(trainer.steps_done() * training.batch * training.length), "resumed");
    }
    Series learning{.name = "training"};
    size_t validations = trainer.history().size();
    double mean = 0;
    while (trainer.step()) {
        const auto step = static_cast<double>(trainer.steps_done());
        mean = mean == 0 ? trainer.loss() : 0.99 * mean + 0.01 * trainer.loss();
        const std::string best =
            std::isfinite(trainer.best()) ? fmt::format(", best on validation {:.3f}", trainer.best()) : "";
        bar.add(static_cast<double>(training.batch * training.length), fmt::format("loss {:.3f} nats{}", mean, best));
        learning.x.push_back(step * static_cast<double>(training.batch * training.length) * 1e-6);
        learning.y.push_back(trainer.loss());
        if (!checkpoint.empty() && (trainer.history().size() > validations || trainer.steps_done() % 200 == 0))
            trainer.save(checkpoint);
        validations = trainer.history().size();
    }
    bar.finish();
    Series validation{.name = "validation"};
    for (const CharLmTrainer::Validation& v : trainer.history()) {
        validation.x.push_back(static_cast<double>(v.step * training.batch * training.length) * 1e-6);
        validation.y.push_back(v.valid);
    }
    lesson.plot({.title = "Learning to predict the next character",
                 .x = "million characters read",
                 .y = "nats a character",
                 .series = {learning, validation},
                 .caption = "The fall at the end is that of the learning rate."});
}

}  // namespace

void LanguageModelOptions::add_to(Lesson& lesson) {
    lesson.option("--text FILE", text, "learn from this text instead of Austen's novels");
    lesson.option("--data DIR", data, "where the data sets are");
    lesson.option("--prompt TEXT", prompt, "what the model is to continue");
    lesson.option("--checkpoint FILE", checkpoint, "keep the training there, and take it up again");
    lesson.option("--save FILE", save, "write the trained weights there, as safetensors");
}

void tell_language_model(Lesson& lesson, const LanguageModelOptions& options, LanguageModel run) {
    for (const std::string& path : {options.checkpoint, options.save})
        if (!path.empty()) door::prepare_file(path);
    const Texts texts = read(lesson, options);
    run.model.vocabulary = texts.vocabulary.size();
    if (lesson.quick()) run.model.hidden_size = 64;
    run.training.steps = lesson.steps(static_cast<int>(run.training.steps), 60);
    run.training.validate_every = std::max<int64_t>(1, run.training.steps / run.validations);

    Generator gen(lesson.seed());
    CharLm model(run.model, gen);
    lesson.sample("Parameters: name, shape, count", parameter_table(model));
    const auto most = static_cast<std::ptrdiff_t>(lesson.quick() ? 20000 : texts.valid.size());
    const std::vector<int32_t> valid(
        texts.valid.begin(), texts.valid.begin() + std::min(most, static_cast<std::ptrdiff_t>(texts.valid.size())));

    const TextScore untrained = evaluate(
        model,
        std::vector<int32_t>(
            valid.begin(), valid.begin() + std::min<std::ptrdiff_t>(2000, static_cast<std::ptrdiff_t>(valid.size()))));
    lesson.text(
        fmt::format("Untrained, the model scores {:.3f} nats a character; $\\ln V$ is {:.3f}: it knows nothing, and "
                    "knows that it knows nothing.",
                    untrained.nats, std::log(static_cast<double>(texts.vocabulary.size()))));
    CharLmTrainer trainer(model, texts.train, valid, run.training);
    train(lesson, trainer, run.training, options.checkpoint);
    trainer.take_best();

    lesson.text(
        "Perplexity is $e$ to the mean of $-\\log P$; bits are nats divided by $\\ln 2$. Validation chose the weights, "
        "so the test text, which nothing has been chosen by, has the last word.");
    const TextScore on_valid = evaluate(model, valid);
    const auto test_end = texts.test.begin() + std::min(most, static_cast<std::ptrdiff_t>(texts.test.size()));
    const TextScore on_test = evaluate(model, std::vector<int32_t>(texts.test.begin(), test_end));
    lesson.table({.caption = "How well it predicts text that it has not read",
                  .header = {"text", "characters", "nats", "bits", "perplexity"},
                  .rows = {{"validation", static_cast<double>(on_valid.characters), on_valid.nats, on_valid.bits(),
                            on_valid.perplexity()},
                           {"test", static_cast<double>(on_test.characters), on_test.nats, on_test.bits(),
                            on_test.perplexity()}}});
    lesson.check("training has brought the loss below that of the untrained model", on_valid.nats < untrained.nats);
    lesson.result(run.name + "_valid_nats", on_valid.nats);
    lesson.result(run.name + "_test_nats", on_test.nats);

    lesson.section("What it writes", "RNN Language Model");
    lesson.text(
        "A character is drawn from the distribution, becomes the next input, and so on. The temperature divides the "
        "scores before the softmax: below 1 the model plays safe, at 0 it always takes the most probable character, "
        "and soon repeats itself.");
    for (double temperature : {0.0, 0.6, 1.0})
        lesson.sample(fmt::format("Temperature {}", temperature),
                      options.prompt + sample(model, texts.vocabulary, options.prompt,
                                              {.length = lesson.quick() ? 80 : 300, .temperature = temperature}, gen));
    if (!options.save.empty()) save_weights(options.save, model);
}

}  // namespace unroll::lesson
