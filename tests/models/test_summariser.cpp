#include <cmath>

#include "models/lead.hpp"
#include "models/summariser.hpp"
#include "nn/checkpoint.hpp"
#include "tests/failure.hpp"
#include "tests/pooled.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;

namespace {

/// Names that no vocabulary has: what a document says of one must be copied.
const char* const names[] = {"Apfel", "birne",    "citron", "dattel", "erdbeere", "feige",
                             "guave", "himbeere", "ingwer", "jasmin", "kirsche",  "limone"};

std::vector<TextPair> pairs() {
    std::vector<TextPair> all;
    for (size_t i = 0; i < 12; i++) {
        all.push_back(
            {fmt::format("the tool {} reads mail . it is old", names[i]), fmt::format("mail tool {}", names[i])});
        all.push_back({fmt::format("{} reads web pages", names[i]), fmt::format("web tool {}", names[i])});
    }
    return all;
}

SummariserOptions small(bool copying = true) {
    return {.read_at_least = 3,
            .write_at_least = 3,
            .longest = 7,
            .model = {.copying = copying,
                      .selective_reading = copying,
                      .embedding_size = 16,
                      .encoder_size = 12,
                      .hidden_size = 24,
                      .dropout = 0.1,
                      .unknown_share = 0.05}};
}
const Training short_run{
    .steps = 150, .warm_up = 5, .learning_rate = 2e-2, .beta2 = 0.999, .max_norm = 2, .validate_every = 60};

Summariser make(uint64_t seed = 1, bool copying = true) {
    Generator gen(seed);
    return Summariser(pairs(), small(copying), gen);
}

std::vector<double> weights(Summariser& s) {
    std::vector<double> all;
    for (const Parameter& p : parameters(s.model))
        for (double v : p.value.to_vector()) all.push_back(v);
    return all;
}

Summariser trained(bool copying = true) {
    Summariser s = make(1, copying);
    const PairIds ids = s.ids(pairs());
    SummariserTrainer trainer(s.model, ids, ids, s.batches({.sentences = 8}), short_run);
    while (trainer.step()) {
    }
    return s;
}

}  // namespace

TEST_CASE("summariser: numbers of words, known and not") {
    const Summariser s = make();
    const auto& o = s.model.options();
    CHECK(o.unknown == 3);
    CHECK(o.written == 4 + 3);  // mail, tool, web
    const int32_t R = int32_t(o.vocabulary);
    const PairIds ids =
        s.ids({{"the zebra yak reads the Zebra", "zebra xenon mail reads pages yak"}, {"reads", "mail"}});
    const std::vector<int32_t>& d = ids.sources[0];
    CHECK(d[1] == R);  // in the order in which they come
    CHECK(d[2] == R + 1);
    CHECK(d[5] == R);
    CHECK(ids.targets[0][0] == R);
    CHECK(ids.targets[0][1] == 3);  // neither known nor there
    CHECK(ids.targets[0][2] < o.written);
    CHECK(ids.targets[0][3] == d[3]);  // read only, and there
    CHECK(ids.targets[0][4] == 3);     // read only, not there
    CHECK(ids.targets[0][5] == R + 1);
    CHECK(s.ids({{"a b c d e f g h i j", "x"}}).sources[0].size() == 7);  // cut
}

TEST_CASE("summariser: learns to copy what it has never seen, which attention alone cannot") {
    const Summariser copying = trained(), plain = trained(false);
    const std::vector<std::string> documents = {"the tool Quitte reads mail . it is old", "",
                                                "rhabarber reads web pages", " \t"};
    for (int64_t width : {1, 4}) {
        const DecodeOptions o{.max_length = 8, .beam_width = width};
        const std::vector<std::string> all = copying.summarise(documents, o);
        CHECK(all == std::vector<std::string>{"mail tool quitte", "", "web tool rhabarber", ""});
        for (size_t i = 0; i < documents.size(); i++) CHECK(copying.summarise({documents[i]}, o)[0] == all[i]);
        for (const std::string& summary : plain.summarise(documents, o)) {
            CHECK(summary.find("quitte") == std::string::npos);
            CHECK(summary.find("<unk>") == std::string::npos);
        }
    }
    CHECK(copying.summarise({"?!", "\xE2\x82\xAC \xCE\xA9"}, {.max_length = 8}).size() == 2);
    double sum = 0;
    const TextPair pair{"the tool Quitte reads mail . it is old", "mail tool quitte"};
    const auto scored = copying.score(pair);
    REQUIRE(scored.size() == 4);
    for (const auto& w : scored) sum += w.log_prob;
    CHECK(scored[2].copied == 1);  // it can't be generated
    CHECK(scored[3].word.empty());
    CHECK(scored[3].copied < 1e-6);
    const PairIds one = copying.ids({pair});
    CHECK(-sum / 4 == doctest::Approx(evaluate(copying.model, one, copying.batches({.sentences = 1}))).epsilon(1e-5));
    CHECK(plain.score(pair)[2].copied == 0);
    CHECK(plain.score(pair)[2].log_prob == -INFINITY);  // it has no way to say it
    CHECK(scored[2].known);
    CHECK_FALSE(copying.score({pair.source, "zebra"})[0].known);
    CHECK_FALSE(failure([&] { copying.score({"", "mail"}); }).empty());
}

