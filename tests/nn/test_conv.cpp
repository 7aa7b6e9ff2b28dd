// Conv2d and BatchNorm.
#include <cmath>

#include "core/gradcheck.hpp"
#include "core/ops/batch_norm.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/pooling.hpp"
#include "core/ops/reductions.hpp"
#include "core/ops/shape.hpp"
#include "nn/batch_norm.hpp"
#include "nn/checkpoint.hpp"
#include "nn/conv.hpp"
#include "nn/linear.hpp"
#include "nn/optim.hpp"
#include "nn/pytorch.hpp"
#include "tests/core/numbers.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;

namespace {

/// Convolution, normalisation, pooling, classes.
struct Network : Module {
    explicit Network(uint64_t seed, DType dtype = DType::f64) {
        Generator gen(seed);
        conv = Conv2d({.in = 2, .out = 3, .padding = 1, .bias = false, .dtype = dtype}, gen);
        norm = BatchNorm({.channels = 3, .dtype = dtype});
        out = Linear({.in = 3 * 2 * 3, .out = 4, .dtype = dtype}, gen);
    }
    Var operator()(const Operand& x, bool training) {
        const Var h = max_pool2d(relu(norm(conv(x), training)), {.kernel = 2});
        return out(reshape(h, {h.dim(0), -1}));
    }
    void visit(Visitor& v) override {
        v("conv", conv);
        v("norm", norm);
        v("out", out);
    }
    std::string pretty() const override { return "Network"; }
    Conv2d conv;
    BatchNorm norm;
    Linear out;
};

void train(Network& network, Adam& adam, const Tensor& x) {
    Tape tape;
    tape.backward(sum(tanh(network(tape.constant(x), true))));
    adam.step(tape);
}

}  // namespace

TEST_CASE("Conv2d: the operation with its own options; start values as PyTorch's") {
    Generator gen(2);
    Conv2d layer({.in = 30, .out = 40, .kernel = {5, 2}, .stride = {2, 1}, .padding = {0, 1}}, gen);
    double largest = 0, squares = 0;
    const double n = 30 * 5 * 2;
    for (double w : layer.W.value.to_vector()) largest = std::max(largest, std::abs(w)), squares += w * w;
    CHECK(largest <= 1 / std::sqrt(n));
    CHECK(largest > 0.999 / std::sqrt(n));
    CHECK(squares / (40 * n) == doctest::Approx(1 / n / 3).epsilon(0.03));
    for (double b : layer.b.value.to_vector()) CHECK(std::abs(b) <= 1 / std::sqrt(n));
    Tape tape;
    const Tensor x = random({2, 30, 7, 4}, DType::f32);
    CHECK(layer(tape.input(x)).value().to_vector() ==
          conv2d(x, layer.W.value, layer.b.value, {.stride = {2, 1}, .padding = {0, 1}}).to_vector());
    CHECK(layer.pretty() == "Conv2d(in=30, out=40, kernel=5 x 2, stride=2 x 1, padding=0 x 1)");
    Conv2d bare({.in = 1, .out = 2, .bias = false}, gen);
    CHECK(bare.pretty() == "Conv2d(in=1, out=2, kernel=3 x 3, stride=1 x 1, padding=0 x 0, no bias)");
    CHECK(parameters(bare).size() == 1);
    CHECK(parameters(bare)[0].value.shape() == Shape{2, 1, 3, 3});
}

TEST_CASE("BatchNorm: a batch with NaN leaves the running statistics of its channel as they were") {
    BatchNorm norm({.channels = 2, .momentum = 0.25, .dtype = DType::f64});
    Tensor x = Tensor::full({2, 2, 1, 2}, 3, DType::f64);
    x.set({1, 0, 0, 1}, NAN);
    Tape tape;
    norm(tape.input(x), true);
    CHECK(norm.running_mean.to_vector() == std::vector<double>{0, 0.75});
    CHECK(norm.running_var.to_vector() == std::vector<double>{1, 0.75});
}

TEST_CASE("BatchNorm: the batch's statistics in training, which flow into the running ones") {
    BatchNorm norm({.channels = 2, .momentum = 0.25, .dtype = DType::f64});
    CHECK(norm.pretty() == "BatchNorm(2, eps=1e-05, momentum=0.25)");
    CHECK(parameters(norm).size() == 2);
    const Tensor x = Tensor::of({{{1, 2}, {10, 10}}, {{3, 6}, {10, 14}}}, DType::f64);  // means 3 and 11
    Tape tape;
    const Var y = norm(tape.input(x), true);
    CHECK(y.value().to_vector() == batch_norm(x, norm.weight.value, norm.bias.value).to_vector());
    // variances (4 + 1 + 0 + 9) / 3 and (1 + 1 + 1 + 9) / 3
    check_close(norm.running_mean, {2}, {0.25 * 3, 0.25 * 11}, 1e-15);
    check_close(norm.running_var, {2}, {0.75 + 0.25 * 14 / 3, 0.75 + 0.25 * 4}, 1e-15);
    norm(tape.input(x), true);
    check_close(norm.running_mean, {2}, {0.4375 * 3, 0.4375 * 11}, 1e-15);
    const Tensor mean = norm.running_mean.clone(), var = norm.running_var.clone();
    const Var z = norm(tape.input(x), false);
    CHECK(z.value().to_vector() ==
          batch_norm(x, norm.weight.value, norm.bias.value, ChannelStatistics{mean, var}).to_vector());
    CHECK(norm.running_mean.to_vector() == mean.to_vector());
    CHECK(norm.running_var.to_vector() == var.to_vector());
}

