// Recurrent layers. The whole-sequence operation of each cell equals the cell's equations composed step by step: values
// and all gradients; with the same bits for any number of threads.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>

#include "core/kernels/parallel.hpp"
#include "core/ops/lookup.hpp"
#include "core/ops/reductions.hpp"
#include "nn/gru.hpp"
#include "nn/lstm.hpp"
#include "nn/rnn.hpp"

using namespace unroll;

namespace {

struct Case {
    int64_t T, B, D, H, layers;
    bool bidirectional, lengths, given_states;
    double scale = 1;  // of the inputs: 50 saturates the gates
};

// A covering set: every pair of neighbouring factors meets, not every product.
const Case cases[] = {
    {1, 1, 1, 1, 1, false, false, false},     {1, 3, 5, 16, 2, true, false, true},
    {1, 32, 16, 5, 3, false, true, true},     {2, 1, 5, 17, 3, false, true, true},
    {2, 32, 17, 5, 1, true, true, false},     {7, 3, 16, 17, 3, true, true, true},
    {7, 3, 1, 5, 2, true, false, true, 50},   {7, 32, 5, 1, 1, false, true, true},
    {30, 3, 17, 16, 1, true, true, true, 50}, {30, 1, 5, 5, 3, true, false, false},
    {30, 32, 1, 17, 2, false, false, true},
};

/// A layer of some kind of cell, its parameters drawn.
struct Kind {
    std::string name;
    std::function<std::shared_ptr<RecurrentLayer>(const Case&, DType)> make;
};

template <class Layer>
Kind kind(const char* name, typename Layer::Options options) {
    return {name, [options](const Case& c, DType dtype) mutable {
                options.input_size = c.D;
                options.hidden_size = c.H;
                options.dtype = dtype;
                options.num_layers = c.layers;
                options.bidirectional = c.bidirectional;
                Generator gen(3);
                return std::make_shared<Layer>(options, gen);
            }};
}

const Kind kinds[] = {
    kind<Rnn>("rnn tanh", {}),
    kind<Rnn>("rnn relu", {.activation = Activation::relu}),
    kind<Rnn>("rnn logistic", {.activation = Activation::logistic}),
    kind<Lstm>("lstm", {.forget_bias = 1}),
    kind<Lstm>("lstm, diagonal peepholes", {.peephole = Peephole::diagonal}),
    kind<Lstm>("lstm, full peepholes", {.peephole = Peephole::full}),
    kind<Lstm>("lstm, coupled", {.coupled = true}),
    kind<Lstm>("lstm, coupled, diagonal peepholes", {.peephole = Peephole::diagonal, .coupled = true}),
    kind<Lstm>("lstm, coupled, full peepholes", {.peephole = Peephole::full, .coupled = true}),
    kind<Gru>("gru, reset before", {}),
    kind<Gru>("gru, reset after", {.reset_after = true}),
};

Tensor normal(const Shape& shape, Generator& gen, double std = 1, DType dtype = DType::f64) {
    Tensor t = Tensor::empty(shape, dtype);
    gen.fill_normal(t, 0, std);
    return t;
}

/// Outputs and gradients of L = sum(y ⊙ cotangent) + sum(h_T ⊙ cotangent) + sum(C_T ⊙ cotangent).
std::vector<Tensor> run(RecurrentLayer& layer, const Case& c, bool composed, DType dtype = DType::f64) {
    Generator gen(7);
    const Tensor x = normal({c.T, c.B, c.D}, gen, c.scale).to(dtype);
    const int64_t directions = c.bidirectional ? 2 : 1;
    const Shape states{c.layers * directions, c.B, c.H};
    const Tensor h_0 = normal(states, gen).to(dtype), C_0 = normal(states, gen).to(dtype);
    const Tensor dy = normal({c.T, c.B, directions * c.H}, gen).to(dtype);
    const Tensor dh_T = normal(states, gen).to(dtype), dC_T = normal(states, gen).to(dtype);
    RecurrentCall call{.composed = composed};
    if (c.lengths) {  // 0 and T among them
        std::vector<int32_t> lengths;
        for (int64_t b = 0; b < c.B; b++) lengths.push_back(static_cast<int32_t>(b == 1 ? 0 : gen.below(c.T + 1)));
        lengths[0] = static_cast<int32_t>(c.T);
        call.lengths = Ids(lengths);
    }
    Tape tape;
    const Var input = tape.input(x), h = tape.input(h_0), C = tape.input(C_0);
    const bool has_C = dynamic_cast<const Lstm*>(&layer) != nullptr;
    if (c.given_states) call.initial.h = h;
    if (c.given_states && has_C) call.initial.C = C;
    const RecurrentOutput out = layer(input, call);
    REQUIRE(given(out.last.C) == has_C);
    Var L = sum(out.y * dy);
    L = L + sum(out.last.h * dh_T);
    if (has_C) L = L + sum(out.last.C * dC_T);
    tape.backward(L);
    std::vector<Tensor> results = {out.y.value(), out.last.h.value(), tape.grad(input)};
    if (has_C) results.push_back(out.last.C.value());
    if (c.given_states) results.push_back(tape.grad(h));
    if (c.given_states && has_C) results.push_back(tape.grad(C));
    for (const Parameter& p : parameters(layer)) results.push_back(tape.grad(p));
    return results;
}

/// Largest difference over the largest entry.
double distance(const Tensor& a, const Tensor& b) {
    double difference = 0, largest = 0;
    REQUIRE(a.shape() == b.shape());
    for (int64_t i = 0; i < a.size(); i++) {
        const double d = std::abs(a.flat(i) - b.flat(i));
        difference = d <= difference ? difference : d;  // NaN too
        largest = std::max(largest, std::abs(b.flat(i)));
    }
    return largest > 0 ? difference / largest : difference;
}

}  // namespace

