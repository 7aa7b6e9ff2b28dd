// What recurrent layers are given wrong: one clear line each, for every cell, in both forms. And what is odd but right.
#include <doctest/doctest.h>

#include <cmath>

#include "core/ops/reductions.hpp"
#include "nn/checkpoint.hpp"
#include "nn/gru.hpp"
#include "nn/lstm.hpp"
#include "nn/recurrent_layer.hpp"
#include "nn/rnn.hpp"
#include "tests/failure.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;

namespace {

const CellKind kinds[] = {CellKind::rnn, CellKind::lstm, CellKind::gru};
constexpr int64_t T = 4, B = 3, D = 2, H = 5;

std::shared_ptr<RecurrentLayer> make(CellKind cell, int64_t layers = 2, bool bidirectional = true, uint64_t seed = 1) {
    Generator gen(seed);
    return recurrent_layer({.cell = cell,
                            .input_size = D,
                            .hidden_size = H,
                            .dtype = DType::f64,
                            .num_layers = layers,
                            .bidirectional = bidirectional},
                           gen);
}

Tensor normal(const Shape& shape, uint64_t seed = 2) {
    Generator gen(seed);
    Tensor t = Tensor::empty(shape, DType::f64);
    gen.fill_normal(t, 0, 1);
    return t;
}

/// Sequences in another order.
Tensor reordered(const Tensor& x, const std::vector<int64_t>& order) {
    Tensor y = x.clone();
    for (int64_t t = 0; t < x.dim(0); t++)
        for (size_t b = 0; b < order.size(); b++)
            y.row(t).row(static_cast<int64_t>(b)).copy_from(x.row(t).row(order[b]));
    return y;
}

}  // namespace

TEST_CASE("lengths of 0: outputs are zero, states and their gradients pass through all layers") {
    for (CellKind kind : kinds)
        for (bool composed : {false, true}) {
            const auto layer = make(kind);
            Tape tape;
            const Var x = tape.input(normal({T, B, D})), h_0 = tape.input(normal({4, B, H}, 3)),
                      C_0 = tape.input(normal({4, B, H}, 4));
            RecurrentCall call{.initial = {h_0, {}}, .lengths = Ids({4, 0, 2}), .composed = composed};
            if (kind == CellKind::lstm) call.initial.C = C_0;
            const RecurrentOutput out = (*layer)(x, call);
            for (int64_t t = 0; t < T; t++)
                for (int64_t h = 0; h < 2 * H; h++) CHECK(out.y.value().at({t, 1, h}) == 0);
            const Var loss = sum(out.last.h);
            tape.backward(kind == CellKind::lstm ? loss + sum(out.last.C) : loss);
            for (int64_t l = 0; l < 4; l++)
                for (int64_t h = 0; h < H; h++) {
                    CHECK(out.last.h.value().at({l, 1, h}) == h_0.value().at({l, 1, h}));
                    CHECK(tape.grad(h_0).at({l, 1, h}) == 1);
                    if (kind == CellKind::lstm) {
                        CHECK(out.last.C.value().at({l, 1, h}) == C_0.value().at({l, 1, h}));
                        CHECK(tape.grad(C_0).at({l, 1, h}) == 1);
                    }
                }
            for (int64_t t = 0; t < T; t++) CHECK(tape.grad(x).at({t, 1, 0}) == 0);
        }
}

TEST_CASE("lengths in any order: each sequence as it would be elsewhere in the batch") {
    const std::vector<int64_t> order = {2, 0, 1};
    for (CellKind kind : kinds)
        for (bool composed : {false, true}) {
            const auto layer = make(kind);
            const Tensor x = normal({T, B, D});
            Tape tape(Tape::Mode::forward_only);
            const auto unsorted = (*layer)(tape.constant(x), {.lengths = Ids({1, 4, 3}), .composed = composed});
            const auto other =
                (*layer)(tape.constant(reordered(x, order)), {.lengths = Ids({3, 1, 4}), .composed = composed});
            CHECK(reordered(unsorted.y.value(), order).to_vector() == other.y.value().to_vector());
            CHECK(reordered(unsorted.last.h.value(), order).to_vector() == other.last.h.value().to_vector());
        }
}

