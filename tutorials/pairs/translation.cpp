#include "tutorials/pairs/translation.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <unordered_map>

namespace unroll {

TranslationTest load_translation_test(const std::string& file, const PairColumns& columns) {
    const std::string path = file.substr(0, file.rfind(".tsv")) + ".refs.tsv";
    std::vector<std::vector<std::string>> rows;
    if (std::filesystem::exists(path)) rows = load_table(path, 2);
    TranslationTest test{{}, std::vector<Lines>(1)};
    for (const TextPair& p : load_pairs(file, columns)) {
        test.sources.push_back(p.source);
        test.references[0].push_back(p.target);
    }
    if (rows.empty()) return test;
    if (rows.size() != test.sources.size())
        throw Error("{}: {} lines for {} sentences", path, rows.size(), test.sources.size());
    size_t most = 1;
    for (const auto& row : rows) most = std::max(most, row.size() - 1);
    test.references.resize(most, test.references[0]);
    for (size_t s = 0; s < rows.size(); s++)
        for (size_t r = 0; r + 1 < rows[s].size(); r++) test.references[r][s] = rows[s][r + 1];
    return test;
}

static std::set<std::string> words_of(const std::string& line) {
    const auto words = simple_words(to_lower(line));
    return {words.begin(), words.end()};
}

std::vector<Near> nearest(const Lines& lines, const Lines& known) {
    std::unordered_map<std::string, std::vector<size_t>> where;  // a word, and the lines of `known` that hold it
    std::vector<size_t> sizes;
    for (size_t k = 0; k < known.size(); k++) {
        const auto words = words_of(known[k]);
        for (const std::string& word : words) where[word].push_back(k);
        sizes.push_back(words.size());
    }
    std::vector<Near> near;
    std::vector<size_t> common(known.size());
    for (const std::string& line : lines) {
        std::fill(common.begin(), common.end(), size_t{0});
        const auto words = words_of(line);
        for (const std::string& word : words)
            if (const auto found = where.find(word); found != where.end())
                for (size_t k : found->second) common[k]++;
        Near best = {0, 0};
        for (size_t k = 0; k < known.size(); k++) {
            const double similarity = double(common[k]) / double(words.size() + sizes[k] - common[k]);
            if (common[k] > 0 && similarity > best.similarity) best = {similarity, k};
        }
        near.push_back(best);
    }
    return near;
}

std::vector<NearnessBand> bleu_by_nearness(const Lines& hypotheses, const TranslationTest& test,
                                           const std::vector<Near>& near) {
    std::vector<NearnessBand> bands = {{0, 0.25, 0, 0}, {0.25, 0.5, 0, 0}, {0.5, 0.75, 0, 0}, {0.75, 1.01, 0, 0}};
    const Bleu bleu;
    const auto counts = bleu.counts(hypotheses, test.references);
    for (NearnessBand& band : bands) {
        std::vector<double> sum(counts.empty() ? 0 : counts[0].size());
        for (size_t s = 0; s < near.size(); s++) {
            if (near[s].similarity < band.low || near[s].similarity >= band.high) continue;
            band.sentences++;
            for (size_t i = 0; i < sum.size(); i++) sum[i] += counts[s][i];
        }
        if (band.sentences > 0) band.bleu = bleu.score(sum).score;
    }
    return bands;
}

}  // namespace unroll
