// Weights to and from PyTorch's files. tests/pytorch_roundtrip does it with PyTorch itself, where it is there.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <memory>

#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/shape.hpp"
#include "nn/embedding.hpp"
#include "nn/gru.hpp"
#include "nn/layer_norm_lstm.hpp"
#include "nn/linear.hpp"
#include "nn/lstm.hpp"
#include "nn/pytorch.hpp"
#include "nn/rnn.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;

namespace {

template <class Layer>
Layer make(typename Layer::Options options, uint64_t seed, DType dtype = DType::f64) {
    Generator gen(seed);
    options.input_size = 3;
    options.hidden_size = 4;
    options.dtype = dtype;
    return Layer(options, gen);
}

Rnn make_rnn(uint64_t seed, int64_t layers = 2, bool bidirectional = true, DType dtype = DType::f64) {
    return make<Rnn>({.num_layers = layers, .bidirectional = bidirectional}, seed, dtype);
}
Lstm make_lstm(uint64_t seed, int64_t layers = 2, bool bidirectional = true, DType dtype = DType::f64) {
    return make<Lstm>({.num_layers = layers, .bidirectional = bidirectional}, seed, dtype);
}
Gru make_gru(uint64_t seed, int64_t layers = 2, bool bidirectional = true, DType dtype = DType::f64) {
    return make<Gru>({.reset_after = true, .num_layers = layers, .bidirectional = bidirectional}, seed, dtype);
}

struct Model : Module {
    explicit Model(uint64_t seed) : rnn(std::make_shared<Gru>(make_gru(seed))) {
        Generator gen(seed);
        norm = LayerNorm({.size = 8, .dtype = DType::f64});
        gen.fill_normal(norm.weight.value, 0, 1);
        embedding = Embedding({.vocabulary = 7, .embedding_size = 3, .dtype = DType::f64}, gen);
        out = Linear({.in = 8, .out = 7, .dtype = DType::f64}, gen);
    }
    void visit(Visitor& v) override {
        v("embedding", embedding);
        v("rnn", *rnn);
        v("norm", norm);
        v("out", out);
    }
    std::string pretty() const override { return "Model"; }
    Embedding embedding;
    std::shared_ptr<RecurrentLayer> rnn;
    LayerNorm norm;
    Linear out;
};

std::vector<double> numbers(Module& m) {
    std::vector<double> all;
    for (const Parameter& p : parameters(m))
        for (double value : p.value.to_vector()) all.push_back(value);
    return all;
}

/// Out of one and into the other of the same architecture.
template <class M>
void check_round_trip(M one, M other, size_t tensors) {
    const TemporaryFolder folder;
    CAPTURE(one.pretty());
    save_pytorch(folder / "w", one, "model.");
    CHECK(load_safetensors(folder / "w").tensors.size() == tensors);
    CHECK(numbers(one) != numbers(other));
    load_pytorch(folder / "w", other, "model.");
    CHECK(numbers(one) == numbers(other));
}

/// Rows of gate k of a tensor of PyTorch's.
Tensor gate(const SafeTensors& file, const std::string& name, int64_t k) {
    return file.tensor(name).slice(4 * k, 4 * (k + 1));
}

/// Everything that PyTorch's documentation calls W_ix x + b_ix + W_hx h + b_hx, or one half of it.
Tensor input_part(const SafeTensors& file, const Tensor& x, int64_t k) {
    return matmul(x, transposed(gate(file, "weight_ih_l0", k))) + gate(file, "bias_ih_l0", k);
}
Tensor hidden_part(const SafeTensors& file, const Tensor& h, int64_t k) {
    return matmul(h, transposed(gate(file, "weight_hh_l0", k))) + gate(file, "bias_hh_l0", k);
}

/// Other numbers for all tensors of a file: both biases count.
SafeTensors randomised(Module& module, uint64_t seed) {
    SafeTensors file = to_pytorch(module);
    Generator gen(seed);
    for (auto& [name, value] : file.tensors) gen.fill_normal(std::get<Tensor>(value), 0, 1);
    return file;
}

void check_close(const Tensor& got, const Tensor& expected) {
    REQUIRE(got.size() == expected.size());
    for (int64_t i = 0; i < got.size(); i++) CHECK(std::abs(got.flat(i) - expected.flat(i)) < 1e-14);
}

struct Inputs {
    Tensor x = normal({1, 2, 3}), h = normal({1, 2, 4}), c = normal({1, 2, 4});
    static Tensor normal(const Shape& shape) {
        static Generator gen(8);
        Tensor t = Tensor::empty(shape, DType::f64);
        gen.fill_normal(t, 0, 1);
        return t;
    }
};

}  // namespace

