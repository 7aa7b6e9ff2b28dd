#include <cmath>
#include <numeric>

#include "core/safetensors.hpp"
#include "models/translator.hpp"
#include "tests/failure.hpp"
#include "tests/models/stumbling.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;

namespace {

/// Numbers in words, English and German: enough to learn something.
std::vector<TextPair> pairs() {
    const char* en[] = {"one", "two", "three", "four", "five"};
    const char* de[] = {"eins", "zwei", "drei", "vier", "fünf"};
    std::vector<TextPair> all;
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 5; j++) {
            all.push_back({fmt::format("{} and {}", en[i], en[j]), fmt::format("{} und {}", de[i], de[j])});
            all.push_back({fmt::format("NOT {}", en[j]), fmt::format("nicht {}", de[j])});
        }
    return all;
}

const TranslatorOptions small{.source_merges = 20,
                              .target_merges = 20,
                              .model = {.embedding_size = 16,
                                        .encoder_size = 12,
                                        .bidirectional = true,
                                        .hidden_size = 16,
                                        .input_feeding = true,
                                        .memory_embedding = true,
                                        .source_forms = 1,
                                        .tied = true,
                                        .dropout = 0.1}};
const Seq2SeqTraining short_run{
    .steps = 60, .warm_up = 5, .learning_rate = 2e-2, .label_smoothing = 0.1, .validate_every = 25};

Translator make(uint64_t seed = 1) {
    Generator gen(seed);
    return Translator(pairs(), small, gen);
}

std::vector<double> weights(Translator& t) {
    std::vector<double> all;
    for (const Parameter& p : parameters(t.model))
        for (double v : p.value.to_vector()) all.push_back(v);
    return all;
}

}  // namespace

TEST_CASE("translator: a run taken up from a checkpoint goes on with the same bits, and learns") {
    const TemporaryFolder folder;
    Translator whole = make();
    const PairIds ids = whole.ids(pairs());
    const PairBatchOptions batches = whole.batches({.tokens = 60});
    const double untrained = evaluate(whole.model, ids, batches);
    Seq2SeqTrainer reference(whole.model, ids, ids, batches, short_run);
    while (reference.step()) {
    }
    CHECK(evaluate(whole.model, ids, batches) < 0.5 * untrained);
    CHECK(reference.history().size() == 3);
    CHECK(reference.history().back().valid == doctest::Approx(evaluate(whole.model, ids, batches)));
    for (int64_t stop : {0, 1, 25, 37, 60}) {
        Translator first = make(), second = make(7);
        Seq2SeqTrainer before(first.model, ids, ids, batches, short_run);
        while (before.steps_done() < stop) before.step();
        before.save(folder / "model");
        Seq2SeqTrainer after(second.model, ids, ids, batches, short_run);
        after.resume(folder / "model");
        CHECK(after.steps_done() == stop);
        while (after.step()) {
        }
        CHECK(weights(second) == weights(whole));
        CHECK(after.loss() == reference.loss());
        CHECK(after.words() == reference.words());
        REQUIRE(after.history().size() == 3);
        CHECK(after.history().back().train == reference.history().back().train);
    }
    Seq2SeqTraining other = short_run;
    other.warm_up = 6;
    Seq2SeqTrainer differently(whole.model, ids, ids, batches, other);
    CHECK(contains(error_of([&] { differently.resume(folder / "model"); }), "warm-up 5"));
    PairIds same_size = ids;
    std::swap(same_size.targets[0], same_size.targets[1]);
    Seq2SeqTrainer on_other(whole.model, same_size, ids, batches, short_run);
    CHECK(contains(error_of([&] { on_other.resume(folder / "model"); }), "its pairs is \"50 to learn from"));
    Seq2SeqTrainer by_other(whole.model, ids, same_size, batches, short_run);
    CHECK(contains(error_of([&] { by_other.resume(folder / "model"); }), "its pairs is \"50 to learn from"));
    for (const auto change : {+[](PairBatchOptions& o) { o.shuffle = false; }, +[](PairBatchOptions& o) { o.bos++; }}) {
        PairBatchOptions o = batches;
        change(o);
        Seq2SeqTrainer otherwise(whole.model, ids, ids, o, short_run);
        CHECK(contains(error_of([&] { otherwise.resume(folder / "model"); }), "its batches is"));
    }
    const SafeTensors saved = load_safetensors(folder / "model");
    for (const char* name : {"number:done", "number:words", "number:sum", "tensor:history"}) {
        SafeTensors file = saved;
        file.tensors.erase(name);
        save_safetensors(folder / "model", file);
        CHECK(contains(error_of([&] { reference.resume(folder / "model"); }), std::string("there is no ") + name));
    }
}

