// build/tutorials/translate: trains a translator, and translates, scores and evaluates with it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <filesystem>
#include <iostream>

#include "core/kernels/parallel.hpp"
#include "models/translator.hpp"
#include "tutorials/lesson/progress.hpp"

using namespace unroll;

namespace {

volatile std::sig_atomic_t interrupted = 0;

/// What goes with a set of data/.
struct Recipe {
    PairColumns columns;
    TranslatorOptions translator;
    PairBatchOptions batches;
    Seq2SeqTraining training;
};

/// Of ui-en-de: 45 minutes on 2 cores. Of cldr-names: less than one.
Recipe recipe_of(const std::string& set) {
    const bool tiny = set == "cldr-names";
    Recipe r;
    r.columns = tiny ? PairColumns{1, 2} : set == "ui-en-de" ? PairColumns{2, 3} : PairColumns{0, 1};
    const int64_t size = tiny ? 128 : 256;
    r.translator = {.source_merges = tiny ? 1000 : 8000, .target_merges = tiny ? 1000 : 8000};
    r.translator.model = {.embedding_size = size,
                          .encoder_size = size * 3 / 4,
                          .bidirectional = true,
                          .hidden_size = size,
                          .score = Score::general,
                          .input_feeding = true,
                          .memory_embedding = true,
                          .source_forms = 4,
                          .tied = true,
                          .dropout = 0.3};
    r.batches = {.tokens = tiny ? 400 : 450};
    r.training = {.steps = tiny ? 1500 : 14000, .validate_every = tiny ? 500 : 1000};
    return r;
}

struct Paths {
    std::string folder, set = "ui-en-de", data = UNROLL_ROOT "/data", train, valid;
    std::string file(const std::string& own, const char* part) const {
        return own.empty() ? fmt::format("{}/{}/{}.tsv", data, set, part) : own;
    }
};

void train(const Paths& paths, const Recipe& recipe, uint64_t seed) {
    std::filesystem::create_directories(paths.folder);
    const std::string checkpoint = paths.folder + "/model";
    const auto train = load_pairs(paths.file(paths.train, "train"), recipe.columns);
    const auto valid = load_pairs(paths.file(paths.valid, "valid"), recipe.columns);
    Generator gen(seed);
    const bool goes_on = std::filesystem::exists(checkpoint);
    Translator translator = goes_on ? Translator::load(paths.folder) : Translator(train, recipe.translator, gen);
    const PairIds train_ids = translator.ids(train), valid_ids = translator.ids(valid);
    PairBatchOptions batches = translator.batches(recipe.batches);
    batches.seed = seed;
    Seq2SeqTrainer trainer(translator.model, train_ids, valid_ids, batches, recipe.training);
    if (goes_on)
        trainer.resume(checkpoint);
    else
        translator.save_text(paths.folder);
    fmt::print("{}\n{} pairs, {} steps of {} batches a pass\n", translator.model.pretty(), train.size(),
               recipe.training.steps, trainer.batches());
    const auto save = [&] { trainer.save(checkpoint, translator.configuration()); };
    if (!goes_on) save();
    lesson::Progress bar({.title = "training", .total = double(recipe.training.steps), .unit = "steps"});
    bar.add(double(trainer.steps_done()));
    double mean = 0;
    size_t validations = trainer.history().size();
    while (interrupted == 0 && trainer.step()) {
        mean = mean == 0 ? trainer.loss() : 0.98 * mean + 0.02 * trainer.loss();
        std::string note = fmt::format("loss {:.3f}", mean);
        if (!trainer.history().empty()) note += fmt::format(", valid {:.3f} nats", trainer.history().back().valid);
        bar.add(1, note);
        if (trainer.history().size() == validations) continue;
        validations = trainer.history().size();
        save();
    }
    bar.finish();
    save();
    for (const auto& v : trainer.history())
        fmt::print("step {:>6}  {:>8} words  training {:.3f}  validation {:.3f} nats a word\n", v.step, v.words,
                   v.train, v.valid);
    if (interrupted != 0) fmt::print("stopped: the same command goes on from {}\n", checkpoint);
}

void translate_lines(const Translator& translator, const DecodeOptions& options) {
    for (std::string line; std::getline(std::cin, line);) {
        fmt::print("{}\n", translator.translate({line}, options)[0]);
        std::fflush(stdout);
    }
}

void score_lines(const Translator& translator) {
    for (std::string line; std::getline(std::cin, line);) {
        const size_t tab = line.find('\t');
        if (tab == std::string::npos) throw Error("score: a line without a tab: expected SOURCE, a tab, TARGET");
        double sum = 0;
        for (const auto& s : translator.score({line.substr(0, tab), line.substr(tab + 1)})) {
            fmt::print("{:>9.4f}  {}\n", s.log_prob, s.piece.empty() ? "<eos>" : s.piece);
            sum += s.log_prob;
        }
        fmt::print("{:>9.4f}  log P\n", sum);
    }
}

}  // namespace

int main(int argc, char** argv) try {
    Paths paths;
    int threads = kernels::threads();
    int64_t steps = 0;
    uint64_t seed = 1;
    DecodeOptions decode{.exponent = 0.6};
    CLI::App app("A translator: trained on pairs of sentences, by the attention model of chapter 06.", "translate");
    app.require_subcommand(1);
    app.fallthrough();
    app.add_option("--threads", threads, "of every kernel")->check(CLI::Range(1, 256));
    CLI::App* training =
        app.add_subcommand("train", "trains, or goes on from FOLDER; Ctrl-C stops it with a checkpoint");
    training->add_option("--set", paths.set,
                         "ui-en-de or cldr-names of data/, with its recipe; or the name of your own");
    training->add_option("--data", paths.data, "where the data sets are");
    training->add_option("--train", paths.train, "your own pairs, a line each: source, tab, target");
    training->add_option("--valid", paths.valid, "others to validate with");
    training->add_option("--steps", steps, "in place of the recipe's")->check(CLI::Range(1, 100000000));
    training->add_option("--seed", seed, "of everything random");
    CLI::App* line = app.add_subcommand("line", "translates each line of standard input");
    CLI::App* score = app.add_subcommand("score", "log P(target | source), piece by piece, of lines SOURCE tab TARGET");
    line->add_option("--beam", decode.beam_width, "1 is greedy")->check(CLI::Range(1, 10000));
    line->add_option("--exponent", decode.exponent, "of the length")->check(CLI::Range(0.0, 10.0));
    for (CLI::App* sub : {training, line, score}) sub->add_option("FOLDER", paths.folder)->required();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);
        fmt::print(stderr, "translate: {}\nusage: translate train|line|score FOLDER [options] | translate --help\n",
                   error.what());
        return 2;
    }
    kernels::set_threads(threads);
    std::signal(SIGINT, [](int) {
        interrupted = 1;
        std::signal(SIGINT, SIG_DFL);
    });
    Recipe recipe = recipe_of(paths.set);
    if (steps > 0) recipe.training.steps = steps;
    if (!training->parsed()) std::signal(SIGINT, SIG_DFL);
    if (training->parsed()) train(paths, recipe, seed);
    if (line->parsed()) translate_lines(Translator::load(paths.folder), decode);
    if (score->parsed()) score_lines(Translator::load(paths.folder));
} catch (const std::exception& error) {
    fmt::print(stderr, "translate: {}\n", error.what());
    return 1;
}
