#include "tutorials/lesson/palette.hpp"

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "tutorials/lesson/shades.hpp"

namespace unroll::lesson {
namespace {

struct Colour {
    double r, g, b;
};

struct Theme {
    const char* text;
    const char* muted;
    const char* grid;
    std::vector<Colour> sequential, diverging;  // equally spaced on the way from the lowest to the highest
    const char* series[series_colours];
};

const Theme light = {"#1d232b",
                     "#57606a",
                     "#dfe3e8",
                     {{228, 236, 246}, {158, 202, 225}, {33, 113, 181}, {8, 48, 107}},
                     {{31, 95, 168}, {143, 189, 224}, {244, 243, 240}, {243, 178, 122}, {168, 72, 11}},
                     {"#0072b2", "#c04f00", "#00795a", "#a8407a", "#8a6500", "#333b44"}};

const Theme dark = {"#e4e7eb",
                    "#a7b0ba",
                    "#343b44",
                    {{36, 54, 74}, {40, 86, 130}, {74, 144, 201}, {197, 227, 255}},
                    {{140, 196, 255}, {58, 110, 165}, {35, 39, 46}, {168, 98, 42}, {255, 184, 119}},
                    {"#62b6ee", "#f2944b", "#3fc79c", "#e59ac4", "#dcb53a", "#c9d1d9"}};

Colour between(const std::vector<Colour>& anchors, double position) {
    double at = position * static_cast<double>(anchors.size() - 1);
    auto i = static_cast<size_t>(std::min(std::floor(at), static_cast<double>(anchors.size() - 2)));
    double f = at - static_cast<double>(i);
    auto mix = [&](double a, double b) { return std::round(a + (b - a) * f); };
    return {mix(anchors[i].r, anchors[i + 1].r), mix(anchors[i].g, anchors[i + 1].g),
            mix(anchors[i].b, anchors[i + 1].b)};
}

// Relative luminance of WCAG 2: black text from 0.18 on, where both contrasts are equal.
bool bright(const Colour& c) {
    auto linear = [](double v) { return v <= 10 ? v / 255 / 12.92 : std::pow((v / 255 + 0.055) / 1.055, 2.4); };
    return 0.2126 * linear(c.r) + 0.7152 * linear(c.g) + 0.0722 * linear(c.b) > 0.18;
}

std::string ramp(char name, const std::vector<Colour>& anchors, int last) {
    std::string out;
    for (int i = 0; i <= last; i++) {
        Colour c = between(anchors, static_cast<double>(i) / last);
        out += fmt::format(
            "rect.{0}{1}{{fill:rgb({2},{3},{4})}}text.{0}{1}{{fill:{5}}}span.{0}{1}{{background:rgb({2},{3},{4});color:"
            "{5}}}\n",
            name, i, c.r, c.g, c.b, bright(c) ? "#000" : "#fff");
    }
    return out;
}

std::string theme_style(const Theme& theme) {
    std::string out = fmt::format(":root{{--ink:{};--muted:{};--grid:{}", theme.text, theme.muted, theme.grid);
    for (int i = 0; i < series_colours; i++) out += fmt::format(";--s{}:{}", i, theme.series[i]);
    return out + "}\n" + ramp('q', theme.sequential, Shades::levels) + ramp('d', theme.diverging, 2 * Shades::levels);
}

}  // namespace

const char* dashes(size_t i) {
    constexpr const char* patterns[series_colours] = {"", "7 4", "2 3", "9 3 2 3", "12 4", "4 4"};
    return patterns[i % series_colours];
}

std::string figure_style() {
    std::string out =
        theme_style(light) + "@media screen and (prefers-color-scheme:dark){\n" + theme_style(dark) + "}\n";
    out +=
        "svg text{font:13px system-ui,sans-serif;fill:var(--ink)}svg text.muted{fill:var(--muted)}"
        "svg text.cell{font-size:11px}svg .grid{stroke:var(--grid)}svg .axis{stroke:var(--muted)}"
        "svg rect.none{fill:none;stroke:var(--muted);stroke-dasharray:2 2}svg rect.zero{fill:none}svg "
        "text.zero{fill:var(--muted)}svg .line{fill:none;stroke-width:2;stroke-linejoin:round}\n";
    for (int i = 0; i < series_colours; i++)
        out += fmt::format("svg .line.s{0}{{stroke:var(--s{0})}}svg .mark.s{0}{{fill:var(--s{0})}}", i);
    return out + "\n";
}

}  // namespace unroll::lesson
