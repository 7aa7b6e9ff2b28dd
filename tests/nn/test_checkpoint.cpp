#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "core/ops/dropout.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/losses.hpp"
#include "core/ops/shape.hpp"
#include "core/safetensors.hpp"
#include "nn/checkpoint.hpp"
#include "nn/clip.hpp"
#include "nn/embedding.hpp"
#include "nn/linear.hpp"
#include "nn/optim.hpp"
#include "nn/schedule.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;

namespace {

/// A recurrent classifier of the next character, small enough to write out.
struct Model : Module {
    explicit Model(Generator& gen, int64_t hidden_size = 6, DType dtype = DType::f32)
        : embedding({.vocabulary = 5, .embedding_size = 4, .dtype = dtype}, gen),
          cell({.in = 4 + hidden_size, .out = hidden_size, .dtype = dtype}, gen),
          out({.in = hidden_size, .out = 5, .dtype = dtype}, gen) {}
    void visit(Visitor& v) override {
        v("embedding", embedding);
        v("cell", cell);
        v("out", out);
    }
    std::string pretty() const override { return "Model"; }
    Embedding embedding;
    Linear cell, out;
};

/// Everything a training run consists of; train() is truncated BPTT with dropout, clipping and a falling rate.
struct Run {
    explicit Run(uint64_t seed, DType dtype = DType::f32)
        : gen(seed), model(gen, 6, dtype), adam(parameters(model), {.lr = 0.02}), h(Tensor::zeros({3, 6}, dtype)) {}

    void train(int64_t until) {
        for (; step < until; step++) {
            Tape tape;
            Var state = tape.constant(h);
            std::vector<Var> logits;
            std::vector<int32_t> targets;
            for (int64_t t = 0; t < 4; t++) {
                std::vector<int32_t> ids;
                for (int64_t b = 0; b < 3; b++) ids.push_back(static_cast<int32_t>((step * 4 + t + b) % 5));
                for (int32_t id : ids) targets.push_back((id * 2 + 1) % 5);
                const Var x = model.embedding(tape, Ids(ids));
                state = tanh(model.cell(concat(state, dropout(x, 0.3, gen))));
                logits.push_back(model.out(state));
            }
            const Var loss = cross_entropy(stack(logits), Ids(targets, Shape{4, 3}));
            tape.backward(loss);
            clip_grad_norm(tape, adam.parameters(), 0.5);
            adam.set_lr(0.02 * linear_tail(step, 40));
            adam.step(tape);
            h = state.value().clone();
            best = std::min(best, loss.item());
        }
    }
    void save(const std::string& path) {
        save_checkpoint(path, model, adam, gen,
                        {.numbers = {{"step", static_cast<double>(step)}, {"best", best}},
                         .tensors = {{"h", h}},
                         .configuration = {{"hidden_size", "6"}, {"text", "Änne's «text»"}}});
    }
    void load(const std::string& path) {
        const Progress progress = load_checkpoint(path, model, adam, gen);
        step = static_cast<int64_t>(progress.numbers.at("step"));
        best = progress.numbers.at("best");
        h = progress.tensors.at("h");
    }

    Generator gen;
    Model model;
    Adam adam;
    Tensor h;
    double best = INFINITY;
    int64_t step = 0;
};

std::string bits(const Tensor& t) {
    std::string s(static_cast<size_t>(t.size() * bytes_of(t.dtype())), 0);
    dispatch(t.dtype(), [&](auto zero) { std::memcpy(s.data(), t.data<decltype(zero)>(), s.size()); });
    return s;
}

std::string bits(Run& run) {
    std::string all = bits(run.h);
    for (const Parameter& p : parameters(run.model)) all += bits(p.value);
    for (const auto& [name, value] : run.adam.state()) all += name + bits(value);
    const Generator::State s = run.gen.state();
    return all + std::to_string(s.seed) + " " + std::to_string(s.stream) + " " + std::to_string(s.counter) +
           std::to_string(run.best);
}

}  // namespace

TEST_CASE("checkpoint: a run that stopped at any step and was resumed is bitwise the run that did not stop") {
    const TemporaryFolder folder;
    for (DType dtype : {DType::f32, DType::f64}) {
        Run whole(1, dtype);
        whole.train(12);
        for (int64_t stop : {0, 1, 7, 12}) {
            CAPTURE(stop);
            Run first(1, dtype);
            first.train(stop);
            first.save(folder / "run.safetensors");
            Run second(99, dtype);  // other weights, another generator
            second.train(3);
            second.load(folder / "run.safetensors");
            second.train(12);
            CHECK(bits(second) == bits(whole));
        }
    }
}

