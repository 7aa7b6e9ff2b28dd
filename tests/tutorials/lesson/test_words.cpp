#include <doctest/doctest.h>

#include <cmath>

#include "core/error.hpp"
#include "tutorials/lesson/clip.hpp"
#include "tutorials/lesson/looks.hpp"
#include "tutorials/lesson/text.hpp"
#include "tutorials/lesson/web_libs.hpp"
#include "tutorials/lesson/words.hpp"

using namespace unroll;
using namespace unroll::lesson;

static bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

TEST_CASE("a shaded text: every word with its shade and its value") {
    const ShadedText text{.title = "t", .tokens = {"The", "<cat>", "sat"}, .values = {NAN, 0.5, 8}, .unit = "nats"};
    CHECK(shaded_html(text) ==
          "<p class=\"shaded\">The <span class=\"q0\" title=\"0.5000 nats\">&lt;cat&gt;</span> <span class=\"q8\" "
          "title=\"8 "
          "nats\">sat</span></p>\n");
    CHECK(shaded_range(text) == "0.5000 (light) to 8 (dark) nats");
    CHECK(shaded_lines(text, 80) == std::vector<std::string>{"The <cat> sat", "    0.5   8.0"});
    CHECK(shaded_lines(text, 10) == std::vector<std::string>{"The <cat>", "    0.5  ", "sat", "8.0"});
    const ShadedText letters{.tokens = {"a", "\n", "é"}, .values = {0.4, 12, 3.6}, .spaced = false};
    CHECK(shaded_lines(letters, 80) == std::vector<std::string>{"a↵", "09", "é", "4"});
    CHECK(contains(shaded_html(letters), "↵</span>\n<span"));
    CHECK(shaded_lines({}, 80).empty());
    CHECK(contains(shaded_html({}), "<p"));
    CHECK_THROWS_AS(shaded_html({.tokens = {"a"}}), Error);
    for (size_t columns : {1, 2, 7})
        for (const std::string& line : shaded_lines(text, columns)) CHECK((width(line) <= columns || width(line) <= 3));
}

TEST_CASE("words on a map") {
    const WordMap map{.title = "t", .labels = {"north", "<south>", "nowhere"}, .x = {0, 1, NAN}, .y = {1, 0, 0}};
    const std::string svg = map_svg(map);
    CHECK(contains(svg, "&lt;south&gt;"));
    CHECK(!contains(svg, "nowhere"));
    CHECK(!contains(svg, "nan"));
    const std::vector<std::string> lines = map_lines(map, 40);
    CHECK(contains(lines.front(), "north"));
    CHECK(contains(lines[lines.size() - 2], "<south>"));
    CHECK(lines.back() == "(1 left out for want of room)");
    for (const std::string& line : lines) CHECK(width(line) <= 40);
    CHECK(contains(map_lines({.labels = {"one"}, .x = {3}, .y = {3}}, 40)[11], "one"));
    CHECK(map_lines({.labels = {"a", "b"}, .x = {0, 0}, .y = {0, 0}}, 20).back() == "(1 left out for want of room)");
    CHECK(contains(map_svg({}), "</svg>"));
}

TEST_CASE("words on a map: labels don't cover each other, and one far out doesn't push the others together") {
    WordMap map{.title = "t"};
    for (int i = 0; i < 100; i++) {
        map.labels.push_back("word" + std::to_string(i));
        map.x.push_back(i < 8 ? 50 : i);  // eight in one place
        map.y.push_back(i < 8 ? 50 : i * 37 % 100);
    }
    map.x.back() = 1e6;
    const std::string svg = map_svg(map);
    CHECK(contains(svg, " without a label for want of room"));
    CHECK(contains(svg, ">word0</text>"));
    CHECK(!contains(svg, ">word7</text>"));
    CHECK(contains(svg, "<title>word7</title>"));
    CHECK(contains(svg, "cx=\"594.0\""));  // at the right edge
    CHECK(contains(svg, "cx=\"360.9\""));  // word60, where it was: (60 - 10) / (97 - 10) of the width
}

TEST_CASE("a picture as words saw it") {
    const Picture two{1, 2, {1, 2, 3, 255, 254, 253}};
    const Looks looks{.title = "<t>",
                      .picture = two,
                      .words = {"a", "<b>"},
                      .weights = {{2, 2, {0.5, 0.25, 0.25, 0}}, {1, 2, {0.1, 0.9}}}};
    const std::string svg = looks_svg(looks);
    // BM, 62 bytes, pixels from 54 on; 40, 2 x 1, one plane, 24 bits; BGR BGR and two bytes that fill the row
    CHECK(contains(svg,
                   "data:image/bmp;base64,Qk0+AAAAAAAAADYAAAAoAAAAAgAAAAEAAAABABgAAAAAAAgAAAATCwAAEwsAAAAAAAAAAAAAAwIB/"
                   "f7/AAA=\""));
    CHECK(contains(svg, "fill-opacity=\"0.00\"><title>0.500"));
    CHECK(contains(svg, "fill-opacity=\"0.80\"><title>0.000"));
    CHECK(contains(svg, "&lt;b&gt;"));
    CHECK(looks_lines(looks, 80) == std::vector<std::string>{"a    row 0, column 0: 0.50; half in 1 of 4",
                                                             "<b>  row 0, column 1: 0.90; half in 1 of 2"});
    for (const std::string& line : looks_lines(looks, 20)) CHECK(width(line) <= 20);
    CHECK_THROWS_AS(looks_svg({.picture = looks.picture, .words = {"a"}}), Error);
    CHECK_THROWS_AS(looks_lines({.words = {}}, 10), Error);
}

TEST_CASE("a clip: a sound that a page plays and a terminal draws") {
    const Clip clip{.title = "\"one\"", .sound = {8000, {0, 0.5f, 0, -1}}};
    const std::string wav = encode_sound(clip.sound);
    CHECK(base64("") == "");
    CHECK(base64("f") == "Zg==");
    CHECK(base64("fo") == "Zm8=");
    CHECK(base64("foobar") == "Zm9vYmFy");
    CHECK(clip_html(clip) ==
          "<audio controls=\"controls\" aria-label=\"&quot;one&quot;\" src=\"data:audio/wav;base64," + base64(wav) +
              "\"></audio>\n");
    CHECK(clip_lines(clip, 80) == std::vector<std::string>{" ▄ █", "0.00 seconds, to be heard in the page"});
    CHECK(clip_lines(clip, 2) == std::vector<std::string>{"▄█", "0.00 seconds, to be heard in the page"});
    CHECK(clip_lines({}, 80).at(0) == "");
    CHECK(clip_lines({.sound = {8000, std::vector<float>(100)}}, 5).at(0) == "     ");
}
