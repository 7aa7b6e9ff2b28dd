// Noise at a stated ratio to the signal, and its spectra.
#include <doctest/doctest.h>

#include <cmath>

#include "data/features.hpp"
#include "data/noise.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;

namespace {

Sound drawn(NoiseKind kind, int64_t n, uint64_t seed, const SpeechShape& shape = {}) {
    Generator gen(seed);
    return noise(kind, n, 8000, gen, shape);
}

/// Decibels in each octave from 8 Hz on.
std::vector<double> octaves(const Sound& sound) {
    std::vector<double> level;
    for (double low = 7.8125; low < 4000; low *= 2) {
        const Tensor x =
            log_mel(sound, {.window = 1, .step = 0.5, .bands = 1, .lowest = low, .highest = 2 * low, .emphasis = 0});
        double sum = 0;
        for (const double v : x.to_vector()) sum += std::exp(v) / static_cast<double>(x.size());
        level.push_back(10 * std::log10(sum));
    }
    return level;
}

}  // namespace

TEST_CASE("mixed: the ratio that is measured is the one asked for, over the signal's stretches alone") {
    Generator gen(3);
    Sound signal{8000, std::vector<float>(9000)};
    const std::vector<Span> spans = {{1000, 2500}, {5000, 6001}};
    for (const Span& s : spans)
        for (int64_t i = s.begin; i < s.end; i++)
            signal.samples[static_cast<size_t>(i)] = static_cast<float>(0.3 * gen.normal());
    const SpeechShape shape{{0.9}};
    for (const NoiseKind kind : {NoiseKind::white, NoiseKind::pink, NoiseKind::speech})
        for (const double decibels : {-10.0, 0.0, 7.5, 20.0}) {
            Sound rest = mixed(signal, spans, drawn(kind, 9000, 5, shape), decibels);
            for (size_t i = 0; i < rest.samples.size(); i++) rest.samples[i] -= signal.samples[i];
            CHECK(10 * std::log10(power(signal, spans) / power(rest)) == doctest::Approx(decibels).epsilon(1e-4));
        }
    const Sound silence{8000, std::vector<float>(9000)};
    CHECK(contains(error_of([&] { mixed(silence, spans, signal, 0); }), "mixed (test_noise.cpp:"));
    CHECK(contains(error_of([&] { mixed(signal, spans, silence, 0); }), "noise 0 can't be at 0 dB"));
    CHECK(contains(error_of([&] { mixed(signal, spans, signal, NAN); }), "can't be at nan dB"));
    CHECK(contains(error_of([&] { mixed(signal, spans, drawn(NoiseKind::white, 7, 1), 0); }), "noise of 7 samples"));
}

TEST_CASE("power: of stretches") {
    const Sound s{8000, {1, 2, 3, 4}};
    CHECK(power(s) == 7.5);
    CHECK(power(s, {{0, 1}, {3, 4}}) == 8.5);
    CHECK(contains(error_of([&] { power(s, {{2, 5}}); }), "samples 2 to 5 of 4"));
    CHECK(contains(error_of([&] { power(s, std::vector<Span>{}); }), "of no samples"));
    CHECK(contains(error_of([&] { power(Sound{8000, {}}); }), "of no samples"));
}

TEST_CASE("noise: white is level, pink falls by 3 dB an octave, both of about power 1") {
    const Sound white = drawn(NoiseKind::white, 400000, 1), pink = drawn(NoiseKind::pink, 400000, 1);
    CHECK(power(white) == doctest::Approx(1).epsilon(0.05));
    CHECK(power(pink) > 0.1);
    CHECK(power(pink) < 10);
    const std::vector<double> w = octaves(white), p = octaves(pink);
    for (size_t i = 1; i < w.size(); i++) {
        CHECK(std::abs(w[i] - w[i - 1] - 3) < 1.5);  // twice as many hertz
        CHECK(std::abs(p[i] - p[i - 1]) < 1.5);
    }
    CHECK(drawn(NoiseKind::pink, 500, 7).samples == drawn(NoiseKind::pink, 500, 7).samples);
    CHECK(drawn(NoiseKind::pink, 500, 7).samples != drawn(NoiseKind::pink, 500, 8).samples);
    CHECK(contains(error_of([] { drawn(NoiseKind::white, 0, 1); }), "0 samples"));
    CHECK(contains(error_of([] { drawn(NoiseKind::speech, 5, 1); }), "its shape is not given"));
}

TEST_CASE("speech_shape: finds the filter that the noise was made with, and gives its spectrum") {
    const SpeechShape shape{{1.2, -0.7, 0.2}};
    const Sound s = drawn(NoiseKind::speech, 200000, 4, shape);
    const SpeechShape found = speech_shape({s}, 3);
    REQUIRE(found.a.size() == 3);
    for (size_t k = 0; k < 3; k++) CHECK(std::abs(found.a[k] - shape.a[k]) < 0.02);
    const SpeechShape longer = speech_shape({s}, 6);
    for (size_t k = 0; k < 6; k++) CHECK(std::abs(longer.a[k] - (k < 3 ? shape.a[k] : 0)) < 0.03);
    CHECK(contains(error_of([] { speech_shape({Sound{8000, std::vector<float>(9)}}); }), "all of them silent"));
    CHECK(contains(error_of([&] { speech_shape({s}, 0); }), "order 0"));
}