TEST_CASE("checkpoint: configuration and numbers come back as they were") {
    const TemporaryFolder folder;
    Run run(1);
    save_checkpoint(folder / "a", run.model, run.adam, run.gen,
                    {.numbers = {{"nan", NAN}, {"infinite", INFINITY}, {"third", 1.0 / 3}, {"big", 9007199254740991.0}},
                     .configuration = {{"", "empty name"}, {"newline", "a\nb"}}});
    const Progress p = load_checkpoint(folder / "a", run.model, run.adam, run.gen);
    CHECK(std::isnan(p.numbers.at("nan")));
    CHECK(p.numbers.at("infinite") == INFINITY);
    CHECK(p.numbers.at("third") == 1.0 / 3);
    CHECK(p.numbers.at("big") == 9007199254740991.0);
    CHECK(p.numbers.size() == 4);
    CHECK(p.tensors.empty());
    CHECK(p.configuration == std::map<std::string, std::string>{{"", "empty name"}, {"newline", "a\nb"}});
    CHECK(load_configuration(folder / "a") == p.configuration);
    run.gen.restore({~uint64_t{0}, ~uint64_t{0} - 1, 3});
    run.save(folder / "a");
    Run other(5);
    other.load(folder / "a");
    CHECK(other.gen.state() == run.gen.state());
}

TEST_CASE("weights: saved and loaded, also out of a checkpoint") {
    const TemporaryFolder folder;
    Run run(1);
    run.train(2);
    save_weights(folder / "weights.safetensors", run.model);
    run.save(folder / "run.safetensors");
    for (const char* file : {"weights.safetensors", "run.safetensors"}) {
        Generator gen(7);
        Model model(gen);
        load_weights(folder / file, model);
        const auto got = parameters(model), expected = parameters(run.model);
        for (size_t i = 0; i < got.size(); i++) CHECK(bits(got[i].value) == bits(expected[i].value));
    }
    const SafeTensors file = load_safetensors(folder / "weights.safetensors");
    CHECK(file.tensors.size() == 5);
    CHECK(file.tensor("cell.W").shape() == Shape{6, 10});
}

TEST_CASE("weights: a packed form that a tape keeps is not used after loading") {
    const TemporaryFolder folder;
    Generator gen(1);
    Linear layer({.in = 2, .out = 2, .bias = false}, gen);
    layer.W.value.fill(2);
    save_weights(folder / "w", layer);
    layer.W.value.fill(1);
    Tape tape(Tape::Mode::forward_only);
    const Var x = tape.constant(Tensor::of({{1, 1}}));
    CHECK(layer(x).value().flat(0) == 2);
    load_weights(folder / "w", layer);
    CHECK(layer(x).value().flat(0) == 4);
}

TEST_CASE("weights: into another architecture, every difference is named and nothing has changed") {
    const TemporaryFolder folder;
    Generator gen(1);
    Model model(gen), wider(gen, 7), wide(gen, 6, DType::f64);
    Linear linear({.in = 2, .out = 3}, gen);
    save_weights(folder / "model.safetensors", model);
    const auto unchanged = [&](Module& target) {
        std::string before;
        for (const Parameter& p : parameters(target)) before += bits(p.value);
        const std::string message = error_of([&] { load_weights(folder / "model.safetensors", target); });
        std::string after;
        for (const Parameter& p : parameters(target)) after += bits(p.value);
        CHECK(before == after);
        return message;
    };
    const std::string message = unchanged(wider);
    CHECK(message.find("load_weights (test_checkpoint.cpp:") == 0);
    CHECK(contains(message, "): " + folder.path() +
                                "/model.safetensors doesn't fit: cell.W is [6, 10] f32 in the file, [7, 11] f32 here; "
                                "cell.b is [6] f32 in the file, [7] f32 here; out.W is [5, 6] f32 in the file, [5, 7] "
                                "f32 here"));
    CHECK(contains(unchanged(wide), "embedding.E is [5, 4] f32 in the file, [5, 4] f64 here"));
    const std::string other = unchanged(linear);
    CHECK(contains(other, "W is not in the file; b is not in the file"));
    CHECK(contains(other, "\"out.b\" is in the file only"));
}

TEST_CASE("weights: a long list of differences is cut") {
    const TemporaryFolder folder;
    Generator gen(1);
    SafeTensors file;
    for (int i = 0; i < 50; i++) file.tensors["layer" + std::to_string(i)] = Tensor::zeros({1});
    save_safetensors(folder / "w", file);
    Linear linear({.in = 2, .out = 3}, gen);
    const std::string message = error_of([&] { load_weights(folder / "w", linear); });
    CHECK(contains(message, "; and 32 more"));
    CHECK(message.size() < 1000);
}

