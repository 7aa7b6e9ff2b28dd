#include "tutorials/lesson/language_model.hpp"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>

#include "nn/checkpoint.hpp"
#include "tutorials/lesson/door.hpp"

namespace unroll::lesson {
namespace {

/// The run's curve; its checkpoint is written at each validation, and taken up where there is one.
void train(Lesson& lesson, LanguageModelTrainer& trainer, const LanguageModelRun& run, const std::string& checkpoint) {
    const auto tokens = static_cast<double>(run.training.batch * run.training.length);
    if (!checkpoint.empty() && door::exists(checkpoint)) trainer.resume(checkpoint);
    Progress bar({.title = "training",
                  .total = static_cast<double>(run.training.steps) * tokens,
                  .before = static_cast<double>(trainer.steps_done()) * tokens,
                  .unit = run.unit + "s"});
    size_t validations = trainer.history().size();
    double mean = 0;
    const door::Interrupt interrupt;
    while (trainer.step()) {
        mean = mean == 0 ? trainer.loss() : 0.99 * mean + 0.01 * trainer.loss();
        const std::string best =
            std::isfinite(trainer.best()) ? fmt::format(", best on validation {:.3f}", trainer.best()) : "";
        bar.add(tokens, fmt::format("loss {:.3f} nats{}", mean, best));
        if (!checkpoint.empty() &&
            (trainer.history().size() > validations || trainer.steps_done() % 200 == 0 || interrupt.asked()))
            trainer.save(checkpoint);
        validations = trainer.history().size();
        if (interrupt.asked())
            throw Stopped{fmt::format("stopped after step {}: {}", trainer.steps_done(),
                                      checkpoint.empty() ? "with --checkpoint FILE it could be taken up again"
                                                         : "the same command takes it up from " + checkpoint)};
    }
    bar.finish();
    Series learning{.name = "training"}, validation{.name = "validation"};  // all of it, resumed or not
    for (const LanguageModelTrainer::Validation& v : trainer.history()) {
        learning.x.push_back(static_cast<double>(v.step) * tokens * 1e-6);
        learning.y.push_back(v.train);
        validation.x.push_back(learning.x.back());
        validation.y.push_back(v.valid);
    }
    lesson.plot({.title = fmt::format("Learning to predict the next {}", run.unit),
                 .x = fmt::format("million {}s read", run.unit),
                 .y = fmt::format("nats a {}", run.unit),
                 .series = {learning, validation},
                 .caption = run.training.decay == 0
                                ? "The rate falls towards the end of the run."
                                : "The rate falls each time that validation is no better than the best before."});
}

}  // namespace

void LanguageModelLine::add_to(Lesson& lesson) {
    lesson.option("--text FILE", text, "learn from this text instead of Austen's novels");
    lesson.option("--data DIR", data, "where the data sets are");
    lesson.option("--prompt TEXT", prompt, "what the model is to continue");
    lesson.option("--checkpoint FILE", checkpoint, "keep the training there, and take it up again");
    lesson.option("--save FILE", save, "write the trained weights there, as safetensors");
}

void LanguageModelLine::prepare() const {
    for (const std::string& path : {checkpoint, save})
        if (!path.empty()) door::prepare_file(path);
}

TokenCorpus read_characters(Lesson& lesson, const LanguageModelLine& line) {
    const TextCorpus text =
        load_text(!line.text.empty() ? line.text : (std::filesystem::path(line.data) / "austen").string());
    TokenCorpus corpus{.vocabulary = Vocabulary::of_characters(text.train), .train = {}, .valid = {}, .test = {}};
    corpus.train = corpus.vocabulary.encode(text.train);
    corpus.valid = corpus.vocabulary.encode(text.valid);
    corpus.test = corpus.vocabulary.encode(text.test);
    lesson.text(
        fmt::format("The text: {} characters to learn from, {} to choose the weights by, {} to judge with. {} "
                    "different characters, and one number for all others.",
                    corpus.train.size(), corpus.valid.size(), corpus.test.size(), corpus.vocabulary.size() - 1));
    return corpus;
}

std::shared_ptr<LanguageModel> tell_training(Lesson& lesson, const LanguageModelLine& line, const TokenCorpus& corpus,
                                             LanguageModelRun run) {
    line.prepare();
    run.model.vocabulary = corpus.vocabulary.size();
    if (lesson.quick()) run.model.hidden_size = 64;
    if (lesson.quick() && run.model.tied) run.model.embedding_size = 64;
    run.training.steps = lesson.steps(static_cast<int>(run.training.steps), 60);
    run.training.validate_every = std::max<int64_t>(1, run.training.steps / run.validations);
    run.training.seed = lesson.seed();
    // A quick run judges by the first part of each text only.
    const auto part = [&](const std::vector<int32_t>& text, size_t most) {
        return std::vector<int32_t>(text.begin(),
                                    text.begin() + static_cast<std::ptrdiff_t>(std::min(most, text.size())));
    };
    const size_t most =
        lesson.quick() ? size_t{run.perplexity ? 4000u : 20000u} : corpus.valid.size() + corpus.test.size();
    const std::vector<int32_t> valid = part(corpus.valid, most), test = part(corpus.test, most);

    Generator gen(lesson.seed());
    const auto model = std::make_shared<LanguageModel>(run.model, gen);
    lesson.show("Parameters", "name, shape, count\n" + parameter_table(*model));
    const TextScore untrained = evaluate(*model, part(valid, 2000));
    lesson.text(fmt::format(
        "Untrained, the model scores {:.3f} nats a {}; $\\ln V$ is {:.3f}: it knows nothing, and knows that "
        "it knows nothing.",
        untrained.nats, run.unit, std::log(static_cast<double>(corpus.vocabulary.size()))));
    LanguageModelTrainer trainer(*model, corpus.train, valid, run.training);
    train(lesson, trainer, run, line.checkpoint);
    trainer.take_best();

    lesson.text(
        "Perplexity is $e$ to the mean of $-\\log P$; bits are nats divided by $\\ln 2$. Validation chose the weights, "
        "so the test text, which nothing has been chosen by, has the last word.");
    const TextScore on_valid = evaluate(*model, valid), on_test = evaluate(*model, test);
    lesson.table(
        {.caption = "How well it predicts text that it has not read",
         .header = {"text", run.unit + "s", "nats", "bits", "perplexity"},
         .rows = {{"validation", static_cast<double>(on_valid.tokens), on_valid.nats, on_valid.bits(),
                   on_valid.perplexity()},
                  {"test", static_cast<double>(on_test.tokens), on_test.nats, on_test.bits(), on_test.perplexity()}}});
    lesson.check("training has brought the loss below that of the untrained model", on_valid.nats < untrained.nats);
    lesson.result(run.name + (run.perplexity ? "_valid_perplexity" : "_valid_nats"),
                  run.perplexity ? on_valid.perplexity() : on_valid.nats);
    lesson.result(run.name + (run.perplexity ? "_test_perplexity" : "_test_nats"),
                  run.perplexity ? on_test.perplexity() : on_test.nats);
    if (!line.save.empty()) save_weights(line.save, *model);
    return model;
}

void tell_language_model(Lesson& lesson, const LanguageModelLine& line, LanguageModelRun run) {
    const TokenCorpus corpus = read_characters(lesson, line);
    const auto model = tell_training(lesson, line, corpus, std::move(run));
    lesson.section("What it writes", "RNN Language Model");
    lesson.text(
        "A character is drawn from the distribution, becomes the next input, and so on. The temperature divides the "
        "scores before the softmax: below 1 the model plays safe, at 0 it always takes the most probable character, "
        "and soon repeats itself.");
    Generator gen(lesson.seed(), 1);
    const std::vector<int32_t> prompt = corpus.vocabulary.encode(decode_utf8(line.prompt, "the prompt"));
    for (double temperature : {0.0, 0.6, 1.0})
        lesson.sample(
            fmt::format("Temperature {}", temperature),
            line.prompt + corpus.vocabulary.text(sample(
                              *model, prompt, {.length = lesson.quick() ? 80 : 300, .temperature = temperature}, gen)));
}

}  // namespace unroll::lesson
