// embedding and dropout
#include "core/kernels/parallel.hpp"
#include "core/ops/dropout.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/lookup.hpp"
#include "core/ops/reductions.hpp"
#include "tests/core/numbers.hpp"
#include "tests/failure.hpp"

using namespace unroll;

TEST_CASE("embedding: rows, repeated ids add up") {
    for (DType dtype : both_types) {
        const Parameter E("E", Tensor::of({{1, 2}, {3, 4}, {5, 6}}, dtype).named("VD"));
        Ids ids({2, 0, 2, 2}, {{2, 'T'}, {2, 'B'}});
        CHECK(embedding(E.value, ids).shape().str() == "[T=2, B=2, D=2]");
        CHECK(embedding(E.value, ids).to_vector() == std::vector<double>{5, 6, 1, 2, 5, 6, 5, 6});
        CHECK(embedding(E.value, Ids(std::vector<int32_t>{})).shape() == Shape{0, 2});
        Tape tape;
        const Var y = embedding(tape.watch(E), ids);
        ids.mutable_data()[0] = 1;  // the reader's next batch
        tape.backward(sum(y * Tensor::of({{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}}, dtype)));
        CHECK(tape.grad(E).to_vector() == std::vector<double>{3, 4, 0, 0, 13, 16});
    }
}

TEST_CASE("embedding at every time step: the gradients of all steps together") {
    Tape tape;
    const Parameter E("E", random({5, 3}));
    Var L;
    Tensor expected = Tensor::zeros({5, 3}, DType::f64);
    for (int t : tape.steps(6)) {
        const Tensor g = random({2, 3}, DType::f64, static_cast<uint64_t>(t) + 10);
        const Var e = embedding(tape.watch(E), Ids({t % 5, (2 * t) % 5}));
        const Var s = sum(e * g);
        L = t == 0 ? s : L + s;
        expected.row(t % 5) += g.row(0);
        expected.row((2 * t) % 5) += g.row(1);
    }
    tape.backward(L);
    check_close(tape.grad(E), expected, 1e-14);
}

TEST_CASE("embedding: the bits don't depend on threads") {
    const int before = kernels::threads();
    const int V = 40, D = 200, N = 3001;
    Generator rng(1);
    Ids ids = Ids::empty({N});
    for (int i = 0; i < N; i++) ids.mutable_data()[i] = static_cast<int32_t>(rng.below(V));
    const Tensor g = random({N, D}, DType::f32);
    std::vector<Tensor> results;
    for (int threads : {1, 2, 3, 5}) {
        kernels::set_threads(threads);
        Tape tape;
        const Var E = tape.input(random({V, D}, DType::f32, 2));
        tape.backward(sum(embedding(E, ids) * g));
        results.push_back(tape.grad(E));
    }
    kernels::set_threads(before);
    std::vector<double> naive(V * D);
    for (int64_t n = 0; n < N; n++)
        for (int64_t d = 0; d < D; d++) naive[static_cast<size_t>(ids[n] * D + d)] += g.at({n, d});
    check_close(results[0], {V, D}, naive, 1e-4);
    for (const Tensor& r : results) CHECK(r.to_vector() == results[0].to_vector());
}

TEST_CASE("embedding: taught errors") {
    Tape tape;
    const Var E = tape.input(Tensor::zeros({{65, 'V'}, {8, 'D'}}));
    const Parameter P("embed.E", Tensor::zeros({{65, 'V'}, {8, 'D'}}));
    CHECK(failure([&] {
              embedding(E, Ids({1, 2, 64, 65}, {2, 2}));
          }) == "embedding (HERE): ids[1, 1] is 65: not a row of E [V=65, D=8]");
    CHECK(failure([&] {
              embedding(P.value, Ids({0, -1}));
          }) == "embedding (HERE): ids[1] is -1: not a row of E [V=65, D=8]");
    CHECK(failure([&] { embedding(P, Ids({65})); }) ==
          "embedding (HERE): ids[0] is 65: not a row of embed.E [V=65, D=8]");
    CHECK(failure([&] { embedding(E, Ids()); }) == "embedding (HERE): the ids are empty: no numbers were ever put in");
    CHECK(failure([&] { embedding(tape.input(Tensor::zeros({3})), Ids({0})); }) ==
          "embedding (HERE): E [3] is not a matrix [V, D]");
    CHECK(failure([&] {
              embedding(Tensor::zeros({3, 2}), Ids({0}, {1, 1, 1, 1}));
          }) == "Shape (HERE): [1, 1, 1, 1] has 4 dimensions already");
    CHECK(tape.size() == 0);
}

