#include "tutorials/lesson/svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tutorials/lesson/palette.hpp"
#include "tutorials/lesson/scale.hpp"
#include "tutorials/lesson/shades.hpp"
#include "tutorials/lesson/svg_parts.hpp"
#include "tutorials/lesson/text.hpp"

namespace unroll::lesson {
namespace {

std::string turned(double x, double y, int degrees, const char* anchor, const std::string& what,
                   const char* classes = "") {
    return fmt::format(
        "<text transform=\"translate({:.1f} {:.1f}) rotate({})\" text-anchor=\"{}\" class=\"{}\">{}</text>\n", x, y,
        degrees, anchor, classes, html(what));
}

std::string upright(double x, double y, const std::string& what) { return turned(x, y, -90, "middle", what, "muted"); }

// Series 0 has circles, 1 squares, 2 triangles, 3 diamonds, and again.
std::string mark(double x, double y, size_t series) {
    auto css = fmt::format("class=\"mark s{}\"", series % series_colours);
    switch (series % 4) {
        case 0:
            return fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\" {}/>", x, y, css);
        case 1:
            return fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"6.4\" height=\"6.4\" {}/>", x - 3.2, y - 3.2,
                               css);
        case 2:
            return fmt::format("<path d=\"M{:.1f} {:.1f}l4.2 7.4h-8.4z\" {}/>", x, y - 4.6, css);
        default:
            return fmt::format("<path d=\"M{:.1f} {:.1f}l4.4 4.4l-4.4 4.4l-4.4-4.4z\" {}/>", x, y - 4.4, css);
    }
}

}  // namespace

std::string plot_svg(const Plot& plot) {
    constexpr double width = 640, height = 350, right = 622, bottom = 296;
    Drawing d = prepare(plot, 600);
    auto y_ticks = d.y.ticks(6), x_ticks = d.x.ticks(6);
    auto y_labels = d.y.labels(y_ticks), x_labels = d.x.labels(x_ticks);
    size_t widest = 0;
    for (const auto& label : y_labels) widest = std::max(widest, lesson::width(label));
    double left = 36 + letter * static_cast<double>(widest), x = left, top = 22;
    std::string out = open(width, height,
                           fmt::format("{}: {} against {}, {} series, {} points", plain(plot.title), plain(plot.y),
                                       plain(plot.x), d.series.size(), d.points));
    for (size_t i = 0; i < d.series.size(); i++) {  // legend, in as many rows as it needs
        double needs = 48 + letter * static_cast<double>(lesson::width(d.series[i].name));
        if (x > left && x + needs > right) {
            x = left;
            top += 20;
        }
        out += stroke(fmt::format("M{:.1f} {:.1f}h26", x, top - 8), i) + mark(x + 13, top - 8, i);
        out += text(x + 32, top - 4, "start", d.series[i].name);
        x += needs;
    }
    auto px = [&](double v) { return left + d.x.position(v) * (right - left); };
    auto py = [&](double v) { return bottom - d.y.position(v) * (bottom - top - 6); };
    for (size_t i = 0; i < y_ticks.size(); i++) {
        out += rule(left, py(y_ticks[i]), right, py(y_ticks[i]), "grid");
        out += text(left - 8, py(y_ticks[i]) + 4.5, "end", y_labels[i]);
    }
    for (size_t i = 0; i < x_ticks.size(); i++) {
        out += rule(px(x_ticks[i]), bottom, px(x_ticks[i]), bottom + 5, "axis");
        out += text(px(x_ticks[i]), bottom + 20, "middle", x_labels[i]);
    }
    out += rule(left, bottom, right, bottom, "axis");
    out +=
        text((left + right) / 2, height - 10, "middle", plain(plot.x) + (plot.log_x ? " (logarithmic)" : ""), "muted");
    out += upright(16, (top + bottom) / 2, plain(plot.y) + (plot.log_y ? " (logarithmic)" : ""));
    if (d.points == 0) out += text((left + right) / 2, (top + bottom) / 2, "middle", "no points to draw", "muted");
    for (size_t i = 0; i < d.series.size(); i++) {
        const Series& s = d.series[i];
        std::string path, marks;
        bool pen = false;
        for (size_t k = 0; k < s.y.size(); k++) {
            if (!std::isnan(s.y[k])) {
                path += fmt::format("{}{:.1f} {:.1f}", pen ? 'L' : 'M', px(s.x[k]), py(s.y[k]));
                if (s.y.size() <= 40) marks += mark(px(s.x[k]), py(s.y[k]), i);
            }
            pen = !std::isnan(s.y[k]);
        }
        if (!path.empty()) out += stroke(path, i) + marks + "\n";
    }
    return out + "</svg>";
}

