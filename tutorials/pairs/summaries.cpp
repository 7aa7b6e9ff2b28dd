#include "tutorials/pairs/summaries.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "models/lead.hpp"
#include "nn/rouge.hpp"

namespace unroll {

std::string Rouge::str() const { return fmt::format("{:.1f}/{:.1f}/{:.1f}", one, two, l); }

Rouge rouge(const std::string& summary, const std::string& reference) {
    return {100 * rouge_n(summary, reference, 1).f, 100 * rouge_n(summary, reference, 2).f,
            100 * rouge_l(summary, reference).f};
}

Rouge rouge(const std::vector<std::string>& summaries, const std::vector<TextPair>& pairs) {
    Rouge mean;
    const auto n = double(pairs.size());
    for (size_t i = 0; i < pairs.size(); i++) {
        const Rouge r = rouge(summaries[i], pairs[i].target);
        mean.one += r.one / n, mean.two += r.two / n, mean.l += r.l / n;
    }
    return mean;
}

double share_in_document(const std::vector<std::string>& summaries, const std::vector<TextPair>& pairs) {
    double sum = 0, counted = 0;
    for (size_t i = 0; i < pairs.size(); i++) {
        const Tokens document = rouge_tokens(pairs[i].source), summary = rouge_tokens(summaries[i]);
        const std::set<uint64_t> there(document.begin(), document.end());
        double found = 0;
        for (uint64_t word : summary) found += there.count(word) > 0;
        if (summary.empty()) continue;
        sum += found / double(summary.size());
        counted++;
    }
    return counted > 0 ? sum / counted : 0;
}

double share_repeating(const std::vector<std::string>& summaries) {
    double repeating = 0;
    for (const std::string& summary : summaries) {
        const Tokens words = rouge_tokens(summary);
        repeating += std::set<uint64_t>(words.begin(), words.end()).size() < words.size();
    }
    return summaries.empty() ? 0 : repeating / double(summaries.size());
}

SummaryReport judge(const Summariser& summariser, const std::vector<TextPair>& pairs, const DecodeOptions& options) {
    std::vector<std::string> documents, sentences, rules, references;
    for (const TextPair& p : pairs) {
        documents.push_back(p.source);
        references.push_back(p.target);
        sentences.push_back(first_sentence(p.source));
        rules.push_back(what_it_is(p.source));
    }
    SummaryReport report;
    report.summaries = summariser.summarise(documents, options);
    report.rouge = rouge(report.summaries, pairs);
    report.first_sentence = rouge(sentences, pairs);
    report.what_it_is = rouge(rules, pairs);
    report.in_document = share_in_document(report.summaries, pairs);
    report.references_in_document = share_in_document(references, pairs);
    report.repeating = share_repeating(report.summaries);
    double words = 0;
    for (size_t i = 0; i < pairs.size(); i++) {
        if (report.summaries[i].empty()) continue;
        for (const Summariser::ScoredWord& w : summariser.score({documents[i], report.summaries[i]}))
            if (!w.word.empty()) report.copied += w.copied, words++;
    }
    if (words > 0) report.copied /= words;
    return report;
}

std::vector<size_t> examples(const std::vector<std::string>& summaries, const std::vector<TextPair>& pairs) {
    std::vector<size_t> order(pairs.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::vector<double> score;
    for (size_t i = 0; i < pairs.size(); i++) score.push_back(rouge(summaries[i], pairs[i].target).mean());
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return score[a] < score[b]; });
    std::vector<size_t> chosen;
    for (size_t percent : {95, 75, 50, 25, 5}) chosen.push_back(order[percent * order.size() / 100]);
    return chosen;
}

}  // namespace unroll
