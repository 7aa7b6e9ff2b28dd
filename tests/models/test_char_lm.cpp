#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "core/kernels/parallel.hpp"
#include "models/char_lm.hpp"
#include "models/char_lm_trainer.hpp"
#include "tests/pooled.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;

namespace {

std::vector<int32_t> text_of(int64_t n, int64_t vocabulary, uint64_t seed) {
    Generator gen(seed);
    std::vector<int32_t> text = {0};
    while (static_cast<int64_t>(text.size()) < n)  // something to learn: mostly the next in turn
        text.push_back(
            static_cast<int32_t>(gen.uniform() < 0.8 ? (text.back() + 1) % vocabulary : gen.below(vocabulary)));
    return text;
}

constexpr int64_t V = 11;

CharLm make() {
    Generator gen(5);
    return CharLm({.vocabulary = V, .embedding_size = 7, .hidden_size = 19}, gen);
}

const CharLmTraining short_run{.steps = 200, .batch = 6, .length = 9, .learning_rate = 1e-2, .validate_every = 50};

std::vector<double> weights(CharLm& model) {
    std::vector<double> all;
    for (const Parameter& p : parameters(model))
        for (double v : p.value.to_vector()) all.push_back(v);
    return all;
}

}  // namespace

TEST_CASE("language model: untrained it scores about ln V, trained much less") {
    const auto train = text_of(3000, V, 1), valid = text_of(500, V, 2);
    CharLm model = make();
    CHECK(evaluate(model, valid).nats == doctest::Approx(std::log(V)).epsilon(0.15));
    CharLmTrainer trainer(model, train, valid, short_run);
    while (trainer.step()) {
    }
    trainer.take_best();
    CHECK(trainer.steps_done() == 200);
    CHECK(trainer.history().size() == 4);
    CHECK(evaluate(model, valid).nats == doctest::Approx(trainer.best()).epsilon(1e-6));
    CHECK(trainer.best() < 1.4);  // the source's own entropy is about 1.0
    const TextScore s{std::log(8.0), 1};
    CHECK(s.bits() == doctest::Approx(3));
    CHECK(s.perplexity() == doctest::Approx(8));
}

TEST_CASE("language model: loss curves have the same bits for 1, 2, 3 and 5 threads, f32 and f64") {
    // Large enough for threads to share in each kind of operation.
    const int64_t vocabulary = 40;
    const auto train = text_of(30000, vocabulary, 1), valid = text_of(600, vocabulary, 2);
    const CharLmTraining options{.steps = 200, .batch = 24, .length = 24, .learning_rate = 1e-2, .validate_every = 100};
    const int before = kernels::threads();
    for (DType dtype : {DType::f32, DType::f64}) {
        std::vector<double> expected;
        for (int threads : {1, 2, 3, 5}) {
            kernels::set_threads(threads);
            Generator gen(5);
            CharLm model(
                {.vocabulary = vocabulary, .embedding_size = 40, .hidden_size = 48, .num_layers = 2, .dtype = dtype},
                gen);
            CharLmTrainer trainer(model, train, valid, options);
            std::vector<double> losses;
            while (trainer.step()) losses.push_back(trainer.loss());
            CHECK(losses.size() == 200);
            if (threads == 1) expected = losses;
            CHECK(losses == expected);
        }
    }
    kernels::set_threads(before);
}

TEST_CASE("language model: a training step's memory is constant, and nothing comes from the heap") {
    const auto train = text_of(3000, V, 1), valid = text_of(300, V, 2);
    CharLm model = make();
    CharLmTraining options = short_run;
    options.steps = 1100, options.validate_every = 100000;
    CharLmTrainer trainer(model, train, valid, options);
    for (int i = 0; i < 90; i++) trainer.step();  // more than one pass over the text
    const MemoryStats before = memory_stats();
    for (int i = 0; i < 1000; i++) trainer.step();
    if (pooled()) CHECK(memory_stats().heap_allocations == before.heap_allocations);
    CHECK(memory_stats().live_bytes == before.live_bytes);
}

