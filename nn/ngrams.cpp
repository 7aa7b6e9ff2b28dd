#include "nn/ngrams.hpp"

#include <cstring>

namespace unroll {
namespace {

/// The n-gram that `gram` becomes with one token more.
uint64_t longer(uint64_t gram, uint64_t token) {
    const uint64_t mixed = (gram ^ (token << 23 | token >> 41)) * 0x9E3779B97F4A7C15u;
    return mixed ^ mixed >> 29;
}

}  // namespace

NgramMatcher::Slot& NgramMatcher::slot(uint64_t gram) {
    size_t i = gram >> shift_;
    while (slots_[i].gram != gram && slots_[i].gram != 0) i = (i + 1) & mask_;
    return slots_[i];
}

void NgramMatcher::match(const Tokens& hypothesis, const std::vector<Tokens>& references, int max_n, double* matches) {
    size_t longest = 0, total = 0;
    for (const Tokens& reference : references) {
        longest = std::max(longest, reference.size());
        total += reference.size();
    }
    size_t size = 2;
    for (shift_ = 63; size < 4 * total; shift_--) size *= 2;
    slots_.resize(std::max(slots_.size(), size));
    mask_ = size - 1;
    grams_.resize(std::max(grams_.size(), references.size() + 1));
    grams_[0] = hypothesis;
    std::copy(references.begin(), references.end(), grams_.begin() + 1);
    const size_t most = std::min({hypothesis.size(), longest, static_cast<size_t>(max_n)});
    for (size_t n = 1; n <= most; n++) {
        std::memset(slots_.data(), 0, size * sizeof(Slot));
        for (size_t r = 0; r < references.size(); r++) {
            const Tokens& tokens = references[r];
            Tokens& grams = grams_[r + 1];
            const size_t count = std::max(tokens.size(), n - 1) - (n - 1);
            for (size_t i = 0; i < count; i++) {
                Slot& s = slot(grams[i]);
                s.gram = grams[i];
                s.left = std::max(s.left, ++s.here);
            }
            for (size_t i = 0; i < count && r + 1 < references.size(); i++) slot(grams[i]).here = 0;
            for (size_t i = 0; i + 1 < count; i++) grams[i] = longer(grams[i], tokens[i + n]);
        }
        int64_t found = 0;
        for (size_t i = 0; i + n <= hypothesis.size(); i++) {
            Slot& s = slot(grams_[0][i]);
            const int32_t one = s.left > 0;
            s.left -= one;
            found += one;
            if (i + n < hypothesis.size()) grams_[0][i] = longer(grams_[0][i], hypothesis[i + n]);
        }
        matches[n - 1] += static_cast<double>(found);
    }
}

}  // namespace unroll
