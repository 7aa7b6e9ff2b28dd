#include "data/bpe.hpp"

#include <cstdio>

#include "core/file.hpp"
#include "data/tokens.hpp"
#include "data/utf8.hpp"
#include "data/vocabulary.hpp"

namespace unroll {
namespace {

const std::string space_mark = "\u2581";

const std::string title = "byte-pair encoding: characters, then pairs in the order they are merged", end_mark = "end";

std::string byte_piece(int byte) { return fmt::format("<0x{:02X}>", byte); }

/// The words that merges stay within, each as its characters; "" is a ▁ of the text's own, which only bytes can tell
/// from a space.
std::vector<std::vector<std::string>> words_of(std::string_view text) {
    std::vector<std::vector<std::string>> words = {{space_mark}};
    bool letters = false, space = true;  // what the last word ends with
    constexpr size_t longest = 200;      // characters: encoding takes their square
    for (char32_t c : decode_utf8(text, "the text", true)) {
        const bool goes_on = words.back().size() < longest && (is_letter(c) ? letters || space : space && !is_space(c));
        if (!goes_on) words.emplace_back();
        words.back().push_back(c == ' ' ? space_mark : c == 0x2581 ? "" : encode_utf8(c));
        letters = is_letter(c);
        space = c == ' ';
    }
    return words;
}

/// a b becomes ab wherever it stands.
template <class Piece>
void join(std::vector<Piece>& word, const Piece& a, const Piece& b, const Piece& ab) {
    size_t n = 0;
    for (size_t i = 0; i < word.size(); i++, n++)
        if (i + 1 < word.size() && word[i] == a && word[i + 1] == b)
            word[n] = ab, i++;
        else if (n != i)
            word[n] = std::move(word[i]);
    word.resize(n);
}

/// The words of a text in pieces, which have numbers here, and how often each pair of pieces occurs.
class Learner {
  public:
    explicit Learner(const std::vector<std::string>& texts) {
        std::map<std::vector<std::string>, int64_t> counted;
        for (const std::string& text : texts)
            for (std::vector<std::string>& word : words_of(text)) counted[std::move(word)]++;
        std::map<std::string, int> numbers;
        for (const auto& [characters, count] : counted) {
            words_.push_back({{}, count});
            for (const std::string& c : characters) {
                const auto [number, fresh] = numbers.emplace(c, static_cast<int>(names_.size()));
                if (fresh) names_.push_back(c);
                words_.back().pieces.push_back(number->second);
            }
        }
        characters_ = names_;
        std::map<Pair, int64_t> counts;
        for (size_t w = 0; w < words_.size(); w++) count(w, 1, counts);
        update(counts);
    }

    const std::vector<std::string>& characters() const { return characters_; }

    /// Merges the pair that occurs most often; false where none occurs twice.
    bool step(std::pair<std::string, std::string>& merged) {
        if (order_.empty() || order_.begin()->count < 2) return false;
        const Pair pair = order_.begin()->pair;
        merged = {names_[static_cast<size_t>(pair.first)], names_[static_cast<size_t>(pair.second)]};
        const int both = static_cast<int>(names_.size());
        names_.push_back(merged.first + merged.second);
        std::map<Pair, int64_t> changes;
        const std::set<size_t> places = std::move(pairs_[pair].words);
        for (size_t w : places) {
            count(w, -1, changes);
            join(words_[w].pieces, pair.first, pair.second, both);
            count(w, 1, changes);
        }
        update(changes);
        return true;
    }

  private:
    using Pair = std::pair<int, int>;
    struct Word {
        std::vector<int> pieces;
        int64_t count;
    };
    struct Entry {
        int64_t count = 0;
        std::set<size_t> words = {};  // in which it occurs, or did before a merge
    };
    struct Ranked {
        int64_t count;
        std::string first, second;
        Pair pair;
        bool operator<(const Ranked& r) const {
            return count != r.count ? count > r.count : std::tie(first, second) < std::tie(r.first, r.second);
        }
    };

    void count(size_t w, int64_t sign, std::map<Pair, int64_t>& changes) {
        const std::vector<int>& p = words_[w].pieces;
        for (size_t i = 1; i < p.size(); i++) {
            const Pair pair = {p[i - 1], p[i]};
            if (name(pair.first).empty() || name(pair.second).empty()) continue;
            changes[pair] += sign * words_[w].count;
            if (sign > 0) pairs_[pair].words.insert(w);
        }
    }
    void update(const std::map<Pair, int64_t>& changes) {
        for (const auto& [pair, change] : changes) {
            if (change == 0) continue;
            int64_t& count = pairs_[pair].count;
            order_.erase({count, name(pair.first), name(pair.second), pair});
            count += change;
            if (count > 0)
                order_.insert({count, name(pair.first), name(pair.second), pair});
            else
                pairs_.erase(pair);
        }
    }
    const std::string& name(int piece) const { return names_[static_cast<size_t>(piece)]; }

