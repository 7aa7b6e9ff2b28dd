#pragma once
#include <string>
#include <vector>

#include "data/text.hpp"
#include "nn/bleu.hpp"

/// How good translations are.
namespace unroll {

struct TranslationTest {
    Lines sources;
    std::vector<Lines> references;  // references[r][s]; a sentence that has fewer has its first again
};
/// Of a file X.tsv; where there is an X.refs.tsv, a row a sentence (its id, then every translation), also these.
TranslationTest load_translation_test(const std::string& file, const PairColumns& columns);

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
