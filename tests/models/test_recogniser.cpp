#include <doctest/doctest.h>

#include <cmath>

#include "core/gradcheck.hpp"
#include "models/recogniser_trainer.hpp"
#include "nn/checkpoint.hpp"
#include "nn/prefix_beam.hpp"
#include "tests/core/numbers.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;

namespace {

const RecogniserOptions small = {
    .input_size = 3, .hidden_size = 2, .num_layers = 2, .labels = 3, .dropout = 0.2, .dtype = DType::f64};

Tensor random_features(int64_t T, uint64_t seed, int64_t F = 3) {
    Tensor x = Tensor::empty({T, F});
    Generator gen(seed);
    gen.fill_normal(x, 0, 1);
    return x;
}
SpeechBatch small_batch() {
    return speech_batch({random_features(5, 1), random_features(2, 2), random_features(1, 3), random_features(3, 4)},
                        {{0, 2}, {1}, {2}, {}});
}
/// A task to be learnt in a moment: label k is a stretch of steps in which input k is high.
SpeechBatch task(int64_t step) {
    Generator gen(3, uint64_t(step));
    std::vector<Tensor> features;
    std::vector<std::vector<int>> labels;
    for (int b = 0; b < 8; b++) {
        std::vector<int> said;
        std::vector<double> x;
        for (int64_t i = 0, n = 1 + gen.below(3); i < n; i++) {
            said.push_back(int(gen.below(3)));
            for (int64_t t = 0; t < 3; t++)
                for (int k = 0; k < 3; k++) x.push_back((t < 2 && k == said.back()) + 0.1 * gen.normal());
        }
        Tensor one = Tensor::empty({int64_t(x.size()) / 3, 3});
        for (size_t i = 0; i < x.size(); i++) one.set_flat(int64_t(i), x[i]);
        features.push_back(one), labels.push_back(said);
    }
    return speech_batch(features, labels);
}

}  // namespace

TEST_CASE("Recogniser: gradients through both layers, both directions and CTC") {
    Generator gen(1);
    Recogniser model(small, gen);
    const SpeechBatch batch = small_batch();
    std::vector<Parameter> inputs = parameters(model);
    const GradCheck checked = gradcheck(inputs, [&](Tape& tape) {
        Generator dropout(5);  // the same mask at each call
        return std::vector<Var>{model.loss(tape, batch, &dropout)};
    });
    CAPTURE(checked.row("recogniser"));
    CHECK(checked.passed());
}

TEST_CASE("Recogniser: a recording in a batch is heard as it is alone") {
    Generator gen(1);
    const Recogniser model(small, gen);
    std::vector<Tensor> all;
    for (const int64_t T : {5, 1, 3}) all.push_back(random_features(T, uint64_t(T)));
    const std::vector<Tensor> together = model.log_probs(all);
    for (size_t i = 0; i < all.size(); i++) {
        CHECK(together[i].shape() == Shape{all[i].dim(0), 4});
        check_close(together[i], model.log_probs({all[i]}).at(0), 1e-14);
        for (int64_t t = 0; t < all[i].dim(0); t++) {
            double sum = 0;
            for (int64_t k = 0; k < 4; k++) sum += std::exp(together[i].at({t, k}));
            CHECK(sum == doctest::Approx(1));
        }
    }
    Tape tape;
    const double loss = model.loss(tape, small_batch()).item();
    CHECK(std::isfinite(loss));
    CHECK(contains(error_of([&] { model.log_probs({}); }), "0 recordings"));
    CHECK(contains(error_of([&] { model.log_probs({random_features(2, 1, 4)}); }), "Recurrent"));
}