TEST_CASE("wrong lengths, states and inputs: one line, the reader's") {
    for (CellKind kind : kinds)
        for (bool composed : {false, true}) {
            const auto layer = make(kind);
            Tape tape;
            const Var x = tape.input(normal({T, B, D}));
            const auto said = [&](RecurrentCall call) {
                call.composed = composed;
                const Where here;
                return failure([&] { (*layer)(x, call, here); }, here);
            };
            const auto with = [&](const Shape& shape, DType dtype = DType::f64) {
                return said({.initial = {tape.constant(Tensor::zeros(shape, dtype)), {}}});
            };
            CHECK(said({.lengths = Ids({4, 4})}) == "Recurrent (HERE): 2 lengths for a batch of 3");
            CHECK(said({.lengths = Ids({4, 4, 1, 1})}) == "Recurrent (HERE): 4 lengths for a batch of 3");
            CHECK(said({.lengths = Ids({4, 5, 1})}) == "Recurrent (HERE): length 5 of sequence 1: expected 0 to T = 4");
            CHECK(said({.lengths = Ids({4, 1, -1})}) ==
                  "Recurrent (HERE): length -1 of sequence 2: expected 0 to T = 4");
            const std::string expected = ", expected [L=4, 3, H=5] f64 (layers times directions first)";
            // Of one layer too few, of one direction, of another batch, of another size, without layers.
            for (const Shape& shape : {Shape{3, B, H}, Shape{2, B, H}, Shape{4, 1, H}, Shape{4, B, 1}, Shape{B, H}})
                CHECK(with(shape) == "Recurrent (HERE): an initial state is " + shape.str() + " f64" + expected);
            CHECK(with({4, B, H}, DType::f32) == "Recurrent (HERE): an initial state is [4, 3, 5] f32" + expected);
            const Var C = tape.constant(Tensor::zeros({kind == CellKind::lstm ? 3 : 4, B, H}, DType::f64));
            CHECK(said({.initial = {{}, C}}) ==
                  (kind == CellKind::lstm
                       ? "Recurrent (HERE): an initial state is [3, 3, 5] f64" + expected
                       : "Recurrent (HERE): an initial cell state C is given, but this cell has none"));
            for (const Shape& shape : {Shape{T, B, D + 1}, Shape{B, D}, Shape{0, B, D}}) {
                const std::string message = error_of(
                    [&] { (*layer)(tape.constant(Tensor::zeros(shape, DType::f64)), {.composed = composed}); });
                CHECK(contains(message, "x is " + shape.str() + ", expected [T, B, D=2] with at least one time step"));
            }
            CHECK(contains(error_of([&] { (*layer)(Var(), {}); }), "Recurrent (test_recurrent_misuse.cpp:"));
            CHECK(contains(error_of([&] {
                               (*layer)(tape.constant(Tensor::zeros({T, B, D})), {.composed = composed});
                           }),
                           "f32"));
        }
}

