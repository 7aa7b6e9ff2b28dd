#pragma once
#include "core/random.hpp"
#include "core/tensor.hpp"
#include "data/sound.hpp"

/// What a recogniser sees of a sound: how loud it is in bands of frequencies, over time.
namespace unroll {

struct LogMelOptions {
    double window = 0.025, step = 0.010;  // seconds
    int64_t bands = 40;
    double lowest = 20, highest = 0;  // Hz; 0: half the rate
    double emphasis = 0.97;           // y_t = x_t - emphasis x_{t-1}, which lifts the high frequencies
    double warp =
        1;  // of the bands' frequencies, 0.5 to 1.25, as a vocal tract of another length does; not the highest
    double floor = 1e-10;  // of a band's energy, for silence
};

/// Log-mel features [T, F]: of each window (Hann's) the power spectrum |FFT|², summed with triangular weights in bands
/// that are equally wide in mel(f) = 2595 log10(1 + f / 700), and the natural logarithm. T = 1 + (samples - window) /
/// step; a shorter sound is filled up with silence.
Tensor log_mel(const Sound& sound, const LogMelOptions& options = {}, Where at = {});

/// How fast they change: d_t = Σ_{n=1}^{reach} n (x_{t+n} - x_{t-n}) / 2 Σ n², the ends repeated.   (Furui, 1986)
Tensor deltas(const Tensor& x, int64_t reach = 2, Where at = {});

/// Each column to mean 0 and variance 1 over the sound's T steps; a constant one becomes 0.
Tensor normalised(const Tensor& x, Where at = {});

/// n steps side by side, [T, F] to [T / n, n F]: what is left over at the end is dropped, unless it is all there is.
Tensor stacked(const Tensor& x, int64_t n, Where at = {});

struct SpeechFeatureOptions {
    double warp = 1;             // as log_mel's
    Generator* masks = nullptr;  // given in training: hides a stretch of time and a stretch of bands
};
/// What the recogniser hears, [T, 240] at a step of 30 ms: at 8,000 samples a second and one loudness, 40 log-mel bands
/// not below 40 dB or so under that, their deltas, normalised, three steps stacked.
Tensor speech_features(const Sound& sound, const SpeechFeatureOptions& options = {}, Where at = {});

}  // namespace unroll
