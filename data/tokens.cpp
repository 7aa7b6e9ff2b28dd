#include "data/tokens.hpp"

#include "data/utf8.hpp"

namespace unroll {

std::vector<std::string> characters(std::string_view text) {
    std::vector<std::string> tokens;
    for (char32_t c : decode_utf8(text, "the text", true)) tokens.push_back(encode_utf8(c));
    return tokens;
}

std::vector<std::string> whitespace_words(std::string_view text) {
    std::vector<std::string> tokens;
    bool inside = false;
    for (char c : text) {
        const bool space = is_space(static_cast<unsigned char>(c));
        if (!space && !inside) tokens.emplace_back();
        if (!space) tokens.back() += c;
        inside = !space;
    }
    return tokens;
}

std::vector<std::string> simple_words(std::string_view text) {
    std::vector<std::string> tokens;
    bool word = false;
    for (char32_t c : decode_utf8(text, "the text", true)) {
        const bool part = is_letter(c) || is_digit(c);
        if (!is_space(c) && !(part && word)) tokens.emplace_back();
        if (!is_space(c)) tokens.back() += encode_utf8(c);
        word = part;
    }
    return tokens;
}

std::vector<std::string> punctuation_words(std::string_view text) {
    std::vector<std::string> tokens;
    bool joined = false;  // the next character may go on with the last token
    for (size_t i = 0; i < text.size(); i++) {
        const auto c = static_cast<unsigned char>(text[i]);
        const bool after_digit = i > 0 && is_digit(static_cast<unsigned char>(text[i - 1]));
        const bool before_digit = i + 1 < text.size() && is_digit(static_cast<unsigned char>(text[i + 1]));
        const bool stop = c == '.' || c == ',', dash = c == '-';
        const bool sign = c > ' ' && c < 0x7F && c != '\'' && !is_letter(c) && !is_digit(c);
        const bool alone = stop ? !(after_digit && before_digit) : dash ? after_digit : sign;
        if (is_space(c)) {
            joined = false;
            continue;
        }
        if (!joined || alone) tokens.emplace_back();
        tokens.back() += text[i];
        joined = !alone;
    }
    return tokens;
}

std::string readable(const std::vector<std::string>& tokens) {
    std::string text;
    bool space = false;
    for (const std::string& token : tokens) {
        const bool closes = std::string_view(",.;:!?)]}%'\u2019").find(token) != std::string_view::npos;
        if (space && !closes && token != "\n") text += ' ';
        text += token;
        space = token != "(" && token != "[" && token != "\n";
    }
    return text;
}

}  // namespace unroll
