// One solution of the exercises of chapter 10; exercise.hpp has the equations.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include "tutorials/10_evaluation/exercise.hpp"

namespace unroll::exercise {
namespace {

using Counts = std::map<std::vector<int>, double>;

Counts count_ngrams(const Ids& text, int n) {
    Counts counts;
    for (int64_t i = 0; i + n <= text.size(); i++) {
        std::vector<int> gram;
        for (int64_t j = i; j < i + n; j++) gram.push_back(text[j]);
        counts[gram]++;
    }
    return counts;
}

double total_of(const Counts& counts) {
    double total = 0;
    for (const auto& [gram, count] : counts) total += count;
    return total;
}

Rouge from_matches(double matches, double predicted, double referenced) {
    if (matches == 0) return {0, 0, 0};
    const double precision = matches / predicted, recall = matches / referenced;
    return {precision, recall, 2 * precision * recall / (precision + recall)};
}

}  // namespace

// --- 10.1, 10.2, 10.3, 10.4: BLEU

Matches clipped_matches(const Ids& hypothesis, const std::vector<Ids>& references, int n) {
    Counts most;
    for (const Ids& reference : references)
        for (const auto& [gram, count] : count_ngrams(reference, n)) most[gram] = std::max(most[gram], count);
    Matches result = {0, 0};
    for (const auto& [gram, count] : count_ngrams(hypothesis, n)) {
        result.matches += std::min(count, most[gram]);
        result.total += count;
    }
    return result;
}

Brevity brevity_penalty(const std::vector<Ids>& hypotheses, const std::vector<std::vector<Ids>>& references) {
    double c = 0, r = 0;
    for (size_t s = 0; s < hypotheses.size(); s++) {
        const int64_t length = hypotheses[s].size();
        int64_t closest = references[s][0].size();
        for (const Ids& reference : references[s]) {
            const int64_t other = reference.size(), gain = std::abs(closest - length) - std::abs(other - length);
            if (gain > 0 || (gain == 0 && other < closest)) closest = other;
        }
        c += static_cast<double>(length);
        r += static_cast<double>(closest);
    }
    return {c, r, c >= r ? 1 : c > 0 ? std::exp(1 - r / c) : 0};
}

double corpus_bleu(const Tensor& matches, const Tensor& totals, double penalty, const Tensor& weights) {
    double log_sum = 0;
    for (int64_t n = 0; n < weights.size(); n++) {
        double match = 0, total = 0;
        for (int64_t s = 0; s < matches.dim(0); s++) {
            match += matches.at({s, n});
            total += totals.at({s, n});
        }
        if (weights.at({n}) == 0) continue;
        if (match == 0) return 0;
        log_sum += weights.at({n}) * std::log(match / total);
    }
    return 100 * penalty * std::exp(log_sum);
}

double sentence_bleu(const Tensor& matches, const Tensor& totals, double penalty) {
    double log_sum = 0, halved = 1, M = 0, found = 0;
    for (int64_t n = 0; n < totals.size() && totals.at({n}) > 0; n++) {
        const double match = matches.at({n}), total = totals.at({n});
        if (match == 0) halved *= 2;
        log_sum += std::log(match > 0 ? match / total : 1 / (halved * total));
        found += match;
        M++;
    }
    return found > 0 ? 100 * penalty * std::exp(log_sum / M) : 0;
}

// --- 10.5, 10.6: ROUGE

double rouge_n_book(const Ids& prediction, const std::vector<Ids>& references, int n) {
    Counts predicted = count_ngrams(prediction, n);
    double matches = 0, total = 0;
    for (const Ids& reference : references) {
        const Counts counts = count_ngrams(reference, n);
        for (const auto& [gram, count] : counts) matches += std::min(count, predicted[gram]);
        total += total_of(counts);
    }
    return total > 0 ? matches / total : 0;
}

Rouge rouge_n(const Ids& prediction, const std::vector<Ids>& references, int n) {
    Counts predicted = count_ngrams(prediction, n);
    const double of_prediction = total_of(predicted);
    Rouge best = {0, 0, 0};
    for (const Ids& reference : references) {
        const Counts counts = count_ngrams(reference, n);
        double matches = 0;
        for (const auto& [gram, count] : counts) matches += std::min(count, predicted[gram]);
        const Rouge rouge = from_matches(matches, of_prediction, total_of(counts));
        if (rouge.f > best.f) best = rouge;
    }
    return best;
}

Tensor lcs_table(const Ids& a, const Ids& b) {
    Tensor table = Tensor::zeros({a.size() + 1, b.size() + 1}, DType::f64);
    for (int64_t i = 1; i <= a.size(); i++)
        for (int64_t j = 1; j <= b.size(); j++) {
            const double longer = table.at({i - 1, j - 1}) + 1;
            table.set({i, j}, a[i - 1] == b[j - 1] ? longer : std::max(table.at({i - 1, j}), table.at({i, j - 1})));
        }
    return table;
}

Rouge rouge_l(const Tensor& table) {
    const int64_t m = table.dim(0) - 1, n = table.dim(1) - 1;
    return from_matches(table.at({m, n}), static_cast<double>(m), static_cast<double>(n));
}

// --- 10.7: perplexity

Perplexity perplexity(const std::vector<Tensor>& log_p, const std::vector<Ids>& lengths) {
    double tokens = 0, sum = 0;
    for (size_t k = 0; k < log_p.size(); k++)
        for (int64_t b = 0; b < lengths[k].size(); b++)
            for (int64_t t = 0; t < lengths[k][b]; t++) {
                sum -= log_p[k].at({t, b});
                tokens++;
            }
    const double nats = sum / tokens;
    return {tokens, nats, std::exp(nats)};
}

// --- 10.8: is it better?

Interval paired_interval(const Tensor& a, const Tensor& b, const Ids& draws, double confidence) {
    const int64_t K = draws.shape()[0], S = draws.shape()[1];
    std::vector<double> differences;
    double better = 0;
    for (int64_t k = 0; k < K; k++) {
        double sums[4] = {};
        for (int64_t i = 0; i < S; i++) {
            const int64_t s = draws[k * S + i];
            sums[0] += a.at({s, 0}), sums[1] += a.at({s, 1});
            sums[2] += b.at({s, 0}), sums[3] += b.at({s, 1});
        }
        const double difference = sums[2] / sums[3] - sums[0] / sums[1];
        differences.push_back(difference);
        better += difference > 0 ? 1.0 / static_cast<double>(K) : 0;
    }
    std::sort(differences.begin(), differences.end());
    const auto outside = static_cast<size_t>(static_cast<double>(K) * (1 - confidence) / 2);
    return {differences[outside], differences[differences.size() - 1 - outside], better};
}

}  // namespace unroll::exercise
