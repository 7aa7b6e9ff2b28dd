#include "data/vocabulary.hpp"

#include <algorithm>
#include <utility>

#include "core/file.hpp"
#include "data/utf8.hpp"

namespace unroll {

Vocabulary::Vocabulary(std::vector<std::string> tokens, Where at) : tokens_(std::move(tokens)) {
    for (size_t i = 0; i < tokens_.size(); i++) {
        if (tokens_[i].empty()) fail("Vocabulary", at, "token {} is empty", i);
        const auto [first, fresh] = ids_.emplace(tokens_[i], static_cast<int32_t>(i));
        if (!fresh)
            fail("Vocabulary", at, "token {}, {}, is token {} already", i, in_quotes(tokens_[i]), first->second);
    }
    pad_ = find("<pad>");
    bos_ = find("<bos>");
    eos_ = find("<eos>");
    unk_ = find("<unk>");
}

Vocabulary Vocabulary::of_characters(const std::vector<char32_t>& text) {
    std::vector<char32_t> sorted = text;
    std::sort(sorted.begin(), sorted.end());
    sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
    std::vector<std::string> tokens;
    for (char32_t c : sorted) tokens.push_back(encode_utf8(c));
    tokens.push_back("<unk>");
    return Vocabulary(std::move(tokens));
}

Vocabulary Vocabulary::of_tokens(const std::vector<std::string>& text, const VocabularyOptions& options, Where at) {
    if (text.empty()) fail("Vocabulary::of_tokens", at, "the text is empty: there is nothing to number");
    if (options.min_count < 1 || options.max_size < 0)
        fail("Vocabulary::of_tokens", at, "min_count {}, max_size {}: expected 1 or more, and 0 or more",
             options.min_count, options.max_size);
    std::unordered_map<std::string, int64_t> counts;
    for (const std::string& token : text) counts[token]++;
    for (const std::string& name : options.special) counts.erase(name);
    std::vector<std::pair<std::string, int64_t>> words;
    for (const auto& word : counts)
        if (word.second >= options.min_count) words.push_back(word);
    std::sort(words.begin(), words.end(), [](const auto& a, const auto& b) {
        return a.second != b.second ? a.second > b.second : a.first < b.first;
    });
    const auto room = options.max_size - static_cast<int64_t>(options.special.size());
    if (options.max_size > 0 && room < 0)
        fail("Vocabulary::of_tokens", at, "max_size {} has no room for {} special tokens", options.max_size,
             options.special.size());
    if (options.max_size > 0 && static_cast<int64_t>(words.size()) > room) words.resize(static_cast<size_t>(room));
    std::vector<std::string> tokens;
    for (auto& word : words) tokens.push_back(std::move(word.first));
    tokens.insert(options.special_first ? tokens.begin() : tokens.end(), options.special.begin(),
                  options.special.end());
    return Vocabulary(std::move(tokens), at);
}

int32_t Vocabulary::find(std::string_view token) const {
    const auto found = ids_.find(std::string(token));
    return found == ids_.end() ? -1 : found->second;
}

const std::string& Vocabulary::token(int32_t id, Where at) const {
    if (id < 0 || id >= size()) fail("Vocabulary", at, "id {} of {} tokens", id, size());
    return tokens_[static_cast<size_t>(id)];
}

int32_t Vocabulary::id(std::string_view token, Where at) const {
    const int32_t id = find(token), known = id >= 0 ? id : unk_;
    if (known < 0)
        fail("Vocabulary", at, "{} is none of the {} tokens, and there is no <unk>", in_quotes(std::string(token)),
             size());
    return known;
}

std::vector<int32_t> Vocabulary::encode(const std::vector<std::string>& tokens, Where at) const {
    std::vector<int32_t> ids;
    ids.reserve(tokens.size());
    for (const std::string& token : tokens) ids.push_back(id(token, at));
    return ids;
}

std::vector<int32_t> Vocabulary::encode(const std::vector<char32_t>& text, Where at) const {
    std::vector<int32_t> ids;
    ids.reserve(text.size());
    for (char32_t c : text) ids.push_back(id(encode_utf8(c), at));
    return ids;
}

std::vector<std::string> Vocabulary::decode(const std::vector<int32_t>& ids, Where at) const {
    std::vector<std::string> tokens;
    for (int32_t id : ids) tokens.push_back(token(id, at));
    return tokens;
}

std::string Vocabulary::text(const std::vector<int32_t>& ids, Where at) const {
    std::string text;
    for (int32_t id : ids) text += id == unk_ && id >= 0 ? encode_utf8(0xFFFD) : token(id, at);
    return text;
}

// Lines that no token has: it would be without white space.
static const std::string title = "vocabulary: a token on every line", end_mark = "end of the vocabulary";

void Vocabulary::save(const std::string& path) const {
    std::string lines = title + "\n";
    for (const std::string& token : tokens_) lines += escape(token) + "\n";
    write_file_atomically(path, {lines, end_mark, "\n"});
}

Vocabulary Vocabulary::load(const std::string& path) {
    std::vector<std::string> tokens = read_lines(path);
    if (tokens.empty() || tokens[0] != title) throw Error("{}: line 1: expected \"{}\"", path, title);
    if (tokens.back() != end_mark)
        throw Error("{}: does not end with the line \"{}\": not all of it is there", path, end_mark);
    tokens.erase(tokens.begin());
    tokens.pop_back();
    for (size_t i = 0; i < tokens.size(); i++) {
        if (tokens[i].empty()) throw Error("{}: line {}: is empty, expected a token", path, i + 2);
        tokens[i] = unescape(tokens[i], path, i + 2);
    }
    try {
        return Vocabulary(std::move(tokens));
    } catch (const Error& error) {
        throw Error("{}: {}", path, error.what());
    }
}

// What is written with a backslash, and the letter behind it.
static constexpr std::string_view escaped = " \n\t\r\f\v\\", letters = "sntrfv\\";

std::string escape(std::string_view token) {
    std::string line;
    for (char c : token) {
        const size_t i = escaped.find(c);
        line += i == std::string_view::npos ? std::string{c} : std::string{'\\', letters[i]};
    }
    return line;
}

std::string unescape(std::string_view written, const std::string& path, size_t line) {
    std::string token;
    for (size_t i = 0; i < written.size(); i++) {
        if (written[i] != '\\') {
            token += written[i];
            continue;
        }
        const size_t k = ++i < written.size() ? letters.find(written[i]) : std::string_view::npos;
        if (k == std::string_view::npos)
            throw Error("{}: line {}: a backslash with none of the letters {} behind it", path, line, letters);
        token += escaped[k];
    }
    return token;
}

}  // namespace unroll
