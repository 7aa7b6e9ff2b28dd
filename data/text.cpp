#include "data/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "core/file.hpp"

namespace unroll {

std::string encode_utf8(char32_t c) {
    const auto byte = [](char32_t b) { return static_cast<char>(b); };
    if (c < 0x80) return {byte(c)};
    if (c < 0x800) return {byte(0xC0 | c >> 6), byte(0x80 | (c & 0x3F))};
    if (c < 0x10000) return {byte(0xE0 | c >> 12), byte(0x80 | (c >> 6 & 0x3F)), byte(0x80 | (c & 0x3F))};
    return {byte(0xF0 | c >> 18), byte(0x80 | (c >> 12 & 0x3F)), byte(0x80 | (c >> 6 & 0x3F)), byte(0x80 | (c & 0x3F))};
}

std::vector<char32_t> decode_utf8(std::string_view bytes, const std::string& name) {
    std::vector<char32_t> text;
    text.reserve(bytes.size());
    size_t i = bytes.substr(0, 3) == "\xEF\xBB\xBF" ? 3 : 0;
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
        if (!good) throw Error(fmt::format("{}: line {}: byte {} (0x{:02X}) is not UTF-8", name, line, i, lead));
        i += length;
        if (c == '\r' && i < bytes.size() && bytes[i] == '\n') continue;
        if (c == '\n') line++;
        text.push_back(c);
    }
    return text;
}

TextCorpus load_text(const std::string& path) {
    TextCorpus corpus;
    corpus.name = path;
    std::error_code unreadable;  // read_file says it better
    if (std::filesystem::is_directory(path, unreadable)) {
        const auto part = [&](const char* name) {
            const std::string file = (std::filesystem::path(path) / name).string();
            return decode_utf8(read_file(file), file);
        };
        corpus.train = part("train.txt");
        corpus.valid = part("valid.txt");
        corpus.test = part("test.txt");
    } else {
        const std::vector<char32_t> all = decode_utf8(read_file(path), path);
        const auto at = [&](size_t percent) {
            return all.begin() + static_cast<std::ptrdiff_t>(all.size() * percent / 100);
        };
        corpus.train.assign(all.begin(), at(90));
        corpus.valid.assign(at(90), at(95));
        corpus.test.assign(at(95), all.end());
    }
    for (const auto& [part, text] :
         {std::pair{"train", &corpus.train}, {"valid", &corpus.valid}, {"test", &corpus.test}})
        if (text->size() < 2)
            throw Error(fmt::format("{}: the part to {} with has {} characters, at least 2 are needed", path,
                                    part == std::string("train")   ? "train"
                                    : part == std::string("valid") ? "validate"
                                                                   : "test",
                                    text->size()));
    return corpus;
}

CharVocabulary::CharVocabulary(const std::vector<char32_t>& text) : characters_(text) {
    std::sort(characters_.begin(), characters_.end());
    characters_.erase(std::unique(characters_.begin(), characters_.end()), characters_.end());
}

CharVocabulary CharVocabulary::from(const std::string& characters) {
    return CharVocabulary(decode_utf8(characters, "the vocabulary"));
}

std::vector<int32_t> CharVocabulary::encode(const std::vector<char32_t>& text) const {
    std::vector<int32_t> ids;
    ids.reserve(text.size());
    for (char32_t c : text) {
        const auto found = std::lower_bound(characters_.begin(), characters_.end(), c);
        ids.push_back(found != characters_.end() && *found == c ? static_cast<int32_t>(found - characters_.begin())
                                                                : unknown());
    }
    return ids;
}

std::string CharVocabulary::decode(const std::vector<int32_t>& ids) const {
    std::string text;
    for (int32_t id : ids) {
        if (id < 0 || id > unknown())
            throw Error(fmt::format("CharVocabulary::decode: id {} of {} characters", id, size()));
        text += encode_utf8(id == unknown() ? char32_t{0xFFFD} : characters_[static_cast<size_t>(id)]);
    }
    return text;
}

std::string CharVocabulary::characters() const {
    std::string all;
    for (char32_t c : characters_) all += encode_utf8(c);
    return all;
}

StreamBatches::StreamBatches(std::vector<int32_t> text, int64_t B, int64_t T, Where at)
    : text_(std::move(text)), B_(B), T_(T) {
    if (B < 1 || T < 1) fail("StreamBatches", at, fmt::format("B {}, T {}: expected 1 or more", B, T));
    stream_ = size() / B;
    if (stream_ <= T)
        fail("StreamBatches", at,
             fmt::format("a text of {} characters is too short for {} streams of {} steps and one more", size(), B, T));
    inputs_ = Ids::empty({{T, 'T'}, {B, 'B'}});
    targets_ = Ids::empty({{T, 'T'}, {B, 'B'}});
}

StreamBatches::Batch StreamBatches::next() {
    if (position_ + T_ + 1 > stream_) position_ = 0;
    for (int64_t t = 0; t < T_; t++)
        for (int64_t b = 0; b < B_; b++) {
            const auto from = static_cast<size_t>(b * stream_ + position_ + t);
            inputs_.mutable_data()[t * B_ + b] = text_[from];
            targets_.mutable_data()[t * B_ + b] = text_[from + 1];
        }
    const bool first = position_ == 0;
    position_ += T_;
    return {inputs_, targets_, first};
}

void StreamBatches::set_position(int64_t position, Where at) {
    if (position < 0 || position > stream_ || position % T_ != 0)
        fail("StreamBatches", at,
             fmt::format("position {}: expected a multiple of {} up to {}", position, T_, stream_));
    position_ = position;
}

}  // namespace unroll
