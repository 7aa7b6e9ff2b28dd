#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace unroll::lesson {

/// Valid UTF-8 without control characters: each broken byte, and each control character but newline and tab, becomes
/// U+FFFD. Carriage returns before a newline are dropped.
std::string clean(std::string_view text);

/// clean(), with & < > " ' escaped: safe as HTML text and inside a quoted attribute.
std::string html(std::string_view text);

/// Columns the (clean) text takes on a terminal: code points without combining marks.
size_t width(std::string_view text);
/// Filled with spaces to `columns`; a longer text stays as it is.
std::string pad_left(std::string_view text, size_t columns);
std::string pad_right(std::string_view text, size_t columns);
/// At most `columns` columns: a longer text ends with "…".
std::string shorten(std::string_view text, size_t columns);
/// Lines of at most `columns` columns, broken at spaces; a word wider than that is broken anywhere.
std::vector<std::string> wrap(std::string_view text, size_t columns);

std::vector<std::string> split(std::string_view text, std::string_view separator);

/// The inline marks of lesson.text(): `code`, $maths$ (TeX) and *emphasis*. A lone mark is text, and so is a $ or *
/// with a space after an opening or before a closing one ("$5 and $6"), and a * right behind a word.
struct Span {
    enum class Kind { text, code, math, emphasis };
    Kind kind;
    std::string text;
};
std::vector<Span> spans(std::string_view text);
/// The same text for a terminal: without its marks, but for those of code where that is wanted, as a sentence needs
/// them; maths as plain_tex() has it.
std::string plain(std::string_view marked, bool quote_code = false);

/// A number with 4 significant digits: "0.01234", "12346", "1.235e-07", "NaN", "-inf".
std::string number(double value);
/// Numbers of one column in one format (so that they align): integers, fixed or scientific, whichever they need.
std::vector<std::string> numbers(const std::vector<double>& column);

}  // namespace unroll::lesson