TEST_CASE("sizes of 0 and dropout outside [0, 1): refused, by the layer and by the cell alone") {
    Generator gen(1);
    const auto options = [](CellKind kind, int64_t D, int64_t H, int64_t layers, double dropout) {
        return RecurrentOptions{
            .cell = kind, .input_size = D, .hidden_size = H, .num_layers = layers, .dropout = dropout};
    };
    for (CellKind kind : kinds) {
        const auto said = [&](int64_t D, int64_t H, int64_t layers, double dropout) {
            const Where here;
            return failure([&] { recurrent_layer(options(kind, D, H, layers, dropout), gen, here); }, here);
        };
        const std::string each = ": each must be 1 or more";
        CHECK(said(2, 0, 1, 0) == "Recurrent (HERE): input_size 2, hidden_size 0, num_layers 1" + each);
        CHECK(said(0, 3, 1, 0) == "Recurrent (HERE): input_size 0, hidden_size 3, num_layers 1" + each);
        CHECK(said(2, 3, 0, 0) == "Recurrent (HERE): input_size 2, hidden_size 3, num_layers 0" + each);
        CHECK(said(2, -3, 1, 0) == "Recurrent (HERE): input_size 2, hidden_size -3, num_layers 1" + each);
        CHECK(said(2, 3, 1, 1) == "Recurrent (HERE): dropout 1: expected 0 <= p < 1");
        CHECK(said(2, 3, 1, NAN) == "Recurrent (HERE): dropout nan: expected 0 <= p < 1");
        CHECK(said(2, 3, 1, -0.1) == "Recurrent (HERE): dropout -0.1: expected 0 <= p < 1");
        CHECK(said(2, 3, 1, INFINITY) == "Recurrent (HERE): dropout inf: expected 0 <= p < 1");
        CHECK(said(2, 3, 1, 0.99) == "");
    }
    const std::string each = ": each size must be 1 or more";
    CHECK(error_of([&] { RnnCell({.input_size = 2, .hidden_size = 0}, gen); }) ==
          "the parameter W_hh is [H=0, H=0]" + each);
    CHECK(error_of([&] { LstmCell({.input_size = 2, .hidden_size = 0}, gen); }) ==
          "the parameter W_hh is [0, H=0]" + each);
    CHECK(error_of([&] { GruCell({.input_size = 0, .hidden_size = 3}, gen); }) ==
          "the parameter W_xh is [9, D=0]" + each);
}

TEST_CASE("weights of another architecture: each tensor that differs is named, and nothing has changed") {
    const TemporaryFolder folder;
    const auto lstm = make(CellKind::lstm, 1, false);
    save_weights(folder / "lstm", *lstm);
    const auto said = [&](RecurrentLayer& layer) {
        const auto numbers = [&] {
            std::vector<std::vector<double>> all;
            for (const Parameter& p : parameters(layer)) all.push_back(p.value.to_vector());
            return all;
        };
        const auto before = numbers();
        const std::string message = error_of([&] { load_weights(folder / "lstm", layer); });
        CHECK(numbers() == before);
        CHECK(message.find("load_weights (test_recurrent_misuse.cpp:") == 0);
        return message;
    };
    const std::string gru = said(*make(CellKind::gru, 1, false, 2));
    CHECK(contains(gru, "layer0.W_hh is [20, 5] f64 in the file, [15, H=5] f64 here"));
    CHECK(contains(gru, "layer0.W_xh is [20, 2] f64 in the file, [15, D=2] f64 here"));
    CHECK(contains(gru, "layer0.b is [20] f64 in the file, [15] f64 here; layer0.b_hh is not in the file"));
    const std::string rnn = said(*make(CellKind::rnn, 1, false, 2));
    CHECK(contains(rnn, "layer0.b_h is not in the file; \"layer0.b\" is in the file only"));
    const std::string deep = said(*make(CellKind::lstm, 2, true, 2));
    for (const char* name : {"layer0_reverse", "layer1", "layer1_reverse"})
        for (const char* weight : {".W_hh", ".W_xh", ".b"})
            CHECK(contains(deep, std::string(name) + weight + " is not in the file"));
    Generator gen(2);
    Lstm peephole({.input_size = D, .hidden_size = H, .peephole = Peephole::full, .dtype = DType::f64}, gen);
    CHECK(contains(said(peephole), "layer0.P_f is not in the file; layer0.P_i is not in the file; layer0.P_o is not"));
    Lstm coupled({.input_size = D, .hidden_size = H, .coupled = true, .dtype = DType::f64}, gen);
    CHECK(contains(said(coupled), "layer0.b is [20] f64 in the file, [15] f64 here"));
}
