#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <sstream>

#include "core/kernels/parallel.hpp"
#include "core/random.hpp"
#include "nn/bleu.hpp"
#include "tests/failure.hpp"
#include "tests/nn/metric_vectors.hpp"

using namespace unroll;

namespace {

/// "smooth_method=add-k,smooth_value=2"; false for what is not built.
bool options_of(const std::string& text, BleuOptions& options) {
    std::istringstream words(text);
    for (std::string word; std::getline(words, word, ',');) {
        if (word == "default") continue;
        const size_t equals = word.find('=');
        const std::string key = word.substr(0, equals), value = word.substr(equals + 1);
        if (key == "tokenize") {
            if (value != "none" && value != "char") return false;
            options.tokeniser = value == "none" ? Tokeniser::none : Tokeniser::characters;
        } else if (key == "lowercase") {
            options.lowercase = true;
        } else if (key == "smooth_method") {
            options.smoothing = value == "none"    ? Smoothing::none
                                : value == "floor" ? Smoothing::floor
                                : value == "add-k" ? Smoothing::add_k
                                                   : Smoothing::exp;
        } else if (key == "smooth_value") {
            options.smooth_value = std::stod(value);
        } else {
            REQUIRE(key == "max_ngram_order");
            options.max_n = std::stoi(value);
        }
    }
    return true;
}

struct Segments {
    Lines hypotheses;
    std::vector<Lines> references;
};

std::map<std::string, Segments> all_segments() {
    std::map<std::string, Segments> sets;
    for (const auto& row : metric_vectors("segments.tsv")) {
        Segments& s = sets[row[0]];
        s.hypotheses.push_back(row[2]);
        s.references.resize(row.size() - 3);
        for (size_t r = 3; r < row.size(); r++) s.references[r - 3].push_back(row[r]);
    }
    return sets;
}

std::string joined(const std::vector<double>& numbers) {
    std::string text;
    for (double x : numbers) text += fmt::format("{}{}", text.empty() ? "" : " ", x);
    return text;
}

/// score, brevity penalty, lengths, matches and totals as they stand in a row from `column` on.
void compare(const BleuScore& score, const BleuOptions& options, const std::vector<std::string>& row, size_t column) {
    CAPTURE(row[0]);
    CAPTURE(row[column - 1]);
    CHECK(std::abs(score.score - std::stod(row[column])) <= 1e-9);
    CHECK(std::abs(score.brevity_penalty - std::stod(row[column + 1])) <= 1e-9);
    CHECK(score.hypothesis_length == std::stoi(row[column + 2]));
    CHECK(score.reference_length == std::stoi(row[column + 3]));
    std::vector<double> matches = score.matches, totals = score.totals;
    // sacreBLEU's are those after smoothing, which it leaves out where nothing matches.
    if (options.smoothing == Smoothing::add_k && joined(matches).find_first_not_of("0 ") != std::string::npos)
        for (size_t n = 1; n < matches.size(); n++) {
            matches[n] += options.smooth_value.value_or(1);
            totals[n] += options.smooth_value.value_or(1);
        }
    CHECK(joined(matches) == row[column + 4]);
    CHECK(joined(totals) == row[column + 5]);
}

}  // namespace

TEST_CASE("BLEU: every row of data/metric-vectors") {
    const auto sets = all_segments();
    int rows = 0, skipped = 0;
    for (const auto& row : metric_vectors("bleu.tsv")) {
        BleuOptions options;
        if (!options_of(row[1], options)) {
            skipped++;
            continue;
        }
        const Segments& s = sets.at(row[0]);
        compare(Bleu(options).corpus(s.hypotheses, s.references), options, row, 2);
        rows++;
    }
    for (const auto& row : metric_vectors("sentence_bleu.tsv")) {
        BleuOptions options;
        if (!options_of(row[2], options)) {
            skipped++;
            continue;
        }
        const Segments& s = sets.at(row[0]);
        const auto i = static_cast<size_t>(std::stoi(row[1]));
        Lines references;
        for (const Lines& stream : s.references) references.push_back(stream[i]);
        compare(Bleu(options).sentence(s.hypotheses[i], references), options, row, 3);
        rows++;
    }
    MESSAGE(rows << " rows hold; skipped, for want of their tokeniser (intl): " << skipped
                 << "; chrf.tsv and ter.tsv are of metrics that are not built");
    CHECK(rows > 300);
}

