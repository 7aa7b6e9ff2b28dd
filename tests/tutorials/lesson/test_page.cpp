#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <set>

#include "tutorials/lesson/page.hpp"
#include "tutorials/lesson/svg.hpp"
#include "tutorials/lesson/text.hpp"
#include "tutorials/lesson/web_libs.hpp"

using namespace unroll;
using namespace unroll::lesson;

namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

struct Html {
    std::vector<std::string> problems;
    std::set<std::string> ids;
    std::vector<std::string> references;  // to ids
    std::map<std::string, int> elements;
    std::string text;  // outside of style and script
};

// Reads HTML strictly: every element closed in order, every attribute quoted and given once, no bare "<" or "&".
Html parse(const std::string& page) {
    Html out;
    auto problem = [&](const std::string& what, size_t at) {
        out.problems.push_back(what + " near: " + page.substr(at > 20 ? at - 20 : 0, 80));
    };
    const std::set<std::string> empty = {"meta", "link", "br", "img", "hr", "input", "circle", "line", "path"};
    std::vector<std::string> open;
    size_t i = page.find('>') + 1;  // behind the doctype
    while (i < page.size()) {
        if (page[i] == '&') {
            size_t end = page.find(';', i);
            if (end == page.npos || end - i > 8) problem("bare &", i);
        }
        if (page[i] != '<') {
            out.text += page[i++];
            continue;
        }
        if (page.compare(i, 2, "</") == 0) {
            std::string name = page.substr(i + 2, page.find('>', i) - i - 2);
            if (open.empty() || open.back() != name)
                problem("</" + name + "> closes nothing", i);
            else
                open.pop_back();
            i = page.find('>', i) + 1;
            continue;
        }
        size_t at = i + 1;
        while (at < page.size() && std::isalnum(static_cast<unsigned char>(page[at])) != 0) at++;
        std::string name = page.substr(i + 1, at - i - 1);
        if (name.empty()) {
            problem("bare <", i++);
            continue;
        }
        out.elements[name]++;
        std::set<std::string> attributes;
        while (at < page.size() && page[at] != '>' && page[at] != '/') {
            if (page[at] == ' ' || page[at] == '\n') {
                at++;
                continue;
            }
            size_t equals = page.find('=', at);
            std::string key = page.substr(at, equals - at);
            if (page[equals + 1] != '"' || key.find_first_of(" <>\"'") != key.npos) {
                problem("attribute without quotes", at);
                break;
            }
            size_t close = page.find('"', equals + 2);
            std::string value = page.substr(equals + 2, close - equals - 2);
            if (!attributes.insert(key).second) problem("attribute twice", at);
            if (value.find('<') != value.npos) problem("< in an attribute", at);
            if (key == "id" && !out.ids.insert(value).second) problem("id twice", at);
            if (key == "href" && value[0] == '#') out.references.push_back(value.substr(1));
            if (key == "href" && value[0] != '#' && value.rfind("data:", 0) != 0) problem("a link outside", at);
            if (key == "src") problem("a request", at);
            if (key == "aria-labelledby") out.references.push_back(value);
            at = close + 1;
        }
        bool closed = page[at] == '/';
        i = page.find('>', at) + 1;
        if (name == "style" || name == "script") {
            size_t end = page.find("</" + name, i);
            i = page.find('>', end) + 1;
        } else if (!closed && empty.count(name) == 0) {
            open.push_back(name);
        }
    }
    for (const auto& name : open) out.problems.push_back("<" + name + "> is never closed");
    for (const auto& id : out.references)
        if (out.ids.count(id) == 0) out.problems.push_back("no id " + id);
    return out;
}

