#pragma once
#include <string>

#include "models/translator.hpp"

/// How build/tutorials/translate and chapter 09 train.
namespace unroll {

/// What goes with a set of data/.
struct TranslationRecipe {
    PairColumns columns;
    TranslatorOptions translator;
    PairBatchOptions batches;
    Training training;
};

/// Of ui-en-de: 20 minutes on 2 cores. Of cldr-names: less than one.
inline TranslationRecipe translation_recipe(const std::string& set) {
    const bool tiny = set == "cldr-names";
    TranslationRecipe r;
    r.columns = tiny ? PairColumns{1, 2} : set == "ui-en-de" ? PairColumns{2, 3} : PairColumns{0, 1};
    const int64_t size = tiny ? 128 : 256;
    r.translator = {.source_merges = tiny ? 1000 : 8000, .target_merges = tiny ? 1000 : 8000};
    r.translator.model = {.embedding_size = size,
                          .encoder_size = size * 3 / 4,
                          .bidirectional = true,
                          .hidden_size = size,
                          .score = Score::general,
                          .input_feeding = true,
                          .memory_embedding = true,
                          .source_forms = 4,
                          .tied = true,
                          .dropout = 0.3};
    r.batches = {.tokens = tiny ? 400 : 450};
    r.training = {.steps = tiny ? 1500 : 18000, .validate_every = tiny ? 500 : 1000};
    return r;
}

}  // namespace unroll
