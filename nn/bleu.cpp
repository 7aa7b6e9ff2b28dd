#include "nn/bleu.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "core/kernels/parallel.hpp"
#include "nn/ngrams.hpp"

namespace unroll {
namespace {

double value_of(const BleuOptions& o) {
    return o.smooth_value.value_or(o.smoothing == Smoothing::floor ? 0.1 : o.smoothing == Smoothing::add_k ? 1 : 0);
}

/// Counts segment by segment, in memory it keeps.
class Counter {
  public:
    explicit Counter(const BleuOptions& options) : options_(options) {}

    void add(const Lines& hypotheses, const std::vector<Lines>& references, size_t segment, double* sums) {
        cut(hypotheses[segment], hypothesis_);
        references_.resize(references.size());
        for (size_t r = 0; r < references.size(); r++) cut(references[r][segment], references_[r]);
        const int N = options_.max_n;
        sums[0] += static_cast<double>(hypothesis_.size());
        sums[1] += static_cast<double>(closest_length());
        matcher_.match(hypothesis_, references_, N, sums + 2);
        for (int n = 1; n <= N; n++) sums[1 + N + n] += static_cast<double>(ngrams(hypothesis_.size(), n));
    }

  private:
    void cut(const std::string& line, Tokens& to) const {
        if (options_.lowercase)
            tokenise(unroll::lowercase(line), options_.tokeniser, to);
        else
            tokenise(line, options_.tokeniser, to);
    }

    size_t closest_length() const {
        const auto distance = [&](const Tokens& r) {
            return std::abs(static_cast<int64_t>(r.size()) - static_cast<int64_t>(hypothesis_.size()));
        };
        return std::min_element(references_.begin(), references_.end(),
                                [&](const Tokens& a, const Tokens& b) {
                                    return std::pair(distance(a), a.size()) < std::pair(distance(b), b.size());
                                })
            ->size();
    }

