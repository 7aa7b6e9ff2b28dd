#pragma once
#include "models/language_model.hpp"

namespace unroll {

struct SampleOptions {
    int64_t length = 400;    // tokens
    double temperature = 1;  // scores are divided by it; 0 takes the most probable token
    int64_t top_k = 0;       // draw from the k most probable only; 0 for all
    double top_p = 1;        // and of these from the nucleus: the fewest that have this probability together
    int32_t never = -1;      // a token that is not to be drawn, <unk>
};

/// What a token is drawn from, given its scores [V]: softmax(scores / temperature), 0 for all but the top_k and the
/// nucleus (Holtzman et al., "The curious case of neural text degeneration", ICLR 2020), and what is left divided by
/// its sum.
std::vector<double> sampling_distribution(const Tensor& scores, const SampleOptions& options, Where at = {});

/// Continues a prompt of one token or more: each that is drawn is the next input.
std::vector<int32_t> sample(const LanguageModel& model, const std::vector<int32_t>& prompt,
                            const SampleOptions& options, Generator& gen, Where at = {});

}  // namespace unroll
