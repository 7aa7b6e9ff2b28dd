// Prefix beam search against all paths there are.
#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include "core/ops/ctc.hpp"
#include "core/ops/reductions.hpp"
#include "core/random.hpp"
#include "nn/prefix_beam.hpp"
#include "tests/failure.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;

namespace {

using Labels = std::vector<int32_t>;

Tensor random_log_probs(int64_t T, int64_t C, uint64_t seed, double spread = 1.5) {
    Tensor x = Tensor::empty({T, C}, DType::f64);
    Generator gen(seed);
    gen.fill_normal(x, 0, spread);
    return log_softmax(x);
}

struct Exhausted {
    std::map<Labels, double> p;  // P(labels)
    std::map<Labels, double> best_p;
    std::map<Labels, Labels> best;  // the likeliest path
};
Labels merged(const Labels& path, int32_t blank) {
    Labels labels;
    for (size_t t = 0; t < path.size(); t++)
        if (path[t] != blank && (t == 0 || path[t] != path[t - 1])) labels.push_back(path[t]);
    return labels;
}
/// By every path of a class a step.
Exhausted exhaust(const Tensor& y, int32_t blank) {
    Exhausted all;
    Labels path(size_t(y.dim(0)));
    while (true) {
        double log_p = 0;
        for (size_t t = 0; t < path.size(); t++) log_p += y.at({int64_t(t), path[t]});
        const Labels labels = merged(path, blank);
        all.p[labels] += std::exp(log_p);
        if (std::exp(log_p) > all.best_p[labels]) all.best_p[labels] = std::exp(log_p), all.best[labels] = path;
        size_t t = 0;
        while (t < path.size() && ++path[t] == y.dim(1)) path[t++] = 0;
        if (t == path.size()) return all;
    }
}

/// Any model in which the next label depends on two before it.
double language(const Labels& before, int32_t next) {
    const int a = before.empty() ? 7 : before.back(), b = before.size() < 2 ? 9 : before[before.size() - 2];
    return -0.3 * ((a * 5 + b * 3 + next * 11) % 7) - 0.2;
}
double score_of(const Labels& labels, double p, const PrefixBeamOptions& o) {
    double score = std::log(p);
    Labels before;
    for (const int32_t k : labels) {
        score += o.penalty;
        if (!o.log_prior.empty()) score -= o.log_prior[size_t(k)];
        if (o.language_model) score += o.weight * o.language_model(before, k);
        before.push_back(k);
    }
    return score;
}

}  // namespace

TEST_CASE("prefix_beam: wide enough, it is exhaustive search over labels and paths") {
    struct Size {
        int64_t T, C;
        int32_t blank;
    };
    for (const Size& z : {Size{1, 3, 0}, {1, 1, 0}, {4, 2, 1}, {5, 3, 0}, {6, 3, 2}, {7, 3, 0}, {5, 4, 1}})
        for (uint64_t seed = 0; seed < 4; seed++)
            for (const bool with_model : {false, true}) {
                const Tensor y = random_log_probs(z.T, z.C, seed);
                PrefixBeamOptions o{.width = 100000, .blank = z.blank};
                if (with_model) {
                    o.language_model = language, o.weight = 0.7, o.penalty = 0.4;
                    for (int64_t k = 0; k < z.C; k++) o.log_prior.push_back(-0.5 * double(k + 1));
                }
                const Exhausted all = exhaust(y, z.blank);
                const auto found = prefix_beam(y, o);
                REQUIRE(found.size() == all.p.size());
                double total = 0;
                for (size_t i = 0; i < found.size(); i++) {
                    const double p = all.p.at(found[i].labels);
                    REQUIRE(found[i].log_prob == doctest::Approx(std::log(p)).epsilon(1e-12));
                    REQUIRE(found[i].score == doctest::Approx(score_of(found[i].labels, p, o)).epsilon(1e-12));
                    if (i > 0) REQUIRE(found[i].score <= found[i - 1].score);
                    total += std::exp(found[i].log_prob);
                }
                CHECK(total == doctest::Approx(1));
            }
}

TEST_CASE("prefix_beam: P(w | a) is CTC's, narrow beams find no more, and mostly as much") {
    int same = 0;
    for (uint64_t seed = 0; seed < 30; seed++) {
        const Tensor y = random_log_probs(12, 4, seed, 3);
        const auto wide = prefix_beam(y, {.width = 5000})[0], narrow = prefix_beam(y, {.width = 4})[0];
        CHECK(narrow.log_prob <= wide.log_prob + 1e-12);
        same += narrow.labels == wide.labels;
        const auto n = int64_t(wide.labels.size());
        const CtcTargets targets{Ids(wide.labels, {1, n}), Ids(Labels{12}), Ids(Labels{int32_t(n)})};
        CHECK(ctc_losses(y.reshape({12, 1, 4}), targets).flat(0) == doctest::Approx(-wide.log_prob));
    }
    CHECK(same >= 25);
    CHECK(prefix_beam(random_log_probs(9, 3, 1), {.width = 5}).size() == 5);
}

