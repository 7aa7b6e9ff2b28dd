#include <doctest/doctest.h>

#include "core/safetensors.hpp"
#include "nn/pytorch.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;

static Rnn make(uint64_t seed, DType dtype = DType::f64, int64_t layers = 2) {
    Generator gen(seed);
    return Rnn({.input_size = 3, .hidden_size = 4, .dtype = dtype, .num_layers = layers, .bidirectional = true}, gen);
}

static std::vector<double> outputs(const Rnn& rnn) {
    Generator gen(9);
    Tensor x = Tensor::empty({5, 2, 3}, DType::f64);
    gen.fill_normal(x, 0, 1);
    Tape tape(Tape::Mode::forward_only);
    return rnn(tape.constant(x)).y.value().to_vector();
}

TEST_CASE("PyTorch's weights: out and in again, the same outputs to the last bit") {
    const TemporaryFolder folder;
    Rnn ours = make(1), other = make(2);
    save_pytorch(folder / "w.safetensors", ours, "rnn.");
    CHECK(outputs(ours) != outputs(other));
    load_pytorch(folder / "w.safetensors", other, "rnn.");
    CHECK(outputs(ours) == outputs(other));
    const SafeTensors file = load_safetensors(folder / "w.safetensors");
    CHECK(file.tensors.size() == 16);
    CHECK(file.tensor("rnn.weight_ih_l1_reverse").shape() == Shape{4, 8});
}

TEST_CASE("PyTorch's weights: its two biases are added") {
    const TemporaryFolder folder;
    Rnn ours = make(1);
    save_pytorch(folder / "w.safetensors", ours);
    SafeTensors file = load_safetensors(folder / "w.safetensors");
    file.tensors["bias_hh_l0"] = Tensor::of({1, 2, 3, 4}, DType::f64);
    save_safetensors(folder / "w.safetensors", file);
    const std::vector<double> before = ours.cell(0).b_h.value.to_vector();
    load_pytorch(folder / "w.safetensors", ours);
    for (size_t i = 0; i < 4; i++)
        CHECK(ours.cell(0).b_h.value.to_vector()[i] == before[i] + static_cast<double>(i + 1));
}

TEST_CASE("PyTorch's weights: what doesn't fit is named, and nothing has changed") {
    const TemporaryFolder folder;
    Rnn ours = make(1), smaller = make(2, DType::f64, 1);
    save_pytorch(folder / "two.safetensors", ours);
    save_pytorch(folder / "one.safetensors", smaller);
    const std::vector<double> before = outputs(ours), before_smaller = outputs(smaller);
    CHECK(
        contains(error_of([&] { load_pytorch(folder / "one.safetensors", ours); }), "weight_ih_l1 is not in the file"));
    CHECK(contains(error_of([&] { load_pytorch(folder / "two.safetensors", smaller); }),
                   "the file has 16 tensors of this module, 8 are known here"));
    SafeTensors file = load_safetensors(folder / "two.safetensors");
    file.tensors["weight_ih_l0"] = Tensor::zeros({3, 4}, DType::f64);
    save_safetensors(folder / "two.safetensors", file);
    CHECK(contains(error_of([&] { load_pytorch(folder / "two.safetensors", ours); }),
                   "weight_ih_l0 is [3, 4] in the file, [H=4, D=3] here"));
    CHECK(outputs(ours) == before);
    CHECK(outputs(smaller) == before_smaller);
}

TEST_CASE("PyTorch's weights: f32 into f64") {
    const TemporaryFolder folder;
    Rnn single = make(1, DType::f32), ours = make(2);
    save_pytorch(folder / "w.safetensors", single);
    load_pytorch(folder / "w.safetensors", ours);
    CHECK(ours.cell(1).W_hh.value.to_vector() == single.cell(1).W_hh.value.to_vector());
}
