#pragma once
#include <string>
#include <vector>

#include "data/text.hpp"
#include "nn/bleu.hpp"

/// How good translations of data/ui-en-de are.
namespace unroll {

/// English, and all German that there is for it.
struct TranslationTest {
    Lines sources;
    std::vector<Lines> references;  // references[r][s]; a sentence that has fewer has its first again
};
/// PART.tsv and PART.refs.tsv of the folder.
TranslationTest load_translation_test(const std::string& folder, const std::string& part);

/// For each line the most similar of `known` (the first of equals) by Jaccard's measure, |a ∩ b| / |a ∪ b| of the sets
/// of words in small letters.
struct Near {
    double similarity;
    size_t which;
};
std::vector<Near> nearest(const Lines& lines, const Lines& known);

/// BLEU of the sentences whose similarity s to the nearest is low <= s < high.
struct NearnessBand {
    double low, high;
    int64_t sentences;
    double bleu;
};
std::vector<NearnessBand> bleu_by_nearness(const Lines& hypotheses, const TranslationTest& test,
                                           const std::vector<Near>& near);

}  // namespace unroll