TEST_CASE("recurrent: whole sequence = composed, values and every gradient") {
    for (const Kind& kind : kinds)
        for (const Case& c : cases) {
            CAPTURE(kind.name);
            CAPTURE(c.T);
            CAPTURE(c.B);
            CAPTURE(c.H);
            const std::shared_ptr<RecurrentLayer> layer = kind.make(c, DType::f64);
            const std::vector<Tensor> whole = run(*layer, c, false), composed = run(*layer, c, true);
            REQUIRE(whole.size() == composed.size());
            for (size_t i = 0; i < whole.size(); i++) {
                CAPTURE(i);
                CHECK(distance(whole[i], composed[i]) < 1e-12);
            }
        }
}

TEST_CASE("recurrent: the same bits for 1, 2, 3 and 5 threads") {
    const int before = kernels::threads();
    std::vector<Case> some(std::begin(cases), std::end(cases));
    some.push_back({3, 1, 300, 290, 1, false, false, true});  // products that are split over threads by columns
    some.push_back({3, 5, 129, 130, 1, true, true, true});
    for (DType dtype : {DType::f32, DType::f64})
        for (const Kind& kind : kinds)
            for (const Case& c : some) {
                CAPTURE(kind.name);
                CAPTURE(c.T);
                CAPTURE(c.B);
                const std::shared_ptr<RecurrentLayer> layer = kind.make(c, dtype);
                kernels::set_threads(1);
                const std::vector<Tensor> one = run(*layer, c, false, dtype);
                for (int n : {2, 3, 5}) {
                    kernels::set_threads(n);
                    const std::vector<Tensor> many = run(*layer, c, false, dtype);
                    for (size_t i = 0; i < one.size(); i++) CHECK(one[i].to_vector() == many[i].to_vector());
                }
            }
    kernels::set_threads(before);
}

TEST_CASE("recurrent: outputs past the end are zero, the last state is the one after the sequence's own last step") {
    const Case c{5, 2, 2, 3, 1, true, true, false};
    Generator gen(1);
    const Tensor x = normal({5, 2, 2}, gen);
    // The second sequence alone, cut to its own three steps.
    Tensor cut = Tensor::empty({3, 1, 2}, DType::f64);
    for (int64_t t = 0; t < 3; t++)
        for (int64_t d = 0; d < 2; d++) cut.set({t, 0, d}, x.at({t, 1, d}));
    for (const Kind& kind : kinds) {
        CAPTURE(kind.name);
        const std::shared_ptr<RecurrentLayer> layer = kind.make(c, DType::f64);
        Tape tape(Tape::Mode::forward_only);
        const auto both = (*layer)(tape.constant(x), {.lengths = Ids({5, 3})});
        const auto alone = (*layer)(tape.constant(cut));
        for (int64_t h = 0; h < 6; h++) {
            for (int64_t t = 0; t < 3; t++) CHECK(both.y.value().at({t, 1, h}) == alone.y.value().at({t, 0, h}));
            for (int64_t t = 3; t < 5; t++) CHECK(both.y.value().at({t, 1, h}) == 0);
        }
        for (const Var States::*state : {&States::h, &States::C})
            for (int64_t d = 0; d < 2 && given(both.last.*state); d++)
                for (int64_t h = 0; h < 3; h++)
                    CHECK((both.last.*state).value().at({d, 1, h}) == (alone.last.*state).value().at({d, 0, h}));
    }
}