TEST_CASE("dropout: zeros with probability p, the rest scaled; the gradient through the same mask") {
    for (DType dtype : both_types) {
        const int64_t n = 100000;
        const Tensor x = random({n}, dtype) + 5;
        for (double p : {0.1, 0.5, 0.9}) {
            CAPTURE(p);
            Generator rng(3), same(3);
            Tape tape;
            const Var v = tape.input(x);
            const Var y = dropout(v, p, rng);
            CHECK(rng.state().counter == static_cast<uint64_t>(n));
            CHECK(dropout(x, p, same).to_vector() == y.value().to_vector());
            tape.backward(sum(y));
            int64_t dropped = 0;
            bool right = true;
            for (int64_t i = 0; i < n; i++) {
                const double g = tape.grad(v).flat(i);
                dropped += g == 0;
                right = right && y.value().flat(i) == doctest::Approx(x.flat(i) * g).epsilon(1e-6);
                right = right && (g == 0 || g == doctest::Approx(1 / (1 - p)).epsilon(1e-6));
            }
            CHECK(right);
            CHECK(std::abs(static_cast<double>(dropped) - p * n) < 5 * std::sqrt(n * p * (1 - p)));
            Symbols symbols;
            tape.record(0).symbols(symbols);
            CHECK(std::string(symbols.items[1].name) == "mask");
            CHECK(symbols.items[1].saved->size() == n);
        }
    }
}

TEST_CASE("dropout: p = 0 is x itself, other p are refused") {
    Generator rng(1);
    Tape tape;
    const Tensor x = Tensor::of({1, 2});
    const Var v = tape.input(x);
    const Var y = dropout(v, 0, rng);
    CHECK(y.slot() == v.slot());
    CHECK(dropout(x, 0, rng).same_storage(x));
    CHECK(tape.size() == 0);
    CHECK(rng.state().counter == 0);
    CHECK(failure([&] { dropout(v, 1, rng); }) == "dropout (HERE): p is 1, expected 0 <= p < 1");
    CHECK(failure([&] { dropout(v, -0.1, rng); }) == "dropout (HERE): p is -0.1, expected 0 <= p < 1");
    CHECK(failure([&] { dropout(x, NAN, rng); }) == "dropout (HERE): p is nan, expected 0 <= p < 1");
    CHECK(rng.state().counter == 0);
    const Parameter W("W", Tensor::of({1}));
    CHECK(failure([&] { dropout(W, 0, rng); }).find("no operand is on a tape") != std::string::npos);
}

TEST_CASE("variational_dropout: one mask for all time steps") {
    for (DType dtype : both_types) {
        const int64_t T = 5, B = 40, H = 300;
        const Tensor x = random({T, B, H}, dtype) + 5, g = random({T, B, H}, dtype, 2);
        for (double p : {0.1, 0.5}) {
            Generator rng(3), same(3);
            Tape tape;
            const Var v = tape.input(x);
            const Var y = variational_dropout(v, p, rng);
            CHECK(rng.state().counter == static_cast<uint64_t>(B * H));
            CHECK(variational_dropout(x, p, same).to_vector() == y.value().to_vector());
            tape.backward(sum(y * g));
            int64_t dropped = 0;
            double total = 0, kept = 0;
            bool right = true;
            for (int64_t i = 0; i < B * H; i++) {
                const double mask = y.value().flat(i) == 0 ? 0 : 1 / (1 - p);
                dropped += mask == 0;
                for (int64_t n = i; n < T * B * H; n += B * H) {
                    right = right && y.value().flat(n) == doctest::Approx(x.flat(n) * mask).epsilon(1e-6);
                    right = right && tape.grad(v).flat(n) == doctest::Approx(g.flat(n) * mask).epsilon(1e-6);
                    total += x.flat(n), kept += y.value().flat(n);
                }
            }
            CHECK(right);
            CHECK(std::abs(static_cast<double>(dropped) - p * B * H) < 5 * std::sqrt(B * H * p * (1 - p)));
            CHECK(kept / total == doctest::Approx(1).epsilon(5 * std::sqrt(p / (1 - p) / (B * H))));
        }
    }
    // The same mask for any number of threads.
    const int before = kernels::threads();
    std::vector<std::vector<double>> results;
    for (int threads : {1, 2, 3, 5}) {
        kernels::set_threads(threads);
        Generator rng(3);
        results.push_back(variational_dropout(random({3, 70, 900}, DType::f32), 0.3, rng).to_vector());
    }
    kernels::set_threads(before);
    for (const auto& r : results) CHECK(r == results[0]);
}

TEST_CASE("variational_dropout: p = 0 is x itself, other p and scalars are refused") {
    Generator rng(1);
    Tape tape;
    const Tensor x = Tensor::of({{1, 2}, {3, 4}});
    const Var v = tape.input(x);
    CHECK(variational_dropout(v, 0, rng).slot() == v.slot());
    CHECK(variational_dropout(x, 0, rng).same_storage(x));
    CHECK(failure([&] { variational_dropout(v, 1, rng); }) ==
          "variational_dropout (HERE): p is 1, expected 0 <= p < 1");
    CHECK(failure([&] { variational_dropout(x, NAN, rng); }) ==
          "variational_dropout (HERE): p is nan, expected 0 <= p < 1");
    CHECK(failure([&] { variational_dropout(v, -1, rng); }).find("p is -1") != std::string::npos);
    CHECK(failure([&] { variational_dropout(Tensor::of(1), 0.5, rng); }) ==
          "variational_dropout (HERE): x is [], expected [T, ..]");
    CHECK(rng.state().counter == 0);
    CHECK(tape.size() == 0);
}
