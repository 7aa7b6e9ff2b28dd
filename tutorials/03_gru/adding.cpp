// The adding problem: what is marked at the beginning has to be remembered to the end.
#include <fmt/format.h>

#include <algorithm>

#include "tutorials/03_gru/chapter.hpp"

namespace unroll {

void tell_adding(Lesson& lesson, Comparison& comparison) {
    const int64_t H = lesson.quick() ? 16 : 64;
    tasks::AddingTraining training{.length = lesson.quick() ? 20 : 100, .steps = lesson.steps(3000, 40)};
    training.test_every = std::max<int64_t>(1, training.steps / 30);
    if (lesson.quick()) training.test_sequences = 100;
    lesson.section("A task that is nothing but memory", "Comparison with LSTM");
    lesson.text(fmt::format(
        "The adding problem: {} random numbers come one by one, two of them marked, one in each half, and at the end "
        "the network is to say the sum of the two. A network that always says 1 is wrong by $1/6$, as a mean square: a "
        "network "
        "without a memory can do no better. All cells get the same sequences, {} units, and the same training; only "
        "the last GRU has more units, so that it has as many parameters as the LSTM. The LSTM begins with a forget "
        "bias of 1, the GRUs begin with gates that are half open.",
        training.length, H));
    lesson::Progress bar({.title = "the adding problem",
                          .total = static_cast<double>(comparison.contestants.size()) * comparison.seeds *
                                   static_cast<double>(training.steps),
                          .unit = "steps"});
    for (Contestant& c : comparison.contestants) {
        for (int i = 0; i < comparison.seeds; i++) {
            training.seed = lesson.seed() + static_cast<uint64_t>(i);
            Generator gen(training.seed, 100);
            const std::shared_ptr<RecurrentLayer> layer = c.make(2, H, gen);
            c.adding.push_back(tasks::train_adding(*layer, training, [&](int64_t, double loss) {
                bar.add(1, fmt::format("{}: error {:.4f}", c.name, loss));
            }));
            if (i == 0) c.trained = layer;
        }
    }
    bar.finish();

    lesson::Plot plot{
        .title = "The adding problem",
        .x = "training steps",
        .y = "mean square error on unseen sequences",
        .log_y = true,
        .caption = fmt::format("Mean over {} seed{}. A network without a memory stays at the dashed line.",
                               comparison.seeds, comparison.seeds == 1 ? "" : "s")};
    lesson::Table table{.caption = fmt::format("After {} steps", training.steps),
                        .header = {"cell", "error (lowest to highest)", "solved after steps"}};
    std::vector<std::pair<std::string, double>> figures;
    for (const Contestant& c : comparison.contestants) {
        lesson::Series curve{.name = c.name, .x = c.adding[0].step, .y = {}};
        for (size_t k = 0; k < curve.x.size(); k++) {
            std::vector<double> errors;
            for (const tasks::AddingRun& run : c.adding) errors.push_back(run.error[k]);
            curve.y.push_back(mean_of(errors));
        }
        plot.series.push_back(curve);
        std::vector<double> last;
        std::vector<std::string> solved;
        for (const tasks::AddingRun& run : c.adding) {
            last.push_back(run.last());
            solved.push_back(run.solved() < 0 ? "not" : fmt::format("{}", run.solved()));
        }
        table.rows.push_back({c.name, spread(last, 4), fmt::format("{}", fmt::join(solved, ", "))});
        figures.emplace_back("adding_error_" + c.key, mean_of(last));
        figures.emplace_back("adding_highest_" + c.key, *std::max_element(last.begin(), last.end()));
    }
    const std::vector<double> ends{0, static_cast<double>(training.steps)};
    plot.series.push_back({.name = "no memory: 1/6", .x = ends, .y = {tasks::adding_baseline, tasks::adding_baseline}});
    lesson.plot(plot);
    table.caption += ", for each seed the number of steps until the error was below a tenth of 1/6";
    lesson.table(table);
    for (const auto& [name, value] : figures) lesson.result(name, value);
}

}  // namespace unroll
