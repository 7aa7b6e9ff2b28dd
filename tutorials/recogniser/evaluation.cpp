#include "tutorials/recogniser/evaluation.hpp"

#include <algorithm>

#include "core/kernels/parallel.hpp"

namespace unroll {

HeardStrings hear(const DigitRecordings& recordings, const BigramPrior* prior, NoiseKind kind, double decibels,
                  int64_t digits, uint64_t seed, uint64_t draw) {
    Generator strings(seed, 11);
    std::vector<DigitString> said;
    HeardStrings heard_strings;
    while (heard_strings.words < digits) {
        said.push_back(recordings.draw(strings, {.prior = prior, .longest_gap = 0.25}));
        heard_strings.digits.push_back(said.back().digits);
        heard_strings.words += int64_t(said.back().digits.size());
    }
    const SpeechShape shape = kind == NoiseKind::speech ? speech_shape(recordings.sounds()) : SpeechShape{};
    heard_strings.features = made_by_workers(int64_t(said.size()), [&](int64_t i) {
        Generator gen(seed, 100 + draw * 1'000'000 + uint64_t(i));
        return heard(said[size_t(i)], kind, decibels, gen, shape);
    });
    return heard_strings;
}

HeardStrings hear_singles(const DigitRecordings& recordings) {
    HeardStrings all;
    for (int64_t i = 0; i < recordings.size(); i++) {
        const DigitString s = recordings.single(i, 0.1);
        all.features.push_back(speech_features(s.sound));
        all.digits.push_back(s.digits);
        all.words++;
    }
    return all;
}

std::vector<Tensor> listen(const Recogniser& model, const HeardStrings& strings) {
    std::vector<Tensor> log_probs;
    for (size_t begin = 0; begin < strings.features.size(); begin += 64) {
        const size_t end = std::min(begin + 64, strings.features.size());
        const auto at = [&](size_t i) { return strings.features.begin() + int64_t(i); };
        for (Tensor& y : model.log_probs({at(begin), at(end)})) log_probs.push_back(std::move(y));
    }
    return log_probs;
}

Decoder greedy() {
    return [](const Tensor& y) { return best_path(y); };
}
Decoder searched(const PrefixBeamOptions& options) {
    return [options](const Tensor& y) {
        const auto found = prefix_beam(y, options);
        return found.empty() ? std::vector<int32_t>{} : found[0].labels;
    };
}

Edits word_errors(const std::vector<Tensor>& log_probs, const HeardStrings& strings, const Decoder& decode) {
    std::vector<Edits> each(log_probs.size());
    kernels::parallel(int64_t(each.size()), [&](int64_t i) {
        const std::vector<int> written = digits_of(decode(log_probs[size_t(i)])), &said = strings.digits[size_t(i)];
        each[size_t(i)] = edit_distance({written.begin(), written.end()}, {said.begin(), said.end()});
    });
    Edits all;
    for (const Edits& e : each) all += e;
    return all;
}

}  // namespace unroll
