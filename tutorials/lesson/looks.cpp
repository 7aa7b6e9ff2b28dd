#include "tutorials/lesson/looks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tutorials/lesson/svg_parts.hpp"
#include "tutorials/lesson/text.hpp"
#include "tutorials/lesson/web_libs.hpp"

namespace unroll::lesson {
namespace {

/// An uncompressed BMP file of 24 bits, from the lowest row up.
std::string bmp(const Picture& p) {
    const auto row = uint32_t(p.width * 3 + 3) / 4 * 4;
    std::string out = "BM";
    const auto number = [&](uint32_t n, int bytes = 4) {
        for (int i = 0; i < bytes; i++) out += char(n >> 8 * i & 255);
    };
    number(54 + row * uint32_t(p.height)), number(0), number(54);
    number(40), number(uint32_t(p.width)), number(uint32_t(p.height)), number(1, 2), number(24, 2);
    for (uint32_t n : {0u, row * uint32_t(p.height), 2835u, 2835u, 0u, 0u}) number(n);
    for (int64_t y = p.height - 1; y >= 0; y--) {
        for (int64_t x = 0; x < p.width; x++)
            for (int c = 2; c >= 0; c--) out += char(p.at(y, x)[c]);
        out.append(row - size_t(p.width) * 3, '\0');
    }
    return out;
}

void check(const Looks& looks) {
    bool fits = looks.words.size() == looks.weights.size() && looks.picture.height > 0;
    for (const Grid& g : looks.weights) fits &= g.rows > 0 && g.columns > 0;
    if (!fits) throw Error("looks: {} words, {} grids of weights", looks.words.size(), looks.weights.size());
}

double largest(const Grid& g) { return *std::max_element(g.values.begin(), g.values.end()); }

}  // namespace

std::string looks_svg(const Looks& looks) {
    check(looks);
    constexpr double side = 96, gap = 12, line = 20;
    constexpr size_t across = 6;
    const size_t n = looks.words.size() + 1;
    const std::string data = "data:image/bmp;base64," + base64(bmp(looks.picture));
    std::string out =
        open(double(std::min(n, across)) * (side + gap), double((n + across - 1) / across) * (side + line + gap),
             fmt::format("{}: a picture, and where {} words looked", plain(looks.title), n - 1));
    for (size_t i = 0; i < n; i++) {
        const double x = double(i % across) * (side + gap) + gap / 2, y = double(i / across) * (side + line + gap) + 4;
        out += fmt::format(
            "<image x=\"{:.1f}\" y=\"{:.1f}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" "
            "style=\"image-rendering:pixelated\" href=\"{}\"/>\n",
            x, y, side, side, data);
        if (i == 0) continue;
        const Grid& g = looks.weights[i - 1];
        const double w = side / g.columns, h = side / g.rows, most = largest(g);
        for (int r = 0; r < g.rows; r++)
            for (int c = 0; c < g.columns; c++)
                out += fmt::format(
                    "<rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\" fill=\"#000\" "
                    "shape-rendering=\"crispEdges\" "
                    "fill-opacity=\"{:.2f}\"><title>{:.3f}</title></rect>",
                    x + c * w, y + r * h, w, h, most > 0 ? 0.8 * (1 - g.at(r, c) / most) : 0.8, g.at(r, c));
        out += "\n" + text(x + side / 2, y + side + 14, "middle", shorten(looks.words[i - 1], size_t(side / letter)));
    }
    return out + "</svg>";
}

std::vector<std::string> looks_lines(const Looks& looks, size_t columns) {
    check(looks);
    std::vector<std::string> lines;
    size_t longest = 0;
    for (const std::string& word : looks.words) longest = std::max(longest, width(clean(word)));
    longest = std::min(longest, columns / 2);
    for (size_t i = 0; i < looks.words.size(); i++) {
        const Grid& g = looks.weights[i];
        std::vector<double> sorted = g.values;
        std::sort(sorted.rbegin(), sorted.rend());
        double sum = 0;
        size_t half = 0;
        while (half < sorted.size() && sum < 0.5) sum += sorted[half++];
        const auto at = std::max_element(g.values.begin(), g.values.end()) - g.values.begin();
        lines.push_back(shorten(fmt::format("{}  row {}, column {}: {:.2f}; half in {} of {}",
                                            pad_right(shorten(clean(looks.words[i]), longest), longest), at / g.columns,
                                            at % g.columns, largest(g), half, sorted.size()),
                                columns));
    }
    return lines;
}

}  // namespace unroll::lesson
