// What layers are worth: a function that is made of layers, and a novelist.
#include <fmt/format.h>

#include <cmath>
#include <filesystem>

#include "core/ops/reductions.hpp"
#include "data/text.hpp"
#include "models/language_model_trainer.hpp"
#include "nn/init.hpp"
#include "nn/linear.hpp"
#include "nn/rnn.hpp"
#include "tutorials/07_advanced/chapter.hpp"
#include "tutorials/07_advanced/contest.hpp"

namespace unroll {
namespace {

constexpr int T = 30, D = 2, teacher_units = 8;

/// A network of fixed random weights whose outputs are to be learnt.
Rnn teacher(int64_t layers) {
    Generator gen(99);
    Rnn rnn({.input_size = D, .hidden_size = teacher_units, .num_layers = layers}, gen);
    for (int64_t l = 0; l < layers; l++) {
        RnnCell& cell = rnn.cell(l);
        init::orthogonal(cell.W_hh.value, gen, 0.9);
        gen.fill_normal(cell.W_xh.value, 0, 2 / std::sqrt(static_cast<double>(cell.W_xh.value.dim(1))));
        cell.b_h.value.fill(0);
    }
    return rnn;
}

struct Lessons {
    Tensor x, y;
};
Lessons ask(const Rnn& teacher, int64_t B, Generator& gen) {
    Lessons l{Tensor::empty({{T, 'T'}, {B, 'B'}, {D, 'D'}}), {}};
    gen.fill_normal(l.x, 0, 1);
    Tape forward_only(Tape::Mode::forward_only);
    l.y = teacher(forward_only.constant(l.x)).y.value();
    return l;
}

/// What a student gets wrong of the teacher's outputs, as a share of their variance.
double learn(const Rnn& master, int64_t layers, int64_t units, int steps, uint64_t seed, lesson::Progress& bar) {
    Generator weights(seed, 1), inputs(seed, 2), judge(0, 3);
    Rnn rnn({.input_size = D, .hidden_size = units, .num_layers = layers}, weights);
    Linear out({.in = units, .out = teacher_units}, weights);
    const auto wrong = [&](Tape& tape, const Lessons& l) { return out(rnn(tape.constant(l.x)).y) - l.y; };
    train(
        all_parameters({&rnn, &out}), steps, 3e-3,
        [&](Tape& tape) {
            const Var error = wrong(tape, ask(master, 32, inputs));
            return mean(error * error);
        },
        bar);
    const Lessons unseen = ask(master, 256, judge);
    Tape forward_only(Tape::Mode::forward_only);
    const Tensor error = wrong(forward_only, unseen).value();
    return mean(error * error).item() / mean(unseen.y * unseen.y).item();
}

void functions_made_of_layers(Lesson& lesson) {
    lesson.section("What layers are worth: a function made of layers", "Deep RNN");
    const int steps = lesson.steps(800, 20), seeds = lesson.quick() ? 1 : 3;
    const std::vector<int64_t> teachers = lesson.quick() ? std::vector<int64_t>{3} : std::vector<int64_t>{1, 3};
    const std::vector<std::pair<int64_t, int64_t>> students{{1, 64}, {2, 38}, {3, 29}, {4, 25}};  // layers, units
    lesson.text(
        fmt::format("A teacher, a random network of one or of three layers with {} units each, reads random numbers; "
                    "students of 1 to 4 layers, with about as many parameters each, learn to say what it says, in {} "
                    "steps from {}. How wrong are they, on inputs nobody has seen, as a share of the variance?",
                    teacher_units, steps, counted(seeds, "seed")));
    lesson::Progress bar({.title = "students",
                          .total = static_cast<double>(teachers.size() * students.size()) * seeds * steps,
                          .unit = "steps"});
    lesson::Table table{.caption = "Error, as a share of the variance: mean and standard deviation over the seeds",
                        .header = {"student", "units a layer", "parameters"}};
    lesson::Plot plot{.title = "What is left to learn, by the student's depth",
                      .x = "layers of the student",
                      .y = "error / variance",
                      .log_y = true};
    std::vector<std::vector<Spread>> errors(teachers.size());
    for (size_t i = 0; i < teachers.size(); i++) {
        const Rnn master = teacher(teachers[i]);
        const std::string name = fmt::format("teacher of {} layer{}", teachers[i], teachers[i] == 1 ? "" : "s");
        table.header.push_back(name);
        lesson::Series series{.name = name};
        for (const auto& [layers, units] : students) {
            Spread error;
            for (int s = 0; s < seeds; s++)
                error.values.push_back(
                    learn(master, layers, units, steps, lesson.seed() + static_cast<uint64_t>(s), bar));
            series.x.push_back(static_cast<double>(layers));
            series.y.push_back(error.mean());
            errors[i].push_back(std::move(error));
        }
        plot.series.push_back(std::move(series));
    }
    bar.finish();
    for (size_t k = 0; k < students.size(); k++) {
        const auto [layers, units] = students[k];
        Generator gen(0);
        Rnn rnn({.input_size = D, .hidden_size = units, .num_layers = layers}, gen);
        Linear out({.in = units, .out = teacher_units}, gen);
        std::vector<lesson::Cell> row{fmt::format("{} layer{}", layers, layers == 1 ? "" : "s"), units,
                                      count(all_parameters({&rnn, &out}))};
        for (const std::vector<Spread>& e : errors) row.push_back(e[k].text(4));
        table.rows.push_back(row);
    }
    lesson.table(table);
    lesson.plot(plot);
    for (size_t i = 0; i < teachers.size(); i++)
        for (size_t k = 0; k < students.size(); k++)
            lesson.result(fmt::format("teacher_{}_student_{}_error", teachers[i], students[k].first),
                          errors[i][k].mean());
    if (!lesson.quick())
        lesson.check("of the three-layered teacher the student of three layers has learnt more than that of one",
                     errors.back()[2].mean() < errors.back()[0].mean());
}

struct Network {
    const char* name;
    const char* key;
    CellKind cell;
    int64_t layers, units;
};

void layers_on_austen(Lesson& lesson, const std::string& data) {
    lesson.section("What layers are worth: a novelist", "Deep RNN");
    const int steps = lesson.steps(1000, 10), seeds = lesson.quick() ? 1 : 3;
    const Network networks[] = {{"RNN, 1 layer", "1_layer", CellKind::rnn, 1, 160},
                                {"RNN, 2 layers", "2_layers", CellKind::rnn, 2, 103},
                                {"RNN, 3 layers", "3_layers", CellKind::rnn, 3, 83},
                                {"GRU, 1 layer", "gru", CellKind::gru, 1, 95}};
    lesson.text(
        fmt::format("A function of three layers is a friendly task for three layers. Real data need not be: the "
                    "character model of chapter 01 with 1, 2 and 3 layers, again with about equal parameters, {} steps "
                    "from {}; and, for comparison, one layer of a cell with gates (chapter 03).",
                    steps, counted(seeds, "seed")));
    const TextCorpus corpus = load_text((std::filesystem::path(data) / "austen").string());
    const Vocabulary vocabulary = Vocabulary::of_characters(corpus.train);
    const std::vector<int32_t> train = vocabulary.encode(corpus.train);
    std::vector<int32_t> valid = vocabulary.encode(corpus.valid);
    valid.resize(std::min<size_t>(valid.size(), lesson.quick() ? 4000 : 200000));
    const LanguageModelTraining training{.steps = steps, .validate_every = steps};
    const auto characters = static_cast<double>(training.batch * training.length);
    lesson::Progress bar({.title = "novels",
                          .total = characters * steps * seeds * static_cast<double>(std::size(networks)),
                          .unit = "characters"});
    lesson::Table table{.caption = "Nats a character on a novel that was not read",
                        .header = {"network", "units a layer", "parameters", "nats"}};
    std::vector<Spread> nats(std::size(networks));
    for (size_t k = 0; k < nats.size(); k++) {
        const Network& n = networks[k];
        const int64_t units = lesson.quick() ? n.units / 4 : n.units;
        int64_t parameters = 0;
        for (int s = 0; s < seeds; s++) {
            Generator gen(lesson.seed() + static_cast<uint64_t>(s));
            LanguageModel model({.vocabulary = vocabulary.size(),
                                 .cell = n.cell,
                                 .embedding_size = 32,
                                 .hidden_size = units,
                                 .num_layers = n.layers},
                                gen);
            parameters = parameter_count(model);
            LanguageModelTrainer trainer(model, train, valid, training);
            while (trainer.step()) bar.add(characters, fmt::format("loss {:.3f}", trainer.loss()));
            nats[k].values.push_back(trainer.best());
        }
        table.rows.push_back({n.name, units, parameters, nats[k].text(3)});
    }
    bar.finish();
    lesson.table(table);
    for (size_t k = 0; k < nats.size(); k++)
        spread_result(lesson, fmt::format("austen_{}_nats", networks[k].key), nats[k]);
    lesson.text(
        fmt::format("A second layer of the plain cell brings {:+.3f} nats, a third {:+.3f} (against one layer; less is "
                    "better), and "
                    "gates in a single layer {:+.3f}. Read them beside the spread over the seeds.",
                    nats[1].mean() - nats[0].mean(), nats[2].mean() - nats[0].mean(), nats[3].mean() - nats[0].mean()));
}

}  // namespace

void tell_depth_measured(Lesson& lesson, const std::string& data) {
    functions_made_of_layers(lesson);
    layers_on_austen(lesson, data);
}

}  // namespace unroll
