#include "core/kernels/parallel.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/losses.hpp"
#include "core/ops/reductions.hpp"
#include "tests/core/numbers.hpp"
#include "tests/core/same_bits.hpp"
#include "tests/failure.hpp"

using namespace unroll;

constexpr double inf = INFINITY;

TEST_CASE("cross_entropy: against log(softmax), values and gradients") {
    for (DType dtype : both_types) {
        for (int64_t V : {1, 2, 7, 16, 17, 65, 1001}) {
            for (int64_t N : {1, 3, 50}) {
                for (Reduction reduction : {Reduction::mean, Reduction::sum}) {
                    for (bool ignoring : {false, true}) {
                        CAPTURE(V);
                        CAPTURE(N);
                        const Tensor x = random({N, V}, dtype) * 2;
                        Ids targets = Ids::empty({N});
                        Generator rng(4);
                        int64_t counted = 0;
                        for (int64_t n = 0; n < N; n++) {
                            const bool skip = ignoring && n % 3 == 1;
                            targets.mutable_data()[n] = skip ? -100 : static_cast<int32_t>(rng.below(V));
                            counted += !skip;
                        }
                        double loss = 0;
                        std::vector<double> dx;
                        for (int64_t n = 0; n < N; n++) {
                            double s = 0;
                            for (int64_t i = 0; i < V; i++) s += std::exp(x.at({n, i}));
                            const double share = reduction == Reduction::mean ? 1 / static_cast<double>(counted) : 1.0;
                            if (targets[n] != -100) loss += share * (std::log(s) - x.at({n, targets[n]}));
                            for (int64_t i = 0; i < V; i++)
                                dx.push_back(targets[n] == -100
                                                 ? 0
                                                 : 3 * share * (std::exp(x.at({n, i})) / s - (i == targets[n])));
                        }
                        const CrossEntropyOptions options{.reduction = reduction};
                        const double tolerance = 5 * rounding(dtype);
                        check_close(cross_entropy(x, targets, options), {}, {loss}, tolerance);
                        Tape tape;
                        const Var v = tape.input(x);
                        const Var L = cross_entropy(v, targets, options);
                        check_close(L.value(), {}, {loss}, tolerance);
                        targets.mutable_data()[0] = 0;  // the reader's next batch
                        tape.backward(3 * L);
                        check_close(tape.grad(v), {N, V}, dx, tolerance);
                    }
                }
            }
        }
    }
}

TEST_CASE("cross_entropy: smoothed labels are -Σ q log p, values and gradients") {
    for (DType dtype : both_types)
        for (int64_t V : {1, 3, 65})
            for (double epsilon : {0.0, 0.1, 1.0}) {
                const Tensor x = random({5, V}, dtype) * 3, log_p = log_softmax(x);
                Ids targets = Ids::empty({5});
                for (int32_t n = 0; n < 5; n++) targets.mutable_data()[n] = n == 2 ? -100 : n % int32_t(V);
                double loss = 0;
                std::vector<double> dx;
                for (int64_t n = 0; n < 5; n++)
                    for (int64_t v = 0; v < V; v++) {
                        const double q = (1 - epsilon) * (v == targets[n]) + epsilon / static_cast<double>(V);
                        loss -= targets[n] == -100 ? 0 : q * log_p.at({n, v}) / 4;
                        dx.push_back(targets[n] == -100 ? 0 : 3 * (std::exp(log_p.at({n, v})) - q) / 4);
                    }
                const CrossEntropyOptions options{.label_smoothing = epsilon};
                Tape tape;
                const Var v = tape.input(x);
                const Var L = cross_entropy(v, targets, options);
                check_close(L.value(), {}, {loss}, 5 * rounding(dtype));
                check_close(cross_entropy(x, targets, options), {}, {loss}, 5 * rounding(dtype));
                tape.backward(3 * L);
                check_close(tape.grad(v), {5, V}, dx, 5 * rounding(dtype));
            }
    CHECK(failure([&] {
              cross_entropy(random({2, 3}), Ids({0, 1}), {.label_smoothing = 1.5});
          }) == "cross_entropy (HERE): label_smoothing 1.5: expected 0 to 1");
}

