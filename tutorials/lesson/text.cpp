#include "tutorials/lesson/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tutorials/lesson/tex.hpp"

namespace unroll::lesson {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

// The code point at text[i] and its length in bytes; length 0 if the bytes there are not UTF-8 (overlong forms,
// surrogates and values above U+10FFFF included).
struct Decoded {
    char32_t code;
    size_t length;
};

Decoded decode(std::string_view text, size_t i) {
    auto byte = [&](size_t k) { return static_cast<unsigned char>(text[k]); };
    unsigned char first = byte(i);
    if (first < 0x80) return {first, 1};
    size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || i + length > text.size()) return {0, 0};
    char32_t code = first & (0x7Fu >> length);
    for (size_t k = 1; k < length; k++) {
        if ((byte(i + k) & 0xC0) != 0x80) return {0, 0};
        code = code << 6 | (byte(i + k) & 0x3Fu);
    }
    bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    if (overlong || (code >= 0xD800 && code < 0xE000) || code > 0x10FFFF) return {0, 0};
    return {code, length};
}

bool shown(char32_t c) {
    if (c < 0x20) return c == '\n' || c == '\t';
    bool noncharacter = (c & 0xFFFE) == 0xFFFE || (c >= 0xFDD0 && c < 0xFDF0);
    bool direction =
        (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);  // would turn the rest of a line round
    return !(c >= 0x7F && c < 0xA0) && !noncharacter && !direction;
}

int magnitude(double value) { return value == 0 ? 0 : static_cast<int>(std::floor(std::log10(std::abs(value)))); }

constexpr int significant = 4;

}  // namespace

std::string clean(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (size_t i = 0; i < text.size();) {
        if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') i++;
        auto [code, length] = decode(text, i);
        out += length > 0 && shown(code) ? text.substr(i, length) : replacement;
        i += std::max<size_t>(length, 1);
    }
    return out;
}

std::string html(std::string_view text) {
    std::string out;
    for (char c : clean(text)) switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            case '\'':
                out += "&#39;";
                break;
            default:
                out += c;
        }
    return out;
}

size_t width(std::string_view text) {
    size_t columns = 0;
    for (size_t i = 0; i < text.size();) {
        auto [code, length] = decode(text, i);
        columns += code < 0x300 || code > 0x36F;
        i += std::max<size_t>(length, 1);
    }
    return columns;
}

std::string pad_left(std::string_view text, size_t columns) {
    size_t w = width(text);
    return std::string(columns > w ? columns - w : 0, ' ').append(text);
}

std::string pad_right(std::string_view text, size_t columns) {
    size_t w = width(text);
    return std::string(text).append(columns > w ? columns - w : 0, ' ');
}

// Bytes of the longest beginning of text that takes at most `columns` columns.
static size_t bytes_within(std::string_view text, size_t columns) {
    size_t used = 0;
    for (size_t i = 0; i < text.size();) {
        size_t length = std::max<size_t>(decode(text, i).length, 1);
        used += width(text.substr(i, length));
        if (used > columns) return i;
        i += length;
    }
    return text.size();
}

std::string shorten(std::string_view text, size_t columns) {
    if (width(text) <= columns || columns == 0) return std::string(text);
    return std::string(text.substr(0, bytes_within(text, columns - 1))) + "…";
}

std::vector<std::string> wrap(std::string_view text, size_t columns) {
    columns = std::max<size_t>(columns, 1);
    std::vector<std::string> lines;
    std::string line;
    for (std::string_view rest = text; !rest.empty();) {
        size_t begin = rest.find_first_not_of(" \t\n");
        if (begin == rest.npos) break;
        rest.remove_prefix(begin);
        std::string_view word = rest.substr(0, rest.find_first_of(" \t\n"));
        rest.remove_prefix(word.size());
        if (!line.empty() && width(line) + 1 + width(word) > columns) {
            lines.push_back(line);
            line.clear();
        }
        if (!line.empty()) line += ' ';
        for (; width(word) > columns; line.clear()) {
            size_t n = bytes_within(word, columns);
            lines.push_back(std::string(word.substr(0, n)));
            word.remove_prefix(n);
        }
        line += word;
    }
    if (!line.empty()) lines.push_back(line);
    return lines;
}

std::vector<std::string> split(std::string_view text, std::string_view separator) {
    std::vector<std::string> parts;
    for (;;) {
        size_t at = text.find(separator);
        parts.emplace_back(text.substr(0, at));
        if (at == text.npos) return parts;
        text.remove_prefix(at + separator.size());
    }
}

std::vector<Span> spans(std::string_view text) {
    std::vector<Span> out;
    auto closing = [&](size_t open) {
        size_t close = text.find(text[open], open + 1);
        if (close == text.npos || close == open + 1) return text.npos;
        bool spaced = text[open + 1] == ' ' || text[close - 1] == ' ';
        if (text[open] == '*') spaced = spaced || (open > 0 && text[open - 1] != ' ' && text[open - 1] != '\n');
        return text[open] != '`' && spaced ? text.npos : close;
    };
    size_t begin = 0;
    for (size_t i = 0; i < text.size(); i++) {
        if (text[i] != '`' && text[i] != '$' && text[i] != '*') continue;
        size_t close = closing(i);
        if (close == text.npos) continue;
        if (i > begin) out.push_back({Span::Kind::text, std::string(text.substr(begin, i - begin))});
        auto kind = text[i] == '`' ? Span::Kind::code : text[i] == '$' ? Span::Kind::math : Span::Kind::emphasis;
        out.push_back({kind, std::string(text.substr(i + 1, close - i - 1))});
        i = close;
        begin = close + 1;
    }
    if (begin < text.size()) out.push_back({Span::Kind::text, std::string(text.substr(begin))});
    return out;
}

std::string plain(std::string_view marked, bool quote_code) {
    std::string out;
    for (const Span& span : spans(clean(marked)))
        out += span.kind == Span::Kind::math                 ? plain_tex(span.text)
               : span.kind == Span::Kind::code && quote_code ? "`" + span.text + "`"
                                                             : span.text;
    return out;
}

std::string number(double value) { return numbers({value})[0]; }

std::vector<std::string> numbers(const std::vector<double>& column) {
    bool whole = true;
    double largest = 0, smallest = INFINITY;
    for (double v : column) {
        if (!std::isfinite(v)) continue;
        whole = whole && v == std::trunc(v);
        largest = std::max(largest, std::abs(v));
        if (v != 0) smallest = std::min(smallest, std::abs(v));
    }
    bool fixed = largest < 1e7 && (largest == 0 || smallest >= 1e-4);
    int wanted = std::max(significant - 1 - magnitude(largest), 1 - magnitude(std::min(smallest, 1.0)));
    int decimals = whole ? 0 : std::clamp(wanted, 0, 7);
    std::vector<std::string> out;
    for (double v : column) {
        if (std::isnan(v))
            out.push_back("NaN");
        else if (std::isinf(v))
            out.push_back(v > 0 ? "inf" : "-inf");
        else if (fixed || (whole && largest < 1e15))
            out.push_back(fmt::format("{:.{}f}", v, decimals));
        else
            out.push_back(fmt::format("{:.{}e}", v, significant - 1));
    }
    return out;
}

}  // namespace unroll::lesson
