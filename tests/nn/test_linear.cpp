// Linear and Embedding.
#include "core/gradcheck.hpp"
#include "core/ops/elementwise.hpp"
#include "nn/embedding.hpp"
#include "nn/linear.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;

TEST_CASE("linear: y = x Wᵀ + b") {
    Generator gen(1);
    Linear layer({.in = 2, .out = {3, 'V'}, .dtype = DType::f64}, gen);
    layer.W.value.copy_from(Tensor::of({{1, 2}, {3, 4}, {5, 6}}, DType::f64));
    layer.b.value.copy_from(Tensor::of({10, 20, 30}, DType::f64));
    Tape tape;
    const Var y = layer(tape.input(Tensor::of({{1, -1}, {2, 0.5}}, DType::f64)));
    CHECK(y.value().to_vector() == std::vector<double>{9, 19, 29, 13, 28, 43});
    CHECK(y.shape().str() == "[2, V=3]");
    CHECK(layer.pretty() == "Linear(in=2, out=3)");
}

TEST_CASE("linear: any number of leading dimensions, also one row") {
    Generator gen(1);
    Linear layer({.in = 3, .out = 1, .bias = false}, gen);
    Tape tape;
    CHECK(layer(tape.input(Tensor::zeros({{4, 'T'}, {2, 'B'}, 3}))).shape().str() == "[T=4, B=2, 1]");
    CHECK(layer(tape.input(Tensor::zeros({3}))).shape() == Shape{1});
    CHECK(layer.pretty() == "Linear(in=3, out=1, no bias)");
    CHECK(parameters(layer).size() == 1);
}

TEST_CASE("linear and embedding: gradients of everything") {
    Generator gen(4);
    Linear layer({.in = 3, .out = 5, .dtype = DType::f64}, gen);
    Embedding embedding({.vocabulary = 6, .embedding_size = 3, .dtype = DType::f64}, gen);
    const Ids ids({1, 5, 1, 0, 1, 1}, Shape{3, 2});
    std::vector<Parameter> inputs = {embedding.E, layer.W, layer.b};
    const GradCheck check = gradcheck(inputs, [&](Tape& tape) -> std::vector<Var> {
        const Var x = embedding(tape, ids);
        const Var y = layer(x);
        return {tanh(y), x};
    });
    CHECK_MESSAGE(check.passed(), check.row("linear"));
    CHECK(check.entries == 18 + 15 + 5);
}

TEST_CASE("linear and embedding: start values as PyTorch's") {
    Generator gen(2);
    Linear layer({.in = 100, .out = 300}, gen);
    double largest = 0, squares = 0;
    for (double w : layer.W.value.to_vector()) {
        largest = std::max(largest, std::abs(w));
        squares += w * w;
    }
    CHECK(largest <= 0.1);
    CHECK(largest > 0.0999);
    CHECK(squares / 30000 == doctest::Approx(0.01 / 3).epsilon(0.02));
    for (double b : layer.b.value.to_vector()) CHECK(std::abs(b) <= 0.1);
    Embedding embedding({.vocabulary = 300, .embedding_size = 100}, gen);
    squares = 0;
    for (double e : embedding.E.value.to_vector()) squares += e * e;
    CHECK(squares / 30000 == doctest::Approx(1).epsilon(0.03));
}

TEST_CASE("embedding: rows by id") {
    Generator gen(1);
    Embedding embedding({.vocabulary = 4, .embedding_size = {2, 'D'}}, gen);
    Tape tape;
    const Var x = embedding(tape, Ids({3, 0}, Shape{{2, 'T'}, {1, 'B'}}));
    CHECK(x.shape().str() == "[T=2, B=1, D=2]");
    CHECK(x.value().at({0, 0, 1}) == embedding.E.value.at({3, 1}));
    CHECK(embedding.pretty() == "Embedding(vocabulary=4, embedding_size=2)");
}

TEST_CASE("linear and embedding: wrong use is told with the reader's line") {
    Generator gen(1);
    Linear layer({.in = 3, .out = 5}, gen);
    Embedding embedding({.vocabulary = 4, .embedding_size = 2}, gen);
    Tape tape;
    const Var x = tape.input(Tensor::zeros({{2, 'B'}, 4}));
    const std::string message = error_of([&] { layer(x); });
    CHECK(message == "Linear (test_linear.cpp:" + std::to_string(__LINE__ - 1) +
                         "): x is [B=2, 4], expected [.., in=3] for W [5, 3]");
    CHECK(contains(error_of([&] { layer(tape.input(Tensor::zeros({}))); }), "x is []"));
    CHECK(contains(error_of([&] { layer(tape.input(Tensor::zeros({2, 3}, DType::f64))); }), "test_linear.cpp"));
    CHECK(contains(error_of([&] { layer(tape.input(Tensor::zeros({2, 3}, DType::f64))); }), "f64"));
    CHECK(contains(error_of([&] { embedding(tape, Ids({0, 4})); }), "test_linear.cpp"));
    CHECK(contains(error_of([&] { embedding(tape, Ids({-1})); }), "-1"));
    CHECK(contains(error_of([&] { Linear({.in = 0, .out = 5}, gen); }), "in 0, out 5: each must be 1 or more"));
    CHECK(contains(error_of([&] { Embedding({.vocabulary = 3}, gen); }), "embedding_size 0"));
    CHECK(contains(error_of([&] { Linear()(x); }), "expected [.., in=0]"));
}
