#include "tutorials/04_language_models/ngram.hpp"

#include <cmath>

namespace unroll {

/// A hash of the `length` tokens that end before `end`.
uint64_t NGram::key(const std::vector<int32_t>& text, size_t end, int length) {
    uint64_t h = 0x9E3779B97F4A7C15;
    for (size_t i = end - static_cast<size_t>(length); i < end; i++) {
        h = (h ^ static_cast<uint64_t>(text[i] + 1)) * 0xBF58476D1CE4E5B9;
        h ^= h >> 29;
    }
    return h;
}

NGram::NGram(const std::vector<int32_t>& text, int order, int64_t V)
    : uniform_(1 / static_cast<double>(V)), contexts_(static_cast<size_t>(order)), counts_(contexts_.size()) {
    for (int length = 0; length < order; length++) {
        auto& contexts = contexts_[static_cast<size_t>(length)];
        auto& counts = counts_[static_cast<size_t>(length)];
        for (size_t i = static_cast<size_t>(length); i < text.size(); i++) {
            Context& context = contexts[key(text, i, length)];
            context.count++;
            context.kinds += counts[key(text, i + 1, length + 1)]++ == 0;
        }
    }
}

double NGram::probability(const std::vector<int32_t>& text, size_t i, int n) const {
    double p = uniform_;
    for (int length = 0; length < n && static_cast<size_t>(length) <= i; length++) {
        const auto& contexts = contexts_[static_cast<size_t>(length)];
        const auto& counts = counts_[static_cast<size_t>(length)];
        const auto context = contexts.find(key(text, i, length));
        if (context == contexts.end()) break;  // nor has a longer one been seen
        const auto seen = counts.find(key(text, i + 1, length + 1));
        const double count = seen == counts.end() ? 0 : seen->second;
        const auto kinds = static_cast<double>(context->second.kinds);
        p = (count + kinds * p) / (static_cast<double>(context->second.count) + kinds);
    }
    return p;
}

double NGram::nats(const std::vector<int32_t>& text, int n) const {
    double total = 0;
    for (size_t i = 1; i < text.size(); i++) total -= std::log(probability(text, i, n));
    return total / static_cast<double>(text.size() - 1);
}

}  // namespace unroll
