// The whole-sequence RNN equals the cell's equations composed step by step: values and all gradients.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "core/kernels/parallel.hpp"
#include "core/ops/reductions.hpp"
#include "nn/rnn.hpp"

using namespace unroll;

namespace {

struct Case {
    int64_t T, B, D, H, layers;
    bool bidirectional, lengths, given_state;
    Activation activation;
    double scale;  // of the inputs: 50 saturates
};

Tensor normal(const Shape& shape, Generator& gen, double std = 1, DType dtype = DType::f64) {
    Tensor t = Tensor::empty(shape, dtype);
    gen.fill_normal(t, 0, std);
    return t;
}

/// Outputs and gradients of L = sum(y ⊙ cotangent) + sum(h_T ⊙ cotangent).
std::vector<Tensor> run(Rnn& rnn, const Case& c, bool composed, DType dtype = DType::f64) {
    Generator gen(7);
    const Tensor x = normal({c.T, c.B, c.D}, gen, c.scale).to(dtype);
    const int64_t directions = c.bidirectional ? 2 : 1;
    const Tensor h_0 = normal({c.layers * directions, c.B, c.H}, gen).to(dtype);
    const Tensor dy = normal({c.T, c.B, directions * c.H}, gen).to(dtype);
    const Tensor dh_T = normal(h_0.shape(), gen).to(dtype);
    Rnn::Call call{.composed = composed};
    if (c.lengths) {
        std::vector<int32_t> lengths;
        for (int64_t b = 0; b < c.B; b++) lengths.push_back(static_cast<int32_t>(b == 0 ? c.T : gen.below(c.T + 1)));
        call.lengths = Ids(lengths);
    }
    Tape tape;
    const Var input = tape.input(x), state = tape.input(h_0);
    if (c.given_state) call.initial.h = state;
    const Rnn::Output out = rnn(input, call);
    const Var from_y = sum(out.y * dy);
    const Var from_h = sum(out.last.h * dh_T);
    tape.backward(from_y + from_h);
    std::vector<Tensor> results = {out.y.value(), out.last.h.value(), tape.grad(input)};
    if (c.given_state) results.push_back(tape.grad(state));
    for (const Parameter& p : parameters(rnn)) results.push_back(tape.grad(p));
    return results;
}

/// Largest difference over the largest entry.
double distance(const Tensor& a, const Tensor& b) {
    double difference = 0, largest = 0;
    REQUIRE(a.shape() == b.shape());
    for (int64_t i = 0; i < a.size(); i++) {
        difference = std::max(difference, std::abs(a.flat(i) - b.flat(i)));
        largest = std::max(largest, std::abs(b.flat(i)));
    }
    return largest > 0 ? difference / largest : difference;
}

// A covering set: every pair of neighbouring factors meets, not every product.
const Case cases[] = {
    {1, 1, 1, 1, 1, false, false, false, Activation::tanh, 1},
    {1, 3, 5, 16, 2, true, false, true, Activation::relu, 1},
    {2, 1, 5, 17, 3, false, true, true, Activation::logistic, 1},
    {2, 32, 17, 5, 1, true, true, false, Activation::tanh, 1},
    {7, 3, 16, 17, 3, true, true, true, Activation::tanh, 1},
    {7, 3, 1, 5, 2, true, false, true, Activation::logistic, 50},
    {7, 32, 5, 1, 1, false, true, true, Activation::relu, 1},
    {30, 3, 17, 16, 1, true, true, true, Activation::tanh, 50},
    {30, 1, 5, 5, 3, true, false, false, Activation::tanh, 1},
    {30, 32, 1, 17, 2, false, false, true, Activation::logistic, 1},
};

Rnn make(const Case& c, DType dtype = DType::f64) {
    Generator gen(3);
    return Rnn({.input_size = c.D,
                .hidden_size = c.H,
                .activation = c.activation,
                .dtype = dtype,
                .num_layers = c.layers,
                .bidirectional = c.bidirectional},
               gen);
}

}  // namespace

TEST_CASE("rnn: whole sequence = composed, values and every gradient") {
    for (const Case& c : cases) {
        CAPTURE(c.T);
        CAPTURE(c.B);
        CAPTURE(c.H);
        Rnn rnn = make(c);
        const std::vector<Tensor> whole = run(rnn, c, false), composed = run(rnn, c, true);
        REQUIRE(whole.size() == composed.size());
        for (size_t i = 0; i < whole.size(); i++) {
            CAPTURE(i);
            CHECK(distance(whole[i], composed[i]) < 1e-12);
        }
    }
}

