// CTC: against the sum over all paths.
#include "core/kernels/parallel.hpp"
#include "core/ops/ctc.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/reductions.hpp"
#include "tests/core/numbers.hpp"
#include "tests/core/same_bits.hpp"
#include "tests/failure.hpp"

using namespace unroll;

namespace {

/// -log of the sum over all C^steps paths that say these labels.
double by_all_paths(const Tensor& logits, int64_t b, int64_t steps, const std::vector<int32_t>& labels, int32_t blank) {
    const Tensor p = softmax(logits.to(DType::f64));
    const int64_t C = logits.dim(2);
    double total = 0;
    int64_t paths = 1;
    for (int64_t t = 0; t < steps; t++) paths *= C;
    for (int64_t path = 0; path < paths; path++) {
        double probability = 1;
        std::vector<int32_t> said;
        int64_t rest = path;
        int32_t before = blank;
        for (int64_t t = 0; t < steps; t++, rest /= C) {
            const auto k = static_cast<int32_t>(rest % C);
            probability *= p.at({t, b, k});
            if (k != blank && k != before) said.push_back(k);
            before = k;
        }
        if (said == labels) total += probability;
    }
    return -std::log(total);
}

struct Case {
    int64_t T, C;
    int32_t blank;
    std::vector<std::vector<int32_t>> labels;
    std::vector<int32_t> steps;
};

CtcTargets targets_of(const Case& c, int32_t behind) {
    size_t S = 0;
    for (const auto& one : c.labels) S = std::max(S, one.size());
    std::vector<int32_t> all, lengths;
    for (const auto& one : c.labels) {
        all.insert(all.end(), one.begin(), one.end());
        all.resize(all.size() + S - one.size(), behind);
        lengths.push_back(static_cast<int32_t>(one.size()));
    }
    const auto B = static_cast<int64_t>(c.labels.size());
    return {Ids(all, {B, static_cast<int64_t>(S)}), Ids(c.steps), Ids(lengths)};
}

}  // namespace

TEST_CASE("ctc_losses: the sum over all paths") {
    const Case cases[] = {
        {1, 2, 0, {{1}, {}, {1}}, {1, 1, 0}},
        {6, 3, 0, {{1, 2}, {1, 1}, {2, 1, 2}, {2}, {}, {1, 1, 1}}, {6, 6, 5, 1, 4, 5}},
        {5, 4, 3, {{0, 2, 1}, {0, 0}, {1, 1, 1}, {2, 2, 0}}, {5, 3, 4, 3}},
        {4, 3, 1, {{0}, {}}, {0, 0}},
        {3, 1, 0, {{}}, {3}},
    };
    for (DType dtype : both_types)
        for (const Case& c : cases)
            for (double factor : {1.0, 8.0}) {
                const auto B = static_cast<int64_t>(c.labels.size());
                const Tensor x = random({c.T, B, c.C}, dtype) * factor;
                std::vector<double> expected, finite;
                for (int64_t b = 0; b < B; b++) {
                    const auto i = static_cast<size_t>(b);
                    expected.push_back(by_all_paths(x, b, c.steps[i], c.labels[i], c.blank));
                    finite.push_back(std::isinf(expected.back()) ? 0 : expected.back());
                }
                const CtcTargets targets = targets_of(c, -1);
                check_close(ctc_losses(x, targets, {.blank = c.blank}), {B}, expected, 5 * rounding(dtype));
                check_close(ctc_losses(x, targets, {.blank = c.blank, .zero_infinity = true}), {B}, finite,
                            5 * rounding(dtype));
                Tape tape;
                const Var v = tape.input(x);
                const Var L = ctc_losses(v, targets_of(c, 77), {.blank = c.blank, .zero_infinity = true});
                check_close(L.value(), {B}, finite, 5 * rounding(dtype));
                tape.backward(sum(L));
                CHECK_FALSE(has_nonfinite(tape.grad(v)));
                for (int64_t t = 0; t < c.T; t++)
                    for (int64_t b = 0; b < B; b++) {
                        double sum = 0, size = 0;  // of a step's gradient: 1 - 1, or nothing
                        for (int64_t k = 0; k < c.C; k++) {
                            sum += tape.grad(v).at({t, b, k});
                            size += std::abs(tape.grad(v).at({t, b, k}));
                        }
                        CHECK(std::abs(sum) < 5 * rounding(dtype));
                        const auto i = static_cast<size_t>(b);
                        if (t >= c.steps[i] || std::isinf(expected[i])) CHECK(size == 0);
                    }
            }
}

