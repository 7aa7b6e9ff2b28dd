#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tutorials/lesson/scale.hpp"
#include "tutorials/lesson/shades.hpp"
#include "tutorials/lesson/terminal.hpp"
#include "tutorials/lesson/text.hpp"

namespace unroll::lesson {
namespace {

constexpr std::string_view marks = "*+ox#@";
constexpr int plot_height = 14;

// Draws a series into the canvas, joining neighbouring points by one mark in each column between them.
void draw(std::vector<std::string>& canvas, const Series& s, const Drawing& d, char mark) {
    int rows = static_cast<int>(canvas.size()), columns = static_cast<int>(canvas[0].size());
    auto put = [&](double px, double py) {
        int c = static_cast<int>(std::lround(px * (columns - 1))),
            r = static_cast<int>(std::lround((1 - py) * (rows - 1)));
        canvas[static_cast<size_t>(std::clamp(r, 0, rows - 1))][static_cast<size_t>(std::clamp(c, 0, columns - 1))] =
            mark;
    };
    for (size_t i = 0; i < s.y.size(); i++) {
        if (std::isnan(s.y[i])) continue;
        double px = d.x.position(s.x[i]), py = d.y.position(s.y[i]);
        put(px, py);
        if (i == 0 || std::isnan(s.y[i - 1])) continue;
        double qx = d.x.position(s.x[i - 1]), qy = d.y.position(s.y[i - 1]);
        int between = static_cast<int>(std::ceil(std::abs(px - qx) * (columns - 1)));
        for (int k = 1; k < between; k++) put(qx + (px - qx) * k / between, qy + (py - qy) * k / between);
    }
}

// Tick labels under the axis, each centred at its tick where it does not touch the one before.
std::string label_line(const Scale& scale, const std::vector<double>& ticks, size_t columns) {
    std::string line;
    auto texts = scale.labels(ticks);
    for (size_t i = 0; i < ticks.size(); i++) {
        auto at = static_cast<size_t>(std::lround(scale.position(ticks[i]) * static_cast<double>(columns - 1)));
        size_t begin = at - std::min(at, width(texts[i]) / 2);
        begin = std::min(begin, columns - std::min(columns, width(texts[i])));
        if (i > 0 && begin < line.size() + 2) continue;
        line = pad_right(line, begin) + texts[i];
    }
    return line;
}

}  // namespace

std::vector<std::string> plot_lines(const Plot& plot, size_t columns) {
    Drawing d = prepare(plot, 400);
    if (d.points == 0) return {"(no points to draw)"};
    auto y_ticks = d.y.ticks(5);
    auto y_labels = d.y.labels(y_ticks);
    size_t margin = 0;
    for (const auto& text : y_labels) margin = std::max(margin, width(text));
    size_t room = columns > margin + 8 ? columns - margin - 3 : 5;
    std::vector<std::string> canvas(plot_height, std::string(std::min<size_t>(room, 72), ' ')), left(plot_height);
    for (size_t i = d.series.size(); i-- > 0;) draw(canvas, d.series[i], d, marks[i % marks.size()]);
    for (size_t i = 0; i < y_ticks.size(); i++)
        left[static_cast<size_t>(std::lround((1 - d.y.position(y_ticks[i])) * (plot_height - 1)))] = y_labels[i];
    std::vector<std::string> lines;
    if (!plot.y.empty()) lines = wrap(plain(plot.y) + (plot.log_y ? " (logarithmic)" : ""), columns);
    for (size_t r = 0; r < canvas.size(); r++)
        lines.push_back(pad_left(left[r], margin) + (left[r].empty() ? " │ " : " ┤ ") + canvas[r]);
    std::string indent(margin + 3, ' '), axis = std::string(margin + 1, ' ') + "└";
    for (size_t c = 0; c <= canvas[0].size(); c++) axis += "─";
    lines.push_back(axis);
    lines.push_back(
        indent + label_line(d.x, d.x.ticks(static_cast<int>(std::clamp<size_t>(room / 12, 3, 6))), canvas[0].size()));
    std::string x = plain(plot.x) + (plot.log_x ? " (logarithmic)" : "");
    if (!plot.x.empty()) lines.push_back(indent + pad_left(x, canvas[0].size()));
    std::string legend;
    for (size_t i = 0; i < d.series.size(); i++)
        legend += fmt::format("{}{} {}", i > 0 ? "   " : "", marks[i % marks.size()], d.series[i].name);
    for (const std::string& line : wrap(legend, columns - std::min(columns / 2, margin + 3)))
        lines.push_back(indent + line);
    if (d.missing > 0) lines.push_back(fmt::format("({} point{} not drawn)", d.missing, d.missing == 1 ? "" : "s"));
    return lines;
}

std::vector<std::string> heatmap_lines(const Heatmap& map, size_t columns) {
    if (map.values.values.empty()) return {"(no cells)"};
    Heatmap shown = reduce(map, 32, 32);
    auto digits = numbers(shown.values.values);
    size_t cell = 0, margin = 0;
    for (const auto& text : digits) cell = std::max(cell, width(text));
    for (int c = 0; c < shown.values.columns; c++) cell = std::max(cell, width(label(shown.column_labels, c)));
    auto margin_of = [&] {
        margin = 0;
        for (int r = 0; r < shown.values.rows; r++) margin = std::max(margin, width(label(shown.row_labels, r)));
    };
    margin_of();
    bool as_numbers = map.values.columns <= 32 && map.values.rows <= 32 &&
                      margin + static_cast<size_t>(map.values.columns) * (cell + 2) <= columns;
    if (!as_numbers) {
        shown = reduce(map, 40,
                       static_cast<int>(std::max<size_t>(columns > margin + 2 ? (columns - margin - 2) / 2 : 1, 1)));
        margin_of();
    }
    Shades shades(shown);
    std::vector<std::string> lines;
    if (!map.row_axis.empty() || !map.column_axis.empty())
        lines = wrap("rows: " + plain(map.row_axis) + ", columns: " + plain(map.column_axis), columns);
    auto glyph = [&](double v) -> std::string {
        if (!shades.drawable(v)) return v == 0 ? " 0" : "??";  // a logarithm has no 0
        int level = shades.level(v);
        if (shades.diverging()) return fmt::format("{:+d}", level);
        return std::string(2, " .:-=+*#@"[level]);
    };
    if (as_numbers) {
        std::string header(margin, ' ');
        for (int c = 0; c < shown.values.columns; c++) header += "  " + pad_left(label(shown.column_labels, c), cell);
        lines.push_back(header);
    }
    for (int r = 0; r < shown.values.rows; r++) {
        std::string line = pad_left(label(shown.row_labels, r), margin) + (as_numbers ? "" : " │");
        for (int c = 0; c < shown.values.columns; c++) {
            auto i = static_cast<size_t>(r * shown.values.columns + c);
            line += as_numbers ? "  " + pad_left(digits[i], cell) : glyph(shown.values.values[i]);
        }
        lines.push_back(line);
    }
    if (as_numbers) return lines;
    std::string range = fmt::format("{} .. {}", number(shades.low()), number(shades.high()));
    std::string scale = shades.diverging()
                            ? fmt::format("-{0} .. +{0} stand for {1}", Shades::levels, range)
                            : fmt::format("light to dark (. : - = + * # @): {}{}", map.log ? "|value| " : "", range);
    if (shown.values.rows != map.values.rows || shown.values.columns != map.values.columns)
        scale +=
            fmt::format("; each cell the mean of its block of the {} x {} values", map.values.rows, map.values.columns);
    for (const std::string& line : wrap(scale, columns)) lines.push_back(line);
    return lines;
}

}  // namespace unroll::lesson
