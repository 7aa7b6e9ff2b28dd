#pragma once
#include <string>
#include <vector>

#include "tutorials/lesson/elements.hpp"

/// Figures made of words: a text coloured word by word, and words on a map.
namespace unroll::lesson {

/// HTML: each token with its shade as background, its value where a pointer stands on it.
std::string shaded_html(const ShadedText& text);
/// Lines with each token's value below it; where all tokens are characters, as one digit, 9 for 9 and more.
std::vector<std::string> shaded_lines(const ShadedText& text, size_t columns);
/// "0.01 (light) to 9.2 (dark) nats"
std::string shaded_range(const ShadedText& text);

std::string map_svg(const WordMap& map);
/// Labels where they lie, but those that would cover another one.
std::vector<std::string> map_lines(const WordMap& map, size_t columns);

}  // namespace unroll::lesson