TEST_CASE("language model: a run taken up from a checkpoint goes on with the same bits") {
    const TemporaryFolder folder;
    const auto train = text_of(3000, V, 1), valid = text_of(300, V, 2);
    CharLm whole = make(), parts = make();
    CharLmTrainer reference(whole, train, valid, short_run);
    while (reference.step()) {
    }
    for (int64_t stop : {0, 1, 49, 50, 137, 200}) {
        CharLm fresh = make();
        CharLmTrainer first(fresh, train, valid, short_run);
        while (first.steps_done() < stop) first.step();
        first.save(folder / "run");
        Generator other(99);
        CharLm restored({.vocabulary = V, .embedding_size = 7, .hidden_size = 19}, other);
        CharLmTrainer second(restored, train, valid, short_run);
        second.resume(folder / "run");
        while (second.step()) {
        }
        CHECK(weights(restored) == weights(whole));
        CHECK(second.best() == reference.best());
        CHECK(second.loss() == reference.loss());
        REQUIRE(second.history().size() == reference.history().size());
        CHECK(second.history().back().train == reference.history().back().train);
        second.take_best();
        CHECK(std::isfinite(evaluate(restored, valid).nats));
    }
}

TEST_CASE("language model: a checkpoint of another run is refused, and what differs is named") {
    const TemporaryFolder folder;
    const auto train = text_of(3000, V, 1), valid = text_of(300, V, 2);
    CharLm model = make();
    CharLmTrainer trainer(model, train, valid, short_run);
    trainer.step();
    trainer.save(folder / "run");
    CharLmTraining other = short_run;
    other.batch = 5;
    CharLmTrainer differently(model, train, valid, other);
    CHECK(contains(error_of([&] { differently.resume(folder / "run"); }), "its training is \"200 steps of 6 x 9"));
    Generator gen(1);
    CharLm larger({.vocabulary = V, .embedding_size = 7, .hidden_size = 20}, gen);
    CharLmTrainer of_larger(larger, train, valid, short_run);
    CHECK(contains(error_of([&] { of_larger.resume(folder / "run"); }), "its model is \"CharLm("));
    folder.write("run", "");
    CHECK(contains(error_of([&] { trainer.resume(folder / "run"); }), "run: "));
}

TEST_CASE("language model: early stopping") {
    const auto train = text_of(3000, V, 1), valid = text_of(100, V, 7);
    CharLm model = make();
    CharLmTraining options = short_run;
    options.steps = 5000, options.validate_every = 5, options.learning_rate = 1, options.patience = 3;
    CharLmTrainer trainer(model, train, valid, options);
    while (trainer.step()) {
    }
    CHECK(trainer.steps_done() < 5000);
}

TEST_CASE("language model: sampling") {
    const Vocabulary vocabulary = Vocabulary::of_characters(decode_utf8("abcdefghij", "x"));
    REQUIRE(vocabulary.size() == V);
    const CharLm model = make();
    Generator a(1), b(1), c(2);
    const std::string drawn = sample(model, vocabulary, "abc", {.length = 50}, a);
    CHECK(decode_utf8(drawn, "x").size() == 50);
    CHECK(sample(model, vocabulary, "abc", {.length = 50}, b) == drawn);
    CHECK(sample(model, vocabulary, "abc", {.length = 50}, c) != drawn);
    const std::string greedy = sample(model, vocabulary, "abc", {.length = 50, .temperature = 0}, a);
    CHECK(sample(model, vocabulary, "abc", {.length = 50, .top_k = 1}, c) == greedy);
    CHECK(sample(model, vocabulary, "abc", {.length = 50, .temperature = 1e-9}, c) == greedy);
    CHECK(sample(model, vocabulary, "abc", {.length = 0}, a).empty());
    CHECK(contains(error_of([&] { sample(model, vocabulary, "", {}, a); }), "the prompt is empty"));
    CHECK(contains(error_of([&] { sample(model, vocabulary, "a", {.temperature = -1}, a); }), "temperature -1"));
    CHECK(contains(error_of([&] { sample(model, vocabulary, "a", {.temperature = NAN}, a); }), "temperature nan"));
}
