#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <bit>
#include <cmath>
#include <filesystem>
#include <optional>

#include "core/kernels/parallel.hpp"
#include "data/batches.hpp"
#include "tutorials/lesson/checks.hpp"
#include "tutorials/lesson/door.hpp"
#include "tutorials/pairs/program.hpp"
#include "tutorials/recogniser/evaluation.hpp"
#include "tutorials/recogniser/show.hpp"

using namespace unroll;

namespace {

struct Call {
    std::string folder = {}, data = UNROLL_ROOT "/data/synth-digits", part = "test", noise = "white", page = {};
    std::vector<std::string> files = {};
    int64_t steps = 0, digits = 1800, draws = 2;
    uint64_t seed = 1;
    std::optional<double> weight = {};
    double penalty = 0;
    int64_t width = 12;
};

DigitRecordings recordings_of(const Call& call, const std::string& part) try {
    return DigitRecordings(find_digits(call.data, part));
} catch (const Error& error) {
    const std::string what = error.what();
    throw Error("{}{}", what.find(call.data) == what.npos ? call.data + ": " : "", what);
}

/// Of the samples and what they say.
uint64_t fingerprint_of(const DigitRecordings& recordings) {
    uint64_t all = 0;
    for (int64_t i = 0; i < recordings.size(); i++) {
        const DigitString s = recordings.single(i, 0);
        std::vector<int32_t> numbers(s.digits.begin(), s.digits.end());
        for (const float x : s.sound.samples) numbers.push_back(std::bit_cast<int32_t>(x));
        all = fingerprint(numbers, all);
    }
    return all;
}

/// False where it was stopped.
bool train(const Call& call) {
    SpeechRecipe recipe;
    if (call.steps > 0) recipe.training.steps = call.steps;
    const std::string checkpoint = call.folder + "/model";
    const DigitRecordings recordings = recordings_of(call, "train"), others = recordings_of(call, "valid");
    const SpeechTask task(recordings, recipe, call.seed), valid(others, recipe, 1000);
    lesson::door::prepare_file(checkpoint);
    Generator gen(call.seed);
    Recogniser model(recipe.model, gen);
    RecogniserTrainer trainer(
        model, [&](int64_t step) { return task.batch(step); }, valid.batches_as_they_are(10), recipe.training,
        call.seed);
    const std::map<std::string, std::string> source = {
        {"recordings",
         fmt::format("{} to learn from, {} to validate with, fingerprints {:016x} and {:016x}", recordings.size(),
                     others.size(), fingerprint_of(recordings), fingerprint_of(others))}};
    if (std::filesystem::exists(checkpoint)) trainer.resume(checkpoint, source);
    fmt::print("{}\n{} recordings, {} steps\n", model.pretty(), recordings.size(), recipe.training.steps);
    return run_training(trainer, recipe.training.steps, checkpoint, source, "nats a digit");
}

std::string rate(const Edits& e) {
    return fmt::format("{:>6.2f} ({}/{}/{})", 100 * e.rate(), e.substitutions, e.deletions, e.insertions);
}

/// argmax P(a|w) P(w)^weight; the prior must outlive it.
PrefixBeamOptions channel_of(const Call& call, const BigramPrior& grammar, double usual) {
    PrefixBeamOptions o = channel(grammar, call.weight.value_or(usual));
    o.width = call.width, o.penalty = call.penalty;
    return o;
}

void evaluate(const Call& call) {
    const Recogniser model = Recogniser::load(call.folder + "/model");
    const DigitRecordings recordings = recordings_of(call, call.part);
    const HeardStrings singles = hear_singles(recordings);
    const Edits alone = word_errors(listen(model, singles), singles, greedy());
    fmt::print("single digits, clean: {} of {} wrong, {:.2f} %\n", alone.errors(), singles.words, 100 * alone.rate());
    const BigramPrior grammar = digit_grammar();
    const PrefixBeamOptions with = channel_of(call, grammar, 1);
    const NoiseKind kind = call.noise == "white"  ? NoiseKind::white
                           : call.noise == "pink" ? NoiseKind::pink
                                                  : NoiseKind::speech;
    fmt::print(
        "word error rate, % (substituted/left out/put in), {} noise, {} digits or more, noise drawn {} times; "
        "the bigram's perplexity is {:.2f}\n",
        call.noise, call.digits, call.draws, grammar.perplexity());
    fmt::print("{:>8}  {:>22}  {:>22}  {:>22}\n", "dB", "any string", "bigram, without P(w)", "bigram, with P(w)");
    for (const double db : {double(INFINITY), 20.0, 10.0, 5.0, 0.0, -5.0, -10.0}) {
        Edits any, without, corrected;
        for (int64_t draw = 0; draw < (std::isinf(db) ? 1 : call.draws); draw++) {
            const HeardStrings uniform = hear(recordings, nullptr, kind, db, call.digits, call.seed, uint64_t(draw));
            any += word_errors(listen(model, uniform), uniform, greedy());
            const HeardStrings drawn = hear(recordings, &grammar, kind, db, call.digits, call.seed, uint64_t(draw));
            const std::vector<Tensor> y = listen(model, drawn);
            without += word_errors(y, drawn, greedy());
            corrected += word_errors(y, drawn, searched(with));
        }
        fmt::print("{:>8}  {:>22}  {:>22}  {:>22}\n", std::isinf(db) ? "clean" : fmt::format("{:.0f}", db), rate(any),
                   rate(without), rate(corrected));
        std::fflush(stdout);
    }
}

int recognise(const Call& call) {
    const Recogniser model = Recogniser::load(call.folder + "/model");
    const BigramPrior grammar = digit_grammar();
    const PrefixBeamOptions options = channel_of(call, grammar, 0);
    const auto loaded = [](const std::string& file) {
        const Sound sound = load_sound(file, 600);
        const bool silent = std::all_of(sound.samples.begin(), sound.samples.end(), [](float x) { return x == 0; });
        if (silent) throw Error("{}: nothing but silence", file);
        return sound;
    };
    if (!call.page.empty()) {
        Lesson lesson({.number = "09", .title = "What the recogniser hears"});
        const char* const arguments[] = {"recognise", "--page", call.page.c_str()};
        return lesson.run(3, arguments, [&] {
            for (const std::string& file : call.files) {
                lesson.section(std::filesystem::path(file).filename().string(), "Speech Recognition");
                show_heard(lesson, model, loaded(file), "The sound", options);
            }
        });
    }
    for (const std::string& file : call.files) {
        const Tensor y = model.log_probs({speech_features(loaded(file))}).at(0);
        const std::string digits = digits_text(searched(options)(y));
        fmt::print("{}{}\n", call.files.size() > 1 ? file + ": " : "", digits.empty() ? "(no digits)" : digits);
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) try {
    Call call;
    int threads = kernels::threads();
    CLI::App app("A recogniser of spoken digits: trained on strings joined from recordings, in noise.", "recognise");
    app.require_subcommand(1);
    app.fallthrough();
    app.add_option("--threads", threads, "of every kernel")->check(CLI::Range(1, 256));
    CLI::App* training =
        app.add_subcommand("train", "trains, or goes on from FOLDER; Ctrl-C stops it with a checkpoint");
    CLI::App* wav = app.add_subcommand("wav", "writes the digits it hears in WAV files, of any rate");
    CLI::App* evaluation = app.add_subcommand("evaluate", "word error rates over ratios of signal to noise");
    for (CLI::App* sub : {training, wav, evaluation})
        sub->add_option("FOLDER", call.folder, "of the recogniser")->required();
    for (CLI::App* sub : {training, evaluation}) {
        sub->add_option("--data", call.data, "folder of recordings DIGIT_SPEAKER_TAKE.wav");
        sub->add_option("--seed", call.seed, "of everything random")->check(lesson::any_seed());
    }
    training->add_option("--steps", call.steps, "in place of the recipe's")->check(CLI::Range(1, 100000000));
    evaluation->add_option("--part", call.part, "of the recordings: valid, test");
    evaluation->add_option("--noise", call.noise, "white, pink, or shaped like speech")
        ->check(CLI::IsMember({"white", "pink", "speech"}));
    evaluation->add_option("--digits", call.digits, "for each ratio and draw")->check(CLI::Range(1, 1000000));
    evaluation->add_option("--draws", call.draws, "of noise")->check(CLI::Range(1, 1000));
    for (CLI::App* sub : {wav, evaluation}) {
        sub->add_option("--weight", call.weight, "of log P(w), of the bigram: usually 1, for wav 0")
            ->check(lesson::number(0, 10));
        sub->add_option("--penalty", call.penalty, "for each digit put in, in nats")->check(lesson::number(-100, 100));
        sub->add_option("--beam", call.width, "prefixes kept")->check(CLI::Range(1, 10000));
    }
    wav->add_option("FILE", call.files, "WAV")->required();
    wav->add_option("--page", call.page, "writes a page too, which plays the sound and shows what was heard when");
    if (const auto status = parse(app, "train|wav|evaluate FOLDER [options]", argc, argv)) return *status;
    kernels::set_threads(threads);
    int status = 0;
    if (training->parsed()) status = train(call) ? 0 : 130;
    if (evaluation->parsed()) evaluate(call);
    if (wav->parsed()) status = recognise(call);
    flush();
    return status;
} catch (const std::exception& error) {
    fmt::print(stderr, "recognise: {}\n", error.what());
    return 1;
}
