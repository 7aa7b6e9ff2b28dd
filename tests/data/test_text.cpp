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

TEST_CASE("lines: a carriage return at a line's end is none of it, at the end of the file too") {
    const TemporaryFolder folder;
    using Lines = std::vector<std::string>;
    CHECK(read_lines(folder.write("crlf",
                                  "\xEF\xBB\xBF"
                                  "a\r\n\r\nb\rc\r\n")) == Lines{"a", "", "b\rc"});
    CHECK(read_lines(folder.write("cr", "a\r\nb\r")) == Lines{"a", "b"});
    CHECK(read_lines(folder.write("empty", "")).empty());
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
    const Vocabulary v = Vocabulary::of_characters(austen.train);
    CHECK(v.size() == 80 + 1);
    CHECK(austen.train.size() > 3'110'000);
    CHECK(austen.valid.size() > 430'000);
    CHECK(austen.test.size() > 460'000);
    for (const auto* text : {&austen.valid, &austen.test}) {
        const std::vector<int32_t> ids = v.encode(*text);
        CHECK(std::count(ids.begin(), ids.end(), v.unk()) == 0);
    }
    CHECK(v.text(v.encode(austen.train)) == content_of(UNROLL_ROOT "/data/austen/train.txt"));
}

TEST_CASE("words: with the end of every line, those of the train part numbered, the others unknown") {
    const TemporaryFolder folder;
    folder.write("train.txt", "\xEF\xBB\xBFthe cat\r\n\r\nthe dog\n");
    folder.write("valid.txt", "the end");
    folder.write("test.txt", "no\nword\n");
    const TokenCorpus c = load_tokens(folder.path());
    CHECK(c.vocabulary.tokens() == std::vector<std::string>{"the", "cat", "dog", "<eos>", "<unk>"});
    CHECK(c.train == std::vector<int32_t>{0, 1, 3, 3, 0, 2, 3});
    CHECK(c.valid == std::vector<int32_t>{0, 4, 3});
    CHECK(c.test == std::vector<int32_t>{4, 3, 4, 3});  // unknown words alone
    folder.write("train.txt", "The cat, the hat.");
    const TokenCorpus lower = load_tokens(folder.path(), {.tokenizer = punctuation_words, .lower = true});
    CHECK(lower.vocabulary.decode(lower.train) ==
          std::vector<std::string>{"the", "cat", ",", "the", "hat", ".", "<eos>"});
    CHECK(error_of([&] {
              load_tokens(folder.path(), {.vocabulary = {.special = {"<eos>"}}});
          }).find("there is no <unk>") != std::string::npos);
}

TEST_CASE("words: the parts of one file are whole lines, or whole words where there are no lines") {
    const TemporaryFolder folder;
    std::string lines, words;
    for (int i = 0; i < 100; i++) lines += fmt::format("line{}a line{}b\n", i, i), words += fmt::format("word{} ", i);
    for (const auto& [text, first] : {std::pair{lines, true}, {words, false}}) {
        const TokenCorpus c =
            load_tokens(folder.write("own.txt", text), {.vocabulary = {.special = {"<eos>", "<unk>"}}});
        CHECK(c.vocabulary.tokens().size() > 80);
        for (const std::string& token : c.vocabulary.tokens())
            CHECK((token[0] == '<' ||
                   text.find(token + (first && token.back() == 'b' ? "\n" : " ")) != std::string::npos));
        if (first) CHECK(c.train.back() == c.vocabulary.id("<eos>"));
        const auto known = c.train.size() + c.valid.size() + c.test.size();
        CHECK(known == (first ? 300u : 103u));  // nothing is lost, nothing cut: <eos> behind each line, and each part
    }
}

TEST_CASE("words: published corpora as they come") {
    const TemporaryFolder folder;
    for (const char* part : {"train", "valid", "test"}) {
        folder.write(std::string("wiki.") + part + ".tokens", " = Title = \n \n a <unk> b \n");
        folder.write(std::string("ptb.") + part + ".txt", " no it was n't black monday \n");
    }
    const TokenCorpus wiki = load_tokens(folder.path());
    CHECK(wiki.vocabulary.decode(wiki.train) ==
          std::vector<std::string>{"=", "Title", "=", "<eos>", "<eos>", "a", "<unk>", "b", "<eos>"});
    CHECK(wiki.vocabulary.size() == 6);
    for (const char* part : {"train", "valid", "test"})
        std::filesystem::remove(folder / (std::string("wiki.") + part + ".tokens"));
    CHECK(load_tokens(folder.path()).train.size() == 7);

    folder.write("vocab.txt", "<eos>\nthe\n<unk>\n");
    for (const char* part : {"train.u16", "valid.u16", "test.u16"}) folder.write(part, std::string("\1\0\2\0\0\0", 6));
    const TokenCorpus ids = load_tokens(folder.path());
    CHECK(ids.train == std::vector<int32_t>{1, 2, 0});
    CHECK(ids.vocabulary.unk() == 2);
    folder.write("valid.u16", std::string("\1\0\3\0", 4));
    CHECK(contains(error_of([&] { load_tokens(folder.path()); }), "valid.u16: word 1 is 3, and vocab.txt has 3 words"));
    folder.write("valid.u16", std::string("\1\0\2", 3));
    CHECK(contains(error_of([&] { load_tokens(folder.path()); }), "valid.u16: has 3 bytes, expected 2 for every word"));
    folder.write("valid.u16", "");
    CHECK(contains(error_of([&] { load_tokens(folder.path()); }), "the part to validate with has 0 words"));
    folder.write("vocab.txt", "a\nb\na\n");
    CHECK(contains(error_of([&] { load_tokens(folder.path()); }), "vocab.txt: "));
}

TEST_CASE("words: what can't be learnt from is refused, by name") {
    const TemporaryFolder folder;
    const auto refused = [&](const std::string& text) {
        return error_of([&] { load_tokens(folder.write("own.txt", text)); });
    };
    CHECK(contains(refused(""), "own.txt: the part to train with has 0 words and line ends, at least 2 are needed"));
    CHECK(contains(refused("word"), "own.txt: the part to "));
    CHECK(contains(refused("fine\nnot \xFF"), "own.txt: line 2: byte 9 (0xFF) is not UTF-8"));
    CHECK(contains(refused("cut off \xE2\x82"), "own.txt: line 1: byte 8 (0xE2) is not UTF-8"));
    CHECK(contains(error_of([&] { load_tokens(folder / "none"); }), "none: can't be opened"));
    CHECK(contains(error_of([&] { load_tokens(folder.path()); }), "train.txt: can't be opened"));
}

TEST_CASE("pairs: columns with tabs in between") {
    const TemporaryFolder folder;
    const std::string path = folder.write("deu.txt", "\xEF\xBB\xBFGo.\tGeh.\tCC-BY 2.0 (France)\r\nHi!\tHallo!\r\n");
    const std::vector<TextPair> pairs = load_pairs(path);
    REQUIRE(pairs.size() == 2);
    CHECK(pairs[0].source == "Go.");
    CHECK(pairs[1].target == "Hallo!");
    CHECK(load_table(path, 2)[0][2] == "CC-BY 2.0 (France)");
    CHECK(load_pairs(folder.write("x", "id\ten\tde"), {.source = 2, .target = 1})[0].source == "de");

    const auto refused = [&](const std::string& text) {
        return error_of([&] { load_pairs(folder.write("bad.tsv", text)); });
    };
    CHECK(contains(refused("a\tb\nno tab\n"), "bad.tsv: line 2: 1 of the 2 fields that tabs separate"));
    CHECK(contains(refused("a\tb\n\nc\td\n"), "bad.tsv: line 2: 1 of the 2 fields"));
    CHECK(contains(refused("a\t\n"), "bad.tsv: line 1: field 2 is empty"));
    CHECK(contains(refused(""), "bad.tsv: is empty"));
    CHECK(contains(refused("a\tb\nc\t\xFF\n"), "bad.tsv: line 2: byte 6 (0xFF) is not UTF-8"));
    CHECK(contains(refused("a\tb\nc"), "bad.tsv: line 2: 1 of the 2 fields"));  // cut off
}

TEST_CASE("pairs: the sets that are here, as SOURCE.md counts them") {
    const std::string data = UNROLL_ROOT "/data/";
    CHECK(load_pairs(data + "ui-en-de/train.tsv", {.source = 2, .target = 3}).size() == 27081);
    CHECK(load_pairs(data + "ui-en-de/valid.tsv", {.source = 2, .target = 3}).size() == 1000);
    CHECK(load_pairs(data + "ui-en-de/test.tsv", {.source = 2, .target = 3}).size() == 1000);
    CHECK(load_table(data + "ui-en-de/test.refs.tsv", 2).size() == 1000);
    CHECK(load_pairs(data + "cldr-names/train.tsv", {.source = 1, .target = 2}).size() == 3927);
    CHECK(load_table(data + "cldr-names/test_new.tsv", 6).size() == 78);
    CHECK(load_pairs(data + "debian-summaries/train.tsv", {.source = 3, .target = 2}).size() == 12000);
    CHECK(load_pairs(data + "debian-summaries/test.tsv", {.source = 3, .target = 2})[0].target !=
          load_pairs(data + "debian-summaries/test.tsv", {.source = 2, .target = 3})[0].target);
}
