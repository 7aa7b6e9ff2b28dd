#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.hpp"

namespace unroll {

/// The characters of UTF-8 text, as code points. A byte order mark at the beginning is skipped, a carriage return
/// before a line feed left out. Throws Error with name, line and byte where the bytes are not UTF-8 (overlong forms and
/// surrogates included).
std::vector<char32_t> decode_utf8(std::string_view bytes, const std::string& name);
std::string encode_utf8(char32_t character);

/// Text to learn from, to choose by, and to judge with.
struct TextCorpus {
    std::string name;  // of the folder or file
    std::vector<char32_t> train, valid, test;
};

/// Reads train.txt, valid.txt and test.txt of a folder, or one file of the reader's own, whose last tenth is set aside:
/// 90 % train, 5 % valid, 5 % test, in that order. Throws Error where a part would have fewer than two characters.
TextCorpus load_text(const std::string& path);

/// Numbers for characters 0 .. V-1 in the order of their code points. One more, `unknown`, stands for all others.
class CharVocabulary {
  public:
    CharVocabulary() = default;
    explicit CharVocabulary(const std::vector<char32_t>& text);
    /// From the characters that characters() gave, as a checkpoint keeps them.
    static CharVocabulary from(const std::string& characters);

    /// How many numbers there are, unknown among them.
    int64_t size() const { return static_cast<int64_t>(characters_.size()) + 1; }
    int32_t unknown() const { return static_cast<int32_t>(characters_.size()); }
    std::vector<int32_t> encode(const std::vector<char32_t>& text) const;
    std::vector<int32_t> encode(std::string_view utf8) const { return encode(decode_utf8(utf8, "the text")); }
    /// unknown becomes U+FFFD, the replacement character.
    std::string decode(const std::vector<int32_t>& ids) const;
    /// All known characters as UTF-8.
    std::string characters() const;

  private:
    std::vector<char32_t> characters_;  // sorted
};

/// Contiguous streams for truncated BPTT: the text is cut into B pieces of equal length that are read side by side, T
/// characters at a time, so that the state after one batch is the state before the next. What does not fill a whole
/// batch at the end is left out of this pass; then the streams begin anew.
class StreamBatches {
  public:
    /// The text is copied. Throws Error where it is too short for one batch, B T + 1 characters.
    StreamBatches(std::vector<int32_t> text, int64_t B, int64_t T, Where at = {});

    struct Batch {
        Ids inputs, targets;  // [T, B]; a target is the character after its input. Overwritten by the next batch.
        bool first;           // the streams begin: the state carried so far belongs to other text
    };
    Batch next();

    int64_t size() const { return static_cast<int64_t>(text_.size()); }
    int64_t batches() const { return (stream_ - 1) / T_; }  // in one pass over the text
    /// The place of the next batch, for checkpoints.
    int64_t position() const { return position_; }
    void set_position(int64_t position, Where at = {});

  private:
    std::vector<int32_t> text_;
    int64_t B_, T_, stream_, position_ = 0;
    Ids inputs_, targets_;
};

}  // namespace unroll
