#include "core/kernels/parallel.hpp"
#include "core/ops/copy.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/reductions.hpp"
#include "tests/core/numbers.hpp"
#include "tests/failure.hpp"

using namespace unroll;

namespace {

/// A source of S words and B sequences of these lengths, words 0 .. V+1: some can be copied only, some come often.
struct Case {
    int64_t T, B, S, V;
    Tensor x, g, e;
    CopySource source;
    Ids targets;
    Case(int64_t T, int64_t B, int64_t S, int64_t V, DType dtype = DType::f64) : T(T), B(B), S(S), V(V) {
        x = random({T, B, V}, dtype, 1) * 2, g = random({T, B}, dtype, 2), e = random({T, B, S}, dtype, 3) * 2;
        Generator rng(4);
        source = {Ids::empty({S, B}), Ids::empty({B})};
        targets = Ids::empty({T, B});
        for (int64_t i = 0; i < S * B; i++) source.words.mutable_data()[i] = int32_t(rng.below(V + 2));
        for (int64_t b = 0; b < B; b++) source.lengths.mutable_data()[b] = int32_t(1 + (S - 1) * (B - b) / B);
        for (int64_t r = 0; r < T * B; r++) {  // by turns: copied or both, generated or both, ignored
            const int64_t place = rng.below(source.lengths[r % B]);
            targets.mutable_data()[r] = r % 3 == 0   ? source.words[place * B + r % B]
                                        : r % 3 == 1 ? int32_t(rng.below(V))
                                                     : -1;
        }
    }
    /// P(w) at row r, from its definition.
    double probability(int64_t r, int32_t w) const {
        const double p_gen = 1 / (1 + std::exp(-g.flat(r)));
        double all_x = 0, all_e = 0, copied = 0;
        for (int64_t v = 0; v < V; v++) all_x += std::exp(x.flat(r * V + v));
        for (int64_t s = 0; s < source.lengths[r % B]; s++) {
            const double part = std::exp(e.flat(r * S + s));
            all_e += part;
            if (source.words[s * B + r % B] == w) copied += part;
        }
        return (w < V ? p_gen * std::exp(x.flat(r * V + w)) / all_x : 0) + (1 - p_gen) * copied / all_e;
    }
};

}  // namespace

TEST_CASE("copy: the loss and the distribution are what the definition says") {
    for (DType dtype : both_types)
        for (const auto& [T, B, S, V] :
             {std::array<int64_t, 4>{1, 1, 1, 1}, {3, 2, 5, 4}, {4, 3, 7, 1}, {2, 5, 3, 40}}) {
            const Case c(T, B, S, V, dtype);
            CAPTURE(c.S);
            CAPTURE(c.V);
            double loss = 0, counted = 0;
            for (int64_t r = 0; r < T * B; r++)
                if (c.targets[r] >= 0) loss -= std::log(c.probability(r, c.targets[r])), counted++;
            check_close(copy_loss(c.x, c.g, c.e, c.source, c.targets, -1), {}, {loss / counted}, 5 * rounding(dtype));
            const int64_t W = V + 3;  // the last word is nowhere
            const Tensor log_p = copy_log_probabilities(c.x, c.g, c.e, c.source, W);
            std::vector<double> expected;
            for (int64_t r = 0; r < T * B; r++)
                for (int32_t w = 0; w < W; w++) expected.push_back(std::log(c.probability(r, w)));
            check_close(log_p, {T, B, W}, expected, 20 * rounding(dtype));
            CHECK(sum(exp(log_p)).item() == doctest::Approx(double(T * B)));
        }
}

TEST_CASE("copy: gradients of x, g and e, by parts: each is a cross-entropy that counts as far as it was the reason") {
    const Case c(3, 2, 4, 5);
    Tape tape;
    const Var x = tape.input(c.x), g = tape.input(c.g), e = tape.input(c.e);
    Ids targets = c.targets.clone();
    const Var L = copy_loss(x, g, e, c.source, targets, -1);
    CHECK(L.item() == copy_loss(c.x, c.g, c.e, c.source, targets, -1).item());
    targets.mutable_data()[0] = 0;  // the reader's next batch
    tape.backward(4 * L);           // four targets count
    for (int64_t r = 0; r < 6; r++) {
        const double p_gen = 1 / (1 + std::exp(-c.g.flat(r))),
                     P = c.targets[r] < 0 ? 1 : c.probability(r, c.targets[r]);
        double all = 0, dx = 0, de = 0;
        for (int64_t v = 0; v < 5; v++) all += std::exp(c.x.flat(r * 5 + v)), dx += tape.grad(x).flat(r * 5 + v);
        for (int64_t s = 0; s < 4; s++) de += tape.grad(e).flat(r * 4 + s);
        const bool can = c.targets[r] >= 0 && c.targets[r] < 5;
        const double reason = can ? p_gen * std::exp(c.x.flat(r * 5 + c.targets[r])) / all / P : 0;
        CHECK(tape.grad(g).flat(r) == doctest::Approx(c.targets[r] < 0 ? 0 : p_gen - reason).epsilon(1e-10));
        CHECK(std::abs(dx) < 1e-12);  // a softmax's gradients add up to 0
        CHECK(std::abs(de) < 1e-12);
    }
    for (int64_t t = 0; t < 3; t++) CHECK(tape.grad(e).at({t, 1, 3}) == 0);  // past its source's length
}

