// Chapter 09: applications. The prose that goes with it is README.md.
#include <fmt/format.h>

#include "tutorials/09_applications/chapter.hpp"
#include "tutorials/lesson/door.hpp"

using namespace unroll;

double unroll::train_and_plot(Lesson& lesson, PairTrainer& trainer, int64_t steps, const std::string& title,
                              const std::string& words) {
    const double begin = lesson::door::seconds();
    {
        lesson::Progress bar({.title = title, .total = double(steps), .unit = "steps"});
        while (trainer.step()) bar.add(1, fmt::format("loss {:.3f}", trainer.loss()));
    }
    lesson::Series learning{.name = "training"}, validation{.name = "validation"};
    for (const auto& v : trainer.history()) {
        learning.x.push_back(double(v.words) * 1e-3), validation.x.push_back(double(v.words) * 1e-3);
        learning.y.push_back(v.train), validation.y.push_back(v.valid);
    }
    lesson.plot({.title = title,
                 .x = fmt::format("thousand {} read", words),
                 .y = "nats each",
                 .series = {learning, validation},
                 .caption = "The training's loss is with dropout, and a translator's with smoothed labels."});
    return lesson::door::seconds() - begin;
}

int main(int argc, char** argv) {
    Lesson lesson({.number = "09", .title = "Applications"});
    ApplicationOptions options;
    lesson.option("--data DIR", options.data, "where the data sets are");
    lesson.option("--translator FOLDER", options.translator, "measure this one, made by build/tutorials/translate");
    lesson.option("--fixed FOLDER", options.fixed, "and this one, made with its --decoder fixed");
    lesson.option("--decoders FOLDER", options.decoders, "and those in it, NAME-SEED, made with its --decoder NAME");
    lesson.option("--recogniser FOLDER", options.recogniser, "measure this one, made by build/tutorials/recognise");
    lesson.option("--summariser FOLDER", options.summariser, "measure this one, made by build/tutorials/summarise");
    lesson.option("--plain FOLDER", options.plain, "and this one, made with its --plain");
    return lesson.run(argc, argv, [&] {
        tell_scoring(lesson);
        tell_translation(lesson, options);
        tell_recognition_by_hand(lesson);
        tell_recognition(lesson, options);
        tell_copying(lesson);
        tell_summaries(lesson, options);
    });
}
