// Spoken digits: features, a recogniser trained (or loaded), the noisy channel measured over ratios of signal to noise.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tutorials/09_applications/chapter.hpp"
#include "tutorials/lesson/door.hpp"
#include "tutorials/recogniser/evaluation.hpp"
#include "tutorials/recogniser/show.hpp"

namespace unroll {
namespace {

Recogniser trained(Lesson& lesson, const DigitRecordings& train, const DigitRecordings& valid) {
    SpeechRecipe recipe;
    const int64_t whole = recipe.training.steps;
    recipe.training.steps = lesson.steps(1500, 6);
    recipe.training.validate_every = std::max<int64_t>(1, recipe.training.steps / 5);
    if (lesson.quick()) {
        recipe.model.hidden_size = 16;
        recipe.batch_digits = 24;
        recipe.training.warm_up = 2;
    }
    const SpeechTask task(train, recipe, lesson.seed()), others(valid, recipe, 1000);
    Generator gen(lesson.seed());
    Recogniser model(recipe.model, gen);
    lesson.text(fmt::format(
        "Trained here for {} steps, of the recipe's {}: `build/tutorials/recognise train FOLDER` makes the whole, "
        "`--recogniser FOLDER` measures it. Every string is new: recordings joined, at another speed, another mel "
        "scale, in noise from {} to {} dB, easier in the first tenth.",
        recipe.training.steps, whole, recipe.noisiest, recipe.clearest));
    lesson.show("Parameters", "name, shape, count\n" + parameter_table(model));
    RecogniserTrainer trainer(
        model, [&](int64_t step) { return task.batch(step); }, others.batches_as_they_are(lesson.quick() ? 1 : 10),
        recipe.training, lesson.seed());
    {
        lesson::Progress bar({.title = "Learning to listen", .total = double(recipe.training.steps), .unit = "steps"});
        while (trainer.step()) bar.add(1, fmt::format("loss {:.3f}", trainer.loss()));
    }
    lesson::Series learning{.name = "training"}, validation{.name = "validation, other voices"};
    for (const auto& v : trainer.history()) {
        learning.x.push_back(double(v.step)), validation.x.push_back(double(v.step));
        learning.y.push_back(v.train), validation.y.push_back(v.valid);
    }
    lesson.plot({.title = "Learning to listen",
                 .x = "steps",
                 .y = "nats a digit",
                 .series = {learning, validation},
                 .log_y = true,
                 .caption = "The training's loss is with dropout, masks and changed voices."});
    lesson.check("the validation's loss has fallen", trainer.history().back().valid < trainer.history().front().valid);
    return model;
}

void tell_features(Lesson& lesson, const DigitRecordings& recordings) {
    lesson.section("What is heard", "Speech Recognition");
    lesson.text(
        "A sound is a number 8,000 times a second. What matters to an ear is how loud it is in each band of "
        "frequencies, over time: windows of 25 ms every 10 ms, the power of their Fourier transform, summed in 40 "
        "bands as wide as an ear hears them (mel), the logarithm. Beside each band how fast it changes; each to mean 0 "
        "and variance 1 over the recording; three steps side by side, 240 numbers every 30 ms.");
    Generator gen(lesson.seed(), 5);
    const DigitString s = recordings.say({3, 1, 4, 1, 5}, gen, {.shortest_gap = 0.1, .longest_gap = 0.2});
    lesson.clip({.title = "3 1 4 1 5, joined from a voice of the test set", .sound = s.sound});
    const Sound white = noise(NoiseKind::white, int64_t(s.sound.samples.size()), s.sound.rate, gen);
    lesson::Table table{.caption =
                            "Noise added at a ratio, and the ratio measured: the signal's power over the "
                            "samples of digits alone, not over the gaps",
                        .header = {"asked, dB", "power of the signal", "power of the noise", "measured, dB"}};
    double worst = 0;
    for (const double db : {10.0, 0.0, -5.0}) {
        Sound sum = mixed(s.sound, s.spans, white, db);
        if (db == 0) lesson.clip({.title = "The same at 0 dB", .sound = sum});
        for (size_t i = 0; i < sum.samples.size(); i++) sum.samples[i] -= s.sound.samples[i];
        const double signal = power(s.sound, s.spans), other = power(sum);
        table.rows.push_back({db, signal, other, fmt::format("{:.3f}", 10 * std::log10(signal / other))});
        worst = std::max(worst, std::abs(10 * std::log10(signal / other) - db));
    }
    lesson.table(table);
    lesson.check("what is measured is what was asked for", worst, 1e-3);
}

/// Weights of the language model and widths of the beam, on strings of the validation voices.
void tell_weights(Lesson& lesson, const Recogniser& model, const DigitRecordings& valid, const BigramPrior& grammar) {
    const HeardStrings strings =
        hear(valid, &grammar, NoiseKind::white, -2.5, lesson.quick() ? 30 : 1500, lesson.seed(), 0);
    const std::vector<Tensor> y = listen(model, strings);
    lesson::Table table{
        .caption = fmt::format("Word error rate, %, of the validation's voices at -2.5 dB, {} digits", strings.words),
        .header = {"weight of log P(w)", "beam 4", "beam 12", "beam 32"}};
    for (const double weight : {0.5, 0.75, 1.0, 1.25}) {
        table.rows.push_back({weight});
        for (const int64_t width : {4, 12, 32}) {
            PrefixBeamOptions o = channel(grammar, weight);
            o.width = lesson.quick() ? std::min<int64_t>(width, 8) : width;
            table.rows.back().emplace_back(100 * word_errors(y, strings, searched(o)).rate());
        }
    }
    lesson.table(table);
    lesson.text(
        "A tenth of a percent is a word or two: too few to choose a weight by. What follows is Bayes' rule as it "
        "stands, weight 1, with a beam of 12.");
}

std::string shown(const Edits& e) {
    return fmt::format("{:.2f} ({}/{}/{})", 100 * e.rate(), e.substitutions, e.deletions, e.insertions);
}

void measure(Lesson& lesson, const Recogniser& model, const DigitRecordings& valid, const DigitRecordings& test) {
    lesson.section("Over ratios, with and without P(w)", "Evaluation Metrics");
    const BigramPrior grammar = digit_grammar();
    lesson.text(fmt::format(
        "Strings of 3 to 7 digits by voices that were not in the training, in white noise. Those of the first column "
        "have digits that are all equally likely; in the others a digit depends on the one before, by a bigram of "
        "perplexity {:.2f}. The word error rate counts substitutions, deletions and insertions (in brackets) of the "
        "cheapest edit, by the digits that were said.",
        grammar.perplexity()));
    tell_weights(lesson, model, valid, grammar);
    PrefixBeamOptions with = channel(grammar);
    with.width = lesson.quick() ? 8 : 12;
    PrefixBeamOptions undivided = with;
    undivided.log_prior.clear();
    const HeardStrings singles = hear_singles(test);
    const Edits alone = word_errors(listen(model, singles), singles, greedy());
    const int64_t digits = lesson.quick() ? 30 : 1800;
    const uint64_t draws = lesson.quick() ? 1 : 2;
    lesson::Table table{
        .caption = fmt::format("Word error rate, %, of {} digits or more a cell, noise drawn {} time{}; without P(w) "
                               "greedily, with it by a beam of {}",
                               digits, draws, draws == 1 ? "" : "s", with.width),
        .header = {"dB", "any string", "bigram, without P(w)", "with P(w)", "less by", "prior not divided out"}};
    const std::vector<double> ratios =
        lesson.quick() ? std::vector<double>{INFINITY, 0} : std::vector<double>{INFINITY, 20, 10, 5, 0, -5, -10};
    for (const double db : ratios) {
        Edits any, without, corrected, twice;
        for (uint64_t draw = 0; draw < draws; draw++) {
            const HeardStrings uniform = hear(test, nullptr, NoiseKind::white, db, digits, lesson.seed(), draw),
                               drawn = hear(test, &grammar, NoiseKind::white, db, digits, lesson.seed(), draw);
            any += word_errors(listen(model, uniform), uniform, greedy());
            const std::vector<Tensor> y = listen(model, drawn);
            without += word_errors(y, drawn, greedy());
            corrected += word_errors(y, drawn, searched(with));
            twice += word_errors(y, drawn, searched(undivided));
        }
        const std::string name = std::isinf(db) ? "clean" : fmt::format("{:.0f}", db);
        const double less = without.errors() == 0 ? 0 : 1 - corrected.rate() / without.rate();
        table.rows.push_back({name, shown(any), shown(without), shown(corrected),
                              without.errors() == 0 ? "" : fmt::format("{:.0f} %", 100 * less), shown(twice)});
        const std::string figure = "speech_" + (std::isinf(db) ? "clean"
                                                : db < 0       ? fmt::format("minus_{:.0f}_db", -db)
                                                               : fmt::format("{:.0f}_db", db));
        lesson.result(figure, 100 * any.rate());
        lesson.result(figure + "_bigram", 100 * without.rate());
        lesson.result(figure + "_bigram_prior", 100 * corrected.rate());
        lesson.result(figure + "_bigram_undivided", 100 * twice.rate());
        if (!lesson.quick() && (db == 0 || db == -5))
            lesson.check(fmt::format("P(w) takes away at least 30 % of the errors at {} dB", name), less >= 0.3);
    }
    lesson.table(table);
    if (!lesson.quick())
        lesson.text(
            "Without noise the sound decides, and P(w) has nothing to add. The more noise, the more words it saves; "
            "their share is smallest where the sound says too little. And where the training's prior is not divided "
            "out, each digit costs log 10 too much: more are left out, the second number in brackets, and fewer put "
            "in, the third. Where these two are few beside the first, the sum hardly shows it.");
    lesson.text(
        fmt::format("Single digits, clean, by the test's voices: {} of {} wrong. All voices are made by one "
                    "synthesiser: how people fare with it, this does not tell.",
                    alone.errors(), singles.words));
    lesson.result("speech_single_error", 100 * alone.rate());

    lesson.section("Where it heard what", "Speech Recognition");
    Generator gen(lesson.seed(), 6);
    const DigitString s = test.draw(gen, {.prior = &grammar, .shortest_gap = 0.05, .longest_gap = 0.15});
    std::string said;
    for (const int d : s.digits) said += fmt::format("{}{}", said.empty() ? "" : " ", d);
    const Sound white = noise(NoiseKind::white, int64_t(s.sound.samples.size()), s.sound.rate, gen);
    show_heard(lesson, model, mixed(s.sound, s.spans, white, 5), fmt::format("*{}* at 5 dB", said), with);
    lesson::Table spans{.caption = "Where the digits were put", .header = {"digit", "from, s", "to, s"}};
    for (size_t i = 0; i < s.digits.size(); i++)
        spans.rows.push_back({fmt::format("{}", s.digits[i]), fmt::format("{:.2f}", double(s.spans[i].begin) / 8000),
                              fmt::format("{:.2f}", double(s.spans[i].end) / 8000)});
    lesson.table(spans);
}

}  // namespace

void tell_recognition(Lesson& lesson, const ApplicationOptions& options) {
    const std::string folder = options.data + "/synth-digits";
    const DigitRecordings train(find_digits(folder, "train")), valid(find_digits(folder, "valid")),
        test(find_digits(folder, "test"));
    tell_features(lesson, test);
    lesson.section("Learning to listen", "Speech Recognition");
    if (!options.recogniser.empty()) lesson.text("Not here: this one was made before by `build/tutorials/recognise`.");
    const Recogniser model =
        options.recogniser.empty() ? trained(lesson, train, valid) : Recogniser::load(options.recogniser + "/model");
    measure(lesson, model, valid, test);
}

}  // namespace unroll
