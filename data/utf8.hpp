#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace unroll {

/// The characters of UTF-8 text, as code points. A byte order mark at the beginning is skipped, a carriage return
/// before a line feed left out, as in files; exactly: both stay. Throws Error with name, line and byte where the bytes
/// are not UTF-8 (overlong forms and surrogates included).
std::vector<char32_t> decode_utf8(std::string_view bytes, const std::string& name, bool exactly = false);
std::string encode_utf8(char32_t character);
std::string encode_utf8(const std::vector<char32_t>& text);

/// A file's lines without their ends, decoded as above and encoded again. A line feed at the very end begins no line.
std::vector<std::string> read_lines(const std::string& path);

/// The white space between words: space, tab, line feed and their kin of ASCII. A no-break space is none: it holds
/// words together.
bool is_space(char32_t c);
bool is_digit(char32_t c);  // 0 to 9
/// Letters and their accents, of ASCII and, told by blocks and so only roughly, of all other scripts.
bool is_letter(char32_t c);

/// In lower case: ASCII, the accented letters of Latin-1 and Latin Extended-A, Greek and Cyrillic. Others stay.
std::string to_lower(std::string_view utf8);

}  // namespace unroll
