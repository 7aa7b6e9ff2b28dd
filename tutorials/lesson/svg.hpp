#pragma once
#include <string>

#include "tutorials/lesson/elements.hpp"

namespace unroll::lesson {

/// Figures as SVG without scripts, coloured by the classes of figure_style(), described for screen readers.
std::string plot_svg(const Plot& plot);
std::string heatmap_svg(const Heatmap& map);

/// The same as a file of its own (a README's picture): with its style, readable on light and dark pages.
std::string standalone(const std::string& svg);

}  // namespace unroll::lesson
