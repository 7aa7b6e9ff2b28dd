#include "nn/rouge.hpp"

#include <algorithm>
#include <bit>
#include <set>
#include <unordered_map>

#include "nn/ngrams.hpp"

namespace unroll {
namespace {

RougeScore from(double matches, double predicted, double referenced) {
    const double p = predicted > 0 ? matches / predicted : 0, r = referenced > 0 ? matches / referenced : 0;
    return {p, r, p + r > 0 ? 2 * p * r / (p + r) : 0};
}

thread_local NgramMatcher matcher;  // for its memory

double matching(const Tokens& prediction, const Tokens& reference, int n, Where at) {
    if (n < 1) fail("rouge_n", at, "n is {}, expected 1 or more", n);
    std::vector<double> matches(static_cast<size_t>(n));
    matcher.match(prediction, {reference}, n, matches.data());
    return matches.back();
}

/// longest[i, j]: of the first i tokens of a and the first j of b. 0 where i or j is 0, else
///
///     longest[i, j] = longest[i-1, j-1] + 1                       where a_i = b_j
///     longest[i, j] = max(longest[i-1, j], longest[i, j-1])       elsewhere
class LcsTable {
  public:
    LcsTable(const Tokens& a, const Tokens& b, Where at) : columns_(b.size() + 1) {
        constexpr size_t most = size_t{1} << 28;
        if (columns_ > most / (a.size() + 1))
            fail("rouge_lsum", at, "{} and {} tokens are too many: the table of {} entries at most", a.size(), b.size(),
                 most);
        longest_.resize((a.size() + 1) * columns_);
        for (size_t i = 1; i <= a.size(); i++)
            for (size_t j = 1; j <= b.size(); j++)
                this->at(i, j) = a[i - 1] == b[j - 1] ? this->at(i - 1, j - 1) + 1
                                                      : std::max(this->at(i - 1, j), this->at(i, j - 1));
    }
    int32_t& at(size_t i, size_t j) { return longest_[i * columns_ + j]; }

  private:
    size_t columns_;
    std::vector<int32_t> longest_;
};

/// Positions in the reference of one longest common subsequence; of several, the one that rouge-score walks.
void mark_common(const Tokens& reference, const Tokens& prediction, std::set<size_t>& marked, Where at) {
    LcsTable table(reference, prediction, at);
    for (size_t i = reference.size(), j = prediction.size(); i > 0 && j > 0;) {
        if (reference[i - 1] == prediction[j - 1]) {
            marked.insert(--i);
            j--;
        } else if (table.at(i, j - 1) > table.at(i - 1, j)) {
            j--;
        } else {
            i--;
        }
    }
}

std::vector<Tokens> sentences(const std::string& text, std::unordered_map<uint64_t, int64_t>& counts, size_t* length) {
    std::vector<Tokens> all;
    for (size_t begin = 0, end; begin <= text.size(); begin = end + 1) {
        end = std::min(text.find('\n', begin), text.size());
        all.push_back(rouge_tokens(std::string_view(text).substr(begin, end - begin)));
        *length += all.back().size();
        for (uint64_t token : all.back()) counts[token]++;
    }
    return all;
}

}  // namespace

RougeScore rouge_n(const Tokens& prediction, const Tokens& reference, int n, Where at) {
    return from(matching(prediction, reference, n, at), static_cast<double>(ngrams(prediction.size(), n)),
                static_cast<double>(ngrams(reference.size(), n)));
}

RougeScore rouge_n(const std::string& prediction, const std::string& reference, int n, Where at) {
    return rouge_n(rouge_tokens(prediction), rouge_tokens(reference), n, at);
}

double rouge_n_book(const Tokens& prediction, const std::vector<Tokens>& references, int n, Where at) {
    double matches = 0, count = 0;
    for (const Tokens& reference : references) {
        matches += matching(prediction, reference, n, at);
        count += static_cast<double>(ngrams(reference.size(), n));
    }
    return count > 0 ? matches / count : 0;
}

double rouge_n_book(const std::string& prediction, const std::vector<std::string>& references, int n, Where at) {
    std::vector<Tokens> tokens;
    for (const std::string& reference : references) tokens.push_back(rouge_tokens(reference));
    return rouge_n_book(rouge_tokens(prediction), tokens, n, at);
}

int64_t longest_common_subsequence(const Tokens& a, const Tokens& b, Where at) {
    if (b.size() <= 64) return matcher.common_subsequence(a, b);
    if (a.size() <= 64) return matcher.common_subsequence(b, a);
    const size_t words = b.size() / 64 + 1;
    if (a.size() > (size_t{1} << 34) / words)
        fail("longest_common_subsequence", at, "{} and {} tokens are too many", a.size(), b.size());
    std::vector<std::pair<uint64_t, size_t>> places;  // of each token in b
    for (size_t j = 0; j < b.size(); j++) places.emplace_back(b[j], j);
    std::sort(places.begin(), places.end());
    // As NgramMatcher's, the sum carried from word to word (Hyyrö 2004): a bit is 0 where a row of the table rises.
    std::vector<uint64_t> same(words, ~uint64_t{0});
    for (uint64_t token : a) {
        auto next = std::lower_bound(places.begin(), places.end(), std::pair(token, size_t{0}));
        const auto more = [&] { return next != places.end() && next->first == token; };
        uint64_t carry = 0;
        for (size_t w = more() ? next->second / 64 : words; w < words; w++) {
            uint64_t mask = 0;
            for (; more() && next->second / 64 == w; ++next) mask |= uint64_t{1} << next->second % 64;
            const uint64_t risen = same[w] & mask, sum = same[w] + risen, carried = sum + carry;
            carry = sum < risen || carried < carry;
            same[w] = carried | (same[w] & ~mask);
        }
    }
    int64_t length = 0;
    for (uint64_t word : same) length += std::popcount(~word);
    return length;
}

RougeScore rouge_l(const Tokens& prediction, const Tokens& reference, Where at) {
    return from(static_cast<double>(longest_common_subsequence(prediction, reference, at)),
                static_cast<double>(prediction.size()), static_cast<double>(reference.size()));
}

RougeScore rouge_l(const std::string& prediction, const std::string& reference, Where at) {
    return rouge_l(rouge_tokens(prediction), rouge_tokens(reference), at);
}

RougeScore rouge_lsum(const std::string& prediction, const std::string& reference, Where at) {
    std::unordered_map<uint64_t, int64_t> left_p, left_r;
    size_t length_p = 0, length_r = 0;
    const std::vector<Tokens> p = sentences(prediction, left_p, &length_p);
    const std::vector<Tokens> r = sentences(reference, left_r, &length_r);
    double hits = 0;
    for (const Tokens& sentence : r) {
        std::set<size_t> marked;  // in the order of the sentence
        for (const Tokens& other : p) mark_common(sentence, other, marked, at);
        for (size_t i : marked)
            if (int64_t& a = left_p[sentence[i]], &b = left_r[sentence[i]]; a > 0 && b > 0) a--, b--, hits++;
    }
    return from(hits, static_cast<double>(length_p), static_cast<double>(length_r));
}

}  // namespace unroll
