#include <doctest/doctest.h>

#include <cmath>

#include "tutorials/lesson/elements.hpp"
#include "tutorials/lesson/tex.hpp"
#include "tutorials/lesson/text.hpp"

using namespace unroll;
using namespace unroll::lesson;

TEST_CASE("clean: valid UTF-8 stays, all else becomes U+FFFD") {
    CHECK(clean("naïve 漢字 𝛿\n\t") == "naïve 漢字 𝛿\n\t");
    CHECK(clean("a\x1b[31mb") == "a\uFFFD[31mb");                    // an escape sequence would colour the terminal
    CHECK(clean(std::string("a\0b", 3)) == "a\uFFFDb");              // NUL
    CHECK(clean("\xff\xfe") == "\uFFFD\uFFFD");                      // no UTF-8 at all
    CHECK(clean("\xc0\xaf") == "\uFFFD\uFFFD");                      // overlong "/"
    CHECK(clean("\xed\xa0\x80") == "\uFFFD\uFFFD\uFFFD");            // a surrogate
    CHECK(clean("\xf4\x90\x80\x80") == "\uFFFD\uFFFD\uFFFD\uFFFD");  // above U+10FFFF
    CHECK(clean("end \xe2\x82") == "end \uFFFD\uFFFD");              // cut short
    CHECK(clean("\xe2\x28\xa1") == "\uFFFD(\uFFFD");                 // resynchronises
    CHECK(clean("\xc2\x85 \xef\xbf\xbf") == "\uFFFD \uFFFD");        // C1 control, noncharacter
    CHECK(clean("a\r\nb\rc") == "a\nb\uFFFDc");
    CHECK(clean("\xe2\x80\xae"
                "abc") == "\uFFFDabc");  // right-to-left override
}

TEST_CASE("html: everything that could be markup is escaped") {
    CHECK(html("<script>alert('x' & \"y\")</script>") ==
          "&lt;script&gt;alert(&#39;x&#39; &amp; &quot;y&quot;)&lt;/script&gt;");
    CHECK(html("\xff<") == "\uFFFD&lt;");
}

TEST_CASE("width counts code points, not bytes nor combining marks") {
    CHECK(width("h̃_t ≤ σ") == 7);
    CHECK(pad_left("σ", 3) == "  σ");
    CHECK(pad_right("σ", 3) == "σ  ");
    CHECK(shorten("αβγδ", 3) == "αβ…");
    CHECK(shorten("αβγ", 3) == "αβγ");
}

TEST_CASE("wrap") {
    CHECK(wrap("one two three", 7) == std::vector<std::string>{"one two", "three"});
    CHECK(wrap("abcdefgh ij", 3) == std::vector<std::string>{"abc", "def", "gh", "ij"});
    CHECK(wrap("αβγδ", 3) == std::vector<std::string>{"αβγ", "δ"});  // never inside a character
    CHECK(wrap("  a \n  b ", 80) == std::vector<std::string>{"a b"});
    CHECK(wrap("", 80).empty());
    CHECK(wrap("ab", 0) == std::vector<std::string>{"a", "b"});
}

TEST_CASE("marks: code and maths, and what only looks like them") {
    auto kinds = [](const char* text) {
        std::string out;
        for (const Span& s : spans(text)) out += "tcme"[static_cast<int>(s.kind)];
        return out;
    };
    CHECK(kinds("the `tape` and $h_t$.") == "tctmt");
    CHECK(kinds("it costs $5 and $6") == "t");
    CHECK(kinds("a lone ` or $ mark") == "t");
    CHECK(kinds("`$x$`") == "c");
    CHECK(kinds("$$") == "t");
    CHECK(kinds("*all* of it, *once*.") == "etet");
    CHECK(kinds("2 * 3 * 4, a*b*c, and a lone *") == "t");
    CHECK(plain("*all* `x * y * z`") == "all x * y * z");
    CHECK(kinds("") == "");
    CHECK(plain("the `tape` and $\\partial L/\\partial W_{hh}$") == "the tape and ∂L/∂W_hh");
    CHECK(plain("*whether* `re` follows", true) == "whether `re` follows");
}

TEST_CASE("plain_tex: the book's equations") {
    CHECK(plain_tex(R"(h_t = \sigma(W_{hh} h_{t-1} + W_{xh} x_t + b_h))") == "h_t = σ(W_hh h_{t-1} + W_xh x_t + b_h)");
    CHECK(plain_tex(R"(h_t \in \mathbb{R}^{d_h})") == "h_t ∈ R^d_h");
    CHECK(plain_tex(R"(\frac{\partial L}{\partial W_{hh}} = \sum_{t=1}^{T} \sum_{k=1}^{t} x)") ==
          "∂L/∂W_hh = Σ_{t=1..T} Σ_{k=1..t} x");
    CHECK(plain_tex(R"(\prod_{i=k+1}^{t} W_{hh}^T \text{diag}(\sigma'(h_i)))") == "∏_{i=k+1..t} W_hhᵀ diag(σ'(h_i))");
    CHECK(plain_tex(R"(C_t = f_t \odot C_{t-1} + i_t \odot \tilde{C}_t)") == "C_t = f_t ⊙ C_{t-1} + i_t ⊙ C\u0303_t");
    CHECK(plain_tex(R"(\|\frac{a+b}{2}\| \leq \sqrt{x})") == "‖(a+b)/2‖ ≤ √x");
    CHECK(plain_tex(R"(\left( a \right) \unknown)") == "( a ) unknown");
}

TEST_CASE("plain_tex bears what is no TeX") {
    CHECK(plain_tex("") == "");
    CHECK(plain_tex("}a}b{") == "ab");
    CHECK(plain_tex("\\") == "");
    CHECK(plain_tex("x_") == "x_");
    CHECK(plain_tex("\\frac{1}") == "1/");
    plain_tex(std::string(1000000, '{'));
    plain_tex(std::string(1000000, '^'));
    std::string fractions;
    for (int i = 0; i < 100000; i++) fractions += "\\frac";
    plain_tex(fractions);
}

TEST_CASE("numbers of a column have one format") {
    using Strings = std::vector<std::string>;
    CHECK(numbers({1, 20, -3}) == Strings{"1", "20", "-3"});
    CHECK(numbers({0.5, 12.25}) == Strings{"0.50", "12.25"});
    CHECK(numbers({100.5, 0.001}) == Strings{"100.5000", "0.0010"});
    CHECK(numbers({1e-9, 1}) == Strings{"1.000e-09", "1.000e+00"});
    CHECK(numbers({NAN, INFINITY, -INFINITY, 0.5}) == Strings{"NaN", "inf", "-inf", "0.5000"});
    CHECK(numbers({0, 0}) == Strings{"0", "0"});
    CHECK(numbers({}).empty());
    CHECK(number(36000000) == "36000000");
    CHECK(number(1.7976931348623157e308) == "1.798e+308");
    CHECK(number(5e-324) == "4.941e-324");
}

TEST_CASE("cells: ragged rows are filled, columns of numbers align right") {
    Cells c = cells({.header = {"a", "b", "c"}, .rows = {{"x", 1.5, true}, {"y"}, {"z", "—", "no"}, {1, 2, 3, 4}}});
    REQUIRE(c.rows.size() == 4);
    for (const auto& row : c.rows) CHECK(row.size() == 4);
    CHECK(c.rows[0] == std::vector<std::string>{"x", "1.500", "yes", ""});
    CHECK(c.rows[1] == std::vector<std::string>{"y", "", "", ""});
    CHECK(c.right == std::vector<bool>{false, true, false, true});
}
