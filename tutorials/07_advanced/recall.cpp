// A task that needs looking back: which symbol was marked?
#include <fmt/format.h>

#include <cmath>
#include <memory>

#include "core/ops/losses.hpp"
#include "nn/attention_rnn.hpp"
#include "nn/gru.hpp"
#include "nn/linear.hpp"
#include "nn/rnn.hpp"
#include "tutorials/07_advanced/chapter.hpp"
#include "tutorials/07_advanced/contest.hpp"

namespace unroll {
namespace {

constexpr int symbols = 8, D = symbols + 2;  // one place for each symbol, one for the mark, one for the question

/// T-1 random symbols, one of the first half marked, and at the end the question: which was it?
struct Questions {
    Tensor x;                     // [T, B, D]
    Ids answers;                  // [B]
    std::vector<int64_t> marked;  // the step of each
};
Questions ask(int64_t T, int64_t B, Generator& gen) {
    Questions q{Tensor::zeros({{T, 'T'}, {B, 'B'}, {D, 'D'}}), Ids::empty({{B, 'B'}}), {}};
    for (int64_t b = 0; b < B; b++) {
        q.marked.push_back(gen.below(std::max<int64_t>(1, T / 2)));
        for (int64_t t = 0; t + 1 < T; t++) {
            const int64_t symbol = gen.below(symbols);
            q.x.set({t, b, symbol}, 1);
            if (t != q.marked.back()) continue;
            q.x.set({t, b, symbols}, 1);
            q.answers.mutable_data()[b] = static_cast<int32_t>(symbol);
        }
        q.x.set({T - 1, b, symbols + 1}, 1);
    }
    return q;
}

/// A network whose last state answers.
class Answerer {
  public:
    virtual ~Answerer() = default;
    virtual Var last(const Var& x) = 0;
    virtual Module& module() = 0;
    virtual int64_t units() const = 0;
};

template <class Layer>
class WithLayer : public Answerer {
  public:
    WithLayer(Layer layer, int64_t units) : layer_(std::move(layer)), units_(units) {}
    Var last(const Var& x) override { return row(layer_(x).last.h, 0); }
    Module& module() override { return layer_; }
    int64_t units() const override { return units_; }

