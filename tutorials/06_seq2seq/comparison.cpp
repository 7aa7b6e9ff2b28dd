// The fixed vector, the three scores, the two decoders: the same training for all.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <numeric>

#include "tutorials/06_seq2seq/chapter.hpp"
#include "tutorials/06_seq2seq/names.hpp"
#include "tutorials/lesson/spread.hpp"

namespace unroll {
namespace {

using lesson::mean_of, lesson::spread;

struct Contestant {
    std::string name, key;
    DecoderKind decoder;
    Score score = Score::dot;
    bool input_feeding = false;
    std::vector<double> nats = {}, right = {};  // one a seed
    double milliseconds = 0, parameters = 0;
};

std::vector<Contestant> contestants() {
    std::vector<Contestant> all = {{"fixed vector", "fixed", DecoderKind::fixed}};
    for (const auto& [score, name] :
         {std::pair{Score::dot, "dot"}, std::pair{Score::general, "general"}, std::pair{Score::concat, "concat"}}) {
        all.push_back({fmt::format("book's, {}", name), fmt::format("book_{}", name), DecoderKind::book, score});
        all.push_back({fmt::format("Luong's, {}", name), fmt::format("luong_{}", name), DecoderKind::luong, score});
    }
    all.push_back({"Luong's, general, input feeding", "luong_feeding", DecoderKind::luong, Score::general, true});
    return all;
}

}  // namespace

void tell_comparison(Lesson& lesson, const std::string& data, int seeds) {
    const Names names = load_names(data);
    const int64_t size = lesson.quick() ? 32 : 96;
    Seq2SeqTraining training{.steps = lesson.steps(800, 3), .warm_up = 80, .label_smoothing = 0};
    training.validate_every = training.steps;
    lesson.section("Side by side", "Encoder-Decoder Architecture, Attention Mechanism");
    lesson.text(fmt::format(
        "All of them on the same names, the same batches in the same order, with the same sizes: an encoder of {} "
        "units in each direction, a decoder of {}, {} steps of training. What is "
        "compared is how fast they learn, not what they can do in the end.",
        size / 2, size, training.steps));
    std::vector<Contestant> all = contestants();
    lesson::Progress bar(
        {.title = "comparison", .total = double(int64_t(all.size()) * seeds * training.steps), .unit = "steps"});
    for (Contestant& c : all)
        for (int seed = 0; seed < seeds; seed++) {
            Generator gen(lesson.seed() + uint64_t(seed), 300);
            Translator translator(names.train,
                                  {.source_merges = 1000,
                                   .target_merges = 1000,
                                   .model = {.embedding_size = size,
                                             .encoder_size = size / 2,
                                             .bidirectional = true,
                                             .hidden_size = size,
                                             .decoder = c.decoder,
                                             .score = c.score,
                                             .input_feeding = c.input_feeding,
                                             .dropout = 0.1}},
                                  gen);
            const PairBatchOptions batches =
                translator.batches({.tokens = 400, .seed = lesson.seed() + uint64_t(seed)});
            const PairIds train = translator.ids(names.train), valid = translator.ids(names.valid);
            Seq2SeqTrainer trainer(translator.model, train, valid, batches, training);
            const auto begin = std::chrono::steady_clock::now();
            while (trainer.step()) bar.add(1, fmt::format("{}: loss {:.3f}", c.name, trainer.loss()));
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
            {c.name, c.parameters, fmt::format("{:.1f}", c.milliseconds), spread(c.nats), spread(c.right)});
    lesson.table(table);
    double best = 99;
    for (const Contestant& c : all)
        if (c.decoder != DecoderKind::fixed) best = std::min(best, mean_of(c.nats));
    if (!lesson.quick())
        lesson.check("the best decoder with attention beats the fixed vector", best < mean_of(all[0].nats));
    for (const Contestant& c : all) {
        lesson.result("names_nats_" + c.key, mean_of(c.nats));
        lesson.result("names_exact_" + c.key, mean_of(c.right));
    }
}

}  // namespace unroll