    const BleuOptions& options_;
    Tokens hypothesis_;
    std::vector<Tokens> references_;
    NgramMatcher matcher_;
};

}  // namespace

Bleu::Bleu(BleuOptions options, Where at) : options_(std::move(options)) {
    std::vector<double>& w = options_.weights;
    if (options_.max_n < 1) fail("Bleu", at, "max_n is {}, expected 1 or more", options_.max_n);
    if (!(value_of(options_) >= 0)) fail("Bleu", at, "smooth_value is {}, expected 0 or more", value_of(options_));
    if (w.empty()) w.assign(static_cast<size_t>(options_.max_n), 1.0 / options_.max_n);
    const double sum = std::accumulate(w.begin(), w.end(), 0.0);
    if (w.size() != static_cast<size_t>(options_.max_n) || *std::min_element(w.begin(), w.end()) < 0 ||
        !(std::abs(sum - 1) <= 1e-6))
        fail("Bleu", at, "{} weights that add up to {}, expected {} of 0 or more that add up to 1", w.size(), sum,
             options_.max_n);
}

/// sums_of(segment) says where that segment's counts are added.
template <class Sums>
void Bleu::count(const Lines& hypotheses, const std::vector<Lines>& references, Where at, Sums sums_of) const {
    if (references.empty()) fail("Bleu", at, "no references");
    if (hypotheses.empty()) fail("Bleu", at, "no hypotheses");
    for (size_t r = 0; r < references.size(); r++)
        if (references[r].size() != hypotheses.size())
            fail("Bleu", at, "reference {} has {} segments, expected {}, one a hypothesis", r, references[r].size(),
                 hypotheses.size());
    const auto segments = static_cast<int64_t>(hypotheses.size());
    const int64_t chunks = std::min<int64_t>(segments, kernels::threads());
    kernels::parallel(chunks, [&](int64_t chunk) {
        Counter counter(options_);
        for (int64_t s = kernels::chunk_begin(segments, chunks, chunk),
                     end = kernels::chunk_begin(segments, chunks, chunk + 1);
             s < end; s++)
            counter.add(hypotheses, references, static_cast<size_t>(s), sums_of(chunk, s));
    });
}

BleuScore Bleu::corpus(const Lines& hypotheses, const std::vector<Lines>& references, Where at) const {
    std::vector<std::vector<double>> sums(static_cast<size_t>(kernels::threads()),
                                          std::vector<double>(static_cast<size_t>(2 + 2 * options_.max_n)));
    count(hypotheses, references, at, [&](int64_t chunk, int64_t) { return sums[static_cast<size_t>(chunk)].data(); });
    for (size_t t = 1; t < sums.size(); t++)
        for (size_t i = 0; i < sums[0].size(); i++) sums[0][i] += sums[t][i];
    return score(sums[0], options_.effective_order);
}

BleuScore Bleu::sentence(const std::string& hypothesis, const Lines& references, Where at) const {
    std::vector<Lines> streams;
    for (const std::string& reference : references) streams.push_back({reference});
    return score(counts({hypothesis}, streams, at)[0], true);
}

std::vector<std::vector<double>> Bleu::counts(const Lines& hypotheses, const std::vector<Lines>& references,
                                              Where at) const {
    std::vector<std::vector<double>> rows(hypotheses.size(),
                                          std::vector<double>(static_cast<size_t>(2 + 2 * options_.max_n)));
    count(hypotheses, references, at, [&](int64_t, int64_t s) { return rows[static_cast<size_t>(s)].data(); });
    return rows;
}

BleuScore Bleu::score(const std::vector<double>& counts, Where at) const {
    if (counts.size() != static_cast<size_t>(2 + 2 * options_.max_n))
        fail("Bleu::score", at, "{} counts, expected {}", counts.size(), 2 + 2 * options_.max_n);
    return score(counts, options_.effective_order);
}

BleuScore Bleu::score(const std::vector<double>& counts, bool effective_order) const {
    const auto N = static_cast<size_t>(options_.max_n);
    const double c = counts[0], r = counts[1], value = value_of(options_);
    const auto matches = counts.begin() + 2, totals = matches + options_.max_n;
    BleuScore bleu = {.score = 0,
                      .brevity_penalty = c >= r  ? 1
                                         : c > 0 ? std::exp(1 - r / c)
                                                 : 0,
                      .hypothesis_length = static_cast<int64_t>(c),
                      .reference_length = static_cast<int64_t>(r),
                      .precisions = std::vector<double>(N),
                      .matches = {matches, totals},
                      .totals = {totals, counts.end()}};
    if (*std::max_element(matches, totals) == 0) return bleu;
    double halved = 1, log_sum = 0, weight_sum = 0;
    for (size_t n = 0; n < N; n++) {
        const double added = options_.smoothing == Smoothing::add_k && n > 0 ? value : 0;
        const double match = bleu.matches[n] + added, total = bleu.totals[n] + added;
        if (total == 0 && effective_order) break;
        double& p = bleu.precisions[n];
        if (match > 0)
            p = 100 * match / total;
        else if (total > 0 && options_.smoothing == Smoothing::exp)
            p = 100 / ((halved *= 2) * total);
        else if (total > 0 && options_.smoothing == Smoothing::floor)
            p = 100 * value / total;
        const double w = options_.weights[n];
        weight_sum += w;
        if (w > 0) log_sum += w * std::log(p);  // log 0 is -infinity, and e to the power of that 0
    }
    bleu.score = weight_sum > 0 ? bleu.brevity_penalty * std::exp(log_sum / (effective_order ? weight_sum : 1)) : 0;
    return bleu;
}

std::string Bleu::signature(size_t references) const {
    const BleuOptions& o = options_;
    const char* tokens = o.tokeniser == Tokeniser::v13a ? "13a" : o.tokeniser == Tokeniser::none ? "none" : "char";
    std::string smooth = o.smoothing == Smoothing::exp     ? "exp"
                         : o.smoothing == Smoothing::none  ? "none"
                         : o.smoothing == Smoothing::floor ? "floor"
                                                           : "add-k";
    if (o.smoothing == Smoothing::floor || o.smoothing == Smoothing::add_k)
        smooth += fmt::format("[{:.2f}]", value_of(o));
    std::string more = o.max_n != 4 ? fmt::format("|order:{}", o.max_n) : "";
    if (std::adjacent_find(o.weights.begin(), o.weights.end(), std::not_equal_to<>()) != o.weights.end())
        for (size_t n = 0; n < o.weights.size(); n++)
            more += fmt::format("{}{:.3g}", n == 0 ? "|weights:" : ",", o.weights[n]);
    return fmt::format("nrefs:{}|case:{}|eff:{}|tok:{}|smooth:{}{}|version:unroll", references,
                       o.lowercase ? "lc" : "mixed", o.effective_order ? "yes" : "no", tokens, smooth, more);
}

}  // namespace unroll