TEST_CASE("prefix_beam: a label again needs a blank, and paths that meet are added up") {
    // Both steps: P(blank) = 0.4, P(1) = 0.6. "1": 0.6*0.6 + 2*0.6*0.4 = 0.84; "": 0.16; "1 1" is out of reach.
    const double p = std::log(0.6), q = std::log(0.4);
    const auto two = prefix_beam(Tensor::of({{q, p}, {q, p}}));
    REQUIRE(two.size() == 2);
    CHECK(two[0].labels == Labels{1});
    CHECK(std::exp(two[0].log_prob) == doctest::Approx(0.84));
    CHECK(two[1].labels.empty());
    // A third step: "1 1" by the one path 1 blank 1.
    const auto three = prefix_beam(Tensor::of({{q, p}, {q, p}, {q, p}}), {.width = 10});
    REQUIRE(three.size() == 3);
    CHECK(three[1].labels == Labels{1, 1});
    CHECK(std::exp(three[1].log_prob) == doctest::Approx(0.6 * 0.4 * 0.6));
    // The likeliest path is all blanks (0.36), the likeliest labels are "1" (0.64).
    const double r = std::log(0.6), s = std::log(0.4);
    CHECK(best_path(Tensor::of({{r, s}, {r, s}})).empty());
    CHECK(prefix_beam(Tensor::of({{r, s}, {r, s}}))[0].labels == Labels{1});
}

TEST_CASE("prefix_beam: what has no probability is not found") {
    const double no = -INFINITY;
    const auto found = prefix_beam(Tensor::of({{no, 0, no}, {no, 0, no}, {no, no, 0}}));
    REQUIRE(found.size() == 1);
    CHECK(found[0].labels == Labels{1, 2});
    CHECK(found[0].log_prob == 0);
    // A grammar: after a 1 comes nothing but a 2.
    const LabelModel grammar = [](const Labels& before, int32_t next) {
        return !before.empty() && before.back() == 1 && next != 2 ? -INFINITY : 0;
    };
    const auto grammatical = prefix_beam(random_log_probs(6, 4, 3), {.width = 1000, .language_model = grammar});
    CHECK(grammatical.size() > 10);
    for (const Labelling& l : grammatical)
        for (size_t i = 1; i < l.labels.size(); i++) CHECK((l.labels[i - 1] != 1 || l.labels[i] == 2));
    // A weight of 0 asks it nothing, not even that.
    CHECK(prefix_beam(random_log_probs(6, 4, 3), {.language_model = grammar, .weight = 0})[0].score ==
          prefix_beam(random_log_probs(6, 4, 3))[0].score);
}

TEST_CASE("align: the likeliest of all paths that give the labels") {
    for (uint64_t seed = 0; seed < 6; seed++) {
        const Tensor y = random_log_probs(6, 3, seed);
        for (const auto& [labels, path] : exhaust(y, 0).best) CHECK(align(y, labels) == path);
    }
    CHECK(align(random_log_probs(3, 2, 1), {1, 1}) == Labels{1, 0, 1});
    CHECK(align(random_log_probs(1, 2, 1), {}) == Labels{0});
    CHECK(align(random_log_probs(1, 2, 1), {1}) == Labels{1});
    CHECK(align(random_log_probs(4, 3, 1), {0}, 2).size() == 4);
}

TEST_CASE("prefix_beam, best_path, align: misuse") {
    const Tensor y = random_log_probs(2, 3, 1);
    CHECK(failure([&] { prefix_beam(y, {.width = 0}); }) ==
          "prefix_beam (HERE): width 0, log_prior of 0 classes: expected 1 or more, and 3");
    CHECK(failure([&] { prefix_beam(y, {.log_prior = {1}}); }).find("log_prior of 1 classes") != std::string::npos);
    CHECK(failure([&] { prefix_beam(y, {.blank = 3}); }).find("the blank is 3") != std::string::npos);
    CHECK(failure([&] {
              prefix_beam(y, {.log_prior = {-INFINITY, -1, -INFINITY}});
          }) == "prefix_beam (HERE): log_prior of class 2 is -inf");
    const Tensor even = Tensor::full({2, 3}, std::log(1 / 3.0), DType::f64);
    for (const double p : {double(NAN), double(INFINITY)}) {
        PrefixBeamOptions o{.weight = 1};
        o.language_model = [p](const std::vector<int32_t>&, int32_t) { return p; };
        CHECK(contains(error_of([&] { prefix_beam(even, o); }), "log P of label 1 comes to"));
    }
    CHECK(contains(error_of([&] { prefix_beam(even, {.penalty = NAN}); }), "log P of label 1 comes to nan"));
    const Tensor broken = Tensor::full({2, 3}, NAN, DType::f64);
    CHECK(failure([&] { prefix_beam(broken); }) == "prefix_beam (HERE): log_probs hold nan");
    CHECK(failure([&] { best_path(broken); }) == "best_path (HERE): log_probs hold nan");
    CHECK(failure([&] { align(broken, {1}); }) == "align (HERE): log_probs hold nan");
    CHECK(failure([&] { best_path(Tensor()); }).find("expected [T, C]") != std::string::npos);
    CHECK(failure([&] { best_path(y.reshape({1, 2, 3})); }).find("expected [T, C]") != std::string::npos);
    CHECK(failure([&] { align(y, {1, 1}); }) == "align (HERE): 2 labels have no path in 2 steps");
    CHECK(failure([&] { align(y, {1, 2, 1}); }).find("3 labels have no path") != std::string::npos);
    CHECK(failure([&] { align(y, {3}); }).find("label 3: not a class") != std::string::npos);
    CHECK(failure([&] { align(y, {0}); }).find("label 0: not a class") != std::string::npos);
}