void tell_everything(Page& page, const std::string& evil) {
    page.section({evil, evil});
    page.text(evil + "\n\n- " + evil + "\n- `" + evil + "` $" + evil + "$");
    page.equation(evil, evil);
    page.table({.caption = evil, .header = {evil, "n"}, .rows = {{evil, NAN}, {evil, INFINITY}, {evil}}});
    page.value(evil, {evil, "1 2"});
    page.plot(
        {.title = evil, .x = evil, .y = evil, .series = {{evil, {0, 1, 2}, {1, NAN, INFINITY}}}, .caption = evil});
    page.plot({.title = evil});
    page.heatmap({.title = evil,
                  .values = {1, 2, {NAN, 1}},
                  .row_axis = evil,
                  .column_axis = evil,
                  .row_labels = {evil},
                  .caption = evil});
    const Picture black{1, 1, {0, 0, 0}};
    page.looks({.title = evil,
                .picture = black,
                .words = {evil, evil},
                .weights = {{1, 1, {NAN}}, {1, 1, {0}}},
                .caption = evil});
    page.check({evil, false, evil});
    page.sample(evil, evil);
    page.stops(evil, {{evil, {evil}}, {evil, {}}});
    page.stops(evil, {});
    page.section({"second", ""});
    page.result(evil, NAN);
}

}  // namespace

TEST_CASE("hostile text stays text, the page stays well-formed") {
    for (const char* evil : {"</script><script>alert(1)</script>", "<img src=x onerror=\"alert('1')\">",
                             "\" onclick=\"x", "& &amp; &#60; ]]>", "<!-- --><style>*{}</style>", "\xff\xfe\x01\x1b[0m",
                             "`$`", "</title></style>", "\\u003c/script>", ""}) {
        CAPTURE(evil);
        Page page("<01>", evil, "/nonexistent");
        tell_everything(page, evil);
        std::string document = page.document({{evil, evil}});
        Html html = parse(document);
        for (const std::string& problem : html.problems) FAIL_CHECK(problem);
        CHECK(clean(document) == document);
        CHECK(html.elements["script"] == 3);  // the page's own and the data of two plots
        CHECK(html.elements["img"] == 0);
    }
}

TEST_CASE("a page of nothing") {
    Html html = parse(Page("00", "Nothing", "/nonexistent").document({}));
    CHECK(html.problems.empty());
    CHECK(html.elements["nav"] == 0);
}

TEST_CASE("without KaTeX and Chart.js the page is small and reads well") {
    Page page("01", "The basic RNN", "/nonexistent");
    page.section({"Unrolled", "Unrolled RNN"});
    page.equation(R"(\sigma(W_{hh}))", "σ(W_hh)");
    page.plot({.title = "Loss", .x = "step", .y = "nats", .series = {{"train", {0, 1}, {4, 2}}}});
    std::string document = page.document({});
    CHECK(document.size() < 60000);
    CHECK(contains(document, ">σ(W_hh)</div>"));
    CHECK(contains(document, "<svg"));
    CHECK(contains(document, "<th scope=\"row\">train</th><td class=\"r\">0</td><td class=\"r\">4</td>"));
}

TEST_CASE("with them everything is inside") {
    std::string folder = web_libs_folder();
    if (load_web_libs(folder, "").katex.empty() || load_web_libs(folder, "").chart.empty()) {
        WARN_MESSAGE(false, "KaTeX or Chart.js is not installed");
        return;
    }
    Page page("01", "The basic RNN", folder);
    page.section({"One", ""});
    std::string bare = page.document({});
    CHECK(bare.size() < 60000);  // neither equations nor plots: neither library
    page.equation("x^2", "x²");
    page.plot({.title = "Loss", .series = {{"train", {0, 1}, {4, 2}}}});
    std::string document = page.document({});
    CHECK(contains(document, "data:font/woff2;base64,"));
    CHECK(!contains(document, "url(fonts/"));
    CHECK(!contains(document, "KaTeX_Fraktur-"));
    CHECK(document.size() < 1200000);
    for (const std::string& problem : parse(document).problems) FAIL_CHECK(problem);
}

TEST_CASE("figures as files are whole SVG documents with their own style") {
    std::string svg = standalone(plot_svg({.title = "Loss", .series = {{"train", {0, 1}, {4, 2}}}}));
    CHECK(svg.rfind("<svg xmlns=\"http://www.w3.org/2000/svg\"", 0) == 0);
    CHECK(contains(svg, "prefers-color-scheme"));
    CHECK(parse("<!>" + svg).problems.empty());
}