TEST_CASE("Recogniser: more labels than steps count nothing, and spoil nothing") {
    Generator gen(1);
    Recogniser model(small, gen);
    const auto loss_and_gradient = [&](const SpeechBatch& batch, Tensor& gradient) {
        Tape tape;
        const Var loss = model.loss(tape, batch);
        tape.backward(loss);
        gradient = tape.grad(model.out.W);
        return loss.item();
    };
    Tensor alone, both, only;
    const double good = loss_and_gradient(speech_batch({random_features(5, 1)}, {{0, 2}}), alone);
    const double with =
        loss_and_gradient(speech_batch({random_features(5, 1), random_features(2, 2)}, {{0, 2}, {1, 1}}), both);
    CHECK(with == doctest::Approx(good / 2));
    for (int64_t i = 0; i < both.size(); i++) CHECK(both.flat(i) == doctest::Approx(alone.flat(i) / 2));
    CHECK(loss_and_gradient(speech_batch({random_features(1, 2)}, {{1, 2}}), only) == 0);
    for (const double g : only.to_vector()) CHECK(g == 0);
}

TEST_CASE("RecogniserTrainer: learns, and goes on from a checkpoint with the same bits") {
    const Training options{
        .steps = 120, .warm_up = 10, .learning_rate = 0.02, .beta2 = 0.999, .max_norm = 2, .validate_every = 50};
    RecogniserOptions o = small;
    o.hidden_size = 12, o.dtype = DType::f32;
    const TemporaryFolder folder;
    Generator gen(1);
    Recogniser whole(o, gen);
    RecogniserTrainer trainer(whole, task, {task(-1), task(-2)}, options);
    while (trainer.step())
        if (trainer.steps_done() == 33) trainer.save(folder / "model", {{"source", "one"}});
    CHECK(trainer.history().size() == 3);
    CHECK(trainer.history().back().valid < 0.3);
    const SpeechBatch unseen = task(-3);
    Tape tape(Tape::Mode::forward_only);
    CHECK(whole.loss(tape, unseen).item() < 0.3);

    Recogniser again = Recogniser::load(folder / "model");
    RecogniserTrainer second(again, task, {task(-1), task(-2)}, options);
    second.resume(folder / "model", {{"source", "one"}});
    CHECK(second.steps_done() == 33);
    while (second.step()) {
    }
    trainer.save(folder / "a", {{"source", "one"}});
    second.save(folder / "b", {{"source", "one"}});
    CHECK(content_of(folder / "a") == content_of(folder / "b"));

    // Recognised by both decoders.
    const std::vector<Tensor> y =
        whole.log_probs({Tensor::of({{1, 0, 0}, {1, 0, 0}, {0, 0, 0}, {0, 0, 1}, {0, 0, 1}, {0, 0, 0}})});
    CHECK(best_path(y[0]) == std::vector<int32_t>{1, 3});
    CHECK(prefix_beam(y[0])[0].labels == std::vector<int32_t>{1, 3});

    CHECK(contains(error_of([&] { second.resume(folder / "model", {{"source", "two"}}); }), "source"));
    Training other = options;
    other.steps = 121;
    RecogniserTrainer third(again, task, {task(-1)}, other);
    CHECK(contains(error_of([&] { third.resume(folder / "model", {{"source", "one"}}); }), "training"));
}

TEST_CASE("Recogniser and RecogniserTrainer: misuse, and files of other things") {
    Generator gen(1);
    CHECK(contains(error_of([&] { Recogniser({.hidden_size = 0}, gen); }), "hidden_size 0"));
    Recogniser model(small, gen);
    CHECK(contains(error_of([&] { RecogniserTrainer(model, task, {}, {}); }), "0 batches to validate with"));
    const TemporaryFolder folder;
    CHECK(contains(error_of([&] { Recogniser::load(folder / "nothing"); }), "nothing: "));
    save_weights(folder / "weights", model);
    CHECK(contains(error_of([&] { Recogniser::load(folder / "weights"); }), "no checkpoint of a recogniser"));
    // Says that it has 4096 units: no memory is given for them.
    RecogniserTrainer trainer(model, task, {task(-1)}, {});
    trainer.save(folder / "huge", {{"hidden_size", "4096"}});
    CHECK(contains(error_of([&] { Recogniser::load(folder / "huge"); }), "huge: its model would be far larger"));
}
