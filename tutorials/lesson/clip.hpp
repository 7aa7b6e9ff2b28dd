#pragma once
#include <string>
#include <vector>

#include "tutorials/lesson/elements.hpp"

namespace unroll::lesson {

/// An element that plays the sound, which is inside it.
std::string clip_html(const Clip& clip);
/// For a terminal: how loud it is over time, and how long.
std::vector<std::string> clip_lines(const Clip& clip, size_t columns);

}  // namespace unroll::lesson
