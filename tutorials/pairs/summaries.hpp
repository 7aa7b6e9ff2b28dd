#pragma once
#include <string>
#include <vector>

#include "data/text.hpp"
#include "models/summariser.hpp"

/// How good summaries of data/debian-summaries are.
namespace unroll {

/// Means over the summaries of ROUGE-1, -2 and -L's F, 0 to 100 as it is usually printed.
struct Rouge {
    double one = 0, two = 0, l = 0;
    double mean() const { return (one + two + l) / 3; }
    std::string str() const;  // "31.0/16.2/28.2"
};
Rouge rouge(const std::string& summary, const std::string& reference);
Rouge rouge(const std::vector<std::string>& summaries, const std::vector<TextPair>& pairs);

/// Mean share of a summary's words that its document holds (words as ROUGE's).
double share_in_document(const std::vector<std::string>& summaries, const std::vector<TextPair>& pairs);

/// Share of the summaries in which a word comes twice.
double share_repeating(const std::vector<std::string>& summaries);

/// What a model wrote for pairs, judged.
struct SummaryReport {
    std::vector<std::string> summaries;
    Rouge rouge, first_sentence, what_it_is;  // of the model, and of the two rules of models/lead.hpp
    double copied = 0;                        // mean probability that a word it wrote was copied, ends not counted
    double in_document = 0, references_in_document = 0, repeating = 0;
};
SummaryReport judge(const Summariser& summariser, const std::vector<TextPair>& pairs, const DecodeOptions& options);

/// Which to show, good and bad by rule: sorted by the mean of the three F's (equals in the order of the file), those at
/// 95, 75, 50, 25 and 5 % from below.
std::vector<size_t> examples(const std::vector<std::string>& summaries, const std::vector<TextPair>& pairs);

}  // namespace unroll
