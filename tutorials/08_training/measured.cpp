// With and without each of them, on a small language model, over seeds.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>

#include "core/ops/dropout.hpp"
#include "core/ops/losses.hpp"
#include "data/text.hpp"
#include "nn/clip.hpp"
#include "nn/embedding.hpp"
#include "nn/layer_norm_lstm.hpp"
#include "nn/linear.hpp"
#include "nn/lstm.hpp"
#include "nn/optim.hpp"
#include "tutorials/08_training/chapter.hpp"
#include "tutorials/lesson/spread.hpp"

namespace unroll {
namespace {

struct Settings {
    const char* name;
    double rate = 4e-3, tau = 1, p = 0;
    bool variational = false, normalised = false;
    int64_t hidden = 96, layers = 2;
};

struct Texts {
    std::vector<int32_t> train, valid;
    int64_t V;
};

/// Embedding, layers, softmax; dropout on what goes into the layers, between them, and on what comes out.
struct SmallModel : Module {
    SmallModel(const Settings& s, int64_t V, Generator& gen)
        : p(s.p),
          variational(s.variational),
          embedding({.vocabulary = V, .embedding_size = 48}, gen),
          out({.in = s.hidden, .out = V}, gen) {
        if (s.normalised)
            rnn = std::make_unique<LayerNormLstm>(LayerNormLstmOptions{.input_size = 48,
                                                                       .hidden_size = s.hidden,
                                                                       .forget_bias = 1,
                                                                       .num_layers = s.layers,
                                                                       .dropout = s.p,
                                                                       .variational = s.variational},
                                                  gen);
        else
            rnn = std::make_unique<Lstm>(LstmOptions{.input_size = 48,
                                                     .hidden_size = s.hidden,
                                                     .forget_bias = 1,
                                                     .num_layers = s.layers,
                                                     .dropout = s.p,
                                                     .variational = s.variational},
                                         gen);
    }
    void visit(Visitor& v) override {
        v("embedding", embedding);
        v("rnn", *rnn);
        v("out", out);
    }
    std::string pretty() const override { return rnn->pretty(); }

    Var drop(const Var& x, Generator* gen) const {
        if (gen == nullptr || p == 0) return x;
        return variational ? variational_dropout(x, p, *gen) : dropout(x, p, *gen);
    }
    /// The mean loss of a batch; `gen` is given in training. Moves the state on.
    Var loss(Tape& tape, const StreamBatches::Batch& batch, StateValues& state, Generator* gen) const {
        const Var x = drop(embedding(tape, batch.inputs), gen);
        const RecurrentOutput h = (*rnn)(x, {.initial = state.on(tape), .dropout = gen});
        state = h.last;
        return cross_entropy(out(drop(h.y, gen)), batch.targets);
    }