TEST_CASE("rnn: the same bits for 1, 2, 3 and 5 threads") {
    const int before = kernels::threads();
    for (DType dtype : {DType::f32, DType::f64})
        for (const Case& c : cases) {
            Rnn rnn = make(c, dtype);
            kernels::set_threads(1);
            const std::vector<Tensor> one = run(rnn, c, false, dtype);
            for (int n : {2, 3, 5}) {
                kernels::set_threads(n);
                const std::vector<Tensor> many = run(rnn, c, false, dtype);
                for (size_t i = 0; i < one.size(); i++) CHECK(one[i].to_vector() == many[i].to_vector());
            }
        }
    kernels::set_threads(before);
}

TEST_CASE("rnn: outputs past the end are zero, the last state is the one after the sequence's own last step") {
    Generator gen(1);
    Rnn rnn({.input_size = 2, .hidden_size = 3, .dtype = DType::f64, .bidirectional = true}, gen);
    const Tensor x = normal({5, 2, 2}, gen);
    Tape tape(Tape::Mode::forward_only);
    const auto both = rnn(tape.constant(x), {.lengths = Ids({5, 3})});
    // The second sequence alone, cut to its own three steps.
    Tensor cut = Tensor::empty({3, 1, 2}, DType::f64);
    for (int64_t t = 0; t < 3; t++)
        for (int64_t d = 0; d < 2; d++) cut.set({t, 0, d}, x.at({t, 1, d}));
    const auto alone = rnn(tape.constant(cut));
    for (int64_t h = 0; h < 6; h++) {
        for (int64_t t = 0; t < 3; t++) CHECK(both.y.value().at({t, 1, h}) == alone.y.value().at({t, 0, h}));
        for (int64_t t = 3; t < 5; t++) CHECK(both.y.value().at({t, 1, h}) == 0);
    }
    for (int64_t d = 0; d < 2; d++)
        for (int64_t h = 0; h < 3; h++)
            CHECK(both.last.h.value().at({d, 1, h}) == alone.last.h.value().at({d, 0, h}));
}

TEST_CASE("rnn: a sequence of length 0 passes its initial state on") {
    Generator gen(1);
    Rnn rnn({.input_size = 2, .hidden_size = 3, .dtype = DType::f64}, gen);
    Tape tape;
    const Var h_0 = tape.input(normal({1, 2, 3}, gen));
    const auto out = rnn(tape.constant(normal({4, 2, 2}, gen)), {.initial = {h_0, {}}, .lengths = Ids({4, 0})});
    tape.backward(sum(out.last.h));
    for (int64_t h = 0; h < 3; h++) {
        CHECK(out.last.h.value().at({0, 1, h}) == h_0.value().at({0, 1, h}));
        CHECK(tape.grad(h_0).at({0, 1, h}) == 1);
    }
}

TEST_CASE("rnn: wrong use is told with the reader's line") {
    Generator gen(1);
    Rnn rnn({.input_size = 2, .hidden_size = 3}, gen);
    Tape tape;
    const auto message = [&](auto&& call) -> std::string {
        try {
            call();
        } catch (const Error& e) {
            return e.what();
        }
        return "";
    };
    const Var x = tape.input(Tensor::zeros({4, 2, 2}));
    CHECK(message([&] { rnn(tape.input(Tensor::zeros({4, 2, 5}))); }).find("(test_rnn.cpp:") != std::string::npos);
    CHECK(message([&] {
              rnn(tape.input(Tensor::zeros({4, 2, 5})));
          }).find("x is [4, 2, 5], expected [T, B, D=2]") != std::string::npos);
    CHECK(message([&] { rnn(x, {.lengths = Ids({4})}); }).find("1 lengths for a batch of 2") != std::string::npos);
    CHECK(message([&] {
              rnn(x, {.lengths = Ids({4, 5})});
          }).find("length 5 of sequence 1: expected 0 to T = 4") != std::string::npos);
    CHECK(message([&] { rnn(x, {.lengths = Ids({4, -1})}); }).find("length -1") != std::string::npos);
    CHECK(message([&] {
              rnn(x, {.initial = {tape.input(Tensor::zeros({2, 2, 3})), {}}});
          }).find("expected [L=1, 2, H=3]") != std::string::npos);
    CHECK(message([&] { Rnn({.input_size = 2, .hidden_size = 0}, gen); }).find("hidden_size 0") != std::string::npos);
    CHECK(message([&] { Rnn({.input_size = 2, .hidden_size = 2, .dropout = NAN}, gen); }).find("dropout nan") !=
          std::string::npos);
}
