#pragma once
#include <fmt/format.h>

#include <string>

#include "tutorials/lesson/palette.hpp"
#include "tutorials/lesson/text.hpp"

// What figures are drawn with.
namespace unroll::lesson {

inline constexpr double letter = 7.2;  // about the width of a letter of 13 px

inline std::string open(double width, double height, const std::string& described) {
    return fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" "
        "height=\"{1:.0f}\" role=\"img\" aria-label=\"{2}\">\n",
        width, height, html(described));
}

inline std::string text(double x, double y, const char* anchor, const std::string& what, const char* classes = "") {
    return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" class=\"{}\">{}</text>\n", x, y, anchor,
                       classes, html(what));
}

inline std::string rule(double x1, double y1, double x2, double y2, const char* classes) {
    return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"{}\"/>\n", x1, y1, x2, y2,
                       classes);
}

inline std::string stroke(const std::string& path, size_t i) {
    return fmt::format("<path d=\"{}\" class=\"line s{}\" stroke-dasharray=\"{}\"/>\n", path, i % series_colours,
                       *dashes(i) != 0 ? dashes(i) : "none");
}

}  // namespace unroll::lesson
