#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "tutorials/lesson/elements.hpp"

namespace unroll::lesson {

/// As data URIs have bytes. (RFC 4648)
std::string base64(std::string_view bytes);

/// An element that plays the sound, which is inside it.
std::string clip_html(const Clip& clip);
/// For a terminal: how loud it is over time, and how long.
std::vector<std::string> clip_lines(const Clip& clip, size_t columns);

}  // namespace unroll::lesson
