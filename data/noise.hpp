#pragma once
#include <vector>

#include "core/random.hpp"
#include "data/sound.hpp"

/// What is between speaker and listener: noise, at a ratio to the signal that is told.
namespace unroll {

/// Stretches of a sound: samples begin to end - 1.
struct Span {
    int64_t begin, end;
};

/// Mean square of the samples in the stretches. Throws Error where there are none, or they lie outside.
double power(const Sound& sound, const std::vector<Span>& spans, Where at = {});
double power(const Sound& sound, Where at = {});  // of all

/// White has the same power at all frequencies, pink 1/f of it, speech that of the recordings in the mean.
enum class NoiseKind { white, pink, speech };

/// The spectrum of recordings, as the filter that gives it to white noise: x_t = Σ_k a_k x_{t-k} + e_t. The a are those
/// that predict a sample best from the ones before, found from the mean autocorrelation (Levinson and Durbin).
struct SpeechShape {
    std::vector<double> a = {};
};
SpeechShape speech_shape(const std::vector<Sound>& recordings, int64_t order = 12, Where at = {});

/// n samples, of about power 1 for white and pink.
Sound noise(NoiseKind kind, int64_t n, int64_t rate, Generator& gen, const SpeechShape& shape = {}, Where at = {});

/// signal + g noise, g such that 10 log10(power of the signal in the spans / power of g noise) is `decibels`. The
/// noise is as long as the signal. Throws Error where one of them is silent.
Sound mixed(const Sound& signal, const std::vector<Span>& spans, const Sound& noise, double decibels, Where at = {});

}  // namespace unroll