TEST_CASE("recurrent: a sequence of length 0 passes its initial state on") {
    Generator gen(1);
    const Tensor x = normal({4, 2, 2}, gen), start = normal({1, 2, 3}, gen);
    for (const Kind& kind : kinds) {
        CAPTURE(kind.name);
        const std::shared_ptr<RecurrentLayer> layer = kind.make({4, 2, 2, 3, 1, false, true, true}, DType::f64);
        Tape tape;
        const Var h_0 = tape.input(start), C_0 = tape.input(start * 2.0);
        const bool has_C = dynamic_cast<const Lstm*>(layer.get()) != nullptr;
        const auto out = (*layer)(tape.constant(x), {.initial = {h_0, has_C ? C_0 : Var()}, .lengths = Ids({4, 0})});
        tape.backward(has_C ? sum(out.last.h) + sum(out.last.C) : sum(out.last.h));
        for (int64_t h = 0; h < 3; h++) {
            CHECK(out.last.h.value().at({0, 1, h}) == h_0.value().at({0, 1, h}));
            CHECK(tape.grad(h_0).at({0, 1, h}) == 1);
            if (has_C) CHECK(out.last.C.value().at({0, 1, h}) == C_0.value().at({0, 1, h}));
            if (has_C) CHECK(tape.grad(C_0).at({0, 1, h}) == 1);
        }
    }
}

TEST_CASE("recurrent: whole sequences on plain Tensors") {
    Generator gen(1);
    const Tensor x = normal({4, 3, 2}, gen), h_0 = normal({3, 5}, gen), C_0 = normal({3, 5}, gen);
    const SequenceOptions options{.reverse = true, .lengths = Ids({4, 0, 2})};
    Rnn rnn({.input_size = 2, .hidden_size = 5, .dtype = DType::f64}, gen);
    Lstm lstm({.input_size = 2, .hidden_size = 5, .dtype = DType::f64}, gen);
    Gru gru({.input_size = 2, .hidden_size = 5, .dtype = DType::f64}, gen);
    const RnnCell& r = rnn.cell(0);
    const LstmCell& l = lstm.cell(0);
    const GruCell& g = gru.cell(0);
    Tape tape;
    const RnnVars rnn_vars = rnn_sequence(tape.input(x), h_0, r.W_xh, r.W_hh, r.b_h, Activation::tanh, options);
    const LstmVars lstm_vars = lstm_sequence(tape.input(x), h_0, C_0, {l.W_xh, l.W_hh, l.b}, false, options);
    const GruVars gru_vars = gru_sequence(tape.input(x), h_0, {g.W_xh, g.W_hh, g.b}, options);
    const RnnStates rnn_states =
        rnn_sequence(x, h_0, r.W_xh.value, r.W_hh.value, r.b_h.value, Activation::tanh, options);
    const LstmStates lstm_states = lstm_sequence(x, h_0, C_0, {l.W_xh, l.W_hh, l.b}, false, options);
    const GruStates gru_states = gru_sequence(x, h_0, {g.W_xh.value, g.W_hh.value, g.b.value}, options);
    CHECK(rnn_states.y.to_vector() == rnn_vars.y.value().to_vector());
    CHECK(rnn_states.h_T.to_vector() == rnn_vars.h_T.value().to_vector());
    CHECK(lstm_states.y.to_vector() == lstm_vars.y.value().to_vector());
    CHECK(lstm_states.h_T.to_vector() == lstm_vars.h_T.value().to_vector());
    CHECK(lstm_states.C_T.to_vector() == lstm_vars.C_T.value().to_vector());
    CHECK(gru_states.y.to_vector() == gru_vars.y.value().to_vector());
    CHECK(gru_states.h_T.to_vector() == gru_vars.h_T.value().to_vector());
}

