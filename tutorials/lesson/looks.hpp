#pragma once
#include <string>
#include <vector>

#include "tutorials/lesson/elements.hpp"

/// A picture as each word saw it.
namespace unroll::lesson {

/// The picture, then once for each word: the lighter a region, the more of its largest weight it has.
std::string looks_svg(const Looks& looks);
/// A line a word: the region looked at most, its share, and how many regions make up half of the weight.
std::vector<std::string> looks_lines(const Looks& looks, size_t columns);

}  // namespace unroll::lesson
