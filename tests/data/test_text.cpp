#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <limits>

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

TEST_CASE("UTF-8: every character there is comes back, and every pair of bytes that is none is refused") {
    std::string bytes;
    std::vector<char32_t> all;
    for (char32_t c = 0; c <= 0x10FFFF; c++) {
        if (c >= 0xD800 && c < 0xE000) continue;
        all.push_back(c);
        bytes += encode_utf8(c);
    }
    CHECK(decode_utf8(bytes, "x") == all);
    int pairs = 0;
    for (int a = 0; a < 256; a++)
        for (int b = 0; b < 256; b++) {
            const char pair[] = {static_cast<char>(a), static_cast<char>(b)};
            try {
                pairs += !decode_utf8({pair, 2}, "x").empty();
            } catch (const Error&) {
            }
        }
    CHECK(pairs == 128 * 128 + 0x800 - 0x80);
}

TEST_CASE("UTF-8: the line of what is not is counted as editors count it, the byte from the beginning of the file") {
    CHECK(error_of([] {
              decode_utf8(
                  "\xEF\xBB\xBF"
                  "a\r\n£\r\n\n\xC3(",
                  "f");
          }) == "f: line 4: byte 11 (0xC3) is not UTF-8");
    CHECK(error_of([] { decode_utf8(std::string_view("\xC3\xA9").substr(0, 1), "f"); }) != "");
    CHECK(error_of([] { decode_utf8("abc\xE2\x82", "f"); }) == "f: line 1: byte 3 (0xE2) is not UTF-8");
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

TEST_CASE("texts: the parts of a file are all of it, in characters, and nothing can't be read in silence") {
    const TemporaryFolder folder;
    std::string text = "\xEF\xBB\xBF";
    std::vector<char32_t> expected;
    for (char32_t i = 0; i < 1013; i++) {
        expected.push_back(0x1F600 + i % 50);
        text += encode_utf8(expected.back());
    }
    const TextCorpus corpus = load_text(folder.write("own.txt", text));
    std::vector<char32_t> joined = corpus.train;
    joined.insert(joined.end(), corpus.valid.begin(), corpus.valid.end());
    joined.insert(joined.end(), corpus.test.begin(), corpus.test.end());
    CHECK(joined == expected);
    CHECK(corpus.train.size() == 911);
    CHECK(corpus.valid.size() == 51);

    for (const char* part : {"train.txt", "valid.txt", "test.txt"}) folder.write(part, "of three");
    CHECK(load_text(folder.path()).valid.size() == 8);
    folder.write("valid.txt", "x");
    CHECK(error_of([&] { load_text(folder.path()); }) ==
          folder.path() + ": the part to validate with has 1 characters, at least 2 are needed");
    folder.write("valid.txt", "fine\nnot \xFF fine");
    CHECK(error_of([&] { load_text(folder.path()); }) ==
          folder.path() + "/valid.txt: line 2: byte 9 (0xFF) is not UTF-8");
    std::filesystem::permissions(folder.path(), std::filesystem::perms::none);
    {
        NoRights guard;
        CHECK(
            contains(error_of([&] { load_text(folder / "own.txt"); }), "own.txt: can't be opened: Permission denied"));
        CHECK(contains(error_of([&] { load_text(folder.path()); }), "Permission denied"));
    }
    std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_all);
    CHECK(error_of([] { load_text(""); }) != "");
}

TEST_CASE("texts: Austen's novels, as SOURCE.md counts them") {
    const TextCorpus austen = load_text(UNROLL_ROOT "/data/austen");
    const CharVocabulary v(austen.train);
    CHECK(v.size() == 80 + 1);
    CHECK(austen.train.size() > 3'110'000);
    CHECK(austen.valid.size() > 430'000);
    CHECK(austen.test.size() > 460'000);
    for (const auto* text : {&austen.valid, &austen.test}) {
        const std::vector<int32_t> ids = v.encode(*text);
        CHECK(std::count(ids.begin(), ids.end(), v.unknown()) == 0);
    }
    CHECK(v.decode(v.encode(austen.train)) == content_of(UNROLL_ROOT "/data/austen/train.txt"));
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

TEST_CASE("streams: no memory is asked for, whatever the numbers, and the whole text is read but what is left over") {
    std::vector<int32_t> text;
    for (int32_t i = 0; i < 1000; i++) text.push_back(i);
    StreamBatches batches(text, 3, 7);
    std::vector<int> seen(1000);
    batches.next();
    batches.set_position(0);
    const int64_t before = memory_stats().heap_allocations;
    for (int64_t i = 0; i < batches.batches(); i++) {
        const StreamBatches::Batch b = batches.next();
        for (int64_t k = 0; k < 21; k++) seen[static_cast<size_t>(b.targets[k])]++;
    }
    CHECK(memory_stats().heap_allocations == before);
    CHECK(*std::max_element(seen.begin(), seen.end()) == 1);
    CHECK(std::count(seen.begin(), seen.end(), 1) == batches.batches() * 21);
    CHECK(batches.batches() == 47);  // (333 - 1) / 7
    CHECK(batches.next().first);

    const int64_t most = std::numeric_limits<int64_t>::max();
    CHECK(contains(error_of([&] { StreamBatches(text, 1, most); }), "too short"));
    CHECK(contains(error_of([&] { StreamBatches(text, most, 1); }), "too short"));
    CHECK(contains(error_of([&] { StreamBatches(text, -1, 1); }), "B -1"));
    CHECK(contains(error_of([&] { StreamBatches({}, 1, 1); }), "a text of 0 characters is too short"));
    CHECK(contains(error_of([&] { StreamBatches({5}, 1, 1); }), "a text of 1 characters is too short"));
    // Streams of 6 hold one batch of 3: the second one's last target would be of the next stream, or of no text at all.
    StreamBatches even({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, 2, 3);
    CHECK(even.batches() == 1);
    CHECK(even.next().targets[5] == 9);
    CHECK(even.next().first);
    CHECK(StreamBatches({5, 6}, 1, 1).next().targets[0] == 6);
    for (int64_t place : {int64_t{-7}, int64_t{336}, int64_t{8}, most})
        CHECK(contains(error_of([&] { batches.set_position(place); }), "position"));
}
