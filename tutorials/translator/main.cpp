// build/tutorials/translate: trains a translator, and translates, scores and evaluates with it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <filesystem>
#include <iostream>

#include "core/kernels/parallel.hpp"
#include "models/translator.hpp"
#include "nn/bleu.hpp"
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
    r.training = {.steps = tiny ? 1500 : 18000, .validate_every = tiny ? 500 : 1000};
    return r;
}

struct Paths {
    std::string folder, set = "ui-en-de", data = UNROLL_ROOT "/data", train, valid, part = "test";
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

/// references[r][s]; a sentence with fewer than others has its first again, which changes no count.
std::vector<Lines> references_of(const std::vector<TextPair>& pairs, const std::string& file) {
    std::vector<std::vector<std::string>> rows;
    if (std::filesystem::exists(file)) rows = load_table(file, 2);
    if (!rows.empty() && rows.size() != pairs.size())
        throw Error("{}: {} lines for {} sentences", file, rows.size(), pairs.size());
    size_t most = 1;
    for (const auto& row : rows) most = std::max(most, row.size() - 1);
    std::vector<Lines> references(most);
    for (size_t r = 0; r < most; r++)
        for (size_t s = 0; s < pairs.size(); s++)
            references[r].push_back(!rows.empty() && r + 1 < rows[s].size() ? rows[s][r + 1] : pairs[s].target);
    return references;
}

void evaluate_part(const Translator& translator, const Paths& paths, const Recipe& recipe, DecodeOptions options,
                   bool table) {
    const std::string file = paths.file("", paths.part.c_str());
    const auto pairs = load_pairs(file, recipe.columns);
    const auto references = references_of(pairs, file.substr(0, file.size() - 4) + ".refs.tsv");
    std::vector<std::string> sources;
    for (const TextPair& p : pairs) sources.push_back(p.source);
    const Bleu bleu;
    const auto score = [&](const DecodeOptions& o) {
        return bleu.corpus(translator.translate(sources, o), references).score;
    };
    for (int64_t width : {1, 2, 4, 8, 16})
        for (double exponent : {0.0, 0.6, 1.0, 1.4}) {
            if (!table || (width == 1 && exponent > 0)) continue;
            options.beam_width = width, options.exponent = exponent;
            fmt::print("beam {:>2}  exponent {}  {:.4f}\n", width, exponent, score(options));
            std::fflush(stdout);
        }
    if (table) return;
    fmt::print("{:.4f} nats a piece\n",
               evaluate(translator.model, translator.ids(pairs), translator.batches({.sentences = 64})));
    fmt::print("BLEU = {:.4f} {}\n", score(options), bleu.signature(references.size()));
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
    training->add_option("--train", paths.train, "your own pairs, a line each: source, tab, target");
    training->add_option("--valid", paths.valid, "others to validate with");
    training->add_option("--steps", steps, "in place of the recipe's")->check(CLI::Range(1, 100000000));
    training->add_option("--seed", seed, "of everything random");
    CLI::App* line = app.add_subcommand("line", "translates each line of standard input");
    CLI::App* score = app.add_subcommand("score", "log P(target | source), piece by piece, of lines SOURCE tab TARGET");
    CLI::App* evaluation = app.add_subcommand("evaluate", "BLEU on a part of a set, as the last line");
    bool table = false;
    evaluation->add_option("--part", paths.part, "valid, test, ..");
    evaluation->add_flag("--table", table, "BLEU for each of some widths of the beam and exponents");
    for (CLI::App* sub : {line, evaluation}) {
        sub->add_option("--beam", decode.beam_width, "1 is greedy")->check(CLI::Range(1, 10000));
        sub->add_option("--exponent", decode.exponent, "of the length")->check(CLI::Range(0.0, 10.0));
    }
    for (CLI::App* sub : {training, evaluation}) {
        sub->add_option("--set", paths.set, "ui-en-de or cldr-names, with its recipe; or the name of your own");
        sub->add_option("--data", paths.data, "where the sets are");
    }
    for (CLI::App* sub : {training, line, score, evaluation}) sub->add_option("FOLDER", paths.folder)->required();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);
        fmt::print(stderr,
                   "translate: {}\nusage: translate train|line|score|evaluate FOLDER [options] | translate --help\n",
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
    if (evaluation->parsed()) evaluate_part(Translator::load(paths.folder), paths, recipe, decode, table);
    if (score->parsed()) score_lines(Translator::load(paths.folder));
} catch (const std::exception& error) {
    fmt::print(stderr, "translate: {}\n", error.what());
    return 1;
}
