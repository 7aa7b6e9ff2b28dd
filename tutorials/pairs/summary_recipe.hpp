#pragma once
#include "models/summariser.hpp"

/// How build/tutorials/summarise and chapter 09 train on data/debian-summaries.
namespace unroll {

struct SummaryRecipe {
    SummariserOptions summariser = {};
    PairBatchOptions batches = {.sentences = 48};
    Training training = {
        .steps = 2000, .warm_up = 100, .learning_rate = 1.5e-3, .beta2 = 0.999, .max_norm = 2, .validate_every = 250};
    PairColumns columns = {3, 2};                                               // document and summary
    DecodeOptions decode = {.max_length = 20, .beam_width = 4, .exponent = 1};  // log P / (words + 1)
};

}  // namespace unroll
