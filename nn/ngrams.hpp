#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "nn/metric_tokens.hpp"

namespace unroll {

/// Counts the n-grams that a hypothesis shares with its references. Kept from segment to segment, it allocates nothing.
class NgramMatcher {
  public:
    /// Adds to matches[n-1], n = 1 .. max_n, the clipped count
    ///
    ///     Σ over the distinct n-grams g of the hypothesis of min(count of g there, largest count of g in a reference)
    ///
    /// That is the number of places in the hypothesis whose n-gram has not come before as often as a reference has it.
    void match(const Tokens& hypothesis, const std::vector<Tokens>& references, int max_n, double* matches);

    /// The length of the longest common subsequence; b has at most 64 tokens.
    int64_t common_subsequence(const Tokens& a, const Tokens& b);

  private:
    struct Slot {
        uint64_t gram;   // 0: free
        uint64_t value;  // how often it may still match, or where in the reference it stands, a bit a place
    };
    void clear(size_t entries);
    Slot& slot(uint64_t gram);
    void note_places(const Tokens& reference);
    void match_short(const Tokens& hypothesis, const Tokens& reference, size_t max_n);
    void match_long(const Tokens& hypothesis, Tokens reference, size_t max_n);

    std::vector<Slot> slots_;
    int shift_ = 0;  // a slot's number is the highest bits of its n-gram
    size_t mask_ = 0;
    Tokens places_, first_places_;
    std::vector<unsigned char> hits_;  // [max_n, length of the hypothesis]: the n-gram that begins there matches
};

/// How many n-grams so many tokens hold.
inline int64_t ngrams(size_t tokens, int n) { return std::max<int64_t>(0, static_cast<int64_t>(tokens) - n + 1); }

}  // namespace unroll