TEST_CASE("ctc_loss: mean by the number of labels, sum") {
    const Case c{6, 5, 0, {{1, 2, 3}, {}, {4}}, {6, 5, 4}};
    const Tensor x = random({6, 3, 5});
    const CtcTargets targets = targets_of(c, 0);
    const std::vector<double> L = ctc_losses(x, targets).to_vector();
    CHECK(ctc_loss(x, targets).item() == doctest::Approx((L[0] / 3 + L[1] + L[2]) / 3).epsilon(1e-14));
    CHECK(ctc_loss(x, targets, {}, Reduction::sum).item() == doctest::Approx(L[0] + L[1] + L[2]).epsilon(1e-14));
    Tape tape;
    const Var v = tape.input(x);
    CHECK(ctc_loss(v, targets).item() == ctc_loss(x, targets).item());
    CHECK(ctc_loss(v, targets, {}, Reduction::sum).item() == ctc_loss(x, targets, {}, Reduction::sum).item());
}

TEST_CASE("ctc_losses: what cannot be said is infinite, its gradient NaN for its own steps alone") {
    const Case c{4, 3, 0, {{1, 1, 1}, {2, 1}}, {3, 4}};
    Tape tape;
    const Var v = tape.input(random({4, 2, 3}));
    const Var L = ctc_losses(v, targets_of(c, 0));
    CHECK(std::isinf(L.value().flat(0)));
    CHECK(std::isfinite(L.value().flat(1)));
    CHECK(failure([&] { tape.backward(sum(L)); }).find("inf") != std::string::npos);
    Tape other;
    const Var w = other.input(random({4, 2, 3}));
    other.backward(sum(sigmoid(-ctc_losses(w, targets_of(c, 0)))));
    for (int64_t t = 0; t < 4; t++)
        for (int64_t k = 0; k < 3; k++) {
            if (t < 3) CHECK(std::isnan(other.grad(w).at({t, 0, k})));
            if (t == 3) CHECK(other.grad(w).at({t, 0, k}) == 0);
            CHECK(std::isfinite(other.grad(w).at({t, 1, k})));
        }
}

TEST_CASE("ctc_losses: paths of tiny probability, and logits that are far apart") {
    // Each label's probability is e^-800 at every step but one: a product of 300 such numbers is not a double.
    const int64_t T = 300, C = 4;
    Tensor x = Tensor::zeros({T, 1, C}, DType::f64);
    for (int64_t t = 0; t < T; t++) x.set({t, 0, 1}, 800);
    Tape tape;
    const Var v = tape.input(x);
    const Var L = ctc_losses(v, {Ids({2, 3, 2}, {1, 3}), Ids({T}), Ids({3})});
    // All steps but those of the three labels say the blank, 0, or the label again: none can say 1.
    CHECK(L.value().item() > 800.0 * (T - 1));
    CHECK(L.value().item() < 800.0 * T);
    tape.backward(sum(L));
    CHECK_FALSE(has_nonfinite(tape.grad(v)));
    for (int64_t t = 0; t < T; t++) CHECK(tape.grad(v).at({t, 0, 1}) == doctest::Approx(1));
    // A class whose logit is -inf is never said.
    x.fill(0);
    for (int64_t t = 0; t < T; t++) x.set({t, 0, 1}, -INFINITY);
    CHECK(std::isinf(ctc_losses(x, {Ids({1}, {1, 1}), Ids({T}), Ids({1})}).item()));
    CHECK(std::isfinite(ctc_losses(x, {Ids({2}, {1, 1}), Ids({T}), Ids({1})}).item()));
}