TEST_CASE("PyTorch's weights: out and in again, the same bits") {
    check_round_trip(make_rnn(1), make_rnn(2), 16);
    check_round_trip(make_lstm(1), make_lstm(2), 16);
    check_round_trip(make_gru(1), make_gru(2), 16);
    check_round_trip(make_lstm(1, 3, false, DType::f32), make_lstm(2, 3, false, DType::f32), 12);
    check_round_trip(Model(1), Model(2), 1 + 16 + 2 + 2);
    Generator gen(1);
    check_round_trip(Linear({.in = 3, .out = 2, .bias = false}, gen), Linear({.in = 3, .out = 2, .bias = false}, gen),
                     1);
}

TEST_CASE("PyTorch's weights: its names and shapes") {
    Lstm lstm = make_lstm(1);
    const SafeTensors file = to_pytorch(lstm, "decoder.");
    CHECK(file.tensor("decoder.weight_ih_l0").shape() == Shape{16, 3});
    CHECK(file.tensor("decoder.weight_ih_l1_reverse").shape() == Shape{16, 8});
    CHECK(file.tensor("decoder.weight_hh_l0_reverse").shape() == Shape{16, 4});
    CHECK(file.tensor("decoder.bias_hh_l1").shape() == Shape{16});
    Model model(1);
    const SafeTensors all = to_pytorch(model);
    CHECK(all.tensor("embedding.weight").shape() == Shape{7, 3});
    CHECK(all.tensor("rnn.weight_hh_l1_reverse").shape() == Shape{12, 4});
    CHECK(all.tensor("norm.weight").shape() == Shape{8});
    CHECK(all.tensor("norm.bias").shape() == Shape{8});
    CHECK(all.tensor("out.bias").shape() == Shape{7});
}

TEST_CASE("PyTorch's weights: an RNN's step by its documentation") {
    Rnn layer = make_rnn(1, 1, false);
    const SafeTensors file = randomised(layer, 3);
    from_pytorch(file, layer);
    const Inputs in;
    Tape tape(Tape::Mode::forward_only);
    const auto out = layer(tape.constant(in.x), {.initial = {tape.constant(in.h), {}}});
    check_close(out.y.value(), tanh(input_part(file, in.x.row(0), 0) + hidden_part(file, in.h.row(0), 0)));
}

TEST_CASE("PyTorch's weights: an LSTM's step by its documentation, gates i, f, g, o") {
    Lstm layer = make_lstm(1, 1, false);
    const SafeTensors file = randomised(layer, 3);
    from_pytorch(file, layer);
    const Inputs in;
    const auto a = [&](int64_t k) { return input_part(file, in.x.row(0), k) + hidden_part(file, in.h.row(0), k); };
    const Tensor i = sigmoid(a(0)), f = sigmoid(a(1)), g = tanh(a(2)), o = sigmoid(a(3));
    const Tensor c = f * in.c.row(0) + i * g;
    Tape tape(Tape::Mode::forward_only);
    const auto out = layer(tape.constant(in.x), {.initial = {tape.constant(in.h), tape.constant(in.c)}});
    check_close(out.last.C.value(), c);
    check_close(out.y.value(), o * tanh(c));
}

