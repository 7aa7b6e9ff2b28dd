#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "core/random.hpp"
#include "nn/error_rates.hpp"
#include "tests/failure.hpp"

using namespace unroll;

namespace {

Tokens cut(const std::string& text) {
    Tokens tokens;
    tokenise(text, Tokeniser::characters, tokens);
    return tokens;
}

std::string counts(const Edits& e) {
    return fmt::format("S {} I {} D {} of {}", e.substitutions, e.insertions, e.deletions, e.length);
}

}  // namespace

TEST_CASE("perplexity: a batch counts with its tokens") {
    Perplexity p;
    CHECK(std::isnan(p.value()));
    p.add(std::log(2.0), 30);
    p.add(std::log(16.0), 10);
    p.add(NAN, 0);
    CHECK(p.tokens() == 40);
    CHECK(p.nats() == doctest::Approx(0.75 * std::log(2.0) + 0.25 * std::log(16.0)));
    CHECK(p.value() == doctest::Approx(std::pow(2.0, 0.75) * 2));
    CHECK(failure([&] { p.add(1, -1); }) == "Perplexity (HERE): tokens is -1, expected 0 or more");
}

TEST_CASE("exact match: with any reference, to the character") {
    CHECK(exact_match({"a b", "c", "d"}, {{"a b", "x", "d "}, {"y", "c", "D"}}) == doctest::Approx(2.0 / 3));
    CHECK(exact_match({""}, {{""}}) == 1);
    CHECK(failure([] { exact_match({}, {{}}); }) == "exact_match (HERE): no hypotheses");
    CHECK(failure([] { exact_match({"a"}, {}); }) == "exact_match (HERE): no references");
    CHECK(failure([] {
              exact_match({"a"}, {{"a"}, {}});
          }) == "exact_match (HERE): 0 references, expected 1, one a hypothesis");
}

TEST_CASE("edit distance: by hand") {
    CHECK(counts(edit_distance(cut("sitting"), cut("kitten"))) == "S 2 I 1 D 0 of 6");
    CHECK(counts(edit_distance(cut("kitten"), cut("sitting"))) == "S 2 I 0 D 1 of 7");
    CHECK(counts(edit_distance(cut("abc"), cut("abc"))) == "S 0 I 0 D 0 of 3");
    CHECK(counts(edit_distance(cut(""), cut("abc"))) == "S 0 I 0 D 3 of 3");
    CHECK(counts(edit_distance(cut("abc"), cut(""))) == "S 0 I 3 D 0 of 0");
    CHECK(counts(edit_distance(cut("ab"), cut("ba"))) == "S 2 I 0 D 0 of 2");
    Edits all = edit_distance(cut("ab"), cut("abcd"));
    all += edit_distance(cut("xy"), cut("x"));
    CHECK(counts(all) == "S 0 I 1 D 2 of 5");
    CHECK(all.rate() == doctest::Approx(0.6));
    CHECK(Edits().rate() == 0);
    CHECK(std::isinf(edit_distance(cut("a"), cut("")).rate()));
}

TEST_CASE("edit distance: the fewest, and they add up") {
    const std::function<int64_t(std::string_view, std::string_view)> by_trying = [&](std::string_view a,
                                                                                     std::string_view b) {
        if (a.empty() || b.empty()) return static_cast<int64_t>(a.size() + b.size());
        return std::min({by_trying(a.substr(1), b.substr(1)) + (a[0] != b[0]), by_trying(a.substr(1), b) + 1,
                         by_trying(a, b.substr(1)) + 1});
    };
    Generator gen(1);
    for (int round = 0; round < 100; round++) {
        std::string a, b;
        for (int64_t i = gen.below(6); i > 0; i--) a += static_cast<char>('a' + gen.below(3));
        for (int64_t i = gen.below(6); i > 0; i--) b += static_cast<char>('a' + gen.below(3));
        const Edits e = edit_distance(cut(a), cut(b));
        CHECK(e.errors() == by_trying(a, b));
        CHECK(static_cast<int64_t>(a.size()) - e.insertions == static_cast<int64_t>(b.size()) - e.deletions);
    }
}
