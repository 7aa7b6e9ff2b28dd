// Emoji and their names: trained in three ways over several seeds, measured beside the nearest neighbour, looked at.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>

#include "tutorials/05_captioning/chapter.hpp"
#include "tutorials/captions/looks.hpp"
#include "tutorials/captions/set.hpp"
#include "tutorials/lesson/door.hpp"
#include "tutorials/lesson/spread.hpp"

namespace unroll {
namespace {

constexpr int full_passes = 180, shorter = 5;  // the comparison has a fifth

struct Sets {
    CaptionSet train, valid, test, pair;
};

CaptionSet every(const CaptionSet& set, size_t n) {
    CaptionSet some;
    for (size_t i = 0; i < set.list.size(); i += n)
        some.list.push_back(set.list[i]), some.pictures.push_back(set.pictures[i]);
    return some;
}

Sets load(Lesson& lesson, const std::string& data) {
    const CaptionFiles files{.data = data};
    Sets s{load_part(files, "train", 32), load_part(files, "valid", 32), load_part(files, "test", 32),
           load_part(files, "test_pair", 32)};
    if (lesson.quick()) {
        s.train = every(s.train, 60), s.valid = every(s.valid, 20), s.test = every(s.test, 20);
        s.pair = every(s.pair, 12);
    }
    return s;
}

struct Way {
    std::string name, key;
    bool attention = true, sampling = false;
    std::vector<double> exact = {}, base = {}, attributes = {}, seconds = {};
};

struct Trained {
    Captioner captioner;
    std::vector<PairTrainer::Validation> history;
};

Trained train(Lesson& lesson, const Sets& sets, const Way& way, uint64_t seed, lesson::Progress& bar, int64_t steps) {
    CaptionRecipe r = caption_recipe(int64_t(sets.train.list.size()));
    r.captioner.network.attention = way.attention;
    if (lesson.quick()) {
        auto& n = r.captioner.network;
        n.channels = 8, n.features = 32, n.hidden_size = n.attention_size = 48, n.embedding_size = 32;
    }
    r.training.steps = steps;
    r.training.warm_up = std::min(r.training.warm_up, steps / 10);
    r.training.validate_every = std::max<int64_t>(1, steps / 8);
    r.batches.seed = seed;
    if (way.sampling) r.training.sampling = ScheduledSampling{ScheduledSampling::linear, 1, 0.25 / double(steps), 0.75};
    Generator gen(seed, 500);
    Captioner captioner(sets.train.list, r.captioner, gen);
    const CaptionIds learnt = captioner.ids(sets.train.pictures, sets.train.list),
                     others = captioner.ids(sets.valid.pictures, sets.valid.list);
    CaptionTrainer trainer(captioner.model, learnt, others, captioner.unknown(), captioner.batches(r.batches),
                           r.training);
    while (trainer.step()) bar.add(1, fmt::format("{}: loss {:.3f}", way.name, trainer.loss()));
    return {captioner, trainer.history()};
}

/// Returns the attention model of the first seed.
Captioner compare(Lesson& lesson, const Sets& sets, int seeds) {
    const int64_t pass = (int64_t(sets.train.list.size()) + 31) / 32;
    const int64_t steps = lesson.steps(int(pass * (full_passes / shorter)), 8);
    lesson.section("Plain, with attention, with scheduled sampling", "Attention Mechanism; Training Strategies");
    lesson.text(fmt::format(
        "The same encoder, the same batches, {} steps each, where the whole training has {}{}. Scheduled sampling has "
        "a linear decay from 1 to 0.75. What is compared is what a short training gives, in percent of the validation "
        "set's pictures: the whole caption, its base, its attributes.",
        steps, pass * full_passes, steps * shorter == pass * full_passes ? ": a fifth" : ""));
    std::vector<Way> ways = {{"plain", "plain", false},
                             {"spatial attention", "attention"},
                             {"attention, scheduled sampling", "sampling", true, true}};
    std::optional<Captioner> best;
    lesson::Plot plot{.title = "Learning to caption", .x = "steps", .y = "nats a word, validation"};
    {
        lesson::Progress bar(
            {.title = "comparison", .total = double(int64_t(ways.size()) * seeds * steps), .unit = "steps"});
        for (Way& way : ways)
            for (int seed = 0; seed < seeds; seed++) {
                const double begin = lesson::door::seconds();
                Trained t = train(lesson, sets, way, lesson.seed() + uint64_t(seed), bar, steps);
                way.seconds.push_back(lesson::door::seconds() - begin);
                const auto captions = t.captioner.caption(sets.valid.pictures, {.max_length = 20, .beam_width = 1});
                const CaptionScore score = judge(captions, sets.valid.list);
                way.exact.push_back(score.exact), way.base.push_back(score.base);
                way.attributes.push_back(score.attributes);
                if (seed > 0) continue;
                lesson::Series line{.name = way.name};
                for (const auto& v : t.history) line.x.push_back(double(v.step)), line.y.push_back(v.valid);
                plot.series.push_back(line);
                if (way.key == "attention") {
                    lesson.check("the validation's loss has fallen", t.history.back().valid < t.history.front().valid);
                    best = t.captioner;
                }
            }
    }
    lesson.plot(plot);
    lesson::Table table{.caption = "Percent on validation, greedy; mean (lowest to highest) over the seeds",
                        .header = {"", "exact", "base", "attributes", "seconds each"}};
    for (const Way& w : ways)
        table.rows.push_back({w.name, lesson::spread(w.exact, 1), lesson::spread(w.base, 1),
                              lesson::spread(w.attributes, 1), lesson::spread(w.seconds, 1)});
    lesson.table(table);
    const auto lowest = [](const std::vector<double>& v) { return *std::min_element(v.begin(), v.end()); };
    const auto highest = [](const std::vector<double>& v) { return *std::max_element(v.begin(), v.end()); };
    const std::vector<double>&attention = ways[1].exact, &sampled = ways[2].exact;
    if (seeds > 1)
        lesson.text(fmt::format(
            "Scheduled sampling moves the whole captions by {:+.1f} on average; of attention alone one seed differs "
            "from another by up to {:.1f}.",
            lesson::mean_of(sampled) - lesson::mean_of(attention), highest(attention) - lowest(attention)));
    for (const Way& w : ways)
        for (const auto& [what, values] :
             {std::pair{"exact", &w.exact}, {"base", &w.base}, {"attributes", &w.attributes}}) {
            const std::string name = fmt::format("captions_valid_{}_{}", what, w.key);
            lesson.result(name, lesson::mean_of(*values));
            if (seeds == 1) continue;
            lesson.result(name + "_lowest", lowest(*values));
            lesson.result(name + "_highest", highest(*values));
        }
    return *best;
}

void measure(Lesson& lesson, const Sets& sets, const Captioner& captioner) {
    lesson.section("How good is it?", "Image Captioning");
    lesson.text(
        "`test` holds known bases in combinations of skin tone and hair that were not learnt from, `test_pair` roles "
        "of a gender that was not. Beside it the *nearest neighbour*: the caption of the picture learnt from whose "
        "pixels differ least. It can't be exactly right, since no test caption was learnt from, but most words of its "
        "caption are: BLEU thinks highly of it. So the parts are counted. The captioner "
        "searches with a beam of 4.");
    lesson::Table table{.caption = fmt::format("Percent right, and BLEU-4 (`{}`)", bleu_signature(sets.test.list)),
                        .header = {"", "pictures", "exact", "base", "attributes", "BLEU"}};
    std::vector<std::pair<std::string, double>> results;
    for (const auto& [name, set] : {std::pair{"valid", &sets.valid}, {"test", &sets.test}, {"test_pair", &sets.pair}}) {
        const auto captions = captioner.caption(set->pictures, {.max_length = 20, .beam_width = 4});
        for (bool neighbour : {false, true}) {
            const CaptionScore s = judge(neighbour ? nearest_captions(set->pictures, sets.train) : captions, set->list);
            table.rows.push_back({fmt::format("{}, {}", name, neighbour ? "nearest neighbour" : "captioner"),
                                  set->list.size(), s.exact, s.base, s.attributes, s.bleu});
            const std::string key = neighbour ? "nearest" : "captions";
            if (std::string(name) == "valid") continue;
            results.emplace_back(fmt::format("{}_{}_exact", key, name), s.exact);
            results.emplace_back(fmt::format("{}_{}_base", key, name), s.base);
            results.emplace_back(fmt::format("{}_{}_attributes", key, name), s.attributes);
            results.emplace_back(fmt::format("{}_{}_bleu", key, name), s.bleu);
        }
    }
    lesson.table(table);
    for (const auto& [name, value] : results) lesson.result(name, value);
}

void look(Lesson& lesson, const Sets& sets, const Captioner& captioner) {
    lesson.section("Where did it look?", "Spatial Attention");
    const auto captions = captioner.caption(sets.test.pictures, {.max_length = 20, .beam_width = 4});
    const auto nearest = nearest_captions(sets.test.pictures, sets.train);
    std::vector<double> confidence;
    for (size_t i = 0; i < captions.size(); i++) {
        double sum = 0;
        const auto words = captioner.score(sets.test.pictures[i], captions[i]);
        for (const auto& w : words) sum += w.log_prob;
        confidence.push_back(sum / double(words.size()));
    }
    std::vector<size_t> order(captions.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return confidence[a] < confidence[b]; });
    lesson::Table samples{.caption =
                              "Chosen by rule: of the test pictures sorted by log P a word of the captioner's "
                              "own caption, those at 95, 75, 50, 25 and 5 %; and the middle one of those whose "
                              "caption names hair or a beard",
                          .header = {"captioner", "reference", "nearest neighbour", "log P a word"}};
    lesson.text(
        "Each picture once as it is, then for each word with its weights: light where the decoder looked before it "
        "wrote the word, dark where it did not. For who it is and for the tone of a skin it looks at heads and faces; "
        "for hair often beside the head, where a region has still seen 18 x 18 pixels, the outline among them. Words "
        "that follow from those before, *tone* after *skin*, need no look, and their light lies anywhere.");
    std::vector<size_t> chosen, hairy;
    for (size_t percent : {95, 75, 50, 25, 5}) chosen.push_back(order[percent * order.size() / 100]);
    for (size_t i : order)
        if (captions[i].find(" hair") != std::string::npos || captions[i].find("beard") != std::string::npos)
            hairy.push_back(i);
    if (!hairy.empty()) chosen.push_back(hairy[hairy.size() / 2]);
    for (size_t i : chosen)
        samples.rows.push_back({captions[i], sets.test.list[i].captions[0], nearest[i], confidence[i]});
    lesson.table(samples);
    for (size_t i : chosen) {
        lesson::Looks looks = looks_of(captioner, sets.test.pictures[i], captions[i]);
        looks.caption = fmt::format("Reference: *{}*", sets.test.list[i].captions[0]);
        if (looks.words.empty()) looks.caption += " (a plain decoder looks at all of it alike)";
        lesson.looks(looks);
    }
}

}  // namespace

