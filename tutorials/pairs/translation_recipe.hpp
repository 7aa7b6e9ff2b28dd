#pragma once
#include <string>
#include <vector>

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

/// The models that chapter 09 compares: without attention; the book's decoder; Luong's with each score; and with input
/// feeding.
inline std::vector<std::string> compared_decoders() {
    return {"fixed", "book-general", "dot", "general", "concat", "feeding"};
}

/// One of them: the recipe's sizes, but encoder states as long as the decoder's and alone in the memory, as dot needs.
inline Seq2SeqOptions compared_model(Seq2SeqOptions model, const std::string& name) {
    model.encoder_size = model.hidden_size / 2;
    model.memory_embedding = false;
    model.decoder = name == "fixed"          ? DecoderKind::fixed
                    : name == "book-general" ? DecoderKind::book
                                             : DecoderKind::luong;
    model.score = name == "dot" ? Score::dot : name == "concat" ? Score::concat : Score::general;
    model.input_feeding = name == "feeding";
    return model;
}

}  // namespace unroll
