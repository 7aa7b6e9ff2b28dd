#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.hpp"

namespace unroll {

/// Byte-pair encoding: words in pieces, the frequent ones whole (Sennrich, Haddow and Birch, "Neural machine
/// translation of rare words with subword units", ACL 2016). Learnt from text: beginning with characters, the pair of
/// pieces that occurs most often is merged into one, again and again. Encoding merges in the order learnt.
///
/// Merges stay within a word: a run of at most 200 letters, or any other single character, with the space before it,
/// which is written ▁ (U+2581): "Sie haben 12." is ▁Sie ▁haben ▁1 2 . and the text is taken to begin with a space of
/// its own. Characters that were not in the text learnt from are pieces of their bytes, <0xE2>. So decode(encode(s)) is
/// s for whatever UTF-8 text.
class Bpe {
  public:
    Bpe() = default;
    /// Learns at most so many merges from the texts (lines, sentences), fewer where no pair occurs twice. Of pairs that
    /// occur equally often the first in the order of their bytes is merged. Throws Error for texts without characters.
    static Bpe learn(const std::vector<std::string>& texts, int64_t merges, Where at = {});

    std::vector<std::string> encode(std::string_view text) const;
    std::string decode(const std::vector<std::string>& pieces) const;

    /// All pieces that encode can give: the characters, the merged pieces in the order learnt, the 256 bytes.
    std::vector<std::string> pieces() const;
    int64_t merges() const { return static_cast<int64_t>(merged_.size()); }

    /// A text file: a title, the characters, a pair on every line, and an end. load throws Error where the file is
    /// none, or not all of one.
    void save(const std::string& path) const;
    static Bpe load(const std::string& path);

  private:
    using Pair = std::pair<std::string, std::string>;
    void merge(const Pair& pair);

    std::set<std::string> characters_;  // that are pieces, ▁ among them
    std::vector<Pair> merged_;
    std::map<Pair, int64_t> rank_;  // place in merged_
    std::set<std::string> known_;   // characters and merged pieces
};

}  // namespace unroll