TEST_CASE("recurrent: words by a table of projections = words by their vectors") {
    const Ids words({0, 1, 2, 2, 0, 1, 3, 2, 3, 0, 0, 1}, {4, 3});
    for (const Kind& kind : kinds)
        for (int64_t layers : {1, 2})
            for (bool bidirectional : {false, true}) {
                CAPTURE(kind.name);
                const Case c{4, 3, 5, 6, layers, bidirectional, true, true};
                const std::shared_ptr<RecurrentLayer> layer = kind.make(c, DType::f64);
                const auto results = [&](bool table) {
                    Generator gen(2);
                    Tape tape;
                    const Var E = tape.input(normal({4, 5}, gen));
                    const Shape states{layers * (bidirectional ? 2 : 1), 3, 6};
                    const Var h_0 = tape.input(normal(states, gen));
                    const RecurrentCall call{.initial = {h_0, {}}, .lengths = Ids({3, 4, 0})};
                    const RecurrentOutput out =
                        table ? over_words(*layer, E, words, call) : (*layer)(embedding(E, words), call);
                    CHECK(std::string(tape.record(0).name()) == (table && !bidirectional ? "matmul" : "embedding"));
                    Var L = sum(out.y * normal(out.y.shape(), gen));
                    L = L + sum(out.last.h * normal(states, gen));
                    tape.backward(L);
                    std::vector<Tensor> all = {out.y.value(), out.last.h.value(), tape.grad(E), tape.grad(h_0)};
                    for (const Parameter& p : parameters(*layer)) all.push_back(tape.grad(p));
                    return all;
                };
                const std::vector<Tensor> by_table = results(true), by_vectors = results(false);
                for (size_t i = 0; i < by_table.size(); i++) CHECK(distance(by_table[i], by_vectors[i]) < 1e-12);
            }
    // Fewer words than the table would have rows; a composed layer.
    Generator gen(1);
    const Lstm lstm({.input_size = 5, .hidden_size = 6, .dtype = DType::f64}, gen);
    Tape tape;
    const Var E = tape.input(normal({12, 5}, gen));
    over_words(lstm, E, words);
    CHECK(std::string(tape.record(0).name()) == "embedding");
    tape.clear();
    over_words(lstm, tape.input(normal({4, 5}, gen)), words, {.composed = true});
    CHECK(std::string(tape.record(0).name()) == "embedding");
}

TEST_CASE("recurrent: wrong use is told with the reader's line") {
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
    CHECK(message([&] {
              rnn(tape.input(Tensor::zeros({4, 2, 5})));
          }).find("(test_recurrent.cpp:") != std::string::npos);
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
    const Var table = tape.input(Tensor::zeros({5, 2}));
    CHECK(message([&] {
              rnn(table, {.words = Ids({0, 4}, {2, 1})});
          }).find("the table x [5, 2], expected [5, H=3]") != std::string::npos);
    CHECK(message([&] {
              rnn(x, {.words = Ids({0, 4}, {2, 1})});
          }).find("ids[0, 0] is 0: not a row of the table [4, 2, 2]") != std::string::npos);
    CHECK(message([&] { rnn(table, {.words = Ids({0, 4})}); }).find("words [2], expected [T, B]") != std::string::npos);
    CHECK(message([&] {
              rnn(table, {.composed = true, .words = Ids({0, 4}, {2, 1})});
          }).find("words for a table") != std::string::npos);
    const Var good = tape.input(Tensor::zeros({5, 3}));
    CHECK(message([&] {
              rnn(good, {.words = Ids({0, 5}, {2, 1})});
          }).find("ids[1, 0] is 5: not a row of") != std::string::npos);
    CHECK(message([&] {
              over_words(rnn, tape.input(Tensor::zeros({2, 2})), Ids({0, 1, 2}, {3, 1}));
          }).find("(test_recurrent.cpp:") != std::string::npos);
    CHECK(message([&] { Rnn({.input_size = 2, .hidden_size = 0}, gen); }).find("hidden_size 0") != std::string::npos);
    CHECK(message([&] { Rnn({.input_size = 2, .hidden_size = 2, .dropout = NAN}, gen); }).find("dropout nan") !=
          std::string::npos);
}
