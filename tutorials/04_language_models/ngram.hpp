#pragma once
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace unroll {

/// What was predicted with before there were networks: counts of what followed the last n-1 tokens, interpolated with
/// shorter contexts by Witten and Bell's rule (IEEE Transactions on Information Theory 37, 1991):
///   p_n(w | c) = (count(c w) + kinds(c) p_{n-1}(w | c')) / (count(c) + kinds(c)),  p_0(w) = 1 / V
/// with kinds(c) the number of different tokens seen after c, and c' the context without its first token.
class NGram {
  public:
    /// Counts the contexts of up to `order` - 1 tokens. They are told apart by hashes of 64 bits.
    NGram(const std::vector<int32_t>& text, int order, int64_t V);
    /// P(w_i | w_{i-n+1} .. w_{i-1}) of token i of a text, by a model of the order n given, 1 to `order`.
    double probability(const std::vector<int32_t>& text, size_t i, int n) const;
    /// The mean of -log P over all tokens of a text but the first, by a model of the order given.
    double nats(const std::vector<int32_t>& text, int n) const;

  private:
    struct Context {
        int64_t count = 0, kinds = 0;
    };
    static uint64_t key(const std::vector<int32_t>& text, size_t end, int length);

    double uniform_;
    std::vector<std::unordered_map<uint64_t, Context>> contexts_;  // by length
    std::vector<std::unordered_map<uint64_t, int32_t>> counts_;    // of context and token
};

}  // namespace unroll
