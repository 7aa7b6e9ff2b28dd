#include <doctest/doctest.h>

#include <set>

#include "core/random.hpp"
#include "data/bpe.hpp"
#include "data/text.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;
using Words = std::vector<std::string>;

TEST_CASE("byte pairs: merges by hand") {
    // Pairs in "low low lower": ▁l lo ow 3 times each, we er once. Of equals the first by bytes: l o, then lo w, ▁ low.
    const Bpe bpe = Bpe::learn({"low low lower"}, 3);
    CHECK(bpe.merges() == 3);
    CHECK(bpe.encode("low") == Words{"▁low"});
    CHECK(bpe.encode("slow lower") == Words{"▁", "<0x73>", "low", "▁low", "e", "r"});
    CHECK(Bpe::learn({"low low lower"}, 1).encode("low") == Words{"▁", "lo", "w"});
    CHECK(Bpe::learn({"low low lower"}, 100).merges() == 3);  // no other pair occurs twice
    CHECK(Bpe::learn({"low low lower"}, 0).encode("low") == Words{"▁", "l", "o", "w"});
    CHECK(Bpe::learn({"aaaa aaaa"}, 1).encode("aaaaa") == Words{"▁", "aa", "aa", "a"});
    const Words pieces = bpe.pieces();
    CHECK(pieces.size() == 6 + 3 + 256);  // ▁ e l o r w
    CHECK(std::set<std::string>(pieces.begin(), pieces.end()).size() == pieces.size());
    CHECK(Bpe::learn({"12 12 12", "a, a, a,"}, 10).encode("12,") == Words{"▁1", "2", ","});  // digits stay single
    CHECK(contains(error_of([] { Bpe::learn({"", ""}, 5); }), "no characters to learn from in 2 texts"));
    CHECK(contains(error_of([] { Bpe::learn({}, 5); }), "in 0 texts"));
    CHECK(contains(error_of([] { Bpe::learn({"a"}, -1); }), "merges -1"));
}

TEST_CASE("byte pairs: undone without loss, whatever the text, and what is not known goes by its bytes") {
    const Bpe bpe = Bpe::learn({"Sie haben Größe.", "Die Größe der Datei"}, 30);
    for (std::string text : {"Größe", "", " ", "  a  b ", "\n\tx\n", "▁", "a▁b ▁", "€ 😀 漢字", "<0x41>", "don't stop",
                             "a\u00A0b", "a\r\nb", "\r\r\n", "\uFEFFa"})
        CHECK(bpe.decode(bpe.encode(text)) == text);
    CHECK(bpe.encode("€") == Words{"▁", "<0xE2>", "<0x82>", "<0xAC>"});
    Generator gen(1);
    for (int n = 0; n < 300; n++) {
        std::string text;
        for (int64_t i = gen.below(30); i > 0; i--) {
            const int64_t kind = gen.below(4);
            text += encode_utf8(static_cast<char32_t>(kind == 0   ? ' '
                                                      : kind == 1 ? 'a' + gen.below(26)
                                                      : kind == 2 ? 1 + gen.below(0xD000)
                                                                  : 0xE000 + gen.below(0x2000)));
        }
        CHECK(bpe.decode(bpe.encode(text)) == text);
    }
    for (const std::string& line : read_lines(UNROLL_ROOT "/data/ui-en-de/valid.tsv"))
        REQUIRE(bpe.decode(bpe.encode(line)) == line);
    // All pieces have numbers.
    const Vocabulary v(bpe.pieces());
    CHECK(bpe.decode(v.decode(v.encode(bpe.encode("Größe ▁ 😀")))) == "Größe ▁ 😀");
}

TEST_CASE("byte pairs: a run of letters without end is cut, so that its pieces take no longer than words do") {
    const std::string run(5000, 'a'), spaces(5000, ' ');
    const Bpe bpe = Bpe::learn({run, run, spaces}, 100);
    for (const std::string& text : {run, spaces, "b " + run + "c"}) {
        const Words pieces = bpe.encode(text);
        CHECK(bpe.decode(pieces) == text);
        for (const std::string& piece : pieces) CHECK(decode_utf8(piece, "a piece").size() <= 200);
    }
}