  private:
    Layer layer_;
    int64_t units_;
};

using Attending = AttentionRnn<RnnCell>;
template <>
Var WithLayer<Attending>::last(const Var& x) {
    return layer_(x).last.h;
}

enum class Kind { plain, gru, attention };
constexpr Kind kinds[] = {Kind::plain, Kind::gru, Kind::attention};
const char* const names[] = {"plain RNN", "GRU", "attention RNN"};
const char* const keys[] = {"plain", "gru", "attention"};

std::unique_ptr<Answerer> make(Kind kind, Generator& gen) {
    if (kind == Kind::plain)
        return std::make_unique<WithLayer<Rnn>>(Rnn({.input_size = D, .hidden_size = 52}, gen), 52);
    if (kind == Kind::gru)
        return std::make_unique<WithLayer<Gru>>(Gru({.input_size = D, .hidden_size = 28, .reset_after = true}, gen),
                                                28);
    return std::make_unique<WithLayer<Attending>>(
        Attending({.cell = {.input_size = D, .hidden_size = 32}, .score = Score::general}, gen), 32);
}

struct Trained {
    std::unique_ptr<Answerer> network;
    Linear out;
    int64_t parameters;
    double right;
};
Trained learn(Kind kind, int64_t T, int steps, uint64_t seed, lesson::Progress& bar, double units) {
    Generator weights(seed, 1), questions(seed, 2), judge(0, 3);
    Trained t{make(kind, weights), {}, 0, 0};
    t.out = Linear({.in = t.network->units(), .out = symbols}, weights);
    const std::vector<Parameter> parameters = all_parameters({&t.network->module(), &t.out});
    t.parameters = count(parameters);
    train(
        parameters, steps, 3e-3,
        [&](Tape& tape) {
            const Questions q = ask(T, 32, questions);
            return cross_entropy(t.out(t.network->last(tape.constant(q.x))), q.answers);
        },
        bar, units);
    const Questions unseen = ask(T, 256, judge);
    Tape forward_only(Tape::Mode::forward_only);
    const Tensor scores = t.out(t.network->last(forward_only.constant(unseen.x))).value();
    for (int64_t b = 0; b < 256; b++) {
        int64_t best = 0;
        for (int64_t v = 1; v < symbols; v++)
            if (scores.at({b, v}) > scores.at({b, best})) best = v;
        t.right += best == unseen.answers[b] ? 1.0 / 256 : 0;
    }
    return t;
}

void show_weights(Lesson& lesson, Answerer& network, int64_t T) {
    auto* attending = dynamic_cast<Attending*>(&network.module());
    Generator gen(lesson.seed(), 4);
    const Questions q = ask(T, 1, gen);
    Tape forward_only(Tape::Mode::forward_only);
    const Attending::Output out = (*attending)(forward_only.constant(q.x));
    std::vector<double> values(static_cast<size_t>(T * (T - 1)), 0);
    std::vector<std::string> rows, columns;
    for (int64_t t = 0; t < T; t++) {
        rows.push_back(fmt::format("{}", t + 1));
        if (t > 0) columns.push_back(fmt::format("{}", t));
        for (int64_t i = 0; t > 0 && i < t; i++)
            values[static_cast<size_t>(t * (T - 1) + i)] = out.weights[static_cast<size_t>(t)].value().at({0, i});
    }
    const int64_t marked = q.marked[0];
    lesson.heatmap(
        {.title = "Where a trained network looks",
         .values = lesson::Grid(static_cast<int>(T), static_cast<int>(T) - 1, values),
         .row_axis = "step t",
         .column_axis = "state",
         .row_labels = rows,
         .column_labels = columns,
         .caption = fmt::format("One sequence of {} steps; the symbol at step {} was marked.", T, marked + 1)});
}

}  // namespace

void tell_recall(Lesson& lesson) {
    lesson.section("A task that needs looking back", "Attention RNN");
    const int steps = lesson.steps(600, 20), seeds = lesson.quick() ? 1 : 3;
    const std::vector<int64_t> lengths =
        lesson.quick() ? std::vector<int64_t>{6, 12} : std::vector<int64_t>{5, 10, 20, 40};
    lesson.text(
        fmt::format("Random symbols out of {}, one of the first half marked, and at the end the question which it was. "
                    "Three networks with about as many parameters, {} steps of 32 sequences, {}. Guessing is "
                    "right {:.1f} % of the time.",
                    symbols, steps, counted(seeds, "seed"), 100.0 / symbols));
    double total = 0;
    for (int64_t T : lengths) total += static_cast<double>(T * seeds * steps) * std::size(kinds);
    lesson::Progress bar({.title = "recall", .total = total, .unit = "steps of time"});
    lesson::Table table{.caption = "Share of right answers: mean and standard deviation over the seeds",
                        .header = {"network", "parameters"}};
    for (int64_t T : lengths) table.header.push_back(fmt::format("T = {}", T));
    lesson::Plot plot{
        .title = "Which symbol was marked?", .x = "length of the sequence, time steps", .y = "share of right answers"};
    std::vector<Spread> measured[std::size(kinds)];
    std::unique_ptr<Answerer> trained;
    for (Kind kind : kinds) {
        const auto k = static_cast<size_t>(kind);
        lesson::Series series{.name = names[k]};
        std::vector<lesson::Cell> row{names[k], 0};
        for (int64_t T : lengths) {
            Spread right;
            for (int s = 0; s < seeds; s++) {
                Trained t =
                    learn(kind, T, steps, lesson.seed() + static_cast<uint64_t>(s), bar, static_cast<double>(T));
                right.values.push_back(t.right);
                row[1] = t.parameters;
                if (kind == Kind::attention && (T == 20 || lesson.quick())) trained = std::move(t.network);
            }
            series.x.push_back(static_cast<double>(T));
            series.y.push_back(right.mean());
            row.push_back(right.text(2));
            measured[k].push_back(right);
        }
        table.rows.push_back(row);
        plot.series.push_back(series);
    }
    bar.finish();
    lesson.table(table);
    lesson.plot(plot);
    for (size_t k = 0; k < std::size(kinds); k++)
        for (size_t i = 0; i < lengths.size(); i++)
            lesson.result(fmt::format("recall_{}_{}", keys[k], lengths[i]), measured[k][i].mean());
    show_weights(lesson, *trained, lesson.quick() ? lengths.back() : 20);
    lesson.text(
        "The plain network has to carry the symbol through every step that follows, and gets next to no gradient that "
        "would teach it to. A GRU's gates can carry it unharmed (chapter 03), once it has learnt when to close them. "
        "The "
        "attention RNN need not carry anything: it learns what a marked state looks like, and fetches it.");
    if (!lesson.quick())
        lesson.check("over the longest sequences the attention RNN is right more often than the plain one",
                     measured[2].back().mean() > measured[0].back().mean());
}

}  // namespace unroll
