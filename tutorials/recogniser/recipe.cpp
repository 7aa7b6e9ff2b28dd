#include "tutorials/recogniser/recipe.hpp"

#include <cmath>

namespace unroll {

SpeechTask::SpeechTask(const DigitRecordings& recordings, const SpeechRecipe& recipe, uint64_t seed)
    : recordings_(recordings), recipe_(recipe), seed_(seed), shape_(speech_shape(recordings.sounds())) {}

SpeechBatch SpeechTask::make(int64_t step, bool changed) const {
    Generator sizes(seed_, 1000);
    sizes.restore({seed_, 1000, uint64_t(step) * 8});
    DigitStringOptions strings = recipe_.strings;
    strings.least = strings.most = strings.least + sizes.below(strings.most - strings.least + 1);
    if (!changed) strings.slowest = strings.fastest = 1;
    const auto B = std::max<int64_t>(1, recipe_.batch_digits / strings.most);
    const bool first = changed && double(step) < recipe_.easy_share * double(recipe_.training.steps);
    std::vector<std::vector<int>> labels(static_cast<size_t>(B));
    const std::vector<Tensor> features = made_by_workers(B, [&](int64_t b) {
        Generator gen(seed_, 2000 + uint64_t(step) * 1024 + uint64_t(b));  // its own for each string
        const DigitString s = recordings_.draw(gen, strings);
        const double ratio = gen.uniform(first ? recipe_.first_noisiest : recipe_.noisiest, recipe_.clearest);
        const auto kind =
            std::array{NoiseKind::white, NoiseKind::white, NoiseKind::pink, NoiseKind::speech}[size_t(gen.below(4))];
        const double warp = gen.uniform(1 - recipe_.warp, 1 + recipe_.warp);
        Sound sound = s.sound;
        if (gen.uniform() >= recipe_.clean)
            sound = mixed(sound, s.spans, noise(kind, int64_t(sound.samples.size()), sound.rate, gen, shape_), ratio);
        labels[size_t(b)] = s.digits;
        return speech_features(sound,
                               changed ? SpeechFeatureOptions{.warp = warp, .masks = &gen} : SpeechFeatureOptions{});
    });
    return speech_batch(features, labels);
}

SpeechBatch SpeechTask::batch(int64_t step) const { return make(step, true); }

std::vector<SpeechBatch> SpeechTask::batches_as_they_are(int64_t n) const {
    std::vector<SpeechBatch> batches;
    for (int64_t i = 0; i < n; i++) batches.push_back(make(i, false));
    return batches;
}

Tensor heard(const DigitString& s, NoiseKind kind, double decibels, Generator& gen, const SpeechShape& shape) {
    if (std::isinf(decibels) && decibels > 0) return speech_features(s.sound);
    const Sound other = noise(kind, int64_t(s.sound.samples.size()), s.sound.rate, gen, shape);
    return speech_features(mixed(s.sound, s.spans, other, decibels));
}

PrefixBeamOptions channel(const BigramPrior& prior, double weight) {
    const auto language_model = [prior](const std::vector<int32_t>& before, int32_t next) {
        return prior.log_prob(before.empty() ? -1 : before.back() - 1, next - 1);
    };
    return {.log_prior = std::vector<double>(11, std::log(0.1)), .language_model = language_model, .weight = weight};
}

std::vector<int> digits_of(const std::vector<int32_t>& classes) {
    std::vector<int> labels;
    for (const int32_t k : classes) labels.push_back(k - 1);
    return labels;
}

}  // namespace unroll
