#include <doctest/doctest.h>

#include "data/utf8.hpp"
#include "data/vocabulary.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;
using Words = std::vector<std::string>;

TEST_CASE("vocabulary: the characters of a text, in the order of their code points") {
    const Vocabulary v = Vocabulary::of_characters(decode_utf8("cab£a", "x"));
    CHECK(v.size() == 5);
    CHECK(v.encode(decode_utf8("abc£z", "x")) == std::vector<int32_t>{0, 1, 2, 3, v.unk()});
    CHECK(v.text({2, 0, 1, 3, v.unk()}) == "cab£\xEF\xBF\xBD");
    CHECK(contains(error_of([&] { v.text({5}); }), "id 5 of 5 tokens"));
    CHECK(contains(error_of([&] { v.decode({-1}); }), "id -1 of 5 tokens"));
    CHECK(Vocabulary::of_characters({}).tokens() == Words{"<unk>"});
    CHECK(Vocabulary::of_characters({}).encode(decode_utf8("ab", "x")) == std::vector<int32_t>{0, 0});
}

TEST_CASE("vocabulary: words by frequency, the rare ones unknown, special tokens behind") {
    const Words text = {"b", "a", "b", "c", "a", "d", "<eos>", "b"};
    const Vocabulary v = Vocabulary::of_tokens(text);
    CHECK(v.tokens() == Words{"b", "a", "c", "d", "<pad>", "<bos>", "<eos>", "<unk>"});
    CHECK(v.pad() == 4);
    CHECK(v.bos() == 5);
    CHECK(v.eos() == 6);
    CHECK(v.unk() == 7);
    CHECK(v.encode(Words{"a", "z"}) == std::vector<int32_t>{1, 7});
    CHECK(v.has("d"));
    CHECK(!v.has("z"));
    const Vocabulary few = Vocabulary::of_tokens(text, {.min_count = 2, .special = {"<unk>"}});
    CHECK(few.tokens() == Words{"b", "a", "<unk>"});
    CHECK(few.pad() == -1);
    CHECK(few.decode(few.encode(text)) == Words{"b", "a", "b", "<unk>", "a", "<unk>", "<unk>", "b"});
    CHECK(Vocabulary::of_tokens(text, {.max_size = 3, .special = {"<unk>"}}).tokens() == Words{"b", "a", "<unk>"});
    CHECK(Vocabulary::of_tokens(text, {.max_size = 4}).size() == 4);
    CHECK(Vocabulary::of_tokens(text, {.min_count = 2, .special_first = true}).tokens() ==
          Words{"<pad>", "<bos>", "<eos>", "<unk>", "b", "a"});
    CHECK(Vocabulary::of_tokens(text, {.min_count = 100, .special = {"<unk>"}}).size() == 1);  // all words unknown
    CHECK(contains(error_of([&] { Vocabulary::of_tokens(text, {.max_size = 3}); }), "no room for 4 special"));
    CHECK(contains(error_of([&] { Vocabulary::of_tokens({}); }), "the text is empty"));
    CHECK(contains(error_of([&] { Vocabulary::of_tokens(text, {.min_count = 0}); }), "min_count 0"));
    const Vocabulary closed = Vocabulary::of_tokens(text, {.special = {}});
    CHECK(contains(error_of([&] { closed.encode(Words{"a", "zebra"}); }), "\"zebra\" is none of the 5 tokens"));
    CHECK(contains(error_of([] { Vocabulary({"a", "b", "a"}); }), "token 2, \"a\", is token 0 already"));
    CHECK(contains(error_of([] { Vocabulary({"a", ""}); }), "token 1 is empty"));
}

TEST_CASE("vocabulary: saved and loaded") {
    const TemporaryFolder folder;
    const Words tokens = {"\n", " ", "\\", "\\n", "\t", "\r", "\f", "\v", "ü", "a b", "<unk>"};
    Vocabulary(tokens).save(folder / "v");
    CHECK(content_of(folder / "v") ==
          "vocabulary: a token on every line\n\\n\n\\s\n\\\\\n\\\\n\n\\t\n\\r\n\\f\n\\v\nü\na\\sb\n<unk>\nend of the "
          "vocabulary\n");
    const Vocabulary back = Vocabulary::load(folder / "v");
    CHECK(back.tokens() == tokens);
    CHECK(back.unk() == 10);
    const auto refused = [&](const std::string& text) {
        return error_of([&] { Vocabulary::load(folder.write("v", text)); });
    };
    const auto wrong = [&](const std::string& text) {
        return refused("vocabulary: a token on every line\n" + text + "end of the vocabulary\n");
    };
    CHECK(contains(refused(""), "/v: line 1: expected \"vocabulary: a token on every line\""));
    CHECK(contains(refused("a\nb\n"), "/v: line 1: expected \"vocabulary: a token on every line\""));
    CHECK(contains(wrong("a\n\nb\n"), "/v: line 3: is empty"));
    CHECK(contains(wrong("a\nb\\x\n"), "/v: line 3: a backslash with none of the letters"));
    CHECK(contains(wrong("b\\\n"), "/v: line 2: a backslash with none of the letters"));
    CHECK(contains(wrong("a\na\n"), "/v: "));
    CHECK(contains(wrong("\\n\n\\n\n"), "token 1, \"\\n\", is token 0 already"));  // in one line
    Vocabulary(tokens).save(folder / "v");
    const std::string saved = content_of(folder / "v");
    for (size_t bytes = 0; bytes + 1 < saved.size(); bytes++) CHECK_FALSE(refused(saved.substr(0, bytes)).empty());
    CHECK(contains(refused(saved + "more\n"), "/v: does not end with the line \"end of the vocabulary\""));
    CHECK(error_of([&] { Vocabulary::load(folder.write("v", saved)); }).empty());
    CHECK(contains(refused("\xFF"), "/v: line 1: byte 0"));
    CHECK(contains(error_of([&] { Vocabulary::load(folder / "none"); }), "none: can't be opened"));
}