TEST_CASE("copy: what is nearly impossible keeps its digits") {
    for (DType dtype : both_types) {
        const CopySource source{Ids({7, 1, 1}, {3, 1})};
        const auto loss = [&](double g, const Literal& x, const Literal& e, int32_t target) {
            return copy_loss(Tensor::of(x, dtype).reshape({1, 2}), Tensor::full({1}, g, dtype),
                             Tensor::of(e, dtype).reshape({1, 3}), source, Ids({target}, {1}));
        };
        const double near = 10 * rounding(dtype);
        check_close(loss(0, {0, 0}, {0, 0, 0}, 7), {}, {std::log(6.0)}, near);
        check_close(loss(0, {0, 0}, {0, 0, 0}, 1), {}, {-std::log(0.25 + 1 / 3.0)}, near);
        check_close(loss(1000, {0, 0}, {0, 0, 0}, 7), {}, {1000 + std::log(3.0)}, near);    // p_gen is 1 in f64
        check_close(loss(0, {0, 0}, {-500, 500, 0}, 7), {}, {1000 + std::log(2.0)}, near);  // α_1 is 0 there
        check_close(loss(-1000, {0, 900}, {0, 0, 0}, 0), {}, {1900}, near);
        check_close(loss(-40, {0, 0}, {900, 0, 0}, 1), {}, {40 + std::log(2.0)}, near);
        Tape tape;
        const Var e = tape.input(Tensor::of({-500, 500, 0}, dtype).reshape({1, 3}));
        tape.backward(copy_loss(Tensor::zeros({1, 2}, dtype), Tensor::zeros({1}, dtype), e, source, Ids({7}, {1})));
        check_close(tape.grad(e), {1, 3}, {-1, 1, 0}, near);
    }
}

TEST_CASE("copy: the same bits for any number of threads") {
    const Case c(9, 4, 11, 3000, DType::f32);
    std::vector<std::vector<double>> runs;
    const int before = kernels::threads();
    for (int threads : {1, 3}) {
        kernels::set_threads(threads);
        Tape tape;
        const Var x = tape.input(c.x), e = tape.input(c.e);
        tape.backward(copy_loss(x, c.g, e, c.source, c.targets, -1));
        runs.push_back(tape.grad(x).to_vector());
        for (double v : tape.grad(e).to_vector()) runs.back().push_back(v);
    }
    kernels::set_threads(before);
    CHECK(runs[0] == runs[1]);
}

TEST_CASE("copy: misuse") {
    const Case c(2, 3, 4, 5);
    const auto with = [&](const Tensor& x, const Tensor& g, const Tensor& e, const CopySource& source,
                          const Ids& targets,
                          int32_t ignored) { return failure([&] { copy_loss(x, g, e, source, targets, ignored); }); };
    CHECK(with(c.x, c.g, c.x, c.source, c.targets, -1)
              .find("for a source [4, 3]: expected [.., B=3, V], [.., B] and "
                    "[.., B, S=4]") != std::string::npos);
    CHECK(with(c.x, c.g.row(0), c.e, c.source, c.targets, -1).find("for a source") != std::string::npos);
    CHECK(with(c.x, c.g, c.e, c.source, c.targets.row(0), -1).find("need targets [2, 3], got [3]") !=
          std::string::npos);
    CHECK(with(c.x, c.g, c.e, {}, c.targets, -1).find("expected words [S, B]") != std::string::npos);
    CHECK(with(c.x, c.g, c.e, {c.source.words, Ids({5, 1, 1})}, c.targets, -1).find("5") != std::string::npos);
    Ids wrong = c.targets.clone();
    wrong.mutable_data()[4] = 99;
    CHECK(with(c.x, c.g, c.e, c.source, wrong, -1) ==
          "copy_loss (HERE): targets[1, 1] is 99: neither one of the 5 words to generate nor in its source");
    CHECK(with(c.x, c.g, c.e, c.source, Ids({-1, -1, -1, -1, -1, -1}, {2, 3}), -1) ==
          "copy_loss (HERE): all 6 targets are -1, which does not count");
    Ids negative = c.source.words.clone();
    negative.mutable_data()[0] = -2;
    CHECK(with(c.x, c.g, c.e, {negative, c.source.lengths}, c.targets, -1).find("is -2: no word's number") !=
          std::string::npos);
    CHECK(failure([&] { copy_log_probabilities(c.x, c.g, c.e, c.source, 5); }).find("W is 5: there are 5 words") !=
          std::string::npos);
    CHECK(failure([&] { copy_log_probabilities(c.x, c.g, c.e, c.source, 4); }).find("W is 4") != std::string::npos);
    CHECK(with(c.x, random({2, 3}, DType::f32), c.e, c.source, c.targets, -1).find("f32") != std::string::npos);
}
