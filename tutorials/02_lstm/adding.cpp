// The adding problem: what happened a hundred steps ago is all that counts.
#include "tutorials/tasks/adding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "nn/clip.hpp"
#include "nn/init.hpp"
#include "nn/linear.hpp"
#include "nn/lstm.hpp"
#include "nn/optim.hpp"
#include "nn/rnn.hpp"
#include "tutorials/02_lstm/chapter.hpp"
#include "tutorials/02_lstm/gradient_norms.hpp"

namespace unroll {
namespace {

struct Sizes {
    int T, H, B, steps, seeds;
    double rate;
};

/// A recurrent layer whose last state is read out: y = W_out h_T + b_out.
struct Network : Module {
    std::shared_ptr<RecurrentLayer> layer;
    Linear out;
    void visit(Visitor& v) override {
        v("layer", *layer);
        v("out", out);
    }
    std::string pretty() const override { return fmt::format("{}, {}", layer->pretty(), out.pretty()); }
};

enum class Kind { rnn, orthogonal, lstm_0, lstm_1 };
const char* const names[] = {"RNN", "RNN, orthogonal", "LSTM, bias 0", "LSTM, bias 1"};
bool is_rnn(Kind kind) { return kind == Kind::rnn || kind == Kind::orthogonal; }

/// An LSTM of H units, or an RNN of 2H, which has about as many parameters.
Network network(Kind kind, int64_t H, Generator& gen) {
    Network net;
    if (is_rnn(kind)) H *= 2;
    if (is_rnn(kind)) {
        const auto rnn = std::make_shared<Rnn>(RnnOptions{.input_size = 2, .hidden_size = H}, gen);
        if (kind == Kind::orthogonal) init::orthogonal(rnn->cell(0).W_hh.value, gen);
        net.layer = rnn;
    } else {
        const double bias = kind == Kind::lstm_1 ? 1 : 0;
        net.layer = std::make_shared<Lstm>(LstmOptions{.input_size = 2, .hidden_size = H, .forget_bias = bias}, gen);
    }
    net.out = Linear({.in = H, .out = 1}, gen);
    return net;
}

struct Run {
    Network net;
    lesson::Series curve;  // running mean of the square error
    int solved_at = 0;     // first step at which it is below a hundredth; 0: never
    double error = 0;      // mean square, on sequences it has not seen
    double right = 0;      // share of them answered to within 0.04
};

Run train(Kind kind, const Sizes& sizes, uint64_t seed, lesson::Progress& bar) {
    Generator gen(seed);
    Run run{network(kind, sizes.H, gen), {.name = names[static_cast<int>(kind)]}};
    const std::vector<Parameter> all = parameters(run.net);
    Adam adam(all, {.lr = is_rnn(kind) ? sizes.rate / 4 : sizes.rate});
    tasks::Adding data(sizes.T, seed);
    Tape tape;
    double mean = tasks::adding_baseline;
    for (int step = 1; step <= sizes.steps; step++) {
        const tasks::Adding::Batch batch = data.next(sizes.B);
        tape.clear();
        const RecurrentLayer::Output h = (*run.net.layer)(tape.constant(batch.x));
        const Var error = run.net.out(row(h.last.h, 0)) - batch.target;
        const Var loss = scale(sum(error * error), 1.0 / sizes.B);
        tape.backward(loss);
        clip_grad_norm(tape, all, 1);
        adam.step(tape);
        mean = 0.98 * mean + 0.02 * loss.item();
        if (run.solved_at == 0 && mean < 0.01) run.solved_at = step;
        if (step % std::max(1, sizes.steps / 100) == 0) {
            run.curve.x.push_back(step);
            run.curve.y.push_back(mean);
        }
        bar.add(1, fmt::format("{}, error {:.4f}", run.curve.name, mean));
    }
    const tasks::Adding::Batch test = tasks::Adding(sizes.T, seed, 1).next(1000);
    Tape forward_only(Tape::Mode::forward_only);
    const RecurrentLayer::Output h = (*run.net.layer)(forward_only.constant(test.x));
    const Tensor error = run.net.out(row(h.last.h, 0)).value() - test.target;
    for (double e : error.to_vector()) {
        run.error += e * e / 1000;
        run.right += std::abs(e) < 0.04 ? 0.001 : 0;
    }
    return run;
}

/// One sequence, and what each network would answer if it ended at step t.
void answers(Lesson& lesson, const Sizes& sizes, const std::vector<const Run*>& runs) {
    const tasks::Adding::Batch one = tasks::Adding(sizes.T, lesson.seed(), 2).next(1);
    lesson::Series so_far{.name = "sum of the marked numbers so far"};
    double total = 0;
    for (int t = 0; t < sizes.T; t++) {
        total += one.x.at({t, 0, 0}) * one.x.at({t, 0, 1});
        so_far.x.push_back(t + 1);
        so_far.y.push_back(total);
    }
    lesson::Plot plot{.title = "What each would answer if the sequence ended at step t",
                      .x = "time step t",
                      .y = "answer",
                      .series = {so_far},
                      .caption =
                          "One sequence that they have not seen; they were trained on the last answer alone. Without "
                          "any knowledge the best answer is 1, between the marks the first number and a half."};
    for (const Run* run : runs) {
        Tape tape(Tape::Mode::forward_only);
        const RecurrentLayer::Output h = (*run->net.layer)(tape.constant(one.x));
        plot.series.push_back({.name = run->curve.name, .x = so_far.x, .y = run->net.out(h.y).value().to_vector()});
    }
    lesson.plot(plot);
}

/// How far back the loss reaches in networks that have been trained, and in the LSTM before.
void trained_gradients(Lesson& lesson, const Sizes& sizes, const Run& rnn, const Run& lstm) {
    const Tensor x = tasks::Adding(sizes.T, lesson.seed(), 3).next(sizes.B).x;
    Generator gen(lesson.seed());
    const Network fresh = network(Kind::lstm_1, sizes.H, gen);
    const auto norms = [&](const Network& net, auto& layer) {
        return gradient_norms(layer.cell(0), x, net.out.W.value.clone().reshape({-1}));
    };
    const GradientNorms before = norms(fresh, static_cast<Lstm&>(*fresh.layer));
    const GradientNorms after = norms(lstm.net, static_cast<Lstm&>(*lstm.net.layer));
    const GradientNorms plain = norms(rnn.net, static_cast<Rnn&>(*rnn.net.layer));
    lesson.plot({.title = "What is left of a gradient, before and after training",
                 .x = "n = T - k, time steps",
                 .y = "share of the gradient's norm",
                 .series = {{.name = "RNN, trained", .x = plain.n, .y = plain.h},
                            {.name = "LSTM, untrained, along C", .x = before.n, .y = before.C},
                            {.name = "LSTM, trained, along C", .x = after.n, .y = after.C}},
                 .log_y = true,
                 .caption = "From the answer back through the sequence."});
    lesson.check("training has brought the LSTM's gradient further back", after.after(sizes.T) > before.after(sizes.T));
    lesson.result("adding_gradient_after_training_lstm", after.after(sizes.T));
    lesson.result("adding_gradient_after_training_rnn", plain.after(sizes.T));
}

std::string spread(const std::vector<double>& values, const char* format) {
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    const std::string a = fmt::format(fmt::runtime(format), *low), b = fmt::format(fmt::runtime(format), *high);
    return a == b ? a : a + " to " + b;
}

}  // namespace

void tell_adding(Lesson& lesson) {
    const Sizes sizes =
        lesson.quick() ? Sizes{.T = 10, .H = 16, .B = 32, .steps = lesson.steps(0, 400), .seeds = 1, .rate = 1e-2}
                       : Sizes{.T = 100, .H = 64, .B = 32, .steps = lesson.steps(3000, 0), .seeds = 3, .rate = 4e-3};
    lesson.section("The adding problem", "LSTM (Long Short-Term Memory)");
    lesson.text(fmt::format(
        "A task of Hochreiter and Schmidhuber's, in a form that has become usual: {} random numbers between 0 and 1 go "
        "by, two of them marked, one in each half. At the end the network says the sum of the two. A network that "
        "always says 1 "
        "has a mean square error of 1/6: that is what can be had without a memory. The LSTMs have {} units and the "
        "RNNs {}, which makes about as many parameters. Adam trains them at a rate of {} ({} for the RNNs) on the same "
        "sequences, {} new ones at each step, gradients clipped to 1; {}.",
        sizes.T, sizes.H, 2 * sizes.H, sizes.rate, sizes.rate / 4, sizes.B,
        sizes.seeds == 1 ? "one seed" : fmt::format("{} seeds each", sizes.seeds)));
    lesson::Progress bar({.title = "adding", .total = 4.0 * sizes.steps * sizes.seeds, .unit = "steps"});
    std::vector<std::vector<Run>> runs;
    for (Kind kind : {Kind::rnn, Kind::orthogonal, Kind::lstm_0, Kind::lstm_1}) {
        runs.emplace_back();
        for (int k = 0; k < sizes.seeds; k++)
            runs.back().push_back(train(kind, sizes, lesson.seed() + static_cast<uint64_t>(k), bar));
    }
    bar.finish();

    lesson::Plot plot{.title = "Learning to add over a distance",
                      .x = "training step",
                      .y = "mean square error",
                      .log_y = true,
                      .caption = "Running means, the first seed of each. Nothing seems to happen, then all at once."};
    lesson::Table table{
        .caption =
            "On 1,000 sequences not seen before, over the seeds; right: within 0.04; solved: running mean below 0.01",
        .header = {"network", "parameters", "square error", "right, %", "solved at step"}};
    std::vector<std::vector<double>> errors;
    for (std::vector<Run>& of_kind : runs) {
        plot.series.push_back(of_kind[0].curve);
        std::vector<double> right, solved;
        errors.emplace_back();
        for (const Run& run : of_kind) {
            errors.back().push_back(run.error);
            right.push_back(100 * run.right);
            if (run.solved_at > 0) solved.push_back(run.solved_at);
        }
        table.rows.push_back(
            {of_kind[0].curve.name, static_cast<double>(parameter_count(of_kind[0].net)),
             spread(errors.back(), "{:.4f}"), spread(right, "{:.1f}"),
             solved.size() < of_kind.size()
                 ? fmt::format("{} of {} never solved it", of_kind.size() - solved.size(), of_kind.size())
                 : spread(solved, "{:.0f}")});
    }
    lesson.plot(plot);
    lesson.table(table);
    const auto worst = [&](size_t kind) { return *std::max_element(errors[kind].begin(), errors[kind].end()); };
    const auto best = [&](size_t kind) { return *std::min_element(errors[kind].begin(), errors[kind].end()); };
    if (lesson.options().steps == 0) {  // else the training may be too short
        lesson.check("the LSTM solves it, with every seed: error", std::max(worst(2), worst(3)), 0.01);
        if (!lesson.quick())
            lesson.check("no RNN does: each is left with more than half the error of saying 1",
                         std::min(best(0), best(1)) > tasks::adding_baseline / 2);
    }
    answers(lesson, sizes, {&runs[1][0], &runs[3][0]});
    lesson.text(
        "The LSTM wasn't told to keep its gates open: it has learnt to, from the little gradient that arrived at "
        "first. How far back does the answer reach now?");
    trained_gradients(lesson, sizes, runs[1][0], runs[3][0]);
    const char* const short_names[] = {"rnn", "rnn_orthogonal", "lstm_bias_0", "lstm_bias_1"};
    for (size_t kind = 0; kind < runs.size(); kind++)
        lesson.result(fmt::format("adding_{}_worst_error", short_names[kind]), worst(kind));
}

}  // namespace unroll
