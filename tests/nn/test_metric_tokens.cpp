#include <doctest/doctest.h>

#include <algorithm>

#include "nn/metric_tokens.hpp"
#include "tests/nn/metric_vectors.hpp"

using namespace unroll;

namespace {

Tokens cut(std::string_view line, Tokeniser tokeniser) {
    Tokens tokens = {99};  // overwritten
    tokenise(line, tokeniser, tokens);
    return tokens;
}

bool same(std::string_view a, std::string_view b, Tokeniser tokeniser) {
    return cut(a, tokeniser) == cut(b, tokeniser);
}

}  // namespace

TEST_CASE("13a: every row of data/metric-vectors") {
    int rows = 0;
    for (const auto& row : metric_vectors("tok13a.tsv")) {
        CHECK(tokenise_13a(row[0]) == row[1]);
        CHECK(same(row[0], row[1], Tokeniser::v13a));  // what is cut stays cut
        CHECK(cut(row[0], Tokeniser::v13a) == cut(row[1], Tokeniser::none));
        rows++;
    }
    CHECK(rows > 40);
}

TEST_CASE("13a: points between digits and elsewhere, one after another") {
    CHECK(tokenise_13a("1.5 1. .5 a.5 5.a a.b") == "1.5 1 . . 5 a . 5 5 . a a . b");
    CHECK(tokenise_13a("...") == ". . .");
    CHECK(tokenise_13a(",5") == ", 5");
    CHECK(tokenise_13a("5..6 a.,5 5.,a ..5") == "5 . . 6 a . ,5 5 . , a . .5");
    CHECK(tokenise_13a("1,234.50, (3.)") == "1,234.50 , ( 3 . )");
    CHECK(tokenise_13a("5-6 a-b 5- -5 5--6") == "5 - 6 a-b 5 - -5 5 - -6");
    CHECK(tokenise_13a("é.5 5.é") == "é . 5 5 . é");
}

TEST_CASE("13a: a line of any length, wherever a token stands in it") {
    const std::string text = "a.b 1.5 1., .5 (c-d) 5-6 x\u00a0y \u2013 z...";
    for (size_t length = 0; length < 140; length++) {
        const std::string before(length, 'w');
        CHECK(tokenise_13a(before + " " + text) == (length > 0 ? before + " " : "") + tokenise_13a(text));
        CHECK(cut(before + " " + text, Tokeniser::none).size() == (length > 0) + cut(text, Tokeniser::none).size());
    }
}

TEST_CASE("13a: entities, line breaks, what was left out") {
    CHECK(tokenise_13a("&amp;lt; &lt;a&gt; &quot;b&quot;") == "< < a > \" b \"");
    CHECK(tokenise_13a("a<skipped>b high-\nway line\nend") == "ab highway line end");
    CHECK(tokenise_13a("") == "");
    CHECK(tokenise_13a(" \t\r\n") == "");
}

TEST_CASE("white space is Python's, in every tokeniser") {
    const char* const spaces[] = {" ",      "\t",     "\v",     "\f",     "\r",     "\x1c",   "\x1f",   "\u0085",
                                  "\u00a0", "\u1680", "\u2000", "\u200a", "\u2028", "\u202f", "\u205f", "\u3000"};
    for (const char* space : spaces)
        for (Tokeniser tokeniser : {Tokeniser::v13a, Tokeniser::none, Tokeniser::characters}) {
            CHECK(same(std::string("a") + space + space + "é" + space, "a é", tokeniser));
            CHECK(cut(space, tokeniser).empty());
        }
    for (const char* other : {"\u200b", "\u00a1", "\u2010", "\u3001", "\u0084"}) {
        CHECK(cut(std::string("a") + other + "b", Tokeniser::none).size() == 1);
        CHECK(cut(std::string("a") + other + "b", Tokeniser::v13a).size() == 1);
        CHECK(cut(std::string("a") + other + "b", Tokeniser::characters).size() == 3);
    }
    CHECK(cut("\xe2\x80", Tokeniser::none).size() == 1);  // cut off
}

TEST_CASE("characters: those of UTF-8, not bytes") {
    CHECK(cut("a£€😀 b", Tokeniser::characters).size() == 5);
    CHECK(same("ab", "a b", Tokeniser::characters));
}

TEST_CASE("tokens: different words have different numbers, wherever they stand in a line") {
    std::vector<std::string> words = {
        "a", "b", "ab", "ba", "aa", std::string("a\0", 2), std::string("\0a", 2), std::string("\0", 1)};
    for (size_t length : {7, 8, 9, 15, 16, 17, 40})
        for (size_t i = 0; i < length; i++) {
            words.emplace_back(length, 'x');
            words.back()[i] = 'y';
        }
    Tokens all;
    for (const std::string& word : words) {
        const Tokens alone = cut(word, Tokeniser::none), amid = cut("before " + word + " after it", Tokeniser::none);
        REQUIRE(alone.size() == 1);
        CHECK(alone[0] == amid[1]);
        all.push_back(alone[0]);
    }
    std::sort(all.begin(), all.end());
    CHECK(std::unique(all.begin(), all.end()) == all.end());
}

TEST_CASE("ROUGE's tokens: small letters and digits") {
    CHECK(rouge_tokens("It's 3.5 KG -- naïve?") == cut("it s 3 5 kg na ve", Tokeniser::none));
    CHECK(rouge_tokens("5 \u212A, \u0130x \u00c9") == cut("5 k i x", Tokeniser::none));
    CHECK(rouge_tokens(" ?!\n").empty());
    CHECK(rouge_tokens("").empty());
}

TEST_CASE("lowercase: as Python's") {
    CHECK(lowercase("ABZ az @[`{ 09") == "abz az @[`{ 09");
    CHECK(lowercase("ÀÖÞß×Ÿ Ő ŹŽ ǅ Ω Я Ё Ѱ Ა Ⴀ ẞ Ⅷ Ⓐ Ａ 𐐀 𞤀") ==
          "àöþß×ÿ ő źž ǆ ω я ё ѱ ა ⴀ ß ⅷ ⓐ ａ 𐐨 𞤢");
    CHECK(lowercase("İ") == "i\u0307");
    CHECK(lowercase("ΟΔΟΣ ΣΑΣ, Σ") == "οδος σας, σ");
    CHECK(lowercase("中文 ñ €") == "中文 ñ €");
    CHECK(lowercase("") == "");
}
