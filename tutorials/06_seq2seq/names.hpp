#pragma once
#include <string>
#include <vector>

#include "models/translator.hpp"

namespace unroll {

/// data/cldr-names, English to German.
struct Names {
    std::vector<TextPair> train, valid, test, test_new;
};
Names load_names(const std::string& data);

/// The share of pairs whose translation is the target, letter for letter.
double exact(const Translator& translator, const std::vector<TextPair>& pairs, const DecodeOptions& options);

}  // namespace unroll
