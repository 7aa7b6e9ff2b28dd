#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/error.hpp"

namespace unroll {

struct VocabularyOptions {
    int64_t min_count = 1;  // tokens seen less often are left out
    int64_t max_size = 0;   // at most so many, the special ones among them; 0 for no limit
    std::vector<std::string> special = {"<pad>", "<bos>", "<eos>", "<unk>"};
    bool special_first = false;  // 0, 1, .. are theirs, else the last ids
};

/// Numbers 0 .. V-1 for tokens: characters, words or pieces of words. Four of them are special wherever they stand,
/// known by how they are written: <pad> fills up batches, <bos> and <eos> begin and end a sentence, <unk> stands for
/// all tokens that are not here. A vocabulary need not have them.
class Vocabulary {
  public:
    Vocabulary() = default;
    /// The tokens in this order. Throws Error where one comes twice or is empty.
    explicit Vocabulary(std::vector<std::string> tokens, Where at = {});
    /// The different characters of a text in the order of their code points, then <unk>.
    static Vocabulary of_characters(const std::vector<char32_t>& text);
    /// The different tokens of a text, the most frequent first and equally frequent ones in the order of their bytes;
    /// behind or before them the special ones, which count no more where the text has them. Throws Error for an empty
    /// text, or where max_size leaves no room for these.
    static Vocabulary of_tokens(const std::vector<std::string>& text, const VocabularyOptions& options = {},
                                Where at = {});

    int64_t size() const { return static_cast<int64_t>(tokens_.size()); }
    const std::vector<std::string>& tokens() const { return tokens_; }
    /// Throws Error for an id that is none.
    const std::string& token(int32_t id, Where at = {}) const;
    bool has(std::string_view token) const { return find(token) >= 0; }
    /// Unknown tokens get unk(). Throws Error, naming the token, where there is none.
    int32_t id(std::string_view token, Where at = {}) const;
    /// -1 where there is none.
    int32_t pad() const { return pad_; }
    int32_t bos() const { return bos_; }
    int32_t eos() const { return eos_; }
    int32_t unk() const { return unk_; }

    std::vector<int32_t> encode(const std::vector<std::string>& tokens, Where at = {}) const;
    /// Character by character.
    std::vector<int32_t> encode(const std::vector<char32_t>& text, Where at = {}) const;
    std::vector<std::string> decode(const std::vector<int32_t>& ids, Where at = {}) const;
    /// The same for a vocabulary of characters, as text; <unk> becomes U+FFFD, the replacement character.
    std::string text(const std::vector<int32_t>& ids, Where at = {}) const;

    /// One token a line, escaped, between a title and an end. load throws Error where the file is none, or not all of
    /// it.
    void save(const std::string& path) const;
    static Vocabulary load(const std::string& path);

  private:
    int32_t find(std::string_view token) const;

    std::vector<std::string> tokens_;
    std::unordered_map<std::string, int32_t> ids_;
    int32_t pad_ = -1, bos_ = -1, eos_ = -1, unk_ = -1;
};

/// A token without white space, for a line of a file: \n for a line feed, \s for a space, \t, \r, \f, \v, and \\ for a
/// backslash. unescape throws Error("PATH: line N: ..") for another letter behind a backslash.
std::string escape(std::string_view token);
std::string unescape(std::string_view written, const std::string& path, size_t line);

}  // namespace unroll