TEST_CASE("checkpoint: what doesn't fit changes nothing, neither weights nor optimiser nor generator") {
    const TemporaryFolder folder;
    const std::string path = folder / "run.safetensors";
    Run run(1);
    run.train(2);
    run.save(path);
    const SafeTensors good = load_safetensors(path);
    Run target(2);
    target.train(1);
    const std::string before = bits(target);
    const auto refused = [&](auto&& damage) {
        SafeTensors file = good;
        damage(file);
        save_safetensors(path, file);
        const std::string message = error_of([&] { target.load(path); });
        CHECK(bits(target) == before);
        return message;
    };
    CHECK(contains(refused([](SafeTensors& f) { f.tensors.erase("optimizer:out.W:m"); }),
                   "optimizer:out.W:m is not in the file"));
    CHECK(contains(refused([](SafeTensors& f) { f.tensors["optimizer:out.W:x"] = Tensor::zeros({1}); }),
                   "\"optimizer:out.W:x\" is in the file only"));
    CHECK(contains(refused([](SafeTensors& f) { f.tensors["optimizer:lr"] = Tensor::zeros({2}, DType::f64); }),
                   "optimizer:lr is [2] f64 in the file, [] f64 here"));
    CHECK(contains(refused([](SafeTensors& f) {
                       f.tensors["out.b"] = Ids({1, 2, 3, 4, 5});
                   }),
                   "out.b holds whole numbers"));
    CHECK(contains(refused([](SafeTensors& f) { f.tensors["number:step"] = Tensor::zeros({2}, DType::f64); }),
                   "number:step"));
    CHECK(contains(refused([](SafeTensors& f) { f.tensors["tensor:h"] = Ids({1}); }), "tensor:h"));
    CHECK(contains(refused([](SafeTensors& f) { f.metadata["optimizer"] = "sgd"; }),
                   "the optimiser is \"sgd\" in the file, adam here"));
    CHECK(contains(refused([](SafeTensors& f) { f.metadata.erase("generator"); }), "generator"));
    for (const char* state : {"", "1 2", "1 2 3 4", "1 2 -3", "1  2 3", "1 2 18446744073709551616", "a b c"})
        CHECK(contains(refused([&](SafeTensors& f) { f.metadata["generator"] = state; }),
                       "the generator's state is not three whole numbers"));
    CHECK(contains(refused([](SafeTensors& f) { f.metadata.clear(); }), "run.safetensors"));
    CHECK(contains(refused([](SafeTensors& f) { f.tensors["two\nlines"] = Tensor::zeros({1}); }), "two\\nlines"));
    CHECK(contains(refused([](SafeTensors& f) { f.metadata["optimizer"] = "two\nlines"; }), "two\\nlines"));
    save_safetensors(path, good);
    target.load(path);
    CHECK(bits(target) == bits(run));
}

TEST_CASE("checkpoint: a file that can't be read or written is one clear line, and the old one stays") {
    const TemporaryFolder folder;
    Run run(1);
    run.train(1);
    run.save(folder / "run.safetensors");
    const std::string before = content_of(folder / "run.safetensors");
    folder.write("cut", before.substr(0, before.size() - 1));
    std::filesystem::create_directory(folder / "folder");
    for (const char* name : {"cut", "folder", "nothing"}) {
        const std::string message = error_of([&] { run.load(folder / name); });
        CHECK(contains(message, folder / name));
    }
    CHECK(contains(error_of([&] { run.save(folder / "nowhere/run.safetensors"); }), "nowhere"));
    run.h = Tensor();  // can't be saved
    CHECK(contains(error_of([&] { run.save(folder / "run.safetensors"); }), "tensor:h"));
    CHECK(content_of(folder / "run.safetensors") == before);
    CHECK(folder.names() == std::set<std::string>{"cut", "folder", "run.safetensors"});
}

TEST_CASE("checkpoint: a colon in a parameter's name is refused") {
    struct Odd : Module {
        Parameter p{"p", Tensor::zeros({1})};
        void visit(Visitor& v) override { v("optimizer:p", p); }
        std::string pretty() const override { return "Odd"; }
    } odd;
    const TemporaryFolder folder;
    CHECK(contains(error_of([&] { save_weights(folder / "w", odd); }), "the parameter's name optimizer:p has a colon"));
    CHECK(folder.names().empty());
}
