// Single operations, forward and backward.
#include <cmath>

#include "core/ops/convolution.hpp"
#include "core/ops/ctc.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/reductions.hpp"
#include "core/safetensors.hpp"
#include "tests/bench/cases.hpp"

namespace unroll::bench {
namespace {

Parameter drawn(const char* name, const Shape& shape, Generator& gen) {
    Parameter p(name, Tensor::empty(shape));
    gen.fill_normal(p.value, 0, 1);
    return p;
}

/// 64 to 64 channels, 3 x 3, of 32 pictures of 32 x 32; L = Σ y ⊙ upstream.
struct Convolution final : Operation {
    Generator gen{1};
    Parameter x = drawn("x", {32, 64, 32, 32}, gen), W = drawn("W", {64, 64, 3, 3}, gen), b = drawn("b", {64}, gen);
    Tensor upstream = drawn("upstream", {32, 64, 32, 32}, gen).value.clone();

    Var loss() override { return sum(conv2d(tape.watch(x), W, b, {.padding = 1}) * upstream); }
    std::vector<Parameter> inputs() const override { return {x, W, b}; }
    SafeTensors constants() const override {
        SafeTensors file;
        file.tensors["upstream"] = upstream;
        return file;
    }
};

/// 16 sequences of 200 steps, 29 classes, 30 labels.
struct Ctc final : Operation {
    Generator gen{1};
    Parameter logits = drawn("logits", {200, 16, 29}, gen);
    CtcTargets targets{Ids::empty({16, 30}), Ids(std::vector<int32_t>(16, 200)), Ids(std::vector<int32_t>(16, 30))};

    Ctc() {
        for (int64_t i = 0; i < targets.labels.size(); i++)
            targets.labels.mutable_data()[i] = 1 + static_cast<int32_t>(gen.below(28));
    }
    Var loss() override { return ctc_loss(tape.watch(logits), targets); }
    std::vector<Parameter> inputs() const override { return {logits}; }
    SafeTensors constants() const override {
        SafeTensors file;
        file.tensors["targets"] = targets.labels;
        file.tensors["input_lengths"] = targets.input_lengths;
        file.tensors["target_lengths"] = targets.target_lengths;
        return file;
    }
};

}  // namespace

void Operation::run() {
    tape.clear();
    tape.backward(loss());
}

std::string Operation::check(const std::string& path) {
    SafeTensors file = constants();
    for (const Parameter& p : inputs()) file.tensors[p.name] = p.value;
    save_safetensors(path, file);
    tape.clear();
    const Var L = loss();
    tape.backward(L);
    std::string found = fmt::format("{{\"loss\": {:.9g}", L.item());
    for (const Parameter& p : inputs()) {
        double squares = 0;
        for (double g : tape.grad(p).to_vector()) squares += g * g;
        found += fmt::format(", \"gradient norm of {}\": {:.9g}", p.name, std::sqrt(squares));
    }
    return found + "}";
}

std::unique_ptr<Operation> operation_of(const Case& c) {
    if (c.kind == "conv2d") return std::make_unique<Convolution>();
    return std::make_unique<Ctc>();
}

}  // namespace unroll::bench
