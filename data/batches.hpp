#pragma once
#include <cstdint>
#include <vector>

#include "core/ids.hpp"

namespace unroll {

/// A number of 64 bits by which to tell texts apart (FNV-1a); `before` that of what stands before them.
uint64_t fingerprint(const std::vector<int32_t>& ids, uint64_t before = 0xcbf29ce484222325);
uint64_t fingerprint(const std::vector<std::vector<int32_t>>& sentences, uint64_t before = 0xcbf29ce484222325);

/// Contiguous streams for truncated BPTT: the text is cut into B pieces of equal length that are read side by side, T
/// tokens at a time, so that the state after one batch is the state before the next. What does not fill a whole batch
/// at the end is left out of this pass; then the streams begin anew.
class StreamBatches {
  public:
    /// The text is copied. Throws Error where it is too short for one batch, B T + 1 tokens.
    StreamBatches(std::vector<int32_t> text, int64_t B, int64_t T, Where at = {});

    struct Batch {
        Ids inputs, targets;  // [T, B]; a target is the token after its input. Overwritten by the next batch.
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

struct PairBatchOptions {
    int64_t sentences = 0;  // the most pairs in a batch; 0 for no limit
    int64_t tokens = 0;     // the most numbers in a batch's targets [T, B], padding among them; 0 for no limit
    int32_t pad = -1, bos = -1, eos = -1;  // a Vocabulary has them
    bool shuffle = true;                   // in training; else by length, the short ones first
    bool by_length = true;                 // false: batches of any lengths, for `sentences` alone
    uint64_t seed = 1;
};

/// Pairs of sentences, source and target, in batches of about equal length: little is padding. (Not by length, a batch
/// is a sample of all pairs, as batch normalisation wants it.) A pass goes over all pairs once. Shuffled, another pass
/// has the batches in another order, and of pairs of the same lengths others side by side; both depend on the seed and
/// the pass alone, so a place in the training is one number.
class PairBatches {
  public:
    /// The ids of each sentence without bos and eos. Throws Error where the two are not equally many, there is none,
    /// a source is empty, neither limit or one of the three ids is not given, pad is eos, or
    /// there is a limit of tokens where batches are not by length. A pair longer than
    /// `tokens` is a batch of its own.
    PairBatches(std::vector<std::vector<int32_t>> sources, std::vector<std::vector<int32_t>> targets,
                const PairBatchOptions& options, Where at = {});

    struct Batch {
        Ids source;                  // [S, B], pad past a sentence's end
        Ids source_lengths;          // [B]
        Ids inputs, targets;         // [T, B]: bos w_1 .. w_n and w_1 .. w_n eos, pad past the end
        Ids target_lengths;          // [B], eos counted
        std::vector<int64_t> pairs;  // which they are, [B]
        int64_t target_tokens;       // that count: the sum of target_lengths
    };
    Batch next();

    int64_t size() const { return static_cast<int64_t>(sources_.size()); }
    int64_t batches() const { return static_cast<int64_t>(begins_.size()) - 1; }  // in one pass
    /// The batches taken so far, in all passes, for checkpoints.
    int64_t position() const { return position_; }
    void set_position(int64_t position, Where at = {});

  private:
    void arrange(int64_t pass);

    std::vector<std::vector<int32_t>> sources_, targets_;
    PairBatchOptions options_;
    std::vector<int> sorted_, order_;  // the pairs by length; the batches in the order of this pass
    std::vector<size_t> begins_;       // of the batches in sorted_, and the end
    int64_t position_ = 0, arranged_ = -1;
};

}  // namespace unroll
