#pragma once
#include "data/digit_strings.hpp"
#include "data/features.hpp"
#include "data/speech_batch.hpp"
#include "models/recogniser_trainer.hpp"
#include "nn/prefix_beam.hpp"

/// How build/tutorials/recognise and chapter 09 train, and what they decode with.
namespace unroll {

/// Of data/synth-digits.
struct SpeechRecipe {
    DigitStringOptions strings = {
        .least = 1, .most = 7, .longest_gap = 0.25, .slowest = 0.86, .fastest = 1.15, .gain = 4};
    double warp = 0.14;                           // of the frequencies, up or down
    double noisiest = -8, clearest = 20;          // decibels, each ratio between them as likely
    double first_noisiest = 5, easy_share = 0.1;  // of the ratios in the first tenth of the training
    double clean = 0.05;                          // share of strings without noise
    int64_t batch_digits = 160;
    RecogniserOptions model = {};
    Training training = {.steps = 8000, .warm_up = 200, .beta2 = 0.999, .max_norm = 2, .validate_every = 500};
};

/// Strings joined from recordings as training goes, every one of them new, with noise: half white, a quarter pink, a
/// quarter shaped like speech. All strings of a batch have the same number of digits.
class SpeechTask {
  public:
    /// The recordings must outlive it.
    SpeechTask(const DigitRecordings& recordings, const SpeechRecipe& recipe, uint64_t seed);
    SpeechBatch batch(int64_t step) const;
    /// To validate with: no change of voice and no masks, at the ratios of training.
    std::vector<SpeechBatch> batches_as_they_are(int64_t n) const;

  private:
    SpeechBatch make(int64_t step, bool changed) const;
    const DigitRecordings& recordings_;
    SpeechRecipe recipe_;
    uint64_t seed_;
    SpeechShape shape_;
};

/// A string in noise, as features; at infinite decibels without any.
Tensor heard(const DigitString& string, NoiseKind kind, double decibels, Generator& gen, const SpeechShape& shape = {});

/// The bigram of the chapter, of perplexity 4.9.
inline BigramPrior digit_grammar() { return {4.9, 9}; }

/// What decoding makes of the noisy channel where each label was as likely in training.
PrefixBeamOptions channel(const BigramPrior& prior, double weight = 1);

/// Labels from classes.
std::vector<int> digits_of(const std::vector<int32_t>& classes);

}  // namespace unroll
