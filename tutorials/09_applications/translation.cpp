// English to German: trained (or loaded), chosen on the validation set, measured once on the test set.
#include "tutorials/pairs/translation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "nn/bootstrap.hpp"
#include "tutorials/09_applications/chapter.hpp"
#include "tutorials/lesson/door.hpp"
#include "tutorials/lesson/spread.hpp"
#include "tutorials/pairs/translation_recipe.hpp"

namespace unroll {
namespace {

Translator trained(Lesson& lesson, const std::string& folder, std::vector<TextPair> train) {
    TranslationRecipe recipe = translation_recipe("ui-en-de");
    auto valid = load_pairs(folder + "/valid.tsv", recipe.columns);
    recipe.training.steps = lesson.steps(1200, 15);
    recipe.training.validate_every = std::max<int64_t>(1, recipe.training.steps / 4);
    recipe.batches.seed = lesson.seed();
    if (lesson.quick()) {
        train.resize(300), valid.resize(30);
        recipe.translator.source_merges = recipe.translator.target_merges = 200;
        recipe.translator.model.embedding_size = recipe.translator.model.hidden_size = 32;
        recipe.translator.model.encoder_size = 24;
        recipe.training.warm_up = 5;
    }
    lesson.text(
        fmt::format("The attention model of chapter 06 (Luong's decoder with input feeding, in pieces of words), "
                    "trained here on {} "
                    "pairs for {} steps: a fraction of the recipe's {}. What the whole training gives, "
                    "`build/tutorials/translate train FOLDER` makes and `--translator FOLDER` measures.",
                    train.size(), recipe.training.steps, translation_recipe("ui-en-de").training.steps));
    Generator gen(lesson.seed());
    Translator translator(train, recipe.translator, gen);
    const PairIds ids = translator.ids(train), valid_ids = translator.ids(valid);
    Seq2SeqTrainer trainer(translator.model, ids, valid_ids, translator.batches(recipe.batches), recipe.training);
    train_and_plot(lesson, trainer, recipe.training.steps, "Learning to translate", "pieces");
    lesson.check("the validation's loss has fallen", trainer.history().back().valid < trainer.history().front().valid);
    return translator;
}

void shorten(TranslationTest& test, size_t n) {
    test.sources.resize(n);
    for (Lines& r : test.references) r.resize(n);
}

/// Beam and exponent by the validation set, and a table of both.
DecodeOptions chosen(Lesson& lesson, const Translator& translator, const TranslationTest& valid) {
    const std::vector<int64_t> widths =
        lesson.quick() ? std::vector<int64_t>{1, 2} : std::vector<int64_t>{1, 2, 4, 8, 16};
    lesson::Table table{.caption = "BLEU on the validation set; exponent 0 leaves the length out",
                        .header = {"beam", "exponent 0", "0.6", "1"}};
    DecodeOptions best;
    double highest = -1;
    const Bleu bleu;
    for (int64_t width : widths) {
        table.rows.push_back({width});
        for (double exponent : {0.0, 0.6, 1.0}) {
            const DecodeOptions o{.max_length = lesson.quick() ? 12 : 100, .beam_width = width, .exponent = exponent};
            if (width == 1 && exponent > 0) break;  // greedy chooses nothing by it
            const double score = bleu.corpus(translator.translate(valid.sources, o), valid.references).score;
            table.rows.back().emplace_back(score);
            if (score > highest) highest = score, best = o;
        }
    }
    lesson.table(table);
    lesson.text(fmt::format("Chosen: beam {}, exponent {}.", best.beam_width, best.exponent));
    return best;
}

/// Models trained alike but for the decoder: those folders NAME-SEED that are there.
void compare_decoders(Lesson& lesson, const std::string& folder, const TranslationTest& valid) {
    lesson::Table table{.caption = "BLEU on the validation set by greedy search, mean (lowest to highest) over seeds",
                        .header = {"decoder", "seeds", "parameters", "BLEU"}};
    for (const ComparedDecoder& d : compared_decoders()) {
        const auto trained = [&](int seed) { return fmt::format("{}/{}-{}", folder, d.key, seed); };
        std::vector<double> score;
        int64_t parameters = 0;
        for (int seed = 1; lesson::door::exists(trained(seed)); seed++) {
            Translator t = Translator::load(trained(seed));
            const Lines greedy = t.translate(valid.sources, {.max_length = 100, .beam_width = 1});
            score.push_back(Bleu().corpus(greedy, valid.references).score);
            parameters = parameter_count(t.model);
        }
        if (score.empty()) continue;
        table.rows.push_back({d.name, score.size(), parameters, lesson::spread(score, 1)});
        lesson.result("translation_decoder_" + d.key, lesson::mean_of(score));
    }
    if (table.rows.empty()) throw Error("{}: holds no folder {}-1", folder, compared_decoders()[0].key);
    lesson.text("The decoders of chapter 06, with the same sizes, batches and steps:");
    lesson.table(table);
}

void show_scores(Lesson& lesson, const Translator& translator, const std::string& source, const std::string& reference,
                 const std::string& own) {
    lesson::Table table{.caption = fmt::format("log P of two translations of *{}*, piece by piece", source),
                        .header = {"reference's", "log P", "the model's", "log P"}};
    const auto right = translator.score({source, reference}), ours = translator.score({source, own});
    double sums[2] = {0, 0};
    for (size_t t = 0; t < std::max(right.size(), ours.size()); t++) {
        table.rows.emplace_back();
        for (const auto* scored : {&right, &ours}) {
            const bool there = t < scored->size();
            const std::string piece = there ? (*scored)[t].piece : "";
            table.rows.back().emplace_back(!there ? "" : fmt::format("`{}`", piece.empty() ? "<eos>" : piece));
            table.rows.back().push_back(there ? lesson::Cell((*scored)[t].log_prob) : lesson::Cell(""));
            if (there) sums[scored == &ours] += (*scored)[t].log_prob;
        }
    }
    table.rows.push_back({"log P", sums[0], "log P", sums[1]});
    lesson.table(table);
}

}  // namespace

void tell_translation(Lesson& lesson, const ApplicationOptions& options) {
    lesson.section("Machine translation", "Machine Translation");
    const std::string folder = options.data + "/ui-en-de";
    const auto train = load_pairs(folder + "/train.tsv", {2, 3});
    const Translator translator =
        options.translator.empty() ? trained(lesson, folder, train) : Translator::load(options.translator);
    TranslationTest valid = load_translation_test(folder + "/valid.tsv", {2, 3}),
                    test = load_translation_test(folder + "/test.tsv", {2, 3});
    if (lesson.quick()) shorten(valid, 12), shorten(test, 24);
    const DecodeOptions best = chosen(lesson, translator, valid);

    lesson.section("How good is it?", "BLEU Score");
    Lines known, known_targets;
    for (const TextPair& p : train) known.push_back(p.source), known_targets.push_back(p.target);
    const std::vector<Near> near = nearest(test.sources, known);
    Lines neighbours;
    for (const Near& n : near) neighbours.push_back(known_targets[n.which]);
    const Lines hypotheses = translator.translate(test.sources, best);
    const Bleu bleu;
    const auto score = [&](const Lines& lines) { return bleu.corpus(lines, test.references).score; };
    const double own = score(hypotheses);
    const Interval interval = bootstrap(bleu.counts(hypotheses, test.references),
                                        [&](const std::vector<double>& sum) { return bleu.score(sum).score; });
    lesson.text(fmt::format(
        "Against two ways that need no learning: the English itself, and the German of the most similar English that "
        "was "
        "learnt from. 95 % of the test sets of this kind would score between {:.1f} and {:.1f}. Signature: `{}`.",
        interval.low, interval.high, bleu.signature(test.references.size())));
    lesson::Table scores{
        .caption = fmt::format("BLEU of {} sentences of the test set", test.sources.size()),
        .header = {"", "BLEU"},
        .rows = {{"the source, copied", score(test.sources)}, {"the nearest sentence's German", score(neighbours)}}};
    if (!options.fixed.empty()) {
        const double fixed = score(Translator::load(options.fixed).translate(test.sources, best));
        scores.rows.push_back({"without attention", fixed});
        lesson.result("translation_fixed_bleu", fixed);
    }
    scores.rows.push_back({"the model", own});
    lesson.table(scores);
    lesson::Table bands{.caption =
                            "Split by the similarity of the nearest English sentence learnt from (shared words by all "
                            "words of both)",
                        .header = {"similarity from", "sentences", "BLEU, the nearest's", "BLEU, the model's"}};
    const auto of_neighbours = bleu_by_nearness(neighbours, test, near);
    const auto of_model = bleu_by_nearness(hypotheses, test, near);
    for (size_t i = 0; i < of_model.size(); i++)
        if (of_model[i].sentences > 0)
            bands.rows.push_back({fmt::format("{:.2f}", of_model[i].low), of_model[i].sentences, of_neighbours[i].bleu,
                                  of_model[i].bleu});
    lesson.table(bands);

    std::vector<size_t> order(hypotheses.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::vector<double> sentence;
    for (size_t s = 0; s < hypotheses.size(); s++)
        sentence.push_back(bleu.sentence(hypotheses[s], {test.references[0][s]}).score);
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return sentence[a] < sentence[b]; });
    lesson::Table samples{.caption = "Good and bad by rule: sorted by sentence BLEU, those at 95, 75, 50, 25 and 5 %",
                          .header = {"English", "the model", "reference", "BLEU"}};
    for (size_t percent : {95, 75, 50, 25, 5}) {
        const size_t s = order[percent * order.size() / 100];
        samples.rows.push_back({test.sources[s], hypotheses[s], test.references[0][s], sentence[s]});
    }
    lesson.table(samples);
    if (!options.decoders.empty()) compare_decoders(lesson, options.decoders, valid);
    const size_t middle = order[order.size() / 2];
    show_scores(lesson, translator, test.sources[middle], test.references[0][middle], hypotheses[middle]);
    lesson.result("translation_test_bleu", own);
    lesson.result("translation_nearest_bleu", score(neighbours));
}

}  // namespace unroll
