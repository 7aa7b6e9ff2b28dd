#pragma once
#include <functional>

#include "nn/error_rates.hpp"
#include "tutorials/recogniser/recipe.hpp"

/// Word error rates over ratios of signal to noise.
namespace unroll {

/// Strings with their noise, as the recogniser hears them.
struct HeardStrings {
    std::vector<Tensor> features;
    std::vector<std::vector<int>> digits;
    int64_t words = 0;
};
/// Strings until there are so many digits. The strings depend on the seed, the noise on the seed and the draw.
HeardStrings hear(const DigitRecordings& recordings, const BigramPrior* prior, NoiseKind kind, double decibels,
                  int64_t digits, uint64_t seed, uint64_t draw);
/// Every recording alone.
HeardStrings hear_singles(const DigitRecordings& recordings);

/// log P(class | step) of each, by batches.
std::vector<Tensor> listen(const Recogniser& model, const HeardStrings& strings);

using Decoder = std::function<std::vector<int32_t>(const Tensor& log_probs)>;  // to classes
Decoder greedy();
Decoder searched(const PrefixBeamOptions& options);

/// Of all strings together.
Edits word_errors(const std::vector<Tensor>& log_probs, const HeardStrings& strings, const Decoder& decode);

}  // namespace unroll
