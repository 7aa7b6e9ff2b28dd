#pragma once
#include "core/random.hpp"
#include "nn/bleu.hpp"
#include "tutorials/lesson/lesson.hpp"

// The parts of chapter 10, in the order they are told.
namespace unroll {

struct EvaluationOptions {
    std::string data = UNROLL_ROOT "/data";  // where the data sets are
};
void tell_bleu(Lesson& lesson, const EvaluationOptions& options);        // counts, penalty, corpus, tokens
void tell_rouge(Lesson& lesson, const EvaluationOptions& options);       // N twice, L by dynamic programming
void tell_perplexity(Lesson& lesson, const EvaluationOptions& options);  // over batches of unequal size
void tell_damage(Lesson& lesson, const EvaluationOptions& options);      // what the metrics see of which mistakes
void tell_bootstrap(Lesson& lesson, const EvaluationOptions& options);   // intervals, and whether a difference is one

/// The cells of a file of tab-separated values, a row a line.
std::vector<Lines> rows_of(const std::string& path);

/// Sentences of the validation novel with 8 to 40 words, as lists of words.
std::vector<Lines> sentences_of(const std::string& data);

/// What a bad translator might do to a sentence.
enum class Damage { drop, replace, swap, repeat };
/// `words` with about this share of places damaged; replaced by words drawn from `others`.
std::string damaged(const Lines& words, Damage damage, double share, const std::vector<Lines>& others, Generator& gen);
std::string join(const Lines& words);

}  // namespace unroll
