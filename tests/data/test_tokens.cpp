#include <doctest/doctest.h>

#include "data/tokens.hpp"
#include "data/utf8.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;
using Words = std::vector<std::string>;

TEST_CASE("tokens: characters, white space, simple words") {
    CHECK(characters("a ß\n") == Words{"a", " ", "ß", "\n"});
    CHECK(whitespace_words(" a  b-c,\td\r\n\f\ve ") == Words{"a", "b-c,", "d", "e"});
    CHECK(whitespace_words("a\u00A0b") == Words{"a\u00A0b"});  // a no-break space
    CHECK(simple_words("I don't! Größe 3.5 x²") == Words{"I", "don", "'", "t", "!", "Größe", "3", ".", "5", "x", "²"});
    for (Tokenizer t : {characters, whitespace_words, simple_words, punctuation_words}) CHECK(t("").empty());
    CHECK(simple_words(" \n ").empty());
    CHECK(contains(error_of([] { simple_words("\xFF"); }), "not UTF-8"));
}

TEST_CASE("tokens: punctuation by the rules of 13a") {
    // Expected by sacreBLEU's tokenizer_13a.
    CHECK(punctuation_words("I don't pay 3.50.") == Words{"I", "don't", "pay", "3.50", "."});
    CHECK(punctuation_words("\"Yes,\" (he) said: 1,000-2 well-known; a/b.") ==
          Words{"\"", "Yes", ",", "\"", "(", "he", ")", "said", ":", "1,000", "-", "2", "well-known", ";", "a", "/",
                "b", "."});
    CHECK(punctuation_words(".5 5. ,x 1.a a.1") == Words{".", "5", "5", ".", ",", "x", "1", ".", "a", "a", ".", "1"});
    CHECK(punctuation_words("Ärger -- ja!") == Words{"Ärger", "--", "ja", "!"});
}

TEST_CASE("tokens: lower case, letters, and words to be read") {
    CHECK(to_lower("ÄÖÜ ẞ ÉÀ ŁŽŸİ ΑΩ ЖЯЁ 3×A") == "äöü ẞ éà łžÿİ αω жяё 3×a");
    for (const char32_t c : U"aZäßŁжα漢か") CHECK((c == 0 || is_letter(c)));
    for (const char32_t c : U" 3×÷€“’…–、。！😀²") CHECK(!is_letter(c));
    CHECK(readable({"Yes", ",", "I", "(", "he", ")", "don't", "!"}) == "Yes, I (he) don't!");
    CHECK(readable({}).empty());
}

TEST_CASE("lines: without their ends") {
    const TemporaryFolder folder;
    CHECK(read_lines(folder.write("f",
                                  "\xEF\xBB\xBF"
                                  "a\r\n\nb\r\n")) == Words{"a", "", "b"});
    CHECK(read_lines(folder.write("f", "a\nb")) == Words{"a", "b"});
    CHECK(read_lines(folder.write("f", "")).empty());
    CHECK(read_lines(folder.write("f", "\n")) == Words{""});
    CHECK(contains(error_of([&] { read_lines(folder.write("f", "a\n\xC3")); }), "f: line 2: byte 2 (0xC3)"));
}
