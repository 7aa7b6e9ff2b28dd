#include "data/text.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

#include "core/file.hpp"

namespace unroll {
namespace {

constexpr std::array<const char*, 3> parts = {"train", "valid", "test"}, purposes = {"train", "validate", "test"};

bool is_folder(const std::string& path) {
    std::error_code unreadable;  // read_file says it better
    return std::filesystem::is_directory(path, unreadable);
}

bool exists(const std::string& path) {
    std::error_code unreadable;
    return std::filesystem::exists(path, unreadable);
}

std::string in(const std::string& folder, const std::string& name) {
    return (std::filesystem::path(folder) / name).string();
}

/// The text of the three parts: of a folder's files of one of these names, or of one file, then perhaps in whole lines.
TextCorpus read(const std::string& path, const std::vector<std::pair<const char*, const char*>>& names,
                bool whole_lines = false) {
    TextCorpus corpus{.name = path, .train = {}, .valid = {}, .test = {}};
    const std::array<std::vector<char32_t>*, 3> texts = {&corpus.train, &corpus.valid, &corpus.test};
    if (is_folder(path)) {
        const auto found = std::find_if(names.begin(), names.end(), [&](const auto& name) {
            return exists(in(path, std::string(name.first) + "train" + name.second));
        });
        const auto& [before, behind] = found == names.end() ? names[0] : *found;
        for (size_t i = 0; i < parts.size(); i++) {
            const std::string file = in(path, std::string(before) + parts[i] + behind);
            *texts[i] = decode_utf8(read_file(file), file);
        }
    } else {
        const std::vector<char32_t> all = decode_utf8(read_file(path), path);
        const auto at = [&](size_t percent) {
            const auto place = all.begin() + static_cast<std::ptrdiff_t>(all.size() * percent / 100);
            if (!whole_lines) return place;
            auto end = std::find(place, all.end(), U'\n');
            if (end == all.end()) end = std::find_if(place, all.end(), is_space);
            return end == all.end() ? end : end + 1;
        };
        corpus.train.assign(all.begin(), at(90));
        corpus.valid.assign(at(90), at(95));
        corpus.test.assign(at(95), all.end());
    }
    return corpus;
}

void check_size(const std::string& path, size_t part, size_t size, const char* what) {
    if (size < 2)
        throw Error("{}: the part to {} with has {} {}, at least 2 are needed", path, purposes[part], size, what);
}

/// The words of a text, <eos> behind every line; a line feed at the very end begins no line.
std::vector<std::string> words_of(const std::vector<char32_t>& text, const TokenOptions& options) {
    std::vector<std::string> words;
    for (auto begin = text.begin(); begin != text.end();) {
        const auto end = std::find(begin, text.end(), U'\n');
        const std::string line = encode_utf8(std::vector<char32_t>(begin, end));
        for (std::string& word : options.tokenizer(options.lower ? to_lower(line) : line))
            words.push_back(std::move(word));
        words.push_back("<eos>");
        begin = end == text.end() ? end : end + 1;
    }
    return words;
}

std::vector<int32_t> load_u16(const std::string& path, int64_t V) {
    const std::string bytes = read_file(path);
    if (bytes.size() % 2 != 0) throw Error("{}: has {} bytes, expected 2 for every word", path, bytes.size());
    std::vector<int32_t> ids;
    for (size_t i = 0; i < bytes.size(); i += 2) {
        ids.push_back(static_cast<unsigned char>(bytes[i]) | static_cast<unsigned char>(bytes[i + 1]) << 8);
        if (ids.back() >= V) throw Error("{}: word {} is {}, and vocab.txt has {} words", path, i / 2, ids.back(), V);
    }
    return ids;
}

}  // namespace

TextCorpus load_text(const std::string& path) {
    TextCorpus corpus = read(path, {{"", ".txt"}});
    check_size(path, 0, corpus.train.size(), "characters");
    check_size(path, 1, corpus.valid.size(), "characters");
    check_size(path, 2, corpus.test.size(), "characters");
    return corpus;
}

TokenCorpus load_tokens(const std::string& path, const TokenOptions& options) {
    TokenCorpus corpus;
    const std::array<std::vector<int32_t>*, 3> ids = {&corpus.train, &corpus.valid, &corpus.test};
    if (is_folder(path) && exists(in(path, "train.u16"))) {
        const std::string words = in(path, "vocab.txt");
        try {
            corpus.vocabulary = Vocabulary(read_lines(words));
        } catch (const Error& error) {
            throw Error("{}: {}", words, error.what());
        }
        for (size_t i = 0; i < parts.size(); i++)
            *ids[i] = load_u16(in(path, std::string(parts[i]) + ".u16"), corpus.vocabulary.size());
    } else {
        const TextCorpus text = read(path, {{"", ".txt"}, {"wiki.", ".tokens"}, {"ptb.", ".txt"}}, true);
        const std::vector<std::string> train = words_of(text.train, options);
        check_size(path, 0, train.size(), "words and line ends");
        corpus.vocabulary = Vocabulary::of_tokens(train, options.vocabulary);
        corpus.train = corpus.vocabulary.encode(train);
        corpus.valid = corpus.vocabulary.encode(words_of(text.valid, options));
        corpus.test = corpus.vocabulary.encode(words_of(text.test, options));
    }
    for (size_t i = 0; i < parts.size(); i++) check_size(path, i, ids[i]->size(), "words and line ends");
    return corpus;
}

std::vector<std::vector<std::string>> load_table(const std::string& path, size_t least) {
    std::vector<std::vector<std::string>> rows;
    for (const std::string& line : read_lines(path)) {
        std::vector<std::string>& row = rows.emplace_back();
        for (size_t begin = 0; begin != std::string::npos;) {
            const size_t tab = line.find('\t', begin);
            row.push_back(line.substr(begin, tab == std::string::npos ? tab : tab - begin));
            begin = tab == std::string::npos ? tab : tab + 1;
        }
        if (row.size() < least)
            throw Error("{}: line {}: {} of the {} fields that tabs separate", path, rows.size(), row.size(), least);
        for (size_t i = 0; i < least; i++)
            if (row[i].empty()) throw Error("{}: line {}: field {} is empty", path, rows.size(), i + 1);
    }
    if (rows.empty()) throw Error("{}: is empty, expected lines of {} fields with tabs in between", path, least);
    return rows;
}

std::vector<TextPair> load_pairs(const std::string& path, const PairColumns& columns) {
    std::vector<TextPair> pairs;
    for (std::vector<std::string>& row : load_table(path, std::max(columns.source, columns.target) + 1))
        pairs.push_back({row[columns.source], row[columns.target]});
    return pairs;
}

}  // namespace unroll
