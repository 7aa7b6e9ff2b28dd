#include "tutorials/lesson/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tutorials/lesson/scale.hpp"
#include "tutorials/lesson/shades.hpp"
#include "tutorials/lesson/text.hpp"

namespace unroll::lesson {
namespace {

Heatmap as_heatmap(const ShadedText& text) {
    if (text.tokens.size() != text.values.size())
        throw Error("shaded text: {} tokens and {} values", text.tokens.size(), text.values.size());
    return {.title = text.title, .values = Grid(1, static_cast<int>(text.values.size()), text.values)};
}

/// Line feeds are to be seen.
std::string visible(const std::string& token) { return token == "\n" ? "↵" : clean(token); }

std::string value_of(double value) { return std::isnan(value) ? "" : fmt::format("{:.1f}", value); }

}  // namespace

std::string shaded_range(const ShadedText& text) {
    const Shades shades(as_heatmap(text));
    return fmt::format("{} (light) to {} (dark) {}", number(shades.low()), number(shades.high()), text.unit);
}

std::string shaded_html(const ShadedText& text) {
    const Shades shades(as_heatmap(text));
    std::string out = "<p class=\"shaded\">";
    for (size_t i = 0; i < text.tokens.size(); i++) {
        const double v = text.values[i];
        const std::string token = html(visible(text.tokens[i]));
        if (i > 0 && text.spaced) out += ' ';
        if (!shades.drawable(v))
            out += token;
        else
            out += fmt::format("<span class=\"q{}\" title=\"{} {}\">{}</span>",
                               shades.diverging() ? std::max(0, shades.level(v)) : shades.level(v), number(v),
                               html(text.unit), token);
        if (text.tokens[i] == "\n") out += '\n';
    }
    return out + "</p>\n";
}

std::vector<std::string> shaded_lines(const ShadedText& text, size_t columns) {
    as_heatmap(text);
    const bool characters = std::all_of(text.tokens.begin(), text.tokens.end(),
                                        [](const std::string& t) { return width(visible(t)) <= 1; });
    std::vector<std::string> lines;
    std::string above, below;
    const auto flush = [&] {
        if (!above.empty()) lines.insert(lines.end(), {above, below});
        above.clear(), below.clear();
    };
    for (size_t i = 0; i < text.tokens.size(); i++) {
        const double v = text.values[i];
        std::string token = visible(text.tokens[i]), value = value_of(v);
        if (characters)
            value = std::isfinite(v) ? std::to_string(std::clamp(static_cast<int>(std::lround(v)), 0, 9)) : " ";
        token = shorten(token, columns);
        const size_t needs = std::max(width(token), width(value)), space = above.empty() || !text.spaced ? 0 : 1;
        if (width(above) + space + needs > columns) flush();
        const std::string gap(above.empty() ? 0 : space, ' ');
        above += gap + pad_right(token, needs);
        below += gap + pad_right(value, needs);
        if (text.tokens[i] == "\n") flush();
    }
    flush();
    return lines;
}

std::string map_svg(const WordMap& map) {
    constexpr double w = 640, h = 460, edge = 46;
    const Scale x({&map.x}, false), y({&map.y}, false);
    std::string out = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" "
        "height=\"{1:.0f}\" role=\"img\" aria-label=\"{2}\">\n",
        w, h, html(fmt::format("{}: {} words on a plane", plain(map.title), map.labels.size())));
    for (size_t i = 0; i < map.labels.size(); i++) {
        if (!x.drawable(map.x.at(i)) || !y.drawable(map.y.at(i))) continue;
        const double px = edge + x.position(map.x[i]) * (w - 2 * edge);
        const double py = h - 20 - y.position(map.y[i]) * (h - 40);
        out += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2\" class=\"mark s0\"/>", px, py);
        out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n", px, py - 4,
                           html(map.labels[i]));
    }
    return out + "</svg>";
}

std::vector<std::string> map_lines(const WordMap& map, size_t columns) {
    constexpr size_t height = 22;
    const Scale x({&map.x}, false), y({&map.y}, false);
    std::vector<std::vector<std::string>> cells(height, std::vector<std::string>(columns, " "));
    int left_out = 0;
    for (size_t i = 0; i < map.labels.size(); i++) {
        const std::string label = clean(map.labels[i]);
        const size_t needs = width(label);
        bool room = needs + 2 <= columns && x.drawable(map.x.at(i)) && y.drawable(map.y.at(i));
        const auto row = static_cast<size_t>(std::lround((1 - (room ? y.position(map.y[i]) : 0)) * (height - 1)));
        const auto begin = static_cast<size_t>((room ? x.position(map.x[i]) : 0) *
                                               static_cast<double>(columns - std::min(columns, needs)));
        for (size_t c = begin == 0 ? 0 : begin - 1; room && c < std::min(columns, begin + needs + 1); c++)
            room = cells[row][c] == " ";
        left_out += !room;
        if (!room) continue;
        cells[row][begin] = label;
        for (size_t c = begin + 1; c < begin + needs; c++) cells[row][c].clear();
    }
    std::vector<std::string> lines;
    for (const auto& row : cells) {
        std::string line;
        for (const std::string& cell : row) line += cell;
        line.erase(line.find_last_not_of(' ') + 1);
        lines.push_back(line);
    }
    if (left_out > 0) lines.push_back(fmt::format("({} left out for want of room)", left_out));
    return lines;
}

}  // namespace unroll::lesson