    double p;
    bool variational;
    Embedding embedding;
    std::unique_ptr<RecurrentLayer> rnn;
    Linear out;
};

double evaluate(const SmallModel& model, const std::vector<int32_t>& text) {
    StreamBatches batches(text, 8, 32);
    Tape tape(Tape::Mode::forward_only);
    StateValues state;
    double total = 0;
    for (int64_t i = 0; i < batches.batches(); i++) {
        tape.clear();
        total += model.loss(tape, batches.next(), state, nullptr).item();
    }
    return total / static_cast<double>(batches.batches());
}

struct Outcome {
    lesson::Series train, valid;
    double last_train = NAN, last_valid = NAN, best_valid = INFINITY;
};

/// One training; a point of the curves every `every` steps.
Outcome run(const Settings& s, const Texts& texts, int steps, uint64_t seed, lesson::Progress& bar) {
    Generator gen(seed);
    SmallModel model(s, texts.V, gen);
    const std::vector<Parameter> all = parameters(model);
    Adam adam(all, {.lr = s.rate});
    StreamBatches batches(texts.train, 16, 32);
    Tape tape;
    StateValues state;
    Outcome outcome{.train = {.name = std::string(s.name) + ", training"},
                    .valid = {.name = std::string(s.name) + ", validation"}};
    const int every = std::max(1, steps / 12);
    double sum = 0;
    for (int step = 1; step <= steps; step++) {
        const StreamBatches::Batch batch = batches.next();
        if (batch.first) state = {};
        tape.clear();
        const Var L = model.loss(tape, batch, state, &gen);
        double norm = NAN;
        if (std::isfinite(L.item())) {
            tape.backward(L);
            std::vector<Tensor> gradients;
            for (const Parameter& p : all) gradients.push_back(tape.grad(p));
            norm = global_norm(gradients);
        }
        if (!std::isfinite(norm)) {  // it has exploded
            outcome.last_train = outcome.last_valid = INFINITY;
            break;
        }
        clip_grad_norm(tape, all, s.tau);
        adam.step(tape);
        bar.add(16 * 32, fmt::format("{}: {:.3f}", s.name, L.item()));
        sum += L.item();
        if (step % every != 0) continue;
        outcome.last_train = sum / every;
        sum = 0;
        outcome.last_valid = evaluate(model, texts.valid);
        outcome.best_valid = std::min(outcome.best_valid, outcome.last_valid);
        outcome.train.x.push_back(step), outcome.train.y.push_back(outcome.last_train);
        outcome.valid.x.push_back(step), outcome.valid.y.push_back(outcome.last_valid);
    }
    return outcome;
}

}  // namespace

void tell_measured(Lesson& lesson, const TrainingOptions& options) {
    const TextCorpus corpus = load_text((std::filesystem::path(options.data) / "austen").string());
    const Vocabulary vocabulary = Vocabulary::of_characters(corpus.train);
    const auto part = [&](const std::vector<char32_t>& text, int64_t length) {
        const auto end = text.begin() + std::min(length, static_cast<int64_t>(text.size()));
        return vocabulary.encode(std::vector<char32_t>(text.begin(), end));
    };
    const bool quick = lesson.quick();
    const Texts few{part(corpus.train, quick ? 5000 : 15000), part(corpus.valid, quick ? 3000 : 30000),
                    vocabulary.size()};
    const int seeds = quick ? 1 : 3;

    lesson.section("Dropout, measured", "Dropout");
    const int steps = lesson.steps(2000, 8);
    const std::vector<Settings> drops = {{.name = "no dropout"},
                                         {.name = "p = 0.4, fresh masks", .p = 0.4},
                                         {.name = "p = 0.4, one mask", .p = 0.4, .variational = true}};
    lesson.text(fmt::format(
        "A model of {} hidden units in {} layers reads the first {} characters of Austen's novels again and again, {} "
        "steps: so little text it can learn by heart. Dropout acts on the layers' input, between the layers and on "
        "their "
        "output. Mean over the seeds, {}, with the lowest and highest beside it.",
        drops[0].hidden, drops[0].layers, few.train.size(), steps, seeds));
    lesson::Plot plot{.title = "Learning a short text by heart, and not",
                      .x = "step",
                      .y = "nats a character",
                      .caption = "First seed. Training losses are those with dropout at work."};
    lesson::Table table{.caption = "Nats a character",
                        .header = {"", "training, at the end", "validation, best", "validation, at the end"}};
    std::vector<double> ends;
    {
        lesson::Progress bar({.title = "dropout",
                              .total = static_cast<double>(drops.size()) * seeds * steps * 16 * 32,
                              .unit = "characters"});
        for (const Settings& s : drops) {
            std::vector<double> train, best, end;
            for (int seed = 0; seed < seeds; seed++) {
                const Outcome o = run(s, few, steps, lesson.seed() + static_cast<uint64_t>(seed), bar);
                if (seed == 0) plot.series.push_back(o.train), plot.series.push_back(o.valid);
                train.push_back(o.last_train), best.push_back(o.best_valid), end.push_back(o.last_valid);
            }
            table.rows.push_back({s.name, lesson::spread(train), lesson::spread(best), lesson::spread(end)});
            ends.push_back(lesson::mean_of(end));
        }
    }
    lesson.plot(plot);
    lesson.table(table);
    if (!quick) {
        lesson.check("at the end of training, dropout predicts unread text better than none", ends[1] < ends[0]);
        lesson.result("dropout_none_valid", ends[0]);
        lesson.result("dropout_valid", ends[1]);
        lesson.result("dropout_variational_valid", ends[2]);
    }

    lesson.section("Layer normalisation and clipping, measured", "Layer Normalization");
    const Texts many{part(corpus.train, quick ? 5000 : 400000), few.valid, vocabulary.size()};
    const int short_run = lesson.steps(400, 6);
    const std::vector<double> rates =
        quick ? std::vector<double>{4e-3} : std::vector<double>{1e-3, 4e-3, 1.6e-2, 6.4e-2};
    lesson.text(fmt::format(
        "One layer of 64 units on {} characters, {} steps, and Adam's rate turned up from timid to reckless. What is "
        "bought is not so much a better end as a wider range of rates that train at all.",
        many.train.size(), short_run));
    std::vector<Settings> kinds = {
        {.name = "plain", .tau = INFINITY, .hidden = 64, .layers = 1},
        {.name = "clipped at 1", .tau = 1, .hidden = 64, .layers = 1},
        {.name = "layer norm", .tau = INFINITY, .normalised = true, .hidden = 64, .layers = 1},
        {.name = "both", .tau = 1, .normalised = true, .hidden = 64, .layers = 1}};
    table = {.caption = fmt::format(
                 "Validation at the end, nats a character; mean over the seeds, {} (lowest to highest)", seeds),
             .header = {"rate"}};
    for (const Settings& s : kinds) table.header.push_back(s.name);
    lesson::Progress bar({.title = "rates",
                          .total = static_cast<double>(rates.size() * kinds.size()) * seeds * short_run * 16 * 32,
                          .unit = "characters"});
    std::vector<double> worst(kinds.size(), 0);
    for (double rate : rates) {
        std::vector<lesson::Cell> row = {fmt::format("{}", rate)};
        for (size_t k = 0; k < kinds.size(); k++) {
            kinds[k].rate = rate;
            std::vector<double> end;
            for (int seed = 0; seed < seeds; seed++)
                end.push_back(
                    run(kinds[k], many, short_run, lesson.seed() + static_cast<uint64_t>(seed), bar).last_valid);
            row.push_back(lesson::spread(end));
            worst[k] = std::max(worst[k], lesson::mean_of(end));
            if (!quick && rate == 4e-3)
                lesson.result(fmt::format("rate_0.004_{}", k == 0   ? "plain"
                                                           : k == 1 ? "clipped"
                                                           : k == 2 ? "norm"
                                                                    : "both"),
                              lesson::mean_of(end));
        }
        table.rows.push_back(row);
    }
    bar.finish();
    lesson.table(table);
    if (!quick)
        lesson.check("at its worst rate the normalised LSTM loses less than the plain one", worst[2] < worst[0]);
}

}  // namespace unroll