TEST_CASE("PyTorch's weights: a GRU's step by its documentation, gates r, z, n, z for the old state") {
    Gru layer = make_gru(1, 1, false);
    const SafeTensors file = randomised(layer, 3);
    from_pytorch(file, layer);
    const Inputs in;
    const Tensor x = in.x.row(0), h = in.h.row(0);
    const Tensor r = sigmoid(input_part(file, x, 0) + hidden_part(file, h, 0));
    const Tensor z = sigmoid(input_part(file, x, 1) + hidden_part(file, h, 1));
    const Tensor n = tanh(input_part(file, x, 2) + r * hidden_part(file, h, 2));
    Tape tape(Tape::Mode::forward_only);
    const auto out = layer(tape.constant(in.x), {.initial = {tape.constant(in.h), {}}});
    check_close(out.y.value(), (1.0 - z) * n + z * h);
}

TEST_CASE("PyTorch's weights: what doesn't fit is named tensor by tensor, and nothing has changed") {
    const TemporaryFolder folder;
    const std::string path = folder / "w";
    Model model(1);
    const std::vector<double> before = numbers(model);
    const auto refused = [&](auto&& damage) {
        SafeTensors file = randomised(model, 5);
        damage(file.tensors);
        save_safetensors(path, file);
        const std::string message = error_of([&] { load_pytorch(path, model); });
        CHECK(numbers(model) == before);
        CHECK(message.find("load_pytorch (test_pytorch.cpp:") == 0);
        const std::string subject = "): " + path + " into Model doesn't fit: ";
        CHECK(contains(message, subject));
        return message.substr(std::min(message.size(), message.find(subject) + subject.size()));
    };
    CHECK(refused([](auto& f) { f.erase("rnn.bias_hh_l1_reverse"); }) == "rnn.bias_hh_l1_reverse is not in the file");
    CHECK(refused([](auto& f) {
              f["rnn.weight_ih_l2"] = Tensor::zeros({12, 8});
          }) == "\"rnn.weight_ih_l2\" is in the file only");
    CHECK(refused([](auto& f) {
              f["rnn.weight_ih_l0"] = Tensor::zeros({3, 12});
          }) == "rnn.weight_ih_l0 is [3, 12] in the file, [12, D=3] here (transposed, it seems)");
    CHECK(refused([](auto& f) {
              f["out.weight"] = Tensor::zeros({8, 7});
          }) == "out.weight is [8, 7] in the file, [7, 8] here (transposed, it seems)");
    CHECK(refused([](auto& f) {
              f["rnn.weight_hh_l0"] = Tensor::zeros({16, 4});
          }) == "rnn.weight_hh_l0 is [16, 4] in the file, [12, H=4] here");
    CHECK(refused([](auto& f) {
              f["out.bias"] = Ids({1, 2, 3, 4, 5, 6, 7});
          }) == "out.bias holds whole numbers in the file");
    CHECK(refused([](auto& f) {
              f.erase("embedding.weight");
              f["emb.weight"] = Tensor::zeros({7, 3});
              f["rnn.bias_ih_l0"] = Tensor::zeros({1, 12});
          }) ==
          "embedding.weight is not in the file; rnn.bias_ih_l0 is [1, 12] in the file, [12] here; \"emb.weight\" "
          "is in the file only");
    CHECK(contains(refused([](auto& f) {
                       for (auto& [name, value] : f) value = Tensor::zeros({1});
                       for (int i = 0; i < 99; i++) f["spare" + std::to_string(i)] = Tensor::zeros({1});
                   }),
                   "; and 100 more"));
}

TEST_CASE("PyTorch's weights: of another architecture") {
    const TemporaryFolder folder;
    Lstm lstm = make_lstm(1, 1, false);
    Gru gru = make_gru(1, 1, true);
    save_pytorch(folder / "lstm", lstm);
    const std::string message = error_of([&] { load_pytorch(folder / "lstm", gru); });
    CHECK(contains(message, "/lstm into Gru(in=3, hidden=4, reset after), 1 layer, both directions doesn't fit: "));
    CHECK(contains(message, "weight_ih_l0 is [16, 3] in the file, [12, D=3] here"));
    CHECK(contains(message, "weight_ih_l0_reverse is not in the file"));
    // A prefix that the file doesn't have.
    CHECK(contains(error_of([&] { load_pytorch(folder / "lstm", lstm, "rnn."); }), "rnn.weight_ih_l0 is not in"));
}