TEST_CASE("summariser: the search's steps are what teacher forcing computes, whatever else is in the batch") {
    const Summariser s = trained();
    const PairIds ids =
        s.ids({{"the tool quitte reads mail", ""}, {"rhabarber reads", ""}, {"xylit xylit reads web", ""}});
    PairBatches batches(ids.sources, ids.targets, s.batches({.sentences = 3, .shuffle = false}));
    const PairBatches::Batch b = batches.next();
    const CopySource source{b.source, b.source_lengths};
    const int64_t W = s.model.options().vocabulary + 5;
    Tape searched(Tape::Mode::forward_only);
    const DecoderStep step = s.model.decoder_step(searched, source, W);
    const int32_t R = int32_t(s.model.options().vocabulary);
    step(Ids({1, 1, 1}), Ids({0, 1, 2}));
    step(Ids({4, R, 5, 6}), Ids({2, 0, 2, 1}));           // a beam's rows: sequences 2, 0, 2, 1
    const Tensor third = step(Ids({R, 3}), Ids({1, 2}));  // of rows 1 and 2: sequences 0 and 2
    Tape tape(Tape::Mode::forward_only);
    const auto encoded = s.model.encode(tape, source);
    States state = encoded.start;
    const Ids before({1, 1, 1, R, 4, 5, R, 4, 3}, {3, 3});
    const Tensor all = s.model.log_probabilities(encoded, s.model.decode(encoded, before, state), W);
    for (int64_t w = 0; w < W; w++) {
        const double a = all.at({2, 0, w}), c = all.at({2, 2, w});
        CHECK((third.at({0, w}) == a || third.at({0, w}) == doctest::Approx(a).epsilon(1e-4)));
        CHECK((third.at({1, w}) == c || third.at({1, w}) == doctest::Approx(c).epsilon(1e-4)));
    }
}

TEST_CASE("summariser: a run taken up from a checkpoint goes on with the same bits; loaded, it says the same") {
    const TemporaryFolder folder;
    Summariser whole = make();
    const PairIds ids = whole.ids(pairs());
    const PairBatchOptions batches = whole.batches({.sentences = 8});
    const double untrained = evaluate(whole.model, ids, batches);
    SummariserTrainer reference(whole.model, ids, ids, batches, short_run);
    while (reference.step()) {
    }
    CHECK(evaluate(whole.model, ids, batches) < 0.2 * untrained);
    for (int64_t stop : {0, 60, 77}) {
        Summariser first = make(), second = make(7);
        SummariserTrainer before(first.model, ids, ids, batches, short_run);
        while (before.steps_done() < stop) before.step();
        before.save(folder / "model");
        SummariserTrainer after(second.model, ids, ids, batches, short_run);
        after.resume(folder / "model");
        while (after.step()) {
        }
        CHECK(weights(second) == weights(whole));
        CHECK(after.history().back().train == reference.history().back().train);
    }
    whole.save_text(folder / "");
    reference.save(folder / "model", whole.configuration());
    const Summariser loaded = Summariser::load(folder / "");
    const std::vector<std::string> documents = {"the tool Quitte reads mail", "zimt reads web pages"};
    CHECK(loaded.summarise(documents, {.max_length = 9}) == whole.summarise(documents, {.max_length = 9}));
    Vocabulary({"a"}).save(folder / "words.vocabulary");
    CHECK(contains(error_of([&] { Summariser::load(folder / ""); }), "words.vocabulary: 1 pieces, the model has "));
    save_weights(folder / "model", whole.model);
    CHECK(contains(error_of([&] { Summariser::load(folder / ""); }), "no checkpoint of a summariser"));
}