TEST_CASE("BLEU: what can be counted by hand") {
    // 2 of 4 words, 1 of 3 pairs.
    const Bleu bleu({.tokeniser = Tokeniser::none, .max_n = 2});
    const BleuScore s = bleu.corpus({"a b c d"}, {{"a b x y z"}});
    CHECK(s.matches == std::vector<double>{2, 1});
    CHECK(s.totals == std::vector<double>{4, 3});
    CHECK(s.brevity_penalty == doctest::Approx(std::exp(1 - 5.0 / 4)));
    CHECK(s.score == doctest::Approx(100 * std::exp(-0.25) * std::sqrt(2.0 / 4 * 1 / 3)));
    // Clipped: "the" seven times, twice in the first reference, once in the second.
    CHECK(Bleu({.max_n = 1})
              .corpus({"the the the the the the the"}, {{"the cat is on the mat"}, {"there is a cat on the mat"}})
              .matches[0] == 2);
    // Of two references equally far the shorter, wherever it stands.
    for (const std::vector<Lines>& both : {std::vector<Lines>{{"a b c d e"}, {"a b c"}}, {{"a b c"}, {"a b c d e"}}})
        CHECK(bleu.corpus({"a b c d"}, both).reference_length == 3);
}

TEST_CASE("BLEU: weights, orders and effective order") {
    const Lines hypotheses = {"a b c d e f", "g h"};
    const std::vector<Lines> references = {{"a b c x e f", "g h"}};
    const BleuScore plain = Bleu({.max_n = 2}).corpus(hypotheses, references);
    const double p1 = std::log(7.0 / 8), p2 = std::log(4.0 / 6);
    CHECK(Bleu({.max_n = 2, .weights = {0.8, 0.2}}).corpus(hypotheses, references).score ==
          doctest::Approx(100 * std::exp(0.8 * p1 + 0.2 * p2)));
    CHECK(plain.score == doctest::Approx(100 * std::exp(0.5 * (p1 + p2))));
    // A weight of 0 takes its precision out, even one of 0.
    CHECK(Bleu({.smoothing = Smoothing::none, .weights = {1, 0, 0, 0}}).corpus({"a x"}, {{"a y"}}).score ==
          doctest::Approx(50));
    // Two words have no 3-grams: without effective order nothing is left.
    CHECK(Bleu().corpus({"g h"}, {{"g h"}}).score == 0);
    CHECK(Bleu({.effective_order = true}).corpus({"g h"}, {{"g h"}}).score == doctest::Approx(100));
    CHECK(Bleu({.weights = {0.5, 0.25, 0.125, 0.125}, .effective_order = true}).corpus({"g h"}, {{"g h"}}).score ==
          doctest::Approx(100));
    CHECK(Bleu({.max_n = 1000}).corpus({"a"}, {{"a"}}).score == 0);
}

TEST_CASE("BLEU: nothing to compare") {
    const BleuScore empty = Bleu().corpus({"", " \t"}, {{"a b", "c"}});
    CHECK(empty.score == 0);
    CHECK(empty.brevity_penalty == 0);
    CHECK(Bleu().corpus({"a b c d"}, {{""}}).score == 0);
    CHECK(Bleu().corpus({""}, {{""}}).score == 0);
    CHECK(Bleu().sentence("", {"a"}).score == 0);
    // An empty reference is a reference of no tokens, as sacreBLEU has it: it may be the closest.
    CHECK(Bleu().corpus({"a"}, {{"a b c d e"}, {""}}).reference_length == 0);
}

TEST_CASE("BLEU: the rows of a corpus add up to it, for any number of threads") {
    Generator gen(3);
    Lines hypotheses, first, second;
    for (int s = 0; s < 40; s++) {
        std::string lines[3];
        for (std::string& line : lines)
            for (int64_t i = gen.below(30); i > 0; i--) line += static_cast<char>('a' + gen.below(6)), line += ' ';
        hypotheses.push_back(lines[0]);
        first.push_back(lines[1]);
        second.push_back(lines[2]);
    }
    const Bleu bleu({.max_n = 5});
    std::vector<double> sum(12);
    for (const std::vector<double>& row : bleu.counts(hypotheses, {first, second}))
        for (size_t i = 0; i < row.size(); i++) sum[i] += row[i];
    const int threads = kernels::threads();
    for (int n : {1, 2, 5}) {
        kernels::set_threads(n);
        const BleuScore corpus = bleu.corpus(hypotheses, {first, second});
        CHECK(corpus.score == bleu.score(sum).score);
        CHECK(corpus.matches == std::vector<double>(sum.begin() + 2, sum.begin() + 7));
    }
    kernels::set_threads(threads);
}

