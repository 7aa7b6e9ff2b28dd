#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>

#include "tutorials/lesson/scale.hpp"
#include "tutorials/lesson/shades.hpp"
#include "tutorials/lesson/svg.hpp"
#include "tutorials/lesson/terminal.hpp"
#include "tutorials/lesson/text.hpp"
#include "tutorials/lesson/tree.hpp"

using namespace unroll;
using namespace unroll::lesson;

namespace {

Scale scale(const std::vector<double>& values, bool log = false) { return Scale({&values}, log); }

bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

// No number in the picture may be NaN or infinite, or no browser draws it.
void check_svg(const std::string& svg) {
    for (const char* attribute : {"=\"nan", "=\"-nan", "=\"inf", "=\"-inf", "Mnan", "Lnan", "Minf"})
        CHECK_MESSAGE(!contains(svg, attribute), attribute);
    CHECK(contains(svg, "</svg>"));
}

void check_lines(const std::vector<std::string>& lines, size_t columns) {
    CHECK(!lines.empty());
    for (const std::string& line : lines) CHECK_MESSAGE(width(line) <= columns, line);
}

std::vector<Plot> odd_plots() {
    double huge = 1.7976931348623157e308;
    return {{},
            {.title = "empty series", .series = {{"nothing", {}, {}}}},
            {.title = "one point", .series = {{"p", {3}, {2}}}},
            {.title = "one point at 0", .series = {{"p", {0}, {0}}}, .log_x = true, .log_y = true},
            {.title = "constant", .series = {{"c", {0, 1, 2}, {5, 5, 5}}}},
            {.title = "NaN only", .series = {{"n", {0, 1}, {NAN, INFINITY}}}},
            {.title = "a gap", .series = {{"g", {0, 1, 2, 3}, {1, NAN, 3, 4}}}},
            {.title = "NaN x", .series = {{"g", {0, NAN, 2}, {1, 2, 3}}}},
            {.title = "ends of double", .series = {{"h", {-huge, 0, huge}, {huge, -huge, 5e-324}}}},
            {.title = "tiny range", .series = {{"h", {0, 1}, {1, 1 + 1e-15}}}},
            {.title = "log with zeros", .series = {{"l", {0, 1, 2}, {0, -1, 10}}}, .log_y = true},
            {.title = "log over decades", .series = {{"l", {1, 2}, {1e-300, 1e300}}}, .log_y = true},
            {.title = "seven",
             .series = {{"1", {0}, {1}},
                        {"2", {0}, {1}},
                        {"3", {0}, {1}},
                        {"4", {0}, {1}},
                        {"5", {0}, {1}},
                        {"6", {0}, {1}},
                        {"a name that is far too long for any legend of a plot in a book", {0}, {1}}}}};
}

}  // namespace

TEST_CASE("scale: ticks are round numbers inside the range") {
    CHECK(scale({0, 10}).ticks(5) == std::vector<double>{0, 2, 4, 6, 8, 10});
    CHECK(scale({0.1, 0.9}).labels(scale({0.1, 0.9}).ticks(4)) == std::vector<std::string>{"0.2", "0.4", "0.6", "0.8"});
    CHECK(scale({1e-3, 1e3}, true).ticks(6) == std::vector<double>{1e-3, 1e-2, 1e-1, 1, 10, 100, 1000});
    CHECK(scale({0, 36e6}).labels({0, 10e6, 20e6}) == std::vector<std::string>{"0", "10 M", "20 M"});
    CHECK(scale({2, 2}).position(2) == doctest::Approx(0.5));
    CHECK(scale({}).ticks(5).size() >= 2);
    CHECK(scale({-1.7e308, 1.7e308}).position(0) == doctest::Approx(0.5));
}

TEST_CASE("a plot of 100,000 points is thinned and keeps its spike") {
    Plot plot{.title = "long", .series = {{"s", {}, {}}}};
    for (int i = 0; i < 100000; i++) {
        plot.series[0].x.push_back(i);
        plot.series[0].y.push_back(i == 77777 ? 50 : i == 12345 ? NAN : std::sin(i * 0.01));
    }
    Drawing d = prepare(plot, 600);
    CHECK(d.points == 99999);
    CHECK(d.missing == 1);
    CHECK(d.series[0].y.size() <= 600);
    CHECK(*std::max_element(d.series[0].y.begin(), d.series[0].y.end()) == 50);
    CHECK(std::is_sorted(d.series[0].x.begin(), d.series[0].x.end()));
    CHECK(plot_svg(plot).size() < 40000);
}

TEST_CASE("x and y of unequal length are an error") {
    Plot plot{.series = {{"s", {1, 2}, {1}}}};
    CHECK_THROWS_WITH_AS(prepare(plot, 10, Where("t.cpp", 3)), "plot (t.cpp:3): series \"s\" has 2 x and 1 y", Error);
}

TEST_CASE("odd plots: the picture is valid, the terminal's lines fit") {
    for (const Plot& plot : odd_plots()) {
        CAPTURE(plot.title);
        check_svg(plot_svg(plot));
        for (size_t columns : {20, 40, 80}) check_lines(plot_lines(plot, columns), columns);
    }
}

