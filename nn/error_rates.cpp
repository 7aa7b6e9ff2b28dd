#include "nn/error_rates.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace unroll {

void Perplexity::add(double mean_nats, int64_t tokens, Where at) {
    if (tokens < 0) fail("Perplexity", at, "tokens is {}, expected 0 or more", tokens);
    if (tokens > 0) sum_ += mean_nats * static_cast<double>(tokens);  // the mean of none may be NaN
    tokens_ += tokens;
}

double Perplexity::nats() const { return sum_ / static_cast<double>(tokens_); }

double Perplexity::value() const { return std::exp(nats()); }

double exact_match(const std::vector<std::string>& hypotheses, const std::vector<std::vector<std::string>>& references,
                   Where at) {
    if (hypotheses.empty() || references.empty())
        fail("exact_match", at, "no {}", hypotheses.empty() ? "hypotheses" : "references");
    for (const auto& stream : references)
        if (stream.size() != hypotheses.size())
            fail("exact_match", at, "{} references, expected {}, one a hypothesis", stream.size(), hypotheses.size());
    double matches = 0;
    for (size_t s = 0; s < hypotheses.size(); s++)
        matches += std::any_of(references.begin(), references.end(),
                               [&](const auto& stream) { return stream[s] == hypotheses[s]; });
    return matches / static_cast<double>(hypotheses.size());
}

double Edits::rate() const {
    if (length == 0) return errors() == 0 ? 0 : std::numeric_limits<double>::infinity();
    return static_cast<double>(errors()) / static_cast<double>(length);
}

Edits& Edits::operator+=(const Edits& other) {
    substitutions += other.substitutions;
    insertions += other.insertions;
    deletions += other.deletions;
    length += other.length;
    return *this;
}

Edits edit_distance(const Tokens& hypothesis, const Tokens& reference) {
    // row[j]: from the hypothesis's first i tokens to the reference's first j. One row is kept, and of the row above
    // the entry to the left.
    const auto cheapest = [](const Edits& a, const Edits& b) {
        return a.errors() < b.errors() || (a.errors() == b.errors() && a.substitutions >= b.substitutions) ? a : b;
    };
    std::vector<Edits> row(reference.size() + 1);
    for (size_t j = 0; j <= reference.size(); j++) row[j].deletions = static_cast<int64_t>(j);
    for (const uint64_t token : hypothesis) {
        Edits diagonal = row[0];
        row[0].insertions++;
        for (size_t j = 1; j <= reference.size(); j++) {
            Edits substituted = diagonal, inserted = row[j], deleted = row[j - 1];
            substituted.substitutions += token != reference[j - 1];
            inserted.insertions++;
            deleted.deletions++;
            diagonal = row[j];
            row[j] = cheapest(substituted, cheapest(deleted, inserted));
        }
    }
    row.back().length = static_cast<int64_t>(reference.size());
    return row.back();
}

}  // namespace unroll
