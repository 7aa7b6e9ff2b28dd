#include "tutorials/lesson/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "tutorials/lesson/scale.hpp"
#include "tutorials/lesson/shades.hpp"
#include "tutorials/lesson/svg_parts.hpp"
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

/// Where on an axis, 0 .. 1, from the 2nd percentile to the 98th: a few words far out would push all others together.
/// They stand at the edge.
class Place {
  public:
    explicit Place(std::vector<double> values) {
        std::erase_if(values, [](double v) { return !std::isfinite(v); });
        std::sort(values.begin(), values.end());
        const auto cut = static_cast<std::ptrdiff_t>(values.size() / 50);
        values = {values.begin() + cut, values.end() - cut};
        scale_ = Scale({&values}, false);
    }
    double operator()(double value) const { return std::clamp(scale_.position(value), 0.0, 1.0); }

  private:
    Scale scale_;
};

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
    constexpr double w = 640, h = 520, edge = 46, up = 11, down = 3;  // of a label's line
    const Place x(map.x), y(map.y);
    std::string out = open(w, h, fmt::format("{}: {} words on a plane", plain(map.title), map.labels.size()));
    const auto px = [&](size_t i) { return edge + x(map.x[i]) * (w - 2 * edge); };
    const auto py = [&](size_t i) { return h - 34 - y(map.y[i]) * (h - 60); };
    std::vector<size_t> drawn;
    std::vector<std::array<double, 4>> taken;  // left, top, right, bottom
    for (size_t i = 0; i < map.labels.size(); i++) {
        if (!std::isfinite(map.x.at(i)) || !std::isfinite(map.y.at(i))) continue;
        drawn.push_back(i);
        taken.push_back({px(i) - 2, py(i) - 2, px(i) + 2, py(i) + 2});
    }
    size_t labelled = 0;
    for (size_t i : drawn) {
        const double half = letter * static_cast<double>(width(map.labels[i])) / 2, a = px(i), b = py(i);
        out += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2\" class=\"mark s0\"><title>{}</title></circle>",
                           a, b, html(map.labels[i]));
        for (const auto& [cx, base] :
             {std::pair{a, b - 5}, {a, b + 14}, {a + half + 5, b + 4}, {a - half - 5, b + 4}}) {
            const std::array<double, 4> box = {cx - half, base - up, cx + half, base + down};
            const bool covers = std::any_of(taken.begin(), taken.end(), [&](const std::array<double, 4>& other) {
                return box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3];
            });
            if (covers || box[0] < 0 || box[2] > w) continue;
            taken.push_back(box);
            out += text(cx, base, "middle", map.labels[i]);
            labelled++;
            break;
        }
        out += '\n';
    }
    if (labelled < drawn.size())
        out += text(w - 6, h - 6, "end", fmt::format("{} without a label for want of room", drawn.size() - labelled),
                    "muted");
    return out + "</svg>";
}

std::vector<std::string> map_lines(const WordMap& map, size_t columns) {
    constexpr size_t height = 22;
    const Place x(map.x), y(map.y);
    std::vector<std::vector<std::string>> cells(height, std::vector<std::string>(columns, " "));
    int left_out = 0;
    for (size_t i = 0; i < map.labels.size(); i++) {
        const std::string label = clean(map.labels[i]);
        const size_t needs = width(label);
        bool room = needs + 2 <= columns && std::isfinite(map.x.at(i)) && std::isfinite(map.y.at(i));
        const auto row = static_cast<size_t>(std::lround((1 - (room ? y(map.y[i]) : 0)) * (height - 1)));
        const auto begin =
            static_cast<size_t>((room ? x(map.x[i]) : 0) * static_cast<double>(columns - std::min(columns, needs)));
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