void tell_captions(Lesson& lesson, const CaptionChapterOptions& options) {
    lesson.section("Emoji and their names", "Image Captioning");
    const Sets sets = load(lesson, options.data);
    lesson.text(fmt::format(
        "{} emoji with the names that Unicode gives them, as *woman: dark skin tone, red hair*: a base and its "
        "attributes. Small pictures, but real captions: what has to be said is small in the picture, and new "
        "combinations of known things have to be named. {} others validate, {} and {} test.",
        sets.train.list.size(), sets.valid.list.size(), sets.test.list.size(), sets.pair.list.size()));
    std::optional<Captioner> loaded;  // before the trainings: a wrong folder should not cost an hour
    if (!options.captioner.empty()) loaded = Captioner::load(options.captioner);
    const Captioner own = compare(lesson, sets, lesson.quick() ? 1 : options.seeds);
    const bool given = loaded.has_value();
    const Captioner captioner = given ? *loaded : own;
    lesson.text(given ? "From here on: the captioner that was given, trained for as long as it needs by "
                        "`build/tutorials/caption train FOLDER`."
                      : "From here on: the captioner with attention of the first seed, after its short training. The "
                        "whole one `build/tutorials/caption train FOLDER` makes, and `--captioner FOLDER` measures.");
    measure(lesson, sets, captioner);
    look(lesson, sets, captioner);
}

}  // namespace unroll
