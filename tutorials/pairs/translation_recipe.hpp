#pragma once
#include <fmt/format.h>

#include <string>
#include <utility>
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
    r.training = {.steps = tiny ? 1500 : 18000, .label_smoothing = 0.1, .validate_every = tiny ? 500 : 1000};
    return r;
}

/// What chapters 06 and 09 compare.
struct ComparedDecoder {
    std::string name, key;
    DecoderKind decoder;
    Score score = Score::dot;
    bool input_feeding = false;
};
inline std::vector<ComparedDecoder> compared_decoders() {
    std::vector<ComparedDecoder> all = {{"fixed vector", "fixed", DecoderKind::fixed}};
    for (const auto& [score, name] :
         {std::pair{Score::dot, "dot"}, std::pair{Score::general, "general"}, std::pair{Score::concat, "concat"}}) {
        all.push_back({fmt::format("book's, {}", name), fmt::format("book_{}", name), DecoderKind::book, score});
        all.push_back({fmt::format("Luong's, {}", name), fmt::format("luong_{}", name), DecoderKind::luong, score});
    }
    all.push_back({"Luong's, general, input feeding", "luong_feeding", DecoderKind::luong, Score::general, true});
    return all;
}

/// A recipe's model with one of them. The encoder's states are as long as the decoder's and alone in the memory, as dot
/// needs.
inline Seq2SeqOptions with_decoder(Seq2SeqOptions model, const ComparedDecoder& d) {
    model.encoder_size = model.hidden_size / 2;
    model.memory_embedding = false;
    model.decoder = d.decoder, model.score = d.score, model.input_feeding = d.input_feeding;
    return model;
}

}  // namespace unroll
