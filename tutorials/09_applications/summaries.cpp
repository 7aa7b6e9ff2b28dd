// Summaries of packages' descriptions: two rules, attention alone, and copying; measured, and looked at.
#include "tutorials/pairs/summaries.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "models/lead.hpp"
#include "tutorials/09_applications/chapter.hpp"
#include "tutorials/pairs/summary_recipe.hpp"

namespace unroll {
namespace {

struct Contestant {
    Summariser summariser;
    double seconds = NAN;  // of training
};

Contestant trained(Lesson& lesson, const std::vector<TextPair>& train, const std::vector<TextPair>& valid,
                   bool copying) {
    SummaryRecipe recipe;
    recipe.summariser.model.copying = recipe.summariser.model.selective_reading = copying;
    // Without copying a step costs less: it gets a third more of them, so that it has no less time.
    recipe.training.steps = lesson.steps(copying ? 900 : 1200, 12);
    recipe.training.validate_every = std::max<int64_t>(1, recipe.training.steps / 4);
    recipe.batches.seed = lesson.seed();
    if (lesson.quick()) {
        recipe.summariser.model.embedding_size = 16, recipe.summariser.model.encoder_size = 16;
        recipe.summariser.model.hidden_size = 24;
        recipe.batches.sentences = 16;
        recipe.training.warm_up = 3;
    }
    Generator gen(lesson.seed());
    Summariser summariser(train, recipe.summariser, gen);
    const PairIds ids = summariser.ids(train), valid_ids = summariser.ids(valid);
    SummariserTrainer trainer(summariser.model, ids, valid_ids, summariser.batches(recipe.batches), recipe.training);
    const double seconds = train_and_plot(lesson, trainer, recipe.training.steps,
                                          copying ? "Learning to summarise" : "Attention alone", "words");
    lesson.check("the validation's loss has fallen", trainer.history().back().valid < trainer.history().front().valid);
    return {std::move(summariser), seconds};
}

Contestant made(Lesson& lesson, const std::string& folder, const std::vector<TextPair>& train,
                const std::vector<TextPair>& valid, bool copying) {
    return folder.empty() ? trained(lesson, train, valid, copying) : Contestant{Summariser::load(folder)};
}

lesson::Cell time_of(const Contestant& c) {
    return std::isnan(c.seconds) ? lesson::Cell("made before") : lesson::Cell(fmt::format("{:.0f} s", c.seconds));
}

void rows(lesson::Table& table, const std::string& name, const Rouge& r, double in_document, lesson::Cell time) {
    table.rows.push_back({name, r.one, r.two, r.l, fmt::format("{:.0f} %", 100 * in_document), time});
}

/// How well both models predict the packagers' own words, by where a word can come from.
void show_sources(Lesson& lesson, const Summariser& plain, const Summariser& copying, const std::vector<TextPair>& test,
                  size_t read) {
    struct Kind {
        const char* name;
        double words = 0, plain = 0, copying = 0;
    } kinds[] = {{"vocabulary and document"}, {"vocabulary alone"}, {"document alone"}, {"neither"}};
    double all = 0;
    for (const TextPair& p : test) {
        auto document = simple_words(to_lower(p.source));
        document.resize(std::min(document.size(), read));
        const auto a = plain.score(p), b = copying.score(p);
        for (size_t t = 0; t + 1 < a.size(); t++, all++) {
            const bool there = std::find(document.begin(), document.end(), a[t].word) != document.end();
            const bool generated = a[t].known && std::isfinite(a[t].log_prob);
            Kind& kind = kinds[2 * !generated + !there];
            kind.words++, kind.plain -= a[t].log_prob, kind.copying -= b[t].log_prob;
        }
    }
    lesson::Table table{.caption =
                            "The words of the packagers' own lines: where each can come from, and the nats it costs, "
                            "given those before it",
                        .header = {"in", "of the words", "attention alone", "copying"}};
    for (const Kind& k : kinds) {
        const auto nats = [&](double sum, bool possible) {
            return lesson::Cell(k.words == 0 ? "" : possible ? fmt::format("{:.2f}", sum / k.words) : "impossible");
        };
        const bool anywhere = &k != &kinds[3];
        table.rows.push_back({k.name, fmt::format("{:.1f} %", 100 * k.words / all),
                              nats(k.plain, anywhere && &k != &kinds[2]), nats(k.copying, anywhere)});
    }
    lesson.table(table);
    lesson.text(
        "Words of the third row are what a summary is often about, and attention alone has no way to say them. But "
        "there "
        "are more of the first: words that both models *can* generate, and that stand in the document. There copying "
        "needs "
        "no memory of when to use a rare word, only to see that it stands in the right place.");
    if (!lesson.quick())
        lesson.check("a word that stands in the document costs less with copying, also where it could be generated",
                     kinds[0].copying < kinds[0].plain);
    lesson.check("more words of the references are in vocabulary and document than in the document alone",
                 kinds[0].words > kinds[2].words);
}

void show_examples(Lesson& lesson, const SummaryReport& copying, const SummaryReport& plain,
                   const std::vector<TextPair>& test) {
    lesson.text(
        "Good and bad by rule, not by hand: the test set sorted by the mean of the three figures, those at 95, 75, 50, "
        "25 and 5 % from below.");
    for (size_t i : examples(copying.summaries, test))
        lesson.sample(fmt::format("ROUGE {}", rouge(copying.summaries[i], test[i].target).str()),
                      fmt::format("document: {}\nreference: {}\ncopying: {}\nattention alone: {}", test[i].source,
                                  test[i].target, copying.summaries[i], plain.summaries[i]));
}

void show_copied(Lesson& lesson, const Summariser& summariser, const TextPair& pair) {
    lesson::ShadedText shaded{.title = "Which words were copied",
                              .unit = "probability",
                              .caption = "The probability that a word was copied, given that it was written: 1 - r."};
    for (const Summariser::ScoredWord& w : summariser.score(pair)) {
        shaded.tokens.push_back(w.word.empty() ? "<eos>" : w.word);
        shaded.values.push_back(w.copied);
    }
    lesson.shaded(shaded);
}

}  // namespace

void tell_summaries(Lesson& lesson, const ApplicationOptions& options) {
    lesson.section("Rules to beat", "Text Summarization");
    const SummaryRecipe recipe;
    const std::string folder = options.data + "/debian-summaries/";
    auto train = load_pairs(folder + "train.tsv", recipe.columns),
         valid = load_pairs(folder + "valid.tsv", recipe.columns),
         test = load_pairs(folder + "test.tsv", recipe.columns);
    std::vector<std::string> sentences, rules;
    for (const TextPair& p : test) sentences.push_back(first_sentence(p.source)), rules.push_back(what_it_is(p.source));
    const Rouge first = rouge(sentences, test), rule = rouge(rules, test);
    lesson.text(fmt::format(
        "Descriptions of software packages, {} to learn from, each with the line that its packager wrote to stand for "
        "it. Two rules that learn nothing: the first sentence, and what that sentence says the thing *is* (the words "
        "behind its verb). ROUGE-1/2/L: {} and {}. A model that reads {} documents and does not beat them has learnt "
        "little.",
        train.size(), first.str(), rule.str(), train.size()));
    lesson.sample("A document, and what the rules make of it",
                  fmt::format("document: {}\nreference: {}\nfirst sentence: {}\nwhat it is: {}", test[0].source,
                              test[0].target, sentences[0], rules[0]));
    lesson.result("summaries_first_sentence_rouge_1", first.one);
    lesson.result("summaries_what_it_is_rouge_1", rule.one);
    lesson.result("summaries_what_it_is_rouge_2", rule.two);
    lesson.result("summaries_what_it_is_rouge_l", rule.l);

    lesson.section("Attention alone, and copying", "Text Summarization");
    if (lesson.quick()) train.resize(400), valid.resize(40), test.resize(24);
    lesson.text(
        "Both models have the same encoder, decoder and attention. The one has a softmax over the words that come "
        "often "
        "enough in summaries to be learnt, the other also $p_{gen}$ and the source's own words; and its decoder is "
        "shown what stands in the source where the word before stands, so that it can read on from there.");
    const Contestant plain = made(lesson, options.plain, train, valid, false),
                     copying = made(lesson, options.summariser, train, valid, true);
    PointerGenerator model = copying.summariser.model;
    lesson.show("Parameters", "name, shape, count\n" + parameter_table(model));
    DecodeOptions beam = recipe.decode, greedy = recipe.decode;
    greedy.beam_width = 1;
    if (lesson.quick()) beam.max_length = greedy.max_length = 8;
    const SummaryReport ours = judge(copying.summariser, test, beam), theirs = judge(plain.summariser, test, beam),
                        quickly = judge(copying.summariser, test, greedy);
    lesson::Table table{.caption = fmt::format(
                            "{} documents of the test set, ROUGE's F in percent; words in the document", test.size()),
                        .header = {"", "ROUGE-1", "ROUGE-2", "ROUGE-L", "in the document", "training"}};
    rows(table, "first sentence", ours.first_sentence, 1, "none");
    rows(table, "what it is", ours.what_it_is, 1, "none");
    rows(table, fmt::format("attention alone, beam {}", beam.beam_width), theirs.rouge, theirs.in_document,
         time_of(plain));
    rows(table, "copying, greedy", quickly.rouge, quickly.in_document, time_of(copying));
    rows(table, fmt::format("copying, beam {}", beam.beam_width), ours.rouge, ours.in_document, time_of(copying));
    lesson.table(table);
    lesson.text(fmt::format(
        "The packagers' own lines take {:.0f} % of their words from the document. Of the words that the copying model "
        "wrote, {:.0f} % were copied: it extracts and trims. {:.0f} % of its summaries have a word twice, "
        "{:.0f} % of the greedy ones: nothing keeps attention from going back to a place it has been to, and the beam "
        "only "
        "sees that the repetition is less probable in the end.",
        100 * ours.references_in_document, 100 * ours.copied, 100 * ours.repeating, 100 * quickly.repeating));
    if (!lesson.quick()) {
        lesson.check("copying beats the first sentence, by ROUGE-1 and ROUGE-L",
                     ours.rouge.one > first.one && ours.rouge.l > first.l);
        lesson.check("attention alone does not", theirs.rouge.one < first.one && theirs.rouge.l < first.l);
    }

    lesson.section("Why", "");
    show_sources(lesson, plain.summariser, copying.summariser, test, size_t(recipe.summariser.longest));
    show_examples(lesson, ours, theirs, test);
    const size_t middle = examples(ours.summaries, test)[1];
    if (!ours.summaries[middle].empty())
        show_copied(lesson, copying.summariser, {test[middle].source, ours.summaries[middle]});
    lesson.result("summaries_attention_alone_rouge_1", theirs.rouge.one);
    lesson.result("summaries_attention_alone_rouge_l", theirs.rouge.l);
    lesson.result("summaries_rouge_1", ours.rouge.one);
    lesson.result("summaries_rouge_2", ours.rouge.two);
    lesson.result("summaries_rouge_l", ours.rouge.l);
    lesson.result("summaries_copied", ours.copied);
}

}  // namespace unroll