TEST_CASE("ctc_losses: the reader's next targets don't change what was recorded; the bits don't depend on threads") {
    check_same_bits([] {
        CtcTargets targets{Ids::empty({7, 5}), Ids({40, 30, 11, 40, 25, 0, 39}), Ids({5, 4, 5, 0, 1, 0, 3})};
        for (int i = 0; i < 35; i++) targets.labels.mutable_data()[i] = 1 + i % 3 % 2 + i % 5;
        Tape tape;
        const Var x = tape.input(random({40, 7, 9}, DType::f32));
        const Var L = ctc_losses(x, targets);
        if (kernels::threads() > 1)
            for (Ids* ids : {&targets.labels, &targets.input_lengths, &targets.target_lengths})
                std::fill_n(ids->mutable_data(), ids->size(), 1);
        tape.backward(sum(L * L));
        return std::vector<Tensor>{tape.grad(x), L.value()};
    });
}

TEST_CASE("ctc: wrong use") {
    const Tensor x = Tensor::zeros({{4, 'T'}, {2, 'B'}, {3, 'C'}});
    const Ids labels({1, 2, 2, 1}, {2, 2}), steps({4, 3}), counts({2, 1});
    Tape tape;
    const Var v = tape.input(x);
    CHECK(failure([&] {
              ctc_losses(v, {labels, steps, counts}, {.blank = 1});
          }) == "ctc (HERE): labels[0, 0] is 1: not a class of logits [T=4, B=2, C=3] other than the blank, 1");
    CHECK(failure([&] {
              ctc_loss(v, {Ids({1, 3, 2, 1}, {2, 2}), steps, counts});
          }) == "ctc (HERE): labels[0, 1] is 3: not a class of logits [T=4, B=2, C=3] other than the blank, 0");
    CHECK(failure([&] { ctc_losses(x, {Ids({1, 2, 2, 3}, {2, 2}), steps, counts}); }) == "");  // behind the end
    CHECK(failure([&] {
              ctc_losses(x, {labels, steps, counts}, {.blank = 3});
          }) == "ctc (HERE): the blank is 3: not a class of logits [T=4, B=2, C=3]");
    CHECK(failure([&] {
              ctc_losses(x, {labels, Ids({5, 1}), counts});
          }) == "ctc (HERE): length 5 of sequence 0: expected 0 to T = 4");
    CHECK(failure([&] {
              ctc_losses(x, {labels, steps, Ids({2, 3})});
          }) == "ctc (HERE): length 3 of sequence 1: expected 0 to S = 2");
    CHECK(failure([&] { ctc_losses(x, {labels, Ids({1}), counts}); }) == "ctc (HERE): 1 lengths for a batch of 2");
    CHECK(failure([&] {
              ctc_losses(x.row(0).reshape({2, 1, 3}), {Ids({1}, {1, 1}), Ids({2}), {}});
          }) == "ctc (HERE): 0 lengths for a batch of 1");
    CHECK(failure([&] {
              ctc_losses(x, {Ids({1, 2, 2, 1}), steps, counts});
          }) == "ctc (HERE): labels [4], expected [B=2, S]");
    CHECK(failure([&] { ctc_losses(x, {}); }).find("expected [B=2, S]") != std::string::npos);
    CHECK(failure([&] {
              ctc_losses(x.row(0), {labels, steps, counts});
          }) == "ctc (HERE): logits [B=2, C=3], expected [T, B, C]");
    CHECK(failure([&] { ctc_losses(Tensor(), {labels, steps, counts}); }) != "");
    CHECK(tape.size() == 0);
}