TEST_CASE("heat-maps: one cell, none, NaN, constant, huge, narrow") {
    std::vector<double> many(500 * 300, 1.0);
    for (size_t i = 0; i < many.size(); i++) many[i] = i % 7 == 0 ? NAN : std::sin(static_cast<double>(i));
    std::vector<Heatmap> maps = {
        {.title = "one", .values = Tensor::of({{1.5}})},
        {.title = "row", .values = Tensor::of({1, 2, 3})},
        {.title = "none", .values = {0, 0, {}}},
        {.title = "NaN", .values = {1, 2, {NAN, INFINITY}}},
        {.title = "zeros, log", .values = {1, 3, {0, 1e-30, 1}}, .log = true},
        {.title = "constant", .values = {2, 2, {3, 3, 3, 3}}},
        {.title = "extreme", .values = {1, 3, {-1.7e308, 0, 1.7e308}}},
        {.title = "huge", .values = {500, 300, many}},
        {.title = "labels", .values = {1, 2, {1, -2}}, .row_labels = {"<b>"}, .column_labels = {"only one"}}};
    for (const Heatmap& map : maps) {
        CAPTURE(map.title);
        check_svg(heatmap_svg(map));
        for (size_t columns : {20, 40, 80}) check_lines(heatmap_lines(map, columns), columns);
    }
    CHECK(heatmap_svg(maps[7]).size() < 1000000);
    CHECK(!contains(heatmap_svg(maps[8]), "<b>"));
}

TEST_CASE("heat-maps: names that find no room beside each other stand aslant, all of them") {
    Heatmap map{.values = {1, 17, std::vector<double>(17, 1)}};
    for (int c = 0; c < 17; c++) map.column_labels.push_back(fmt::format("name{}", c));
    const std::string narrow = heatmap_svg(map);
    map.column_labels.resize(5);
    map.values = {1, 5, std::vector<double>(5, 1)};
    const std::string wide = heatmap_svg(map);
    check_svg(narrow);
    for (int c = 0; c < 17; c++) {
        CHECK(contains(narrow, fmt::format(">name{}</text>", c)));
        CHECK(contains(wide, fmt::format(">name{}</text>", c)) == (c < 5));
    }
    CHECK(contains(narrow, "rotate(-60)"));
    CHECK(!contains(wide, "rotate(-60)"));
}

TEST_CASE("trees: none, one node, a chain, a fan, long and evil labels") {
    std::vector<TreeNode> chain, fan = {{-1, "root"}};
    for (int i = 0; i < 30; i++) chain.push_back({i - 1, "node", "-1.5", i % 2 == 0});
    for (int i = 0; i < 40; i++) fan.push_back({0, std::string(static_cast<size_t>(i), 'x'), "<b>"});
    const std::vector<Tree> trees = {{.title = "one", .nodes = {{-1, "", ""}}}, {.nodes = chain}, {.nodes = fan}};
    for (const Tree& tree : trees) {
        check_svg(tree_svg(tree));
        for (size_t columns : {20, 40, 80}) check_lines(tree_lines(tree, columns), columns);
        CHECK(tree_lines(tree, 80).size() == tree.nodes.size());
    }
    CHECK(!contains(tree_svg(trees[2]), "<b>"));
    CHECK(tree_lines({.nodes = {{-1, "a", "1"}, {0, "b", "2", true}, {0, "c"}, {-1, "d"}}}, 40) ==
          std::vector<std::string>{"├ a 1", "│ ├ b 2  ◀", "│ └ c ", "└ d "});
}

TEST_CASE("shades: the ends and the middle") {
    Heatmap signs{.values = {1, 3, {-2, 0, 1}}};
    Shades diverging(signs);
    CHECK(diverging.diverging());
    CHECK(diverging.level(-2) == -Shades::levels);
    CHECK(diverging.level(0) == 0);
    CHECK(diverging.level(1) == Shades::levels / 2);
    Heatmap decades{.values = {1, 3, {1e-8, 1e-4, -1}}, .log = true};
    Shades log(decades);
    CHECK(!log.diverging());
    CHECK(log.level(1e-8) == 0);
    CHECK(log.level(1e-4) == Shades::levels / 2);
    CHECK(log.level(-1) == Shades::levels);
    CHECK(!log.drawable(0));
}

TEST_CASE("a grid must be a matrix") {
    CHECK_THROWS_AS(Grid(Tensor::zeros({2, 2, 2})), Error);
    CHECK_THROWS_AS(Grid{Tensor{}}, Error);
    CHECK_THROWS_AS(Grid(2, 2, {1, 2, 3}), Error);
}

TEST_CASE("tables: fit, or one cell a line") {
    Table table{.header = {"name", "a long heading for one column", "third"},
                .rows = {{"x", 1.0, "y"}, {"a longer name", 2.5, "z"}}};
    check_lines(table_lines(table, 80), 80);
    auto narrow = table_lines(table, 30);
    check_lines(narrow, 30);
    CHECK(narrow[0].rfind("name", 0) == 0);
    CHECK(table_lines({}, 80).empty());
}
