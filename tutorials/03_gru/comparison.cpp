// The book's table, GRU against LSTM, made of measured numbers.
#include <fmt/format.h>

#include <algorithm>

#include "core/ops/reductions.hpp"
#include "nn/clip.hpp"
#include "nn/optim.hpp"
#include "tutorials/03_gru/chapter.hpp"
#include "tutorials/lesson/door.hpp"

namespace unroll {
namespace {

/// A layer with all that a training step takes: forward, a loss, backward, clipping, Adam.
class Training {
  public:
    Training(std::shared_ptr<RecurrentLayer> layer, const Tensor& x)
        : layer_(std::move(layer)), x_(x), parameters_(parameters(*layer_)), adam_(parameters_) {}
    void step() {
        tape_.clear();
        const Var y = (*layer_)(tape_.constant(x_)).y;
        const Var loss = mean(y * y);
        tape_.backward(loss);
        clip_grad_norm(tape_, parameters_, 1);
        adam_.step(tape_);
    }

  private:
    std::shared_ptr<RecurrentLayer> layer_;
    Tensor x_;
    std::vector<Parameter> parameters_;
    Adam adam_;
    Tape tape_;
};

/// Milliseconds a training step, in turns, so that a busy moment of the machine meets all alike; medians.
void measure_time(std::vector<Contestant>& contestants, int64_t D, int64_t H, bool quick) {
    Generator gen(1);
    Tensor x = Tensor::empty({{quick ? 8 : 64, 'T'}, {quick ? 4 : 32, 'B'}, {D, 'D'}});
    gen.fill_normal(x, 0, 1);
    std::vector<std::unique_ptr<Training>> trainings;
    for (Contestant& c : contestants) trainings.push_back(std::make_unique<Training>(c.make(D, H, gen), x));
    std::vector<std::vector<double>> times(contestants.size());
    for (int round = 0; round < (quick ? 2 : 15); round++)
        for (size_t i = 0; i < trainings.size(); i++) {
            const int steps = quick ? 1 : 10;
            trainings[i]->step();  // its weights come back into the cache
            const double begin = lesson::door::seconds();
            for (int step = 0; step < steps; step++) trainings[i]->step();
            times[i].push_back((lesson::door::seconds() - begin) / steps * 1e3);
        }
    for (size_t i = 0; i < times.size(); i++) {
        std::nth_element(times[i].begin(), times[i].begin() + static_cast<long>(times[i].size() / 2), times[i].end());
        contestants[i].milliseconds = times[i][times[i].size() / 2];
    }
}

std::vector<double> last_errors(const Contestant& c) {
    std::vector<double> last;
    for (const tasks::AddingRun& run : c.adding) last.push_back(run.last());
    return last;
}

}  // namespace

void tell_table(Lesson& lesson, Comparison& comparison) {
    const int64_t D = 64, H = lesson.quick() ? 32 : 128;
    lesson.section("The book's table, measured", "Comparison with LSTM");
    lesson.text(
        "A slip in the book: its table counts \"4 gates\" for the LSTM and \"3 gates\" for the GRU. What there are "
        "four and three of are matrices: three gates and a candidate, and two gates and a candidate.");
    std::vector<Contestant>& all = comparison.contestants;
    for (Contestant& c : all) {
        Generator gen(1);
        c.parameters = static_cast<double>(parameter_count(*c.make(D, H, gen)));
    }
    measure_time(all, D, H, lesson.quick());
    const Contestant &lstm = all[1], &before = all[2], &after = all[3], &large = all[4];
    lesson::Table sizes{
        .caption = fmt::format("Layers of {} units that read {} inputs; milliseconds of a training step, "
                               "64 time steps of 32 sequences, all cells in turns",
                               H, D),
        .header = {"cell", "gates", "candidates", "parameters", "/ LSTM", "ms", "/ LSTM"}};
    lesson::Table losses{.caption = "What they have learnt: mean (lowest to highest) over the seeds",
                         .header = {"cell", "Austen, nats a character", "adding, mean square error"}};
    if (lesson.quick()) sizes.caption = "A quick run: sizes and times are those of a toy";
    for (const Contestant& c : all) {
        const double gates = c.key == "rnn" ? 0 : c.key == "lstm" ? 3 : 2, slower = c.milliseconds / lstm.milliseconds;
        sizes.rows.push_back({c.name, gates, 1, c.parameters, fmt::format("{:.3f}", c.parameters / lstm.parameters),
                              fmt::format("{:.2f}", c.milliseconds), fmt::format("{:.2f}", slower)});
        losses.rows.push_back({c.name, spread(c.austen, 3), spread(last_errors(c), 4)});
    }
    lesson.table(sizes);
    lesson.table(losses);
    lesson.check("with the reset before the matrix a GRU has three quarters of the LSTM's parameters",
                 before.parameters / lstm.parameters - 0.75, 1e-15);
    lesson.check("with the reset after it, $H$ more, for $b_{hh}$", after.parameters - before.parameters == H);
    lesson.check("the larger GRU has no more parameters than the LSTM, and more than 95 % of them",
                 large.parameters <= lstm.parameters && large.parameters > 0.95 * lstm.parameters);

    lesson.text(
        "The book's table again, with its words, and for the GRU with the reset after the matrix what this run has "
        "measured, over the same of the LSTM. A state is $h$ for the one, $h$ and $C$ for the other.");
    const auto ratio = [](double v) { return fmt::format("{:.2f}", v); };
    lesson::Table book{.caption = "The book's comparison, measured",
                       .header = {"feature", "book: LSTM / GRU", "measured: GRU / LSTM"}};
    book.rows = {
        {"Parameters", "4 gates / 3 gates", ratio(after.parameters / lstm.parameters)},
        {"Cell state (size of a state)", "Yes / No", ratio(static_cast<double>(H) / static_cast<double>(2 * H))},
        {"Memory (gradient left, trained)", "Long-term / Short-term",
         fmt::format("{:.2g} / {:.2g}", after.left, lstm.left)},
        {"Complexity (time a step)", "Higher / Lower", ratio(after.milliseconds / lstm.milliseconds)}};
    lesson.table(book);
    for (const Contestant& c : all)
        if (!lesson.quick() && c.key != "lstm")  // a toy's time is nobody's figure
            lesson.result("time_to_lstm_" + c.key, c.milliseconds / lstm.milliseconds);
}

}  // namespace unroll
