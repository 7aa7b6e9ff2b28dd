// The fixed vector, the three scores, the two decoders: the same training for all.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <numeric>

#include "tutorials/06_seq2seq/chapter.hpp"
#include "tutorials/06_seq2seq/names.hpp"
#include "tutorials/lesson/spread.hpp"
#include "tutorials/pairs/translation_recipe.hpp"

namespace unroll {
namespace {

using lesson::mean_of, lesson::spread;

struct Contestant {
    ComparedDecoder model;
    std::vector<double> nats = {}, right = {};  // one a seed
    double milliseconds = 0, parameters = 0;
};

}  // namespace

void tell_comparison(Lesson& lesson, const std::string& data, int seeds) {
    const Names names = load_names(data);
    const int64_t size = lesson.quick() ? 32 : 96;
    Seq2SeqTraining training{.steps = lesson.steps(800, 3), .warm_up = 80};
    training.validate_every = training.steps;
    lesson.section("Side by side", "Encoder-Decoder Architecture, Attention Mechanism");
    lesson.text(fmt::format(
        "All of them on the same names, the same batches in the same order, with the same sizes: an encoder of {} "
        "units in each direction, a decoder of {}, {} steps of training. What is "
        "compared is how fast they learn, not what they can do in the end.",
        size / 2, size, training.steps));
    std::vector<Contestant> all;
    for (const ComparedDecoder& d : compared_decoders()) all.push_back({d});
    lesson::Progress bar(
        {.title = "comparison", .total = double(int64_t(all.size()) * seeds * training.steps), .unit = "steps"});
    for (Contestant& c : all)
        for (int seed = 0; seed < seeds; seed++) {
            Generator gen(lesson.seed() + uint64_t(seed), 300);
            Translator translator(
                names.train,
                {.source_merges = 1000,
                 .target_merges = 1000,
                 .model = with_decoder(
                     {.embedding_size = size, .bidirectional = true, .hidden_size = size, .dropout = 0.1}, c.model)},
                gen);
            const PairBatchOptions batches =
                translator.batches({.tokens = 400, .seed = lesson.seed() + uint64_t(seed)});
            const PairIds train = translator.ids(names.train), valid = translator.ids(names.valid);
            Seq2SeqTrainer trainer(translator.model, train, valid, batches, training);
            const auto begin = std::chrono::steady_clock::now();
            while (trainer.step()) bar.add(1, fmt::format("{}: loss {:.3f}", c.model.name, trainer.loss()));
            const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - begin;
            c.milliseconds += time.count() / double(training.steps * seeds);
            c.nats.push_back(trainer.history().back().valid);
            c.right.push_back(exact(translator, names.valid, {.beam_width = 1}));
            c.parameters = double(parameter_count(translator.model));
        }
    bar.finish();
    lesson::Table table{.caption = "On validation, mean (lowest to highest) over the seeds",
                        .header = {"decoder", "parameters", "ms a step", "nats a piece", "exactly right, greedy"}};
    for (const Contestant& c : all)
        table.rows.push_back(
            {c.model.name, c.parameters, fmt::format("{:.1f}", c.milliseconds), spread(c.nats), spread(c.right)});
    lesson.table(table);
    double best = 99;
    for (const Contestant& c : all)
        if (c.model.decoder != DecoderKind::fixed) best = std::min(best, mean_of(c.nats));
    if (!lesson.quick())
        lesson.check("the best decoder with attention beats the fixed vector", best < mean_of(all[0].nats));
    for (const Contestant& c : all) {
        lesson.result("names_nats_" + c.model.key, mean_of(c.nats));
        lesson.result("names_exact_" + c.model.key, mean_of(c.right));
    }
}

}  // namespace unroll
