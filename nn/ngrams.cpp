#include "nn/ngrams.hpp"

#include <bit>
#include <cstring>
#include <numeric>

namespace unroll {
namespace {

/// The n-gram that `gram` becomes with one token more.
uint64_t longer(uint64_t gram, uint64_t token) {
    const uint64_t mixed = (gram ^ (token << 23 | token >> 41)) * 0x9E3779B97F4A7C15u;
    return mixed ^ mixed >> 29;
}

}  // namespace

void NgramMatcher::clear(size_t entries) {
    size_t size = 2;
    for (shift_ = 63; size < 3 * entries; shift_--) size *= 2;
    mask_ = size - 1;
    if (slots_.size() < size) slots_.resize(size);
    std::memset(slots_.data(), 0, size * sizeof(Slot));
}

NgramMatcher::Slot& NgramMatcher::slot(uint64_t gram) {
    size_t i = gram >> shift_;
    while (slots_[i].gram != gram && slots_[i].gram != 0) i = (i + 1) & mask_;
    return slots_[i];
}

void NgramMatcher::match(const Tokens& hypothesis, const std::vector<Tokens>& references, int max_n, double* matches) {
    const size_t length = hypothesis.size(), most = std::min(length, static_cast<size_t>(max_n));
    hits_.assign(most * length, 0);
    for (const Tokens& reference : references)
        if (reference.size() <= 64)
            match_short(hypothesis, reference, std::min(most, reference.size()));
        else
            match_long(hypothesis, reference, std::min(most, reference.size()));
    for (size_t n = 0; n < most; n++) {
        const auto begin = hits_.begin() + static_cast<std::ptrdiff_t>(n * length);
        matches[n] +=
            static_cast<double>(std::accumulate(begin, begin + static_cast<std::ptrdiff_t>(length), int64_t{0}));
    }
}

void NgramMatcher::note_places(const Tokens& reference) {
    clear(reference.size());
    for (size_t j = 0; j < reference.size(); j++) {
        Slot& s = slot(reference[j]);
        s.gram = reference[j];
        s.value |= uint64_t{1} << j;
    }
}

/// One row of the table at a time, a bit an entry (Hyyrö, "Bit-parallel LCS-length computation revisited", 2004): bit j
/// of `same` is 0 where the row grows from j to j + 1.
int64_t NgramMatcher::common_subsequence(const Tokens& a, const Tokens& b) {
    note_places(b);
    uint64_t same = ~uint64_t{0};
    for (uint64_t token : a) {
        const uint64_t places = slot(token).value;
        same = (same + (same & places)) | (same & ~places);
    }
    return std::popcount(~same);
}

/// A reference of at most 64 tokens: places[i] has bit j where the n-grams at i of the hypothesis and at j of the
/// reference are the same, which follows for n + 1 from n. Each place in the reference may match once.
void NgramMatcher::match_short(const Tokens& hypothesis, const Tokens& reference, size_t max_n) {
    const size_t length = hypothesis.size();
    note_places(reference);
    places_.resize(length);
    for (size_t i = 0; i < length; i++) places_[i] = slot(hypothesis[i]).value;
    first_places_ = places_;
    for (size_t n = 1; n <= max_n; n++) {
        unsigned char* hits = hits_.data() + (n - 1) * length;
        uint64_t used = 0;
        for (size_t i = 0; i + n <= length; i++) {
            const uint64_t places = places_[i] &= first_places_[i + n - 1] >> (n - 1), open = places & ~used;
            hits[i] |= open != 0;
            used |= open & -open;
        }
    }
}

/// By hashed n-grams.
void NgramMatcher::match_long(const Tokens& hypothesis, Tokens reference, size_t max_n) {
    const Tokens tokens = reference;
    places_ = hypothesis;
    for (size_t n = 1; n <= max_n; n++) {
        clear(reference.size());
        for (size_t j = 0; j + n <= tokens.size(); j++) {
            Slot& s = slot(reference[j]);
            s.gram = reference[j];
            s.value++;
            if (j + n < tokens.size()) reference[j] = longer(reference[j], tokens[j + n]);
        }
        unsigned char* hits = hits_.data() + (n - 1) * hypothesis.size();
        for (size_t i = 0; i + n <= hypothesis.size(); i++) {
            Slot& s = slot(places_[i]);
            hits[i] |= s.value > 0;
            s.value -= s.value > 0;
            if (i + n < hypothesis.size()) places_[i] = longer(places_[i], hypothesis[i + n]);
        }
    }
}

}  // namespace unroll
