#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "core/kernels/parallel.hpp"
#include "core/safetensors.hpp"
#include "models/language_model.hpp"
#include "models/language_model_trainer.hpp"
#include "models/sample.hpp"
#include "nn/checkpoint.hpp"
#include "tests/models/stumbling.hpp"
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

LanguageModel make() {
    Generator gen(5);
    return LanguageModel({.vocabulary = V, .embedding_size = 7, .hidden_size = 19}, gen);
}

const LanguageModelTraining short_run{
    .steps = 200, .batch = 6, .length = 9, .learning_rate = 1e-2, .validate_every = 50};

std::vector<double> weights(LanguageModel& model) {
    std::vector<double> all;
    for (const Parameter& p : parameters(model))
        for (double v : p.value.to_vector()) all.push_back(v);
    return all;
}

}  // namespace

TEST_CASE("language model: untrained it scores about ln V, trained much less") {
    const auto train = text_of(3000, V, 1), valid = text_of(500, V, 2);
    LanguageModel model = make();
    CHECK(evaluate(model, valid).nats == doctest::Approx(std::log(V)).epsilon(0.15));
    LanguageModelTrainer trainer(model, train, valid, short_run);
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
    const LanguageModelTraining options{
        .steps = 200, .batch = 24, .length = 24, .learning_rate = 1e-2, .validate_every = 100};
    const int before = kernels::threads();
    for (DType dtype : {DType::f32, DType::f64}) {
        std::vector<double> expected;
        for (int threads : {1, 2, 3, 5}) {
            kernels::set_threads(threads);
            Generator gen(5);
            LanguageModel model(
                {.vocabulary = vocabulary, .embedding_size = 40, .hidden_size = 48, .num_layers = 2, .dtype = dtype},
                gen);
            LanguageModelTrainer trainer(model, train, valid, options);
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
    LanguageModel model = make();
    LanguageModelTraining options = short_run;
    options.steps = 1100, options.validate_every = 100000;
    LanguageModelTrainer trainer(model, train, valid, options);
    for (int i = 0; i < 90; i++) trainer.step();  // more than one pass over the text
    const MemoryStats before = memory_stats();
    for (int i = 0; i < 1000; i++) trainer.step();
    if (pooled()) CHECK(memory_stats().heap_allocations == before.heap_allocations);
    CHECK(memory_stats().live_bytes == before.live_bytes);
}

TEST_CASE("language model: a run taken up from a checkpoint goes on with the same bits") {
    const TemporaryFolder folder;
    const auto train = text_of(3000, V, 1), valid = text_of(300, V, 2);
    LanguageModel whole = make(), parts = make();
    LanguageModelTrainer reference(whole, train, valid, short_run);
    while (reference.step()) {
    }
    for (int64_t stop : {0, 1, 49, 50, 137, 200}) {
        LanguageModel fresh = make();
        LanguageModelTrainer first(fresh, train, valid, short_run);
        while (first.steps_done() < stop) first.step();
        first.save(folder / "run");
        Generator other(99);
        LanguageModel restored({.vocabulary = V, .embedding_size = 7, .hidden_size = 19}, other);
        LanguageModelTrainer second(restored, train, valid, short_run);
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

TEST_CASE("language model: a step that fails is taken again, with the same bits") {
    const auto train = text_of(3000, V, 1), valid = text_of(300, V, 2);
    LanguageModel steady = make(), stumbling = make();
    LanguageModelTrainer reference(steady, train, valid, short_run), trainer(stumbling, train, valid, short_run);
    while (reference.steps_done() < 60) reference.step();
    train_stumbling(trainer, stumbling.out.b.value, 60);
    CHECK(weights(stumbling) == weights(steady));
}

TEST_CASE("language model: a checkpoint of another run is refused, and what differs is named") {
    const TemporaryFolder folder;
    const auto train = text_of(3000, V, 1), valid = text_of(300, V, 2);
    LanguageModel model = make();
    LanguageModelTrainer trainer(model, train, valid, short_run);
    trainer.step();
    trainer.save(folder / "run");
    LanguageModelTraining other = short_run;
    other.batch = 5;
    LanguageModelTrainer differently(model, train, valid, other);
    CHECK(contains(error_of([&] { differently.resume(folder / "run"); }), "its training is \"200 steps of 6 x 9"));
    Generator gen(1);
    LanguageModel larger({.vocabulary = V, .embedding_size = 7, .hidden_size = 20}, gen);
    LanguageModelTrainer of_larger(larger, train, valid, short_run);
    CHECK(contains(error_of([&] { of_larger.resume(folder / "run"); }), "its model is \"LanguageModel("));
    auto another_train = train, another_valid = valid;  // as long
    std::swap(another_train[7], another_train[9]);
    another_valid[3] = (another_valid[3] + 1) % V;
    LanguageModelTrainer on_other(model, another_train, valid, short_run),
        by_other(model, train, another_valid, short_run);
    CHECK(contains(error_of([&] { on_other.resume(folder / "run"); }), "its text is \"3000 tokens"));
    CHECK(contains(error_of([&] { by_other.resume(folder / "run"); }), "its text is \"3000 tokens"));
    const SafeTensors whole = load_safetensors(folder / "run");
    for (const char* name : {"configuration:text", "configuration:model"}) {
        SafeTensors file = whole;
        file.metadata.erase(name);
        save_safetensors(folder / "run", file);
        CHECK(contains(error_of([&] { trainer.resume(folder / "run"); }), "run: a checkpoint of another run: its "));
    }
    for (const char* name : {"number:done", "number:position", "number:best", "tensor:state h", "tensor:history"}) {
        SafeTensors file = whole;
        file.tensors.erase(name);
        save_safetensors(folder / "run", file);
        CAPTURE(name);
        CHECK(contains(error_of([&] { trainer.resume(folder / "run"); }), std::string("run: there is no ") + name));
    }
    folder.write("run", "");
    CHECK(contains(error_of([&] { trainer.resume(folder / "run"); }), "run: "));
}

TEST_CASE("language model: errors name the line that called") {
    const LanguageModel model = make();
    Tape tape;
    const auto loss = [&](int32_t input, int32_t target) {
        return error_of([&] { model.loss(tape, Ids({input}, {1, 1}), Ids({target}, {1, 1}), {}); });
    };
    CHECK(loss(1, 1).empty());
    CHECK(contains(loss(V, 1), "(test_language_model.cpp:"));
    CHECK(contains(loss(1, V), "(test_language_model.cpp:"));
    CHECK(contains(error_of([&] { evaluate(model, {1, V}); }), "(test_language_model.cpp:"));
    CHECK(contains(error_of([&] { evaluate(model, {1}); }), "(test_language_model.cpp:"));
    CHECK(contains(error_of([&] { surprisals(model, {V, 1}); }), "(test_language_model.cpp:"));
    Generator gen(1);
    CHECK(contains(error_of([&] { LanguageModel({.vocabulary = 0}, gen); }), "(test_language_model.cpp:"));
}

TEST_CASE("language model: early stopping") {
    const auto train = text_of(3000, V, 1), valid = text_of(100, V, 7);
    LanguageModel model = make();
    LanguageModelTraining options = short_run;
    options.steps = 5000, options.validate_every = 5, options.learning_rate = 1, options.patience = 3;
    LanguageModelTrainer trainer(model, train, valid, options);
    while (trainer.step()) {
    }
    CHECK(trainer.steps_done() < 5000);
}

TEST_CASE("language model: sampling") {
    const LanguageModel model = make();
    const std::vector<int32_t> prompt = {0, 1, 2};
    Generator a(1), b(1), c(2);
    const std::vector<int32_t> drawn = sample(model, prompt, {.length = 50}, a);
    CHECK(drawn.size() == 50);
    CHECK(sample(model, prompt, {.length = 50}, b) == drawn);
    CHECK(sample(model, prompt, {.length = 50}, c) != drawn);
    const std::vector<int32_t> greedy = sample(model, prompt, {.length = 50, .temperature = 0}, a);
    CHECK(sample(model, prompt, {.length = 50, .top_k = 1}, c) == greedy);
    CHECK(sample(model, prompt, {.length = 50, .top_p = 1e-9}, c) == greedy);
    CHECK(sample(model, prompt, {.length = 50, .temperature = 1e-9}, c) == greedy);
    // The table of all words' projections changes nothing: V is 11, so lengths up to 2 go without it.
    CHECK(sample(model, prompt, {.length = 2, .temperature = 0}, c) ==
          std::vector<int32_t>(greedy.begin(), greedy.begin() + 2));
    const std::vector<int32_t> without = sample(model, prompt, {.length = 200, .never = drawn[0]}, a);
    CHECK(std::count(without.begin(), without.end(), drawn[0]) == 0);
    CHECK(sample(model, prompt, {.length = 0}, a).empty());
    CHECK(contains(error_of([&] { sample(model, {}, {}, a); }), "the prompt is empty"));
    CHECK(contains(error_of([&] { sample(model, prompt, {.length = 0, .temperature = -1}, a); }), "temperature -1"));
    CHECK(contains(error_of([&] { sample(model, prompt, {.temperature = NAN}, a); }), "temperature nan"));
    CHECK(contains(error_of([&] { sample(model, prompt, {.top_p = 0}, a); }), "top_p 0"));
    CHECK(contains(error_of([&] { sample(model, prompt, {.top_k = -1}, a); }), "top_k -1"));
    CHECK(contains(error_of([&] { sample(model, {V}, {}, a); }), "not a row of"));
}

TEST_CASE("sampling: temperature, top-k and nucleus by hand") {
    const Tensor scores = Tensor::of({std::log(1.0), std::log(4.0), std::log(2.0), std::log(1.0)}, DType::f64);
    const auto expect = [&](const SampleOptions& options, const std::vector<double>& expected) {
        const std::vector<double> p = sampling_distribution(scores, options);
        for (size_t i = 0; i < 4; i++) CHECK(p[i] == doctest::Approx(expected[i]).epsilon(1e-12));
    };
    expect({}, {0.125, 0.5, 0.25, 0.125});
    expect({.temperature = 0.5}, {1 / 22., 16 / 22., 4 / 22., 1 / 22.});
    expect({.temperature = 0}, {0, 1, 0, 0});
    expect({.top_k = 2}, {0, 2 / 3., 1 / 3., 0});
    expect({.top_k = 3}, {1 / 7., 4 / 7., 2 / 7., 0});  // of equals the first
    expect({.top_p = 0.5}, {0, 1, 0, 0});
    expect({.top_p = 0.51}, {0, 2 / 3., 1 / 3., 0});
    expect({.top_p = 0.76}, {1 / 7., 4 / 7., 2 / 7., 0});
    expect({.top_k = 2, .top_p = 0.6}, {0, 1, 0, 0});  // 2/3 of what top_k left
    expect({.never = 1}, {0.25, 0, 0.5, 0.25});
    CHECK(contains(error_of([&] { sampling_distribution(Tensor::of({1.0}), {.never = 0}); }), "no token to draw"));
    CHECK(contains(error_of([&] { sampling_distribution(Tensor::of({1.0, double(NAN), 2.0}), {}); }), "NaN"));
    CHECK(contains(error_of([&] { sampling_distribution(Tensor::of({1.0, double(INFINITY)}), {}); }), "infinite"));
    CHECK(contains(error_of([&] { sampling_distribution(Tensor::of({-INFINITY, -INFINITY}), {}); }), "infinite"));
    CHECK(sampling_distribution(Tensor::of({3.0}), {}) == std::vector<double>{1});  // a vocabulary of one
    // Drawn as often as it says.
    LanguageModel model = make();
    for (const Parameter& p : parameters(model)) Tensor(p.value).fill(0);
    for (int i = 0; i < 4; i++) model.out.b.value.set_flat(i, scores.flat(i));
    for (int64_t i = 4; i < V; i++) model.out.b.value.set_flat(i, -INFINITY);
    Generator gen(3);
    std::vector<double> count(V);
    for (int32_t token : sample(model, {0}, {.length = 8000}, gen)) count[static_cast<size_t>(token)] += 1 / 8000.0;
    for (size_t i = 0; i < 4; i++)
        CHECK(count[i] == doctest::Approx(std::exp(scores.flat(static_cast<int64_t>(i))) / 8).epsilon(0.08));
}

TEST_CASE("language model: a sentence's words are scored as the text is, and the chain rule holds") {
    const LanguageModel model = make();
    const auto text = text_of(300, V, 3);
    const std::vector<double> each = surprisals(model, text);
    REQUIRE(each.size() == 299);
    double sum = 0;
    for (double nats : each) sum += nats;
    for (int64_t n : {2, 12, 300, 1500}) {  // what is short is read in one stream: exact
        const std::vector<int32_t> begin = text_of(n, V, 3);
        const std::vector<double> nats = surprisals(model, begin);
        CHECK(evaluate(model, begin).nats ==
              doctest::Approx(std::accumulate(nats.begin(), nats.end(), 0.0) / double(n - 1)).epsilon(1e-6));
    }
    CHECK(surprisals(model, {text[0], text[1]})[0] == doctest::Approx(each[0]).epsilon(1e-6));
    Tape tape(Tape::Mode::forward_only);
    const int64_t n = 299;
    const Ids inputs(std::vector<int32_t>(text.begin(), text.end() - 1), {n, 1});
    const Ids targets(std::vector<int32_t>(text.begin() + 1, text.end()), {n, 1});
    CHECK(model.loss(tape, inputs, targets, {}).loss.item() == doctest::Approx(sum / 299).epsilon(1e-6));
    CHECK(contains(error_of([&] { surprisals(model, {1}); }), "a text of 1 tokens"));
    // Of one token a vocabulary is never surprised.
    Generator gen(1);
    const LanguageModel sure({.vocabulary = 1, .embedding_size = 2, .hidden_size = 3}, gen);
    CHECK(evaluate(sure, {0, 0, 0, 0}).nats == 0);
    CHECK(surprisals(sure, {0, 0, 0}) == std::vector<double>{0, 0});
}

TEST_CASE("language model: tied weights are one matrix, in training, in files and after a change of type") {
    const TemporaryFolder folder;
    const auto train = text_of(3000, V, 1), valid = text_of(300, V, 2);
    Generator gen(5), other(6);
    const LanguageModelOptions options{.vocabulary = V, .embedding_size = 12, .hidden_size = 12, .tied = true};
    LanguageModel model(options, gen), loaded(options, other);
    CHECK(parameters(model).size() == 5);  // E, three of the RNN, b
    LanguageModelTrainer trainer(model, train, valid, short_run);
    while (trainer.step()) {
    }
    CHECK(trainer.best() < 1.6);
    CHECK(model.out.W.value.same_numbers(model.embedding.E.value));
    save_weights(folder / "weights", model);
    load_weights(folder / "weights", loaded);
    CHECK(evaluate(loaded, valid).nats == evaluate(model, valid).nats);
    model.to(DType::f64);
    CHECK(model.out.W.value.same_numbers(model.embedding.E.value));
    CHECK(contains(
        error_of([&] { LanguageModel({.vocabulary = V, .embedding_size = 3, .hidden_size = 4, .tied = true}, gen); }),
        "embedding_size 3 and hidden_size 4 must be equal"));
}

TEST_CASE(
    "language model: dropout, plain SGD and a rate that falls where validation is no better; resumed with the same "
    "bits") {
    const TemporaryFolder folder;
    const auto train = text_of(3000, V, 1), valid = text_of(300, V, 2);
    const LanguageModelOptions options{.vocabulary = V,
                                       .cell = CellKind::lstm,
                                       .embedding_size = 9,
                                       .hidden_size = 9,
                                       .num_layers = 2,
                                       .tied = true,
                                       .dropout = 0.2};
    LanguageModelTraining training = short_run;
    training.sgd = true, training.learning_rate = 8, training.decay = 0.25, training.validate_every = 10;
    training.patience = 100;
    for (bool variational : {false, true}) {
        LanguageModelOptions o = options;
        o.variational = variational;
        Generator gen(5), again(99);
        LanguageModel model(o, gen), parts(o, again);
        LanguageModelTrainer whole(model, train, valid, training), first(parts, train, valid, training);
        while (whole.step()) {
        }
        CHECK(whole.best() < 2.3);
        CHECK(evaluate(model, valid).nats == evaluate(model, valid).nats);  // no dropout
        Generator fresh(5);
        LanguageModel start(o, fresh);
        LanguageModelTrainer begun(start, train, valid, training);
        for (int i = 0; i < 113; i++) begun.step();
        begun.save(folder / "run");
        first.resume(folder / "run");
        while (first.step()) {
        }
        CHECK(weights(parts) == weights(model));
        CHECK(first.history().back().train == whole.history().back().train);
        // The rate is what the validations make of it.
        double lr = 8, best = INFINITY;
        for (const auto& v : whole.history()) {
            if (!(v.valid < best)) lr *= 0.25;
            best = std::min(best, v.valid);
        }
        CHECK(whole.learning_rate() == doctest::Approx(lr).epsilon(1e-12));
        CHECK(lr < 8);
    }
    Generator gen(1);
    LanguageModel model(options, gen);
    training.decay = 1;
    CHECK(contains(error_of([&] { LanguageModelTrainer(model, train, valid, training); }), "decay 1"));
}