TEST_CASE("a small network: gradients of everything, in both modes") {
    for (bool training : {true, false}) {
        Network network(3);
        const Parameter x = random_input("x", {3, 2, 5, 6});
        std::vector<Parameter> inputs = parameters(network);
        inputs.push_back(x);
        const GradCheck check =
            gradcheck(inputs, [&](Tape& tape) -> std::vector<Var> { return {network(tape.watch(x), training)}; });
        CHECK_MESSAGE(check.passed(), check.row("network"));
    }
}

TEST_CASE("running statistics are saved with the weights, and no optimiser has them") {
    const TemporaryFolder folder;
    const Tensor x = random({3, 2, 5, 6});
    Network a(3), b(4);
    CHECK(buffers(a).size() == 2);
    CHECK(buffers(a)[1].first == "norm.running_var");
    CHECK(parameters(a).size() == 5);
    Adam adam(parameters(a), {.lr = 0.1}), other(parameters(b), {.lr = 0.1});
    for (int i = 0; i < 3; i++) train(a, adam, x);
    Tape tape;
    const std::vector<double> expected = a(tape.constant(x), false).value().to_vector();

    save_weights(folder / "weights.safetensors", a);
    CHECK(b(tape.constant(x), false).value().to_vector() != expected);
    load_weights(folder / "weights.safetensors", b);
    CHECK(b(tape.constant(x), false).value().to_vector() == expected);

    Generator gen(1);
    save_checkpoint(folder / "run.safetensors", a, adam, gen, {});
    Network c(5);
    Adam again(parameters(c), {.lr = 0.1});
    load_checkpoint(folder / "run.safetensors", c, again, gen);
    train(a, adam, x);
    train(c, again, x);
    CHECK(c(tape.constant(x), false).value().to_vector() == a(tape.constant(x), false).value().to_vector());

    SafeTensors file = load_safetensors(folder / "weights.safetensors");
    file.tensors.erase("norm.running_var");
    save_safetensors(folder / "less.safetensors", file);
    CHECK(contains(error_of([&] { load_weights(folder / "less.safetensors", b); }), "norm.running_var is not in"));

    b.to(DType::f32);
    CHECK(b.norm.running_mean.dtype() == DType::f32);
    b(tape.constant(x.to(DType::f32)), true);
}

TEST_CASE("Conv2d and BatchNorm under PyTorch's names") {
    Network a(3), b(4);
    Generator gen(7);
    for (Tensor* t : {&a.norm.running_mean, &a.norm.running_var, &a.norm.weight.value, &a.norm.bias.value})
        gen.fill_uniform(*t, 0.5, 2);
    SafeTensors file = to_pytorch(a);
    for (const char* name :
         {"conv.weight", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var", "out.weight", "out.bias"})
        CHECK(file.has(name));
    CHECK(file.tensors.size() == 7);
    file.tensors["norm.num_batches_tracked"] = Ids({17}, Shape{});  // PyTorch's files have it
    from_pytorch(file, b);
    Tape tape;
    const Tensor x = random({3, 2, 5, 6});
    CHECK(b(tape.constant(x), false).value().to_vector() == a(tape.constant(x), false).value().to_vector());
    file.tensors["conv.num_batches_tracked"] = Ids({17}, Shape{});
    CHECK(contains(error_of([&] { from_pytorch(file, b); }), "\"conv.num_batches_tracked\" is in the file only"));
}

TEST_CASE("Conv2d, BatchNorm: wrong use") {
    Generator gen(1);
    CHECK(contains(error_of([&] { Conv2d({.in = 0, .out = 3}, gen); }), "Conv2d (test_conv.cpp:"));
    CHECK(contains(error_of([&] { Conv2d({.in = 2, .out = 3, .kernel = {3, 0}}, gen); }), "kernel 3 x 0"));
    CHECK(contains(error_of([&] { Conv2d({.in = 2, .out = 3, .padding = -1}, gen); }), "padding -1 x -1"));
    CHECK(contains(error_of([&] { BatchNorm({.channels = 0}); }), "BatchNorm (test_conv.cpp:"));
    CHECK(contains(error_of([&] { BatchNorm({.channels = 2, .momentum = 1.5}); }), "momentum 1.5"));
    CHECK(contains(error_of([&] { BatchNorm({.channels = 2, .eps = NAN}); }), "eps nan"));
    const Conv2d conv({.in = 2, .out = 3}, gen);
    BatchNorm norm({.channels = 3});
    Tape tape;
    const Var x = tape.input(Tensor::zeros({1, 3, 2, 2}));
    CHECK(contains(error_of([&] { conv(x); }), "conv2d (test_conv.cpp:"));
    CHECK(contains(error_of([&] { norm(tape.input(Tensor::zeros({1, 3})), true); }), "2 numbers or more a channel"));
    CHECK(norm.running_mean.to_vector() == std::vector<double>(3, 0.0));
}
