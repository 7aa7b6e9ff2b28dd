// A language model of characters on a small budget, with each of the cells.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "data/text.hpp"
#include "models/language_model_trainer.hpp"
#include "tutorials/03_gru/chapter.hpp"

namespace unroll {

void tell_austen(Lesson& lesson, Comparison& comparison) {
    const int64_t E = 64, H = lesson.quick() ? 32 : 128;
    const TextCorpus corpus = load_text((std::filesystem::path(comparison.data) / "austen").string());
    const Vocabulary vocabulary = Vocabulary::of_characters(corpus.train);
    const std::vector<int32_t> train = vocabulary.encode(corpus.train);
    std::vector<int32_t> valid = vocabulary.encode(corpus.valid);
    valid.resize(std::min<size_t>(valid.size(), lesson.quick() ? 5000 : 200000));
    LanguageModelTraining training{.steps = lesson.steps(2500, 12), .learning_rate = 4e-3};
    training.validate_every = std::max<int64_t>(1, training.steps);  // once, at the end
    const auto characters = static_cast<double>(training.steps * training.batch * training.length);

    lesson.section("A language model", "Comparison with LSTM");
    lesson.text(fmt::format(
        "The model of chapter 01 with each of the cells: {} units, {} million characters of Austen's novels, once; "
        "what counts is the loss on the first {} characters of a novel that it does not learn from. A small budget "
        "tells which cell learns fast, not which is best in the end.",
        H, characters * 1e-6, valid.size()));
    lesson::Progress bar({.title = "Austen",
                          .total = static_cast<double>(comparison.contestants.size()) * comparison.seeds * characters,
                          .unit = "characters"});
    lesson::Plot plot{.title = "Learning to predict the next character",
                      .x = "million characters read",
                      .y = "nats a character, in training",
                      .caption =
                          "By the first seed, means of a fiftieth of the run. The fall at the end is that of the "
                          "learning rate."};
    lesson::Table table{.caption = "Loss on validation", .header = {"cell", "nats a character (lowest to highest)"}};
    for (Contestant& c : comparison.contestants) {
        for (int i = 0; i < comparison.seeds; i++) {
            Generator gen(lesson.seed() + static_cast<uint64_t>(i), 200);
            LanguageModel model({.vocabulary = vocabulary.size(), .embedding_size = E, .hidden_size = H}, gen);
            model.rnn = c.make(E, H, gen);
            model.out = Linear({.in = model.rnn->output_size(), .out = {vocabulary.size(), 'V'}}, gen);
            LanguageModelTrainer trainer(model, train, valid, training);
            lesson::Series curve{.name = c.name};
            const int64_t window = std::max<int64_t>(1, training.steps / 50);
            double sum = 0;
            while (trainer.step()) {
                const double step_characters = static_cast<double>(training.batch * training.length);
                bar.add(step_characters, fmt::format("{}: {:.3f} nats", c.name, trainer.loss()));
                sum += trainer.loss();
                if (trainer.steps_done() % window != 0) continue;
                curve.x.push_back(static_cast<double>(trainer.steps_done()) * step_characters * 1e-6);
                curve.y.push_back(sum / static_cast<double>(window));
                sum = 0;
            }
            if (i == 0) plot.series.push_back(curve);
            c.austen.push_back(trainer.best());
        }
        table.rows.push_back({c.name, spread(c.austen, 3)});
    }
    bar.finish();
    lesson.plot(plot);
    lesson.table(table);
    for (const Contestant& c : comparison.contestants) {
        const auto [low, high] = std::minmax_element(c.austen.begin(), c.austen.end());
        lesson.result("austen_nats_" + c.key, mean_of(c.austen));
        lesson.result("austen_spread_" + c.key, *high - *low);
    }
}

}  // namespace unroll
