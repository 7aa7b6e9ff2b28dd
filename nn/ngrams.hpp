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
    void match(const Tokens& hypothesis, const std::vector<Tokens>& references, int max_n, double* matches);

  private:
    struct Slot {
        uint64_t gram;  // 0: free
        int32_t left;   // the largest count in a reference, less what the hypothesis has used up
        int32_t here;   // the count in the reference that is being read
    };
    Slot& slot(uint64_t gram);

    std::vector<Slot> slots_;
    std::vector<Tokens> grams_;  // of the hypothesis and of each reference: the n-gram that begins at each token
    int shift_ = 0;     // a slot's number is the highest bits of its n-gram
    size_t mask_ = 0;
};

/// How many n-grams so many tokens hold.
inline int64_t ngrams(size_t tokens, int n) { return std::max<int64_t>(0, static_cast<int64_t>(tokens) - n + 1); }

}  // namespace unroll
