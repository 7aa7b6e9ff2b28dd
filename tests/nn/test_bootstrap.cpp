#include <doctest/doctest.h>

#include <cmath>

#include "nn/bleu.hpp"
#include "nn/bootstrap.hpp"
#include "tests/failure.hpp"

using namespace unroll;

namespace {

double mean(const std::vector<double>& sum) { return sum[0] / sum[1]; }

/// Normal numbers and a 1 beside each: their mean as a metric.
SegmentCounts normal(int n, double mean, uint64_t seed) {
    Generator gen(seed);
    SegmentCounts rows;
    for (int i = 0; i < n; i++) rows.push_back({mean + gen.normal(), 1});
    return rows;
}

}  // namespace

TEST_CASE("bootstrap: the interval of a mean is the one that is known") {
    const int n = 400;
    const SegmentCounts rows = normal(n, 5, 1);
    double m = 0, squares = 0;
    for (const auto& row : rows) m += row[0] / n;
    for (const auto& row : rows) squares += (row[0] - m) * (row[0] - m) / n;
    const double half = 1.96 * std::sqrt(squares / n);
    const Interval i = bootstrap(rows, mean, {.samples = 4000});
    CHECK(i.score == doctest::Approx(m));
    CHECK(std::abs(i.mean - m) < 0.1 * half);
    CHECK(std::abs((i.high - i.low) / (2 * half) - 1) < 0.05);
    const Interval half_of_them = bootstrap(rows, mean, {.samples = 4000, .confidence = 0.5});
    CHECK(std::abs((half_of_them.high - half_of_them.low) / (2 * 0.6745 * std::sqrt(squares / n)) - 1) < 0.05);
}

TEST_CASE("bootstrap: intervals hold the true mean as often as they say") {
    int held = 0;
    for (uint64_t trial = 0; trial < 200; trial++) {
        const Interval i = bootstrap(normal(60, 2, 100 + trial), mean, {.samples = 200, .seed = trial});
        held += i.low <= 2 && 2 <= i.high;
    }
    CHECK(held > 178);  // of 200, 190 expected
    CHECK(held < 200);
}

TEST_CASE("bootstrap: one seed, one result; of one segment there is one sample") {
    const SegmentCounts rows = normal(30, 0, 3);
    const Interval a = bootstrap(rows, mean, {.samples = 50, .seed = 7}),
                   b = bootstrap(rows, mean, {.samples = 50, .seed = 7});
    CHECK(a.low == b.low);
    CHECK(a.mean == b.mean);
    CHECK(a.low != bootstrap(rows, mean, {.samples = 50, .seed = 8}).low);
    const Interval one = bootstrap({{3, 1}}, mean, {.samples = 20});
    CHECK(one.low == 3);
    CHECK(one.high == 3);
}

TEST_CASE("paired bootstrap: a difference that is there, one that is not, and none") {
    const SegmentCounts a = normal(200, 0, 1);
    SegmentCounts better = a, other = normal(200, 0, 2);
    for (size_t i = 0; i < better.size(); i++) better[i][0] += 0.05 + 0.1 * (i % 3);
    const Comparison real = paired_bootstrap(a, better, mean);
    CHECK(real.difference.low > 0);
    CHECK(real.b_better == 1);
    CHECK(real.p_value < 0.01);
    // Much smaller than either interval: only because both are drawn together is it seen.
    CHECK(real.difference.score < 0.6 * (real.a.high - real.a.low));
    const Comparison chance = paired_bootstrap(a, other, mean);
    CHECK(chance.p_value > 0.05);
    CHECK(chance.difference.low < 0);
    CHECK(chance.difference.high > 0);
    const Comparison same = paired_bootstrap(a, a, mean, {.samples = 100});
    CHECK(same.difference.score == 0);
    CHECK(same.difference.high == 0);
    CHECK(same.b_better == 0);
    CHECK(same.p_value == doctest::Approx(1.0 / 101));  // as sacreBLEU: no sample differs by more than the mean
}

TEST_CASE("paired bootstrap: of BLEU, by the sums of counts") {
    const Lines references = {"a b c d e", "f g h i j", "k l m n o", "p q r s t"};
    const Bleu bleu({.max_n = 2});
    const auto score = [&](const std::vector<double>& sum) { return bleu.score(sum).score; };
    const SegmentCounts good = bleu.counts(references, {references});
    const SegmentCounts bad = bleu.counts({"a b x d e", "f g h i j", "x x m n o", "p q r x t"}, {references});
    const Comparison c = paired_bootstrap(bad, good, score, {.samples = 200});
    CHECK(c.b.score == doctest::Approx(100));
    CHECK(c.b.low == doctest::Approx(100));
    CHECK(c.a.score ==
          doctest::Approx(bleu.corpus({"a b x d e", "f g h i j", "x x m n o", "p q r x t"}, {references}).score));
    CHECK(c.a.low < c.a.score);
    CHECK(c.b_better > 0.9);
}

TEST_CASE("bootstrap: misuse") {
    const SegmentCounts rows = normal(3, 0, 1);
    CHECK(failure([&] { bootstrap({}, mean); }) == "bootstrap (HERE): no segments");
    CHECK(failure([&] { bootstrap({{1, 1}, {1}}, mean); }) == "bootstrap (HERE): rows of 2 and of 1 numbers");
    CHECK(failure([&] { bootstrap(rows, mean, {.samples = 0}); }) ==
          "bootstrap (HERE): samples is 0, expected 1 or more");
    CHECK(failure([&] { bootstrap(rows, mean, {.confidence = 1}); }) ==
          "bootstrap (HERE): confidence is 1, expected between 0 and 1");
    CHECK(failure([&] {
              paired_bootstrap(rows, {{1, 1}}, mean);
          }) == "paired_bootstrap (HERE): 3 and 1 segments, expected the same");
}