TEST_CASE("translator: a step that fails is taken again, with the same bits") {
    Translator steady = make(), stumbling = make();
    const PairIds ids = steady.ids(pairs());
    const PairBatchOptions batches = steady.batches({.tokens = 60});
    Seq2SeqTrainer reference(steady.model, ids, ids, batches, short_run);
    Seq2SeqTrainer trainer(stumbling.model, ids, ids, batches, short_run);
    while (reference.steps_done() < 20) reference.step();
    train_stumbling(trainer, stumbling.model.out.b.value, 20);
    CHECK(weights(stumbling) == weights(steady));
    CHECK(trainer.words() == reference.words());
}

TEST_CASE("translator: loaded from its folder it says the same") {
    const TemporaryFolder folder;
    Translator made = make();
    const PairIds ids = made.ids(pairs());
    Seq2SeqTrainer trainer(made.model, ids, ids, made.batches({.tokens = 60}), short_run);
    while (trainer.step()) {
    }
    made.save_text(folder / "");
    trainer.save(folder / "model", made.configuration());
    const Translator loaded = Translator::load(folder / "");
    const std::vector<std::string> lines = {"two and five", "", "NOT three", "not three", "Ω€ one", "one"};
    for (int64_t width : {1, 3}) {
        const auto all = made.translate(lines, {.beam_width = width});
        CHECK(loaded.translate(lines, {.beam_width = width}) == all);
        CHECK(all[1].empty());
        CHECK(all[2] != all[3]);  // the forms tell capitals
        for (size_t i = 0; i < lines.size(); i++) CHECK(made.translate({lines[i]}, {.beam_width = width})[0] == all[i]);
    }
    const auto scored = loaded.score({"two and five", "zwei und fünf"});
    double sum = 0;
    for (const auto& s : scored) {
        sum += s.log_prob;
        CHECK(s.weights.size() == loaded.source_pieces("two and five").size());
        CHECK(std::accumulate(s.weights.begin(), s.weights.end(), 0.0) == doctest::Approx(1));
    }
    CHECK(scored.back().piece.empty());
    const PairIds one = loaded.ids({{"two and five", "zwei und fünf"}});
    CHECK(-sum / static_cast<double>(scored.size()) ==
          doctest::Approx(evaluate(loaded.model, one, loaded.batches({.sentences = 1}))).epsilon(1e-5));
    CHECK(loaded.score({"x", ""}).size() == 1);
    CHECK(loaded.ids({{"one NOT One oNe", "x"}}).forms[0].size() == loaded.source_pieces("one not one one").size());
    const auto refused = [&] { return error_of([&] { Translator::load(folder / ""); }); };
    for (const auto& option : std::initializer_list<std::pair<const char*, const char*>>{{"hidden_size", "1e18"},
                                                                                         {"hidden_size", "1e6"},
                                                                                         {"hidden_size", "128.7"},
                                                                                         {"hidden_size", "-1"},
                                                                                         {"dropout", "nan"},
                                                                                         {"score", "9"},
                                                                                         {"cell", "3"},
                                                                                         {"decoder", "3"},
                                                                                         {"dtype", "7"},
                                                                                         {"encoder_layers", "1e9"},
                                                                                         {"bidirectional", "2"},
                                                                                         {"embedding_size", "17"}}) {
        auto options = made.configuration();
        options[option.first] = option.second;
        trainer.save(folder / "model", options);
        CAPTURE(option.first);
        CAPTURE(option.second);
        CHECK(contains(refused(), "//model"));
    }
    trainer.save(folder / "model", made.configuration());
    const std::string vocabulary = content_of(folder / "target.vocabulary");
    Vocabulary({"a"}).save(folder / "target.vocabulary");
    CHECK(contains(refused(), "target.vocabulary: 1 pieces, the model has "));
    std::vector<std::string> unspecial;
    for (int i = 0; i < made.model.options().target_vocabulary; i++) unspecial.push_back(std::to_string(i));
    Vocabulary(unspecial).save(folder / "target.vocabulary");
    CHECK(contains(refused(), "target.vocabulary: without <pad>, <bos>, <eos> or <unk>"));
    folder.write("target.vocabulary", vocabulary.substr(0, vocabulary.size() / 2));
    CHECK(contains(refused(), "target.vocabulary: "));
    folder.write("model", "");
    CHECK_FALSE(error_of([&] { Translator::load(folder / ""); }).empty());
}

