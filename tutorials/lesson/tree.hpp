#pragma once
#include <string>
#include <vector>

#include "tutorials/lesson/elements.hpp"

namespace unroll::lesson {

/// A tree as lines of text: each node below its parent, indented.
std::vector<std::string> tree_lines(const Tree& tree, size_t columns);
/// The same from left to right, as an SVG figure (svg.hpp).
std::string tree_svg(const Tree& tree);

}  // namespace unroll::lesson
