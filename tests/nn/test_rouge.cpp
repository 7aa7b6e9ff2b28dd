#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "core/random.hpp"
#include "nn/rouge.hpp"
#include "tests/failure.hpp"
#include "tests/nn/metric_vectors.hpp"

using namespace unroll;

namespace {

std::string words(Generator& gen, int64_t most, int64_t kinds) {
    std::string text;
    for (int64_t i = gen.below(most + 1); i > 0; i--) text += static_cast<char>('a' + gen.below(kinds)), text += ' ';
    return text;
}

/// By trying every subset of a.
int64_t longest_by_force(const Tokens& a, const Tokens& b) {
    int64_t longest = 0;
    for (uint32_t subset = 0; subset < 1u << a.size(); subset++) {
        size_t j = 0;
        int64_t length = 0;
        bool fits = true;
        for (size_t i = 0; i < a.size() && fits; i++) {
            if ((subset >> i & 1) == 0) continue;
            while (j < b.size() && b[j] != a[i]) j++;
            fits = j++ < b.size();
            length++;
        }
        if (fits) longest = std::max(longest, length);
    }
    return longest;
}

}  // namespace

TEST_CASE("ROUGE: every row of data/metric-vectors") {
    int rows = 0;
    for (const auto& row : metric_vectors("rouge.tsv")) {
        CAPTURE(row[0]);
        CAPTURE(row[1]);
        const std::string type = row[1].substr(5), &reference = row[5], &prediction = row[6];
        const RougeScore s = type == "L"      ? rouge_l(prediction, reference)
                             : type == "Lsum" ? rouge_lsum(prediction, reference)
                                              : rouge_n(prediction, reference, std::stoi(type));
        CHECK(std::abs(s.precision - std::stod(row[2])) <= 1e-9);
        CHECK(std::abs(s.recall - std::stod(row[3])) <= 1e-9);
        CHECK(std::abs(s.f - std::stod(row[4])) <= 1e-9);
        rows++;
    }
    CHECK(rows > 70);
}

TEST_CASE("ROUGE-N: the package's and the book's, by hand") {
    // In common with "the cat sat": the, cat of 3; with "a cat slept": cat of 3.
    const std::string prediction = "The cat ran";
    const std::vector<std::string> references = {"the cat sat", "a cat slept"};
    CHECK(rouge_n(prediction, references[0], 1).recall == doctest::Approx(2.0 / 3));
    CHECK(best_reference(references, [&](const std::string& r) { return rouge_n(prediction, r, 1); }).f ==
          doctest::Approx(2.0 / 3));
    CHECK(rouge_n_book(prediction, references, 1) == doctest::Approx(3.0 / 6));
    CHECK(rouge_n_book(prediction, references, 2) == doctest::Approx(1.0 / 4));
    CHECK(rouge_n_book(prediction, references, 12) == 0);
    CHECK(rouge_n_book(prediction, {}, 1) == 0);
    CHECK(rouge_n("a a a", "a a b", 1).precision == doctest::Approx(2.0 / 3));
}

TEST_CASE("ROUGE-L: the longest common subsequence is the longest") {
    Generator gen(2);
    for (int round = 0; round < 100; round++) {
        const Tokens a = rouge_tokens(words(gen, 9, 3)), b = rouge_tokens(words(gen, 9, 3));
        CHECK(longest_common_subsequence(a, b) == longest_by_force(a, b));
        CHECK(longest_common_subsequence(a, b) == longest_common_subsequence(b, a));
    }
}

TEST_CASE("ROUGE-L: long texts as short ones") {
    Tokens counted;
    for (uint64_t i = 1; i <= 70; i++) {
        counted.push_back(i << 55);
        CHECK(longest_common_subsequence(counted, counted) == static_cast<int64_t>(i));
    }
    Generator gen(6);
    const auto padded = [](Tokens tokens) {  // words that occur nowhere else, in front
        for (uint64_t i = 0; i < 80; i++) tokens.insert(tokens.begin(), 1000 + i);
        return tokens;
    };
    for (int round = 0; round < 50; round++) {
        const Tokens a = rouge_tokens(words(gen, 64, 3)), b = rouge_tokens(words(gen, 64, 3));
        CHECK(longest_common_subsequence(padded(a), padded(b)) == 80 + longest_common_subsequence(a, b));
    }
}

TEST_CASE("ROUGE-L: texts of any length, word by word of 64 bits as by the table") {
    Generator gen(8);
    for (int64_t length : {65, 127, 128, 129, 200, 700})
        for (int kinds : {2, 5, 26}) {
            const std::string x = words(gen, length, kinds), y = words(gen, length, kinds);
            const Tokens a = rouge_tokens(x), b = rouge_tokens(y);
            std::vector<int64_t> row(b.size() + 1, 0);
            for (uint64_t token : a) {
                int64_t corner = 0;  // [i-1, j-1]
                for (size_t j = 1; j <= b.size(); j++) {
                    const int64_t above = row[j];
                    row[j] = token == b[j - 1] ? corner + 1 : std::max(row[j], row[j - 1]);
                    corner = above;
                }
            }
            CHECK(longest_common_subsequence(a, b) == row.back());
        }
    Tokens long_one(30000, 1), other(40000, 1);
    for (size_t i = 0; i < other.size(); i += 3) other[i] = 2 + i;
    CHECK(longest_common_subsequence(long_one, other) == 26666);
}

TEST_CASE("ROUGE-Lsum: sentences in any order, tokens counted as often as there are") {
    CHECK(rouge_lsum("c d\na b", "a b\nc d").f == doctest::Approx(1));
    CHECK(rouge_l("c d\na b", "a b\nc d").f == doctest::Approx(0.5));
    // "a" is in both sentences of the reference, and once in the prediction.
    CHECK(rouge_lsum("a", "a b\na c").recall == doctest::Approx(1.0 / 4));
    Generator gen(4);
    for (int round = 0; round < 50; round++) {
        const std::string a = words(gen, 12, 4), b = words(gen, 12, 4);
        CHECK(rouge_lsum(a, b).f == doctest::Approx(rouge_l(a, b).f));  // of one sentence each
        CHECK(rouge_lsum("\n" + a + "\n\n", b).f == doctest::Approx(rouge_l(a, b).f));
    }
}

TEST_CASE("ROUGE: nothing to compare, and misuse") {
    for (const char* empty : {"", "\n", " ?"}) {
        CHECK(rouge_n(empty, "a", 1).f == 0);
        CHECK(rouge_n("a", empty, 1).f == 0);
        CHECK(rouge_l(empty, "a").f == 0);
        CHECK(rouge_lsum("a", empty).f == 0);
        CHECK(rouge_n_book("a", {empty}, 1) == 0);
    }
    CHECK(best_reference(std::vector<std::string>(), [](const std::string& r) { return rouge_l("a", r); }).f == 0);
    CHECK(failure([] { rouge_n("a", "b", 0); }) == "rouge_n (HERE): n is 0, expected 1 or more");
    std::string many;
    for (int i = 0; i < 20000; i++) many += "a ";
    CHECK(rouge_l(many, many).f == 1);
    CHECK(failure([&] { rouge_lsum(many, many); }) ==
          "rouge_lsum (HERE): 20000 and 20000 tokens are too many: the table of 268435456 entries at most");
}
