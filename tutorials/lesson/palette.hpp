#pragma once
#include <string>

namespace unroll::lesson {

/// Colours of figures as CSS, in light and dark: variables --s0 .. --s5 for the series of a plot (Okabe and Ito's, told
/// apart by colour-blind readers too, and by dashes and marks), and classes for the cells of a heat-map: q0 .. q8
/// sequential, d0 .. d16 diverging around d8, each with a text colour that stands out. Made here alone for page and
/// files.
std::string figure_style();

inline constexpr int series_colours = 6;
/// Dash pattern of series i, as SVG and Chart.js have it: "" is a full line.
const char* dashes(size_t i);

}  // namespace unroll::lesson