TEST_CASE("summariser: input of every kind") {
    const Summariser s = make();
    std::string endless = "mail";
    for (int i = 0; i < 300; i++) endless += " mail quux";
    const std::vector<std::string> documents = {"xylit yak zorp", endless, "!", "mail"};
    const int64_t V = s.model.options().vocabulary;
    for (int64_t width : {int64_t{1}, V, 3 * V})  // wider than there are words
        for (const std::string& summary : s.summarise(documents, {.max_length = 4, .beam_width = width}))
            CHECK(simple_words(summary).size() <= 4);
    CHECK_FALSE(failure([&] { s.summarise(documents, {.beam_width = 0}); }).empty());
    CHECK(contains(error_of([&] { s.summarise({"a \xff"}); }), "not UTF-8"));
    Generator gen(1);
    CHECK_FALSE(failure([&] { Summariser({}, small(), gen); }).empty());
    CHECK_FALSE(failure([&] { Summariser({{"a", "b"}}, {.longest = 0}, gen); }).empty());
    Summariser one({{"a b c", "a"}}, {.read_at_least = 1, .write_at_least = 1, .model = small().model}, gen);
    const PairIds ids = one.ids({{"a b c", "a"}});
    Training training = short_run;
    training.steps = 9;
    int64_t allocations = 0;
    SummariserTrainer trainer(one.model, ids, ids, one.batches({.sentences = 48}), training);
    while (trainer.step()) {
        CHECK(std::isfinite(trainer.loss()));
        if (trainer.steps_done() == 4) allocations = memory_stats().heap_allocations;
        if (pooled() && trainer.steps_done() == 8) CHECK(memory_stats().heap_allocations == allocations);
    }
    CHECK(one.summarise({"a b c"}).size() == 1);
}

TEST_CASE("pointer-generator: misuse") {
    Generator gen(1);
    const auto made = [&](const PointerGeneratorOptions& o) { return failure([&] { PointerGenerator(o, gen); }); };
    CHECK(made({.vocabulary = 5, .written = 6}).find("vocabulary 5, written 6") != std::string::npos);
    CHECK(made({.vocabulary = 5, .written = 3, .unknown = 3}).find("unknown 3") != std::string::npos);
    const PointerGenerator model(
        {.vocabulary = 6, .written = 5, .embedding_size = 2, .encoder_size = 2, .hidden_size = 2}, gen);
    Tape tape;
    CHECK(failure([&] { model.encode(tape, {}); }).find("expected words [S, B]") != std::string::npos);
    CHECK(made({.vocabulary = 5, .written = 3, .dropout = 1.5}).find("dropout 1.5") != std::string::npos);
    CHECK(made({.vocabulary = 5, .written = 3, .unknown_share = 1.5}).find("unknown_share 1.5") != std::string::npos);
    const CopySource source{Ids({1, 2}, {2, 1}), {}};
    CHECK(failure([&] {
              model.loss(tape, source, {}, Ids({1}, {1, 1}), 0);
          }).find("the words before are not given") != std::string::npos);
    CHECK(failure([&] {
              model.loss(tape, source, Ids({1}, {1, 1}), Ids({1, 2}, {1, 2}), 0);
          }) == "PointerGenerator (HERE): targets [1, 2] for words before [1, 1]");
    CHECK(failure([&] {
              model.loss(tape, source, Ids({1}, {1, 1}), {}, 0);
          }) == "PointerGenerator (HERE): targets [] for words before [1, 1]");
    States none;
    CHECK(failure([&] {
              model.decode(model.encode(tape, source), Ids({1}, {1, 1}), none);
          }) == "PointerGenerator (HERE): there is no state to go on from: begin with the source's");
}

TEST_CASE("lead: the first sentence, and what it says a thing is") {
    CHECK(first_sentence("A b. C d. E") == "A b.");
    CHECK(first_sentence("Version 1.2 is out! Get it") == "Version 1.2 is out!");
    CHECK(first_sentence("no end") == "no end");
    CHECK(first_sentence("").empty());
    CHECK(first_sentence(".") == ".");
    CHECK(what_it_is("Foo-bar is a tool for X. More") == "tool for x");
    CHECK(what_it_is("Foo provides the A and the B") == "a and the b");
    CHECK(what_it_is("Is") == "");
    CHECK(what_it_is("One two three four five six seven is a b") == "b");
    CHECK(what_it_is("One two three four five six seven eight is a b") ==
          "one two three four five six seven eight is a b");
    CHECK(what_it_is("w is 1 2 3 4 5 6 7 8 9 10 11 12 13 14") == "1 2 3 4 5 6 7 8 9 10 11 12");
    CHECK(what_it_is("1 2 3 4 5 6 7 8 9 10 11 12 13") == "1 2 3 4 5 6 7 8 9 10 11 12");
    CHECK(what_it_is("Ünïcode").find("n") == 0);
    CHECK(what_it_is("").empty());
}
