#include "tutorials/pairs/program.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "core/kernels/parallel.hpp"
#include "nn/checkpoint.hpp"
#include "tutorials/lesson/checks.hpp"
#include "tutorials/lesson/door.hpp"
#include "tutorials/lesson/progress.hpp"

namespace unroll {

std::string PairCall::file(const std::string& part) const {
    if (part == "train" && !train.empty()) return train;
    if (part == "valid" && !valid.empty()) return valid;
    return fmt::format("{}/{}/{}.tsv", data, set, part);
}

bool run_training(Trainer& trainer, int64_t steps, const std::string& checkpoint,
                  const std::map<std::string, std::string>& configuration, const char* unit) {
    const auto save = [&] { trainer.save(checkpoint, configuration); };
    if (!std::filesystem::exists(checkpoint)) save();
    const lesson::door::Interrupt interrupt;
    lesson::Progress bar(
        {.title = "training", .total = double(steps), .before = double(trainer.steps_done()), .unit = "steps"});
    double mean = 0;
    size_t validations = trainer.history().size();
    while (!interrupt.asked() && trainer.step()) {
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
    for (const Trainer::Validation& v : trainer.history())
        fmt::print("step {:>6}  {:>8} words  training {:.3f}  validation {:.3f} {}\n", v.step, v.words, v.train,
                   v.valid, unit);
    const bool ended = trainer.steps_done() == steps;
    if (!ended) fmt::print("stopped: the same command goes on from {}\n", checkpoint);
    return ended;
}

std::optional<int> parse(CLI::App& app, const std::string& usage, int argc, char** argv) try {
    app.parse(argc, argv);
    return {};
} catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    const auto named = [&](CLI::App* command) { return command->get_name() == argv[1]; };
    const bool unknown = argc > 1 && argv[1][0] != '-' && app.get_subcommands(named).empty();
    fmt::print(stderr, "{0}: {1}\nusage: {0} {2} | {0} --help\n", app.get_name(),
               unknown ? fmt::format("there is no subcommand {}", in_quotes(argv[1])) : error.what(), usage);
    return 2;
}

void flush() {
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) throw Error("standard output: can't be written");
}

/// f(line) for each line of standard input, which is read as files are: without a carriage return at a line's end, or a
/// byte order mark.
template <class F>
static void each_line(F f) {
    int64_t number = 1;
    for (std::string line; std::getline(std::cin, line); number++) {
        if (number == 1 && line.rfind("\xEF\xBB\xBF", 0) == 0) line.erase(0, 3);
        if (!line.empty() && line.back() == '\r') line.pop_back();
        try {
            f(line);
        } catch (const Error& error) {
            throw Error("standard input: line {}: {}", number, error.what());
        }
        flush();
    }
}

static void score_line(PairProgram& program, const std::string& line) {
    const size_t tab = line.find('\t');
    if (tab == 0 || tab == std::string::npos) throw Error("score: expected SOURCE, a tab, TARGET");
    const size_t more = std::min(line.find('\t', tab + 1), line.size());  // fields, which files may have too
    double sum = 0;
    for (const PairProgram::Word& w : program.score({line.substr(0, tab), line.substr(tab + 1, more - tab - 1)})) {
        fmt::print("{:>9.4f}  {:<20}{}\n", w.log_prob, w.text.empty() ? "<eos>" : w.text, w.note);
        sum += w.log_prob;
    }
    fmt::print("{:>9.4f}  log P\n", sum);
}

int run(PairProgram& program, const std::string& name, const std::string& what, const std::string& sets, PairCall call,
        int argc, char** argv) try {
    int threads = kernels::threads();
    CLI::App app(what, name);
    app.require_subcommand(1);
    app.fallthrough();
    app.add_option("--threads", threads, "of every kernel")->check(CLI::Range(1, 256));
    CLI::App* train = app.add_subcommand("train", "trains, or goes on from FOLDER; Ctrl-C stops it with a checkpoint");
    CLI::App* line = app.add_subcommand("line", "writes what it makes of each line of standard input");
    CLI::App* score = app.add_subcommand("score", "log P(target | source), word by word, of lines SOURCE tab TARGET");
    CLI::App* evaluate = app.add_subcommand("evaluate", "measures it on pairs that it has not learnt from");
    for (CLI::App* sub : {train, evaluate}) {
        sub->add_option("--set", call.set, sets);
        sub->add_option("--data", call.data, "where the data sets are");
    }
    CLI::Option* own = train->add_option("--train", call.train, "your own pairs, a line each: source, tab, target");
    CLI::Option* valid = train->add_option("--valid", call.valid, "others to validate with")->needs(own);
    own->needs(valid);
    train->add_option("--steps", call.steps, "in place of the recipe's")->check(CLI::Range(1, 100000000));
    train->add_option("--seed", call.seed, "of everything random")->check(lesson::any_seed());
    program.add_to(*train, *evaluate);
    evaluate->add_option("--part", call.part, "of the set: valid, test, ..");
    for (CLI::App* sub : {line, evaluate}) {
        sub->add_option("--beam", call.decode.beam_width, "1 is greedy")->check(CLI::Range(1, 10000));
        sub->add_option("--exponent", call.decode.exponent, "of the length")->check(lesson::number(0, 10));
    }
    for (CLI::App* sub : {train, line, score, evaluate}) sub->add_option("FOLDER", call.folder)->required();
    if (const auto status = parse(app, "train|line|score|evaluate FOLDER [options]", argc, argv)) return *status;
    kernels::set_threads(threads);
    if (train->parsed()) {
        const bool ended = program.train(call);
        flush();
        return ended ? 0 : 130;
    }
    program.load(call.folder);
    if (score->parsed()) each_line([&](const std::string& text) { score_line(program, text); });
    if (line->parsed())
        each_line([&](const std::string& text) { fmt::print("{}\n", program.write(text, call.decode)); });
    if (evaluate->parsed()) {
        const auto configuration = load_configuration(call.folder + "/model");
        const auto set = configuration.find("set");
        if (evaluate->count("--set") == 0 && set != configuration.end()) call.set = set->second;
        if (call.set.empty()) throw Error("{}: has learnt from files of its own: name a --set", call.folder);
        program.evaluate(call);
    }
    flush();
    return 0;
} catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", name, error.what());
    return 1;
}

}  // namespace unroll
