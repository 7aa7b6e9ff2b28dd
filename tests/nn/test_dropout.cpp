// Dropout between layers: where it acts, and when it does not.
#include "core/ops/dropout.hpp"
#include "nn/rnn.hpp"
#include "tests/core/numbers.hpp"

using namespace unroll;

TEST_CASE(
    "dropout between layers: on the outputs of all layers but the last, in training only; variational: one mask") {
    for (bool variational : {false, true}) {
        Generator gen(3), drawn(5), same(5);
        Rnn rnn({.input_size = 2,
                 .hidden_size = 20,
                 .dtype = DType::f64,
                 .num_layers = 2,
                 .dropout = 0.4,
                 .variational = variational},
                gen);
        Tape tape;
        const Var x = tape.input(random({6, 3, 2}));
        const Tensor trained = rnn(x, {.dropout = &drawn}).y.value(), evaluated = rnn(x).y.value();
        const States zero{tape.constant(Tensor::zeros({3, 20}, DType::f64)), {}};
        const Var below = rnn.cell(0).sequence(x, zero, {}).y;
        const Var masked = variational ? variational_dropout(below, 0.4, same) : dropout(below, 0.4, same);
        CHECK(trained.to_vector() == rnn.cell(1).sequence(masked, zero, {}).y.value().to_vector());
        CHECK(evaluated.to_vector() == rnn.cell(1).sequence(below, zero, {}).y.value().to_vector());
        CHECK(trained.to_vector() != evaluated.to_vector());
        CHECK(drawn.state() == same.state());
    }
}