TEST_CASE("byte pairs: learnt on a real text, each merge is of the most frequent pair there is") {
    Words german;
    for (const TextPair& pair : load_pairs(UNROLL_ROOT "/data/ui-en-de/valid.tsv", {.source = 2, .target = 3}))
        german.push_back(pair.target);
    const Bpe more = Bpe::learn(german, 300), fewer = Bpe::learn(german, 100);
    // Counted anew after 100 merges: the 101st is the most frequent pair of pieces within a word.
    std::map<std::pair<std::string, std::string>, int64_t> counts;
    const Words pieces = more.pieces();
    for (const std::string& line : german) {
        const Words p = fewer.encode(line);
        for (size_t i = 1; i < p.size(); i++) {
            const bool letters = is_letter(decode_utf8(p[i - 1], "x").back());
            const bool begins = p[i].rfind("▁", 0) == 0;
            const char32_t next = decode_utf8(p[i], "x")[0];
            if (!begins && (p[i - 1] == "▁" || (letters && is_letter(next)))) counts[{p[i - 1], p[i]}]++;
        }
    }
    int64_t most = 0;
    for (const auto& [pair, count] : counts) most = std::max(most, count);
    const std::string next = pieces[pieces.size() - 256 - 200];
    int64_t of_next = 0;
    for (const auto& [pair, count] : counts)
        if (pair.first + pair.second == next) of_next = std::max(of_next, count);
    CHECK(of_next == most);
    CHECK(Bpe::learn(german, 300).pieces() == pieces);
}

TEST_CASE("byte pairs: saved and loaded") {
    const TemporaryFolder folder;
    const Bpe bpe = Bpe::learn({"low low\tlower \\"}, 3);
    bpe.save(folder / "codes");
    const Bpe back = Bpe::load(folder / "codes");
    CHECK(back.pieces() == bpe.pieces());
    CHECK(back.encode("lower slow\t\\") == bpe.encode("lower slow\t\\"));
    const Bpe signs = Bpe::learn({"a\r\nb\r", "\uFEFF a\r"}, 3);
    signs.save(folder / "signs");
    CHECK(Bpe::load(folder / "signs").pieces() == signs.pieces());
    const std::string good = content_of(folder / "codes");
    const auto refused = [&](const std::string& text) {
        return error_of([&] { Bpe::load(folder.write("codes", text)); });
    };
    CHECK(contains(refused(""), "codes: line 1: expected \"byte-pair encoding"));
    CHECK(contains(refused("a b\n"), "codes: line 1: expected"));
    for (size_t cut : {size_t{1}, size_t{4}, size_t{7}, good.size() / 2, good.size() - good.find('\n') - 1})
        CHECK(contains(refused(good.substr(0, good.size() - cut - 1)), "codes: "));
    const std::string title = good.substr(0, good.find('\n') + 1);
    CHECK(contains(refused(title + "▁ a b\na c\nend\n"), "codes: line 3: \"a c\" is no pair of pieces"));
    CHECK(contains(refused(title + "▁ a b\na b\nab\nend"), "codes: line 4: \"ab\" is no pair"));
    CHECK(contains(refused(title + "▁ a\na \x01\nend\n"), "codes: line 3: \"a \\u0001\" is no pair"));
    CHECK(refused(title + "▁ a\n" + std::string(5000, 'a') + "\nend\n").size() < 300);
    CHECK(contains(refused(title + "a b\nend\n"), "codes: line 2: without ▁"));  // spaces would not come back
    CHECK(contains(refused(title + "a b\na b\n"), "codes: does not end with the line \"end\""));
    CHECK(contains(refused(title), "codes: does not end"));
}