    std::vector<Word> words_;
    std::vector<std::string> names_, characters_;
    std::map<Pair, Entry> pairs_;
    std::set<Ranked> order_;
};

}  // namespace

void Bpe::merge(const Pair& pair) {
    rank_.emplace(pair, merges());
    merged_.push_back(pair);
    known_.insert(pair.first + pair.second);
}

Bpe Bpe::learn(const std::vector<std::string>& texts, int64_t merges, Where at) {
    if (merges < 0) fail("Bpe::learn", at, "merges {}: expected 0 or more", merges);
    Learner learner(texts);
    Bpe bpe;
    for (const std::string& c : learner.characters())
        if (!c.empty()) bpe.characters_.insert(c);
    if (bpe.characters_.size() < 2) fail("Bpe::learn", at, "no characters to learn from in {} texts", texts.size());
    bpe.known_ = bpe.characters_;
    Pair pair;
    while (bpe.merges() < merges && learner.step(pair)) bpe.merge(pair);
    return bpe;
}

std::vector<std::string> Bpe::encode(std::string_view text) const {
    std::vector<std::string> all;
    if (text.empty()) return all;
    for (std::vector<std::string>& word : words_of(text)) {
        for (;;) {  // of the pairs here the one that was learnt first
            auto first = rank_.end();
            for (size_t i = 1; i < word.size(); i++) {
                const auto found = rank_.find({word[i - 1], word[i]});
                if (found != rank_.end() && (first == rank_.end() || found->second < first->second)) first = found;
            }
            if (first == rank_.end()) break;
            join(word, first->first.first, first->first.second, first->first.first + first->first.second);
        }
        for (std::string& piece : word)
            if (known_.count(piece) > 0)
                all.push_back(std::move(piece));
            else
                for (char byte : piece.empty() ? space_mark : piece)
                    all.push_back(byte_piece(static_cast<unsigned char>(byte)));
    }
    return all;
}

std::string Bpe::decode(const std::vector<std::string>& pieces) const {
    std::string text;
    for (const std::string& piece : pieces) {
        int byte = 0;
        if (std::sscanf(piece.c_str(), "<0x%2X>", reinterpret_cast<unsigned*>(&byte)) == 1 &&
            piece == byte_piece(byte)) {
            text += static_cast<char>(byte);
            continue;
        }
        for (size_t i = 0; i < piece.size();) {
            const bool mark = piece.compare(i, space_mark.size(), space_mark) == 0;
            text += mark ? ' ' : piece[i];
            i += mark ? space_mark.size() : 1;
        }
    }
    return !text.empty() && text[0] == ' ' ? text.substr(1) : text;
}

std::vector<std::string> Bpe::pieces() const {
    std::vector<std::string> all(characters_.begin(), characters_.end());
    std::set<std::string> twice;  // two pairs may make the same piece
    for (const auto& [a, b] : merged_)
        if (twice.insert(a + b).second) all.push_back(a + b);
    for (int byte = 0; byte < 256; byte++) all.push_back(byte_piece(byte));
    return all;
}

void Bpe::save(const std::string& path) const {
    std::string text = title + "\n";
    for (const std::string& c : characters_) text += escape(c) + " ";
    text.back() = '\n';
    for (const auto& [a, b] : merged_) text += escape(a) + " " + escape(b) + "\n";
    text += end_mark + "\n";
    write_file_atomically(path, {text});
}

Bpe Bpe::load(const std::string& path) {
    const std::vector<std::string> lines = read_lines(path);
    if (lines.empty() || lines[0] != title) throw Error("{}: line 1: expected \"{}\"", path, title);
    if (lines.size() < 3 || lines.back() != end_mark)
        throw Error("{}: does not end with the line \"{}\": not all of it is there", path, end_mark);
    Bpe bpe;
    for (const std::string& c : whitespace_words(lines[1])) bpe.characters_.insert(unescape(c, path, 2));
    if (bpe.characters_.count(space_mark) == 0) throw Error("{}: line 2: without {}", path, space_mark);
    bpe.known_ = bpe.characters_;
    for (size_t i = 2; i + 1 < lines.size(); i++) {
        std::vector<std::string> pair = whitespace_words(lines[i]);
        for (std::string& piece : pair) piece = unescape(piece, path, i + 1);
        if (pair.size() != 2 || bpe.known_.count(pair[0]) == 0 || bpe.known_.count(pair[1]) == 0)
            throw Error("{}: line {}: {} is no pair of pieces that are known by then", path, i + 1,
                        in_quotes(lines[i]));
        bpe.merge({pair[0], pair[1]});
    }
    return bpe;
}

}  // namespace unroll