std::string heatmap_svg(const Heatmap& original) {
    Heatmap map = reduce(original, 64, 64);
    Shades shades(map);
    int rows = map.values.rows, columns = map.values.columns;
    bool digits = rows <= 16 && columns <= 12;
    double cell_h = digits ? 27 : std::clamp(420.0 / std::max(rows, 1), 7.0, 22.0);
    size_t row_letters = 1, column_letters = 1;
    for (int r = 0; r < rows; r++) row_letters = std::max(row_letters, width(label(map.row_labels, r)));
    for (int c = 0; c < columns; c++) column_letters = std::max(column_letters, width(label(map.column_labels, c)));
    double label_w = letter * static_cast<double>(column_letters), bar = 150;
    double left = 30 + letter * static_cast<double>(row_letters);
    double cell_w = std::clamp(560.0 / std::max(columns, 1), 8.0, 22.0);
    if (digits) cell_w = std::max(46.0, left + (label_w + 12) * columns < 630 ? label_w + 12 : 0);
    bool tilted = !original.column_labels.empty() && label_w + 6 > cell_w;  // names; numbers may be left out
    double top = tilted ? 30 + 0.87 * label_w : 44;
    double w = std::max(left + cell_w * columns + (tilted ? 0.5 * label_w : 10), left + bar + 120);
    double bottom = top + cell_h * rows, h = bottom + 52;
    std::string what = fmt::format("{}: {} rows ({}), {} columns ({}), from {} to {}", plain(map.title),
                                   original.values.rows, plain(map.row_axis), original.values.columns,
                                   plain(map.column_axis), number(shades.low()), number(shades.high()));
    std::string out = open(w, h, what);
    out += text(left + cell_w * columns / 2, 16, "middle", plain(map.column_axis), "muted");
    out += upright(14, (top + bottom) / 2, plain(map.row_axis));
    int every_row = static_cast<int>(std::ceil(15 / cell_h));
    int every_column = static_cast<int>(std::ceil((tilted ? 15 : label_w + 6) / cell_w));
    for (int r = 0; r < rows; r += every_row)
        out += text(left - 6, top + cell_h * (r + 0.5) + 4.5, "end", label(map.row_labels, r));
    for (int c = 0; c < columns; c += every_column) {
        double x = left + cell_w * (c + 0.5);
        out += tilted ? turned(x + 3, top - 6, -60, "start", label(map.column_labels, c))
                      : text(x, top - 7, "middle", label(map.column_labels, c));
    }
    auto shade = [&](int level) {
        return shades.diverging() ? fmt::format("d{}", level + Shades::levels) : fmt::format("q{}", level);
    };
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < columns; c++) {
            double v = map.values.at(r, c), x = left + cell_w * c, y = top + cell_h * r;
            std::string css = shades.drawable(v) ? shade(shades.level(v)) : v == 0 ? "zero" : "none";
            out += fmt::format(
                "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" "
                "class=\"{}\"><title>{}</title></rect>\n",
                x, y, cell_w - 1, cell_h - 1, css,
                html(fmt::format("{} {}, {} {}: {}", plain(map.row_axis), label(map.row_labels, r),
                                 plain(map.column_axis), label(map.column_labels, c), number(v))));
            if (digits)
                out += text(x + cell_w / 2 - 0.5, y + cell_h / 2 + 3.5, "middle",
                            std::isfinite(v) ? fmt::format("{:.2g}", v) : number(v), ("cell " + css).c_str());
        }
    if (shades.low() == shades.high()) return out + "</svg>";
    int lowest = shades.diverging() ? -Shades::levels : 0, levels = Shades::levels - lowest + 1;
    double y = bottom + 14, step = bar / levels;
    for (int i = 0; i < levels; i++)
        out += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"12\" class=\"{}\"/>\n",
                           left + step * i, y, step + 0.2, shade(lowest + i));
    out += text(left, y + 27, "start", number(shades.low()));
    if (shades.diverging()) out += text(left + bar / 2, y + 27, "middle", "0");
    out += text(left + bar, y + 27, shades.diverging() ? "middle" : "end", number(shades.high()));
    if (map.log) out += text(left + bar + 12, y + 11, "start", "logarithmic", "muted");
    return out + "</svg>";
}

std::string standalone(const std::string& svg) {
    size_t end = svg.find('\n');
    return svg.substr(0, end) + "\n<style>" + figure_style() + "</style>" + svg.substr(end) + "\n";
}

}  // namespace unroll::lesson