TEST_CASE("cross_entropy: over time and batch, and what stays zero") {
    const Tensor x = random({{2, 'T'}, {3, 'B'}, {4, 'V'}});
    const Ids targets({0, 1, 2, 3, 0, 1}, {{2, 'T'}, {3, 'B'}});
    CHECK(cross_entropy(x, targets).item() == cross_entropy(x.reshape({6, 4}), targets.reshape({6})).item());
    CHECK(cross_entropy(x.row(0).row(0), Ids({2}, Shape{})).item() ==
          cross_entropy(x.row(0).slice(0, 1), Ids({2})).item());
    // A padding class as ignore_index, and a row that doesn't count may hold anything.
    Tensor y = x.clone();
    y.row(0).row(1).fill(NAN);
    Tape tape;
    const Var v = tape.input(y);
    const Var L = cross_entropy(v, targets, {.ignore_index = 1});
    CHECK(std::isfinite(L.item()));
    tape.backward(L);
    CHECK(tape.grad(v).row(0).row(1).to_vector() == std::vector<double>(4, 0.0));
    CHECK(tape.grad(v).row(1).row(2).to_vector() == std::vector<double>(4, 0.0));
    CHECK_FALSE(has_nonfinite(tape.grad(v)));
    Symbols symbols;
    tape.record(0).symbols(symbols);
    CHECK(std::string(symbols.items[1].name) == "g");
    double taken = 0;  // from the targets' scores, 1 - p of each, is given to the others: rows add up to 0
    for (int64_t t = 0; t < 2; t++)
        for (int64_t b = 0; b < 3; b++) {
            const Tensor row = symbols.items[1].saved->row(t).row(b);
            CHECK(sum(row).item() == doctest::Approx(0));
            taken += row.flat(targets[t * 3 + b]) < 0;
        }
    CHECK(taken == 4);  // two rows don't count
    CHECK(cross_entropy(x, Ids({-100, -100, -100, -100, -100, -100}, {2, 3}), {.reduction = Reduction::sum}).item() ==
          0);
}

TEST_CASE("cross_entropy: large logits keep their digits") {
    for (DType dtype : both_types) {
        const double tolerance = rounding(dtype);
        const auto loss = [&](const Literal& x, int32_t target) {
            return cross_entropy(Tensor::of(x, dtype), Ids({target}, Shape{}));
        };
        check_close(loss({1000, 0, 0}, 0), {}, {0}, tolerance);
        check_close(loss({1000, 0, 0}, 1), {}, {1000}, tolerance);
        check_close(loss({10000, 10000, 10000}, 1), {}, {std::log(3.0)}, tolerance);
        check_close(loss({-10000, -10000, -10001}, 2), {}, {1 + std::log(2 + std::exp(-1.0))}, tolerance);
        check_close(loss({0, -inf, 0}, 0), {}, {std::log(2.0)}, tolerance);
        check_close(loss({0, -inf, 0}, 1), {}, {inf}, 0);
        check_close(loss({0, NAN, 0}, 0), {}, {NAN}, 0);
        check_close(loss({0, inf, 0}, 0), {}, {NAN}, 0);
    }
}

TEST_CASE("cross_entropy: taught errors") {
    Tape tape;
    const Tensor x = Tensor::zeros({{2, 'T'}, {3, 'B'}, {4, 'V'}});
    const Var v = tape.input(x);
    CHECK(
        failure([&] {
            cross_entropy(v, Ids({0, 1, 2, 3, 4, 0}, {2, 3}));
        }) ==
        "cross_entropy (HERE): targets[1, 1] is 4: not a class of logits [T=2, B=3, V=4] (nor the ignore_index -100)");
    CHECK(
        failure([&] {
            cross_entropy(x, Ids({0, -1, 2, 3, 3, 0}, {2, 3}));
        }) ==
        "cross_entropy (HERE): targets[0, 1] is -1: not a class of logits [T=2, B=3, V=4] (nor the ignore_index -100)");
    CHECK(failure([&] {
              cross_entropy(v, Ids({0, 1, 2, 3, 0, 1}));
          }) == "cross_entropy (HERE): logits [T=2, B=3, V=4] need targets [T=2, B=3], got [6]");
    CHECK(failure([&] {
              cross_entropy(v, Ids({-100, -100, -100, -100, -100, -100}, {2, 3}));
          }) == "cross_entropy (HERE): all 6 targets are -100, the ignore_index: there is nothing to average");
    CHECK(failure([&] {
              cross_entropy(Tensor::zeros({0, 3}), Ids(std::vector<int32_t>{}));
          }) == "cross_entropy (HERE): all 0 targets are -100, the ignore_index: there is nothing to average");
    CHECK(failure([&] { cross_entropy(v, Ids()); }) ==
          "cross_entropy (HERE): the targets are empty: no numbers were ever put in");
    CHECK(failure([&] { cross_entropy(Tensor::of(1), Ids({0}, Shape{})); }) ==
          "cross_entropy (HERE): the logits are a scalar, expected [.., V]");
    CHECK(tape.size() == 0);
}

TEST_CASE("cross_entropy: forward-only keeps nothing, and gives the same number") {
    const Tensor x = random({40, 65}, DType::f32);
    Ids targets = Ids::empty({40});
    for (int i = 0; i < 40; i++) targets.mutable_data()[i] = i;
    Tape recording, forward(Tape::Mode::forward_only);
    const Var a = cross_entropy(recording.input(x), targets), b = cross_entropy(forward.input(x), targets);
    CHECK(a.item() == b.item());
    CHECK(a.item() == cross_entropy(x, targets).item());
}

TEST_CASE("cross_entropy: the bits don't depend on threads") {
    check_same_bits([] {
        Tape tape;
        const Var v = tape.input(random({700, 80}, DType::f32));
        Ids targets = Ids::empty({700});
        for (int i = 0; i < 700; i++) targets.mutable_data()[i] = i % 80;
        const Var L = cross_entropy(v, targets);
        tape.backward(L);
        return std::vector<Tensor>{tape.grad(v), L.value()};
    });
}