TEST_CASE("translator: forms of pieces") {
    Generator gen(1);
    const Translator t({{"ab cd ef", "x y"}, {"ab cd", "x"}},
                       {.source_merges = 5, .target_merges = 1, .model = small.model}, gen);
    const auto forms = [&](const std::string& line) { return t.ids({{line, "x"}}).forms[0]; };
    CHECK(forms("ab cd") == std::vector<int32_t>{0, 0});
    CHECK(forms("Ab CD") == std::vector<int32_t>{1, 2});
    CHECK(forms("aB cD") == std::vector<int32_t>{3, 3});
    const auto mixed = forms("Ω AB");  // its two bytes behind a space, and a word
    CHECK(mixed.back() == 2);
}

TEST_CASE("translator: a line is translated the same whatever else is in the call; what it has never seen, too") {
    Translator t = make();
    t.model.out.b.value.set_flat(2, -50);  // it never ends by itself
    std::string endless = "one";
    for (int i = 0; i < 60; i++) endless += " and five";
    const std::vector<std::string> lines = {"one", endless, "\u03a9\u20ac \u2192",
                                            "NOT two"};  // longer than any; all unknown
    for (int64_t width : {1, 3}) {
        const auto all = t.translate(lines, {.max_length = 80, .beam_width = width});
        for (size_t i = 0; i < lines.size(); i++) {
            CHECK(t.translate({lines[i]}, {.max_length = 80, .beam_width = width})[0] == all[i]);
            CHECK(t.score({lines[i], all[i]}).back().piece.empty());
        }
    }
}

TEST_CASE("translator: errors name the line that called") {
    const Translator t = make();
    CHECK(contains(failure([&] { t.score({"", "eins"}); }), "(HERE)"));
    CHECK(contains(failure([&] { t.translate({"one"}, {.beam_width = 0}); }), "(HERE)"));
    CHECK(contains(failure([&] { t.translate({"one"}, {.max_length = 0, .beam_width = 1}); }), "(HERE)"));
    Tape tape;
    const Ids words({4, 5}, {2, 1}), wrong({4, 500}, {2, 1});
    const Ids forms({0, 0}, {2, 1});
    const auto loss = [&](const Ids& before, const Ids& targets) {
        return failure([&] { t.model.loss(tape, {.words = words, .forms = forms}, before, targets, {}); });
    };
    CHECK(loss(words, words).empty());
    CHECK(contains(loss(wrong, words), "(HERE)"));
    CHECK(contains(loss(words, wrong), "(HERE)"));
}
