#include <doctest/doctest.h>

#include <filesystem>

#include "core/error.hpp"
#include "data/text.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;

TEST_CASE("UTF-8: characters, not bytes") {
    CHECK(decode_utf8("a£€😀", "x") == std::vector<char32_t>{'a', 0xA3, 0x20AC, 0x1F600});
    CHECK(decode_utf8("", "x").empty());
    CHECK(decode_utf8("\xEF\xBB\xBFhi", "x") == std::vector<char32_t>{'h', 'i'});
    CHECK(decode_utf8("a\r\nb\rc\n", "x") == std::vector<char32_t>{'a', '\n', 'b', '\r', 'c', '\n'});
    for (char32_t c : {0x0, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF})
        CHECK(decode_utf8(encode_utf8(c), "x") == std::vector<char32_t>{c});
}

TEST_CASE("UTF-8: what is not, is told with line and byte") {
    CHECK(error_of([] { decode_utf8("ab\n\xFF", "f.txt"); }) == "f.txt: line 2: byte 3 (0xFF) is not UTF-8");
    for (std::string bad : {"\x80", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80",
                            "\xF8\x88\x80\x80\x80", "\xE2\x82", "\xC3", "\xE2\x28\xA1"})
        CHECK(error_of([&] { decode_utf8(bad, "f"); }).find("f: line 1: byte 0") == 0);
}

TEST_CASE("a vocabulary numbers the characters of the text it learns from") {
    const CharVocabulary v(decode_utf8("cab£a", "x"));
    CHECK(v.size() == 5);
    CHECK(v.encode("abc£") == std::vector<int32_t>{0, 1, 2, 3});
    CHECK(v.encode("az") == std::vector<int32_t>{0, v.unknown()});
    CHECK(v.decode({2, 0, 1, 3, v.unknown()}) == "cab£\xEF\xBF\xBD");
    CHECK(v.characters() == "abc£");
    CHECK(CharVocabulary::from(v.characters()).encode("cab£") == v.encode("cab£"));
    CHECK(error_of([&] { v.decode({5}); }) == "CharVocabulary::decode: id 5 of 5 characters");
}

TEST_CASE("texts: a folder of three, a file of one's own, and what is neither") {
    const TemporaryFolder folder;
    const std::string own = folder / "own.txt";
    std::string text;
    for (int i = 0; i < 100; i++) text += static_cast<char>('a' + i % 26);
    folder.write("own.txt", text);
    const TextCorpus corpus = load_text(own);
    CHECK(corpus.train.size() == 90);
    CHECK(corpus.valid.size() == 5);
    CHECK(corpus.test.size() == 5);
    CHECK(corpus.test[0] == text[95]);
    folder.write("own.txt", "");
    CHECK(error_of([&] { load_text(own); }).find("own.txt: the part to train with has 0 characters") !=
          std::string::npos);
    folder.write("own.txt", "abcdefghij");
    CHECK(error_of([&] { load_text(own); }).find("the part to validate with has") != std::string::npos);
    CHECK(error_of([&] { load_text(folder / "none"); }).find("none") != std::string::npos);
    std::filesystem::create_directory(folder / "set");
    CHECK(error_of([&] { load_text(folder / "set"); }).find("train.txt") != std::string::npos);
}

TEST_CASE("streams: each goes on where it stopped, targets are one character ahead, and a place can be returned to") {
    std::vector<int32_t> text;
    for (int32_t i = 0; i < 23; i++) text.push_back(i);
    StreamBatches batches(text, 2, 3);  // two streams of 11: 0 .. 10 and 11 .. 21; three batches in a pass
    CHECK(batches.batches() == 3);
    for (int pass = 0; pass < 2; pass++)
        for (int32_t k = 0; k < 3; k++) {
            const StreamBatches::Batch b = batches.next();
            CHECK(b.first == (k == 0));
            for (int32_t t = 0; t < 3; t++) {
                CHECK(b.inputs[t * 2] == 3 * k + t);
                CHECK(b.inputs[t * 2 + 1] == 11 + 3 * k + t);
                CHECK(b.targets[t * 2] == 3 * k + t + 1);
                CHECK(b.targets[t * 2 + 1] == 11 + 3 * k + t + 1);
            }
        }
    batches.next();
    const int64_t place = batches.position();
    const int32_t expected = batches.next().inputs[0];
    batches.set_position(place);
    CHECK(batches.next().inputs[0] == expected);
    CHECK(error_of([&] { batches.set_position(1); }).find("position 1") != std::string::npos);
    CHECK(error_of([&] { StreamBatches(text, 8, 3); }).find("too short for 8 streams of 3 steps") != std::string::npos);
    CHECK(error_of([&] { StreamBatches(text, 0, 3); }).find("B 0") != std::string::npos);
}
