#include "nn/metric_tokens.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace unroll {
namespace {

enum Kind : unsigned char {
    plain,    // letters, most of what is not ASCII
    digit,    // 0-9
    symbol,   // 13a: a token of its own
    point,    // full stop and comma
    hyphen,   //
    space,    // ASCII white space
    unclear,  // the first byte of several: may be white space
};

constexpr std::array<Kind, 256> make_kinds() {
    std::array<Kind, 256> kinds = {};
    for (unsigned char c = '!'; c <= '~'; c++) {
        const bool alone = (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') ||
                           (c >= '(' && c <= '+') || (c >= ':' && c <= '@') || c == '/';
        kinds[c] = alone                  ? symbol
                   : c >= '0' && c <= '9' ? digit
                   : c == '.' || c == ',' ? point
                   : c == '-'             ? hyphen
                                          : plain;
    }
    for (unsigned char c : {9, 10, 11, 12, 13, 28, 29, 30, 31, 32}) kinds[c] = space;
    for (unsigned char c : {0xC2, 0xE1, 0xE2, 0xE3}) kinds[c] = unclear;
    return kinds;
}
constexpr std::array<Kind, 256> kinds = make_kinds();

Kind kind_of(char c) { return kinds[static_cast<unsigned char>(c)]; }

/// How many bytes of white space that is not ASCII begin here: U+0085, U+00A0, U+1680, U+2000 to U+200A, U+2028,
/// U+2029, U+202F, U+205F, U+3000.
size_t wide_space(std::string_view rest) {
    const auto begins = [&](const char* with) { return rest.substr(0, std::string_view(with).size()) == with; };
    if (begins("\xC2\x85") || begins("\xC2\xA0")) return 2;
    if (begins("\xE1\x9A\x80") || begins("\xE2\x81\x9F") || begins("\xE3\x80\x80")) return 3;
    if (!begins("\xE2\x80") || rest.size() < 3) return 0;
    const auto last = static_cast<unsigned char>(rest[2]);
    return last <= 0x8A || last == 0xA8 || last == 0xA9 || last == 0xAF ? 3 : 0;
}

/// White space that begins at i, in bytes.
size_t space_at(std::string_view line, size_t i) {
    const Kind kind = kind_of(line[i]);
    return kind == space ? 1 : kind == unclear ? wide_space(line.substr(i)) : 0;
}

/// handle(i) for each byte of a kind above `most`, a bit each: a jump for every one of these is cheaper than one that
/// depends on every byte.
template <Kind most, class Handle>
void for_each_above(std::string_view line, Handle handle) {
    for (size_t block = 0; block < line.size(); block += 64) {
        uint64_t above = 0;
        for (size_t k = 0, n = std::min<size_t>(64, line.size() - block); k < n; k++)
            above |= uint64_t{kind_of(line[block + k]) > most} << k;
        for (; above != 0; above &= above - 1) handle(block + static_cast<size_t>(std::countr_zero(above)));
    }
}

template <class Emit>
void split_words(std::string_view line, Emit emit) {
    size_t begin = 0;
    for_each_above<hyphen>(line, [&](size_t i) {
        const size_t gap = space_at(line, i);
        if (gap == 0) return;
        if (i > begin) emit(line.substr(begin, i - begin));
        begin = i + gap;
    });
    if (line.size() > begin) emit(line.substr(begin));
}

template <class Emit>
void split_characters(std::string_view line, Emit emit) {
    for (size_t i = 0, length; i < line.size(); i += length) {
        length = space_at(line, i);
        if (length > 0) continue;
        for (length = 1; i + length < line.size() && (line[i + length] & 0xC0) == 0x80;) length++;
        emit(line.substr(i, length));
    }
}

/// mteval-v13a's four substitutions, which sacreBLEU makes one after another, in one pass. A point that follows one
/// that already stands alone was part of that match, so it is judged by what comes after it only.
template <class Emit>
void split_13a(std::string_view line, Emit emit) {
    size_t begin = 0;
    const auto end_token = [&](size_t i, size_t next) {
        if (i > begin) emit(line.substr(begin, i - begin));
        begin = next;
    };
    const auto alone = [&](size_t i) {
        end_token(i, i + 1);
        emit(line.substr(i, 1));
    };
    const auto is_digit = [&](size_t i) { return i < line.size() && kind_of(line[i]) == digit; };
    size_t after_match = line.npos;  // where the last point ends that stands alone for what is before it
    for_each_above<digit>(line, [&](size_t i) {
        const Kind kind = kind_of(line[i]);
        if (kind == space) return end_token(i, i + 1);
        const bool after_digit = i > 0 && is_digit(i - 1);
        const bool match = kind == point && !after_digit && i != after_match;
        if (match) after_match = i + 1;
        if (match || kind == symbol || (kind == point && !is_digit(i + 1)) || (kind == hyphen && after_digit))
            alone(i);
        else if (const size_t gap = kind == unclear ? wide_space(line.substr(i)) : 0; gap > 0)
            end_token(i, i + gap);
    });
    end_token(line.size(), line.size());
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
    std::string replaced;
    size_t begin = 0;
    for (size_t i; (i = text.find(what, begin)) != text.npos; begin = i + what.size())
        replaced.append(text, begin, i - begin).append(with);
    text = replaced.append(text, begin);
}

/// Before 13a cuts: line breaks and entities undone. `line` itself where there is nothing to undo, else `storage`.
std::string_view undo_entities(std::string_view line, std::string& storage) {
    while (!line.empty() && kind_of(line.back()) == space) line.remove_suffix(1);
    if (line.find('&') == line.npos && line.find('<') == line.npos && line.find('\n') == line.npos) return line;
    storage = line;
    for (const auto& [what, with] : std::initializer_list<std::array<std::string_view, 2>>{{"<skipped>", ""},
                                                                                           {"-\n", ""},
                                                                                           {"\n", " "},
                                                                                           {"&quot;", "\""},
                                                                                           {"&amp;", "&"},
                                                                                           {"&lt;", "<"},
                                                                                           {"&gt;", ">"}})
        replace_all(storage, what, with);
    return storage;
}

uint64_t mix(uint64_t h, uint64_t word) {
    h = (h ^ word) * 0xD6E8FEB86659FD93u;
    return h ^ h >> 32;
}

/// Eight bytes at a time; a token of up to eight bytes has a hash that no other such token has. What follows the token
/// up to `end` may be read.
uint64_t hash(std::string_view token, const char* end) {
    uint64_t h = token.size() * 0x9E3779B97F4A7C15u, word = 0;
    const char* p = token.data();
    size_t left = token.size();
    for (; left > 8; left -= 8, p += 8) {
        std::memcpy(&word, p, 8);
        h = mix(h, word);
    }
    word = 0;
    std::memcpy(&word, p, end - p >= 8 ? 8 : left);
    h = mix(h, word << (64 - 8 * left)) * 0xD6E8FEB86659FD93u;  // the token's bytes alone: they come first
    return h ^ h >> 29;
}

}  // namespace

std::string tokenise_13a(std::string_view line) {
    std::string storage, tokens;
    split_13a(undo_entities(line, storage), [&](std::string_view token) {
        if (!tokens.empty()) tokens += ' ';
        tokens += token;
    });
    return tokens;
}

void tokenise(std::string_view line, Tokeniser tokeniser, Tokens& to) {
    to.clear();
    std::string storage;
    if (tokeniser == Tokeniser::v13a) line = undo_entities(line, storage);
    const auto emit = [&, end = line.data() + line.size()](std::string_view token) { to.push_back(hash(token, end)); };
    if (tokeniser == Tokeniser::v13a) return split_13a(line, emit);
    if (tokeniser == Tokeniser::none) return split_words(line, emit);
    split_characters(line, emit);
}

Tokens rouge_tokens(std::string_view text) {
    // Two characters have small letters in ASCII: the Kelvin sign, and İ, whose second half, a dot above, separates.
    std::string small(text);
    if (text.find("\xE2\x84\xAA") != text.npos || text.find("\xC4\xB0") != text.npos) small = lowercase(text);
    for (char& c : small)
        c = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : c >= 'A' && c <= 'Z' ? char(c + 32) : ' ';
    Tokens tokens;
    tokens.reserve(text.size() / 4);
    split_words(small,
                [&, end = small.data() + small.size()](std::string_view token) { tokens.push_back(hash(token, end)); });
    return tokens;
}

}  // namespace unroll
