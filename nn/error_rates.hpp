#pragma once
#include <string>
#include <vector>

#include "core/error.hpp"
#include "nn/metric_tokens.hpp"

namespace unroll {

/// exp of the mean negative log-likelihood of tokens, over batches of any sizes: a batch counts with its tokens, not as
/// one of so many batches.
class Perplexity {
  public:
    /// Of a batch: the mean in nats, and over how many tokens (those that count: no padding). Throws Error where
    /// tokens is negative.
    void add(double mean_nats, int64_t tokens, Where at = {});
    int64_t tokens() const { return tokens_; }
    double nats() const;   // a token; NaN before there is one
    double value() const;  // e^nats

  private:
    double sum_ = 0;
    int64_t tokens_ = 0;
};

/// The share of hypotheses that are the very same text as a reference; references[r][s] is reference r of segment s.
double exact_match(const std::vector<std::string>& hypotheses, const std::vector<std::vector<std::string>>& references,
                   Where at = {});

/// The fewest single changes that make the reference of the hypothesis (Levenshtein 1966). Over words, (S + I + D) /
/// length is the word error rate, over characters the character error rate.
struct Edits {
    int64_t substitutions = 0, insertions = 0, deletions = 0;
    int64_t length = 0;  // of the reference

    int64_t errors() const { return substitutions + insertions + deletions; }
    double rate() const;  // errors / length; 0 where both are 0, else infinite where length is
    Edits& operator+=(const Edits& other);
};
/// An insertion is a token of the hypothesis that the reference has not. Of several shortest ways, the one with the
/// most substitutions.
Edits edit_distance(const Tokens& hypothesis, const Tokens& reference);

}  // namespace unroll
