#include "data/utf8.hpp"

#include "core/file.hpp"

namespace unroll {

std::string encode_utf8(char32_t c) {
    const auto byte = [](char32_t b) { return static_cast<char>(b); };
    if (c < 0x80) return {byte(c)};
    if (c < 0x800) return {byte(0xC0 | c >> 6), byte(0x80 | (c & 0x3F))};
    if (c < 0x10000) return {byte(0xE0 | c >> 12), byte(0x80 | (c >> 6 & 0x3F)), byte(0x80 | (c & 0x3F))};
    return {byte(0xF0 | c >> 18), byte(0x80 | (c >> 12 & 0x3F)), byte(0x80 | (c >> 6 & 0x3F)), byte(0x80 | (c & 0x3F))};
}

std::string encode_utf8(const std::vector<char32_t>& text) {
    std::string bytes;
    for (char32_t c : text) bytes += encode_utf8(c);
    return bytes;
}

std::vector<char32_t> decode_utf8(std::string_view bytes, const std::string& name, bool exactly) {
    std::vector<char32_t> text;
    text.reserve(bytes.size());
    size_t i = !exactly && bytes.substr(0, 3) == "\xEF\xBB\xBF" ? 3 : 0;
    int64_t line = 1;
    while (i < bytes.size()) {
        const auto lead = static_cast<unsigned char>(bytes[i]);
        const size_t length = lead < 0x80   ? 1
                              : lead < 0xC2 ? 0
                              : lead < 0xE0 ? 2
                              : lead < 0xF0 ? 3
                              : lead < 0xF5 ? 4
                                            : 0;
        char32_t c = length == 1 ? lead : lead & (0x7F >> length);
        bool good = length > 0 && i + length <= bytes.size();
        for (size_t k = 1; good && k < length; k++) {
            const auto next = static_cast<unsigned char>(bytes[i + k]);
            good = (next & 0xC0) == 0x80;
            c = c << 6 | (next & 0x3F);
        }
        // Three bytes for what fits into two, four for what fits into three; surrogates; above the last code point.
        if (good &&
            ((length == 3 && c < 0x800) || (length == 4 && c < 0x10000) || (c >= 0xD800 && c < 0xE000) || c > 0x10FFFF))
            good = false;
        if (!good) throw Error("{}: line {}: byte {} (0x{:02X}) is not UTF-8", name, line, i, lead);
        i += length;
        if (!exactly && c == '\r' && i < bytes.size() && bytes[i] == '\n') continue;
        if (c == '\n') line++;
        text.push_back(c);
    }
    return text;
}

std::vector<std::string> read_lines(const std::string& path) {
    std::vector<std::string> lines;
    std::string line;
    const std::vector<char32_t> text = decode_utf8(read_file(path), path);
    for (char32_t c : text)
        if (c == '\n')
            lines.push_back(std::exchange(line, {}));
        else
            line += encode_utf8(c);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!text.empty() && text.back() != '\n') lines.push_back(line);
    return lines;
}

bool is_space(char32_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool is_digit(char32_t c) { return c >= '0' && c <= '9'; }

bool is_letter(char32_t c) {
    if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (c < 0xC0) return c == 0xAA || c == 0xB5 || c == 0xBA;
    // Signs: × and ÷; general punctuation to arrows, mathematics and dingbats; punctuation of Chinese and Japanese;
    // full-width ASCII but its letters; private use and pictures.
    const bool sign = c == 0xD7 || c == 0xF7 || (c >= 0x2000 && c < 0x2C00) || (c >= 0x2E00 && c < 0x2E80) ||
                      (c >= 0x3000 && c < 0x3040) || (c >= 0xE000 && c < 0xF900) || (c >= 0xFE00 && c < 0xFE70) ||
                      (c >= 0xFF00 && c < 0xFF21) || c >= 0x1F000;
    return !sign;
}

static char32_t lower(char32_t c) {
    if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
    if ((c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3AB) || (c >= 0x410 && c <= 0x42F))
        return c + 32;
    if (c >= 0x400 && c <= 0x40F) return c + 80;
    if (c == 0x178) return 0xFF;
    // Latin Extended-A: pairs, the capital even up to 0x137 and from 0x14A to 0x177, odd in between and at the end. İ
    // and ı are the two that no rule fits.
    const bool even = (c >= 0x100 && c <= 0x137) || (c >= 0x14A && c <= 0x177);
    const bool odd = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E);
    if (c == 0x130 || c == 0x131) return c;
    return (even && c % 2 == 0) || (odd && c % 2 == 1) ? c + 1 : c;
}

std::string to_lower(std::string_view utf8) {
    std::vector<char32_t> text = decode_utf8(utf8, "the text", true);
    for (char32_t& c : text) c = lower(c);
    return encode_utf8(text);
}

}  // namespace unroll