TEST_CASE("BLEU: clipped counts against counting by text") {
    Generator gen(5);
    for (int round = 0; round < 60; round++) {
        std::vector<std::vector<std::string>> texts(3);
        Lines lines(3);
        for (size_t k = 0; k < 3; k++)
            for (int64_t i = gen.below(round % 2 == 0 ? 25 : 150); i > 0; i--) {
                texts[k].push_back(std::string(1, static_cast<char>('a' + gen.below(4))));
                lines[k] += texts[k].back() + ' ';
            }
        const BleuScore s = Bleu({.max_n = 3}).corpus({lines[0]}, {{lines[1]}, {lines[2]}});
        for (size_t n = 1; n <= 3; n++) {
            std::map<std::string, std::array<int, 3>> counts;
            for (size_t k = 0; k < 3; k++)
                for (size_t i = 0; i + n <= texts[k].size(); i++) {
                    std::string gram;
                    for (size_t j = i; j < i + n; j++) gram += texts[k][j];
                    counts[gram][k]++;
                }
            int matches = 0;
            for (const auto& [gram, c] : counts) matches += std::min(c[0], std::max(c[1], c[2]));
            CHECK(s.matches[n - 1] == matches);
        }
    }
}

TEST_CASE("BLEU: references around the 64 tokens that have a bit each") {
    std::string line;
    for (int length = 1; length <= 70; length++) {
        line += fmt::format("w{} ", length);
        const BleuScore s = Bleu().corpus({line}, {{line}});
        CHECK(s.matches == s.totals);
    }
}

TEST_CASE("BLEU: a segment of 10 MB") {
    std::string line;
    while (line.size() < 10'000'000) line += fmt::format("w{} ", line.size() % 977);
    const BleuScore s = Bleu().corpus({line}, {{line}});
    CHECK(s.score == doctest::Approx(100));
    CHECK(s.matches[0] == static_cast<double>(s.hypothesis_length));
}

TEST_CASE("BLEU: signatures") {
    CHECK(Bleu().signature(2) == "nrefs:2|case:mixed|eff:no|tok:13a|smooth:exp|version:unroll");
    CHECK(Bleu({.tokeniser = Tokeniser::characters,
                .lowercase = true,
                .smoothing = Smoothing::add_k,
                .effective_order = true})
              .signature(1) == "nrefs:1|case:lc|eff:yes|tok:char|smooth:add-k[1.00]|version:unroll");
    CHECK(Bleu({.tokeniser = Tokeniser::none,
                .smoothing = Smoothing::floor,
                .smooth_value = 0.01,
                .max_n = 2,
                .weights = {0.75, 0.25}})
              .signature(1) ==
          "nrefs:1|case:mixed|eff:no|tok:none|smooth:floor[0.01]|order:2|weights:0.75,0.25|version:unroll");
    CHECK(Bleu({.smoothing = Smoothing::none}).signature(1).find("|smooth:none|") != std::string::npos);
}

TEST_CASE("BLEU: misuse") {
    CHECK(failure([] { Bleu({.max_n = 0}); }) == "Bleu (HERE): max_n is 0, expected 1 or more");
    CHECK(failure([] { Bleu({.smoothing = Smoothing::floor, .smooth_value = -1}); }) ==
          "Bleu (HERE): smooth_value is -1, expected 0 or more");
    CHECK(failure([] {
              Bleu({.weights = {0.5, 0.5}});
          }) == "Bleu (HERE): 2 weights that add up to 1, expected 4 of 0 or more that add up to 1");
    CHECK(failure([] { Bleu({.max_n = 2, .weights = {1.5, -0.5}}); }) != "");
    CHECK(failure([] { Bleu({.max_n = 2, .weights = {0.5, NAN}}); }) != "");
    CHECK(failure([] { Bleu().corpus({"a"}, {}); }) == "Bleu (HERE): no references");
    CHECK(failure([] { Bleu().corpus({}, {{}}); }) == "Bleu (HERE): no hypotheses");
    CHECK(failure([] {
              Bleu().corpus({"a"}, {{"a"}, {"a", "b"}});
          }) == "Bleu (HERE): reference 1 has 2 segments, expected 1, one a hypothesis");
    CHECK(failure([] { Bleu().sentence("a", {}); }) == "Bleu (HERE): no references");
    CHECK(failure([] { Bleu().score({1, 2, 3}); }) == "Bleu::score (HERE): 3 counts, expected 10");
}