TEST_CASE("PyTorch's weights: with a prefix, the rest of the file is not looked at") {
    const TemporaryFolder folder;
    Model model(1), other(2);
    save_pytorch(folder / "w", model);
    load_pytorch(folder / "w", *other.rnn, "rnn.");
    CHECK(numbers(*other.rnn) == numbers(*model.rnn));
    CHECK(numbers(other.out) != numbers(model.out));
}

TEST_CASE("PyTorch's weights: f32 and f64 are converted") {
    const TemporaryFolder folder;
    Gru single = make_gru(1, 2, true, DType::f32), ours = make_gru(2), back = make_gru(3, 2, true, DType::f32);
    save_pytorch(folder / "w", single);
    load_pytorch(folder / "w", ours);
    CHECK(numbers(ours) == numbers(single));
    CHECK(ours.cell(0).W_hh.value.dtype() == DType::f64);
    save_pytorch(folder / "w", ours);
    load_pytorch(folder / "w", back);
    CHECK(numbers(back) == numbers(single));
}

TEST_CASE("PyTorch's weights: half precision is refused, once and clearly") {
    const TemporaryFolder folder;
    Generator gen(1);
    Linear layer({.in = 1, .out = 2, .bias = false}, gen);
    const std::vector<double> before = numbers(layer);
    for (const std::string dtype : {"F16", "BF16"}) {
        const std::string header = R"({"weight":{"dtype":")" + dtype +
                                   R"(","shape":[2,1],"data_offsets":[0,4]},)"
                                   R"("other":{"dtype":")" +
                                   dtype + R"(","shape":[1],"data_offsets":[4,6]}})";
        const uint64_t length = header.size();
        std::string file(8, 0);
        std::memcpy(file.data(), &length, 8);
        folder.write("half", file + header + "123456");
        const std::string message = error_of([&] { load_pytorch(folder / "half", layer); });
        CHECK(message == folder / "half" + ": tensor \"other\": is of type \"" + dtype +
                             "\": only F32, F64, I64 and I32 can be read");
        CHECK(numbers(layer) == before);
    }
}

TEST_CASE("PyTorch's weights: what PyTorch doesn't have is refused") {
    const TemporaryFolder folder;
    const auto refused = [&](auto&& layer) {
        const std::string message = error_of([&] { save_pytorch(folder / "w", layer); });
        CHECK(message.find("save_pytorch (test_pytorch.cpp:") == 0);
        CHECK(contains(message, "PyTorch has no module like " + layer.pretty()));
        CHECK(contains(error_of([&] { from_pytorch({}, layer); }), "load_pytorch (test_pytorch.cpp:"));
        return message;
    };
    CHECK(contains(refused(make<Lstm>({.peephole = Peephole::full}, 1)), "full peepholes"));
    CHECK(contains(refused(make<Lstm>({.peephole = Peephole::diagonal}, 1)), "diagonal peepholes"));
    CHECK(contains(refused(make<Lstm>({.coupled = true}, 1)), "coupled"));
    CHECK(contains(refused(make<Gru>({}, 1)), "reset before"));
    CHECK(contains(refused(make<Rnn>({.activation = Activation::logistic}, 1)), "logistic"));
    struct Odd : Module {
        Model known{1};
        Parameter p{"p", Tensor::zeros({1})};
        void visit(Visitor& v) override {
            v("known", known);
            v("p", p);
        }
        std::string pretty() const override { return "Odd"; }
    };
    refused(Odd());
    LayerNormLstm normalised = make<LayerNormLstm>({}, 1);
    CHECK(contains(error_of([&] { to_pytorch(normalised); }),
                   "PyTorch has no module like " + normalised.cell(0).pretty()));
    CHECK(folder.names().empty());
}
