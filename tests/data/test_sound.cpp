// WAV files, other rates, and log-mel features.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <map>

#include "core/safetensors.hpp"
#include "data/features.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;

namespace {

const std::string root = UNROLL_ROOT;
const double pi = std::acos(-1.0);

/// Whole numbers, or the bits of floating-point ones (kind 3), as a WAV.
std::string wav(int bits, int channels, uint32_t rate, const std::vector<uint32_t>& values, int kind = 1) {
    std::string s;
    const auto add = [&](uint32_t value, int bytes) {
        for (int i = 0; i < bytes; i++) s += static_cast<char>(value >> 8 * i & 0xFF);
    };
    const auto width = static_cast<uint32_t>(bits / 8 * channels);
    const auto size = static_cast<uint32_t>(values.size()) * static_cast<uint32_t>(bits / 8);
    s += "RIFF", add(36 + size, 4), s += "WAVEfmt ", add(16, 4);
    add(static_cast<uint32_t>(kind), 2), add(static_cast<uint32_t>(channels), 2), add(rate, 4), add(rate * width, 4);
    add(width, 2), add(static_cast<uint32_t>(bits), 2);
    s += "data", add(size, 4);
    for (const uint32_t v : values) add(v, bits / 8);
    return s;
}
uint32_t bits_of(float x) {
    uint32_t bits = 0;
    std::memcpy(&bits, &x, 4);
    return bits;
}
std::string message(const std::string& content, double most_seconds = 3600) {
    const std::string what = error_of([&] { decode_sound(content, "x.wav", most_seconds); });
    return what.find("x.wav: ") == 0 ? what.substr(7) : what;
}
Sound tone(double hertz, int64_t rate, int64_t n) {
    Sound s{rate, {}};
    for (int64_t i = 0; i < n; i++)
        s.samples.push_back(
            static_cast<float>(0.8 * std::sin(2 * pi * hertz * static_cast<double>(i) / static_cast<double>(rate))));
    return s;
}

}  // namespace

TEST_CASE("decode_sound: every width, several channels") {
    const auto samples = [](const std::string& content) { return decode_sound(content, "x").samples; };
    CHECK(samples(wav(16, 1, 8000, {0, 16384, 0x8000, 0x7FFF})) == std::vector<float>{0, 0.5f, -1, 32767.0f / 32768});
    CHECK(samples(wav(8, 1, 8000, {128, 192, 0})) == std::vector<float>{0, 0.5f, -1});
    CHECK(samples(wav(24, 1, 8000, {0, 0x400000, 0x800000})) == std::vector<float>{0, 0.5f, -1});
    CHECK(samples(wav(32, 1, 8000, {0, 0x40000000, 0x80000000})) == std::vector<float>{0, 0.5f, -1});
    CHECK(samples(wav(32, 1, 8000, {0, bits_of(0.25f), bits_of(-3)}, 3)) == std::vector<float>{0, 0.25f, -3});
    CHECK(samples(wav(16, 2, 8000, {16384, 0, 16384, 16384, 0x8000, 0x8000})) == std::vector<float>{0.25f, 0.5f, -1});
    CHECK(decode_sound(wav(16, 2, 44100, std::vector<uint32_t>(88200)), "x").seconds() == 1);
    // Chunks before the samples, of odd length too.
    std::string more = wav(16, 1, 8000, {16384});
    more.insert(36, std::string("LIST\x03\0\0\0abc\0", 12));
    CHECK(samples(more) == std::vector<float>{0.5f});
}

TEST_CASE("decode_sound: what can't be used is told in one line") {
    const std::string good = wav(16, 1, 8000, {1, 2, 3, 4});
    CHECK(message("") == "the file is empty");
    CHECK(message("text") == "is no WAV file");
    CHECK(message("RIFF....AVI LIST") == "is no WAV file");
    CHECK(message(wav(16, 1, 8000, {})) == "the sound has no samples");
    CHECK(message(good.substr(0, good.size() - 1)) == "the sound is cut off: 7 bytes of 8 are there");
    CHECK(message(good.substr(0, 40)) == "the sound is cut off: there are no samples");
    for (size_t n = 0; n < good.size(); n++) CHECK(message(good.substr(0, n)) != "");
    CHECK(message(wav(32, 1, 8000, {0, bits_of(NAN)}, 3)) == "sample 1 is not a finite number");
    CHECK(message(wav(32, 1, 8000, {bits_of(INFINITY)}, 3)) == "sample 0 is not a finite number");
    CHECK(contains(message(wav(16, 1, 10, {1, 2})), "1 channels of 10 samples a second"));
    CHECK(message(wav(16, 1, 8000, std::vector<uint32_t>(8001)), 1) == "1.0 seconds, more than the limit of 1");
    CHECK(contains(message(wav(16, 1, 8000, {1, 2}, 77)), "the sound can't be read: "));
    CHECK(contains(error_of([] { load_sound("nothing.wav"); }), "nothing.wav: "));
    int accepted = 0;  // a bit turned: an Error or a sound, never a crash
    for (size_t i = 0; i < good.size() * 8; i++) {
        std::string bad = good;
        bad[i / 8] = static_cast<char>(bad[i / 8] ^ (1 << i % 8));
        accepted += message(bad) == "";
    }
    CHECK(accepted > 0);
}

TEST_CASE("encode_sound comes back") {
    const Sound s{16000, {0, 0.5f, -0.5f, 1, -1, 2, -7}};
    const Sound back = decode_sound(encode_sound(s), "x");
    CHECK(back.rate == 16000);
    REQUIRE(back.samples.size() == 7);
    for (size_t i = 0; i < 7; i++)
        CHECK(std::abs(back.samples[i] - std::min(1.0f, std::max(-1.0f, s.samples[i]))) < 1e-4);
}

TEST_CASE("resampled: a tone stays that tone; what the new rate cannot hold is gone") {
    for (const auto& [from, to] : {std::pair{44100, 8000}, {8000, 16000}, {11025, 8000}, {16000, 8000}}) {
        const Sound s = resampled(tone(440, from, from / 4), to), expected = tone(440, to, to / 4);
        CHECK(s.rate == to);
        CHECK(std::abs(static_cast<int64_t>(s.samples.size()) - to / 4) <= 1);
        double worst = 0;
        for (size_t i = 200; i + 200 < expected.samples.size(); i++)
            worst = std::max(worst, std::abs(static_cast<double>(s.samples[i] - expected.samples[i])));
        CHECK(worst < 2e-3);
    }
    const Sound gone = resampled(tone(6000, 44100, 8000), 8000);
    for (size_t i = 200; i + 200 < gone.samples.size(); i++) CHECK(std::abs(gone.samples[i]) < 2e-3);
    CHECK(resampled(tone(440, 8000, 50), 8000).samples == tone(440, 8000, 50).samples);
    CHECK(contains(error_of([] { resampled(Sound{8000, {1}}, 0); }), "from 8000 to 0 samples a second"));
}

TEST_CASE("log_mel: as NumPy computes it") {
    const SafeTensors file = load_safetensors(root + "/tests/data/sounds/features.safetensors");
    const Tensor expected = file.tensor("features");
    Sound sound{8000, {}};
    for (const double x : file.tensor("sound").to_vector()) sound.samples.push_back(static_cast<float>(x));
    const Tensor x = log_mel(sound);
    CHECK(x.shape().str() == "[T=13, F=40]");
    REQUIRE(x.shape() == expected.shape());
    double worst = 0;
    for (int64_t i = 0; i < x.size(); i++) worst = std::max(worst, std::abs(x.flat(i) - expected.flat(i)));
    CHECK(worst < 1e-5);
}

TEST_CASE("log_mel: silence, short sounds, clipped ones, a tone in its band") {
    for (const double v : log_mel({8000, std::vector<float>(400)}).to_vector())
        CHECK(v == doctest::Approx(std::log(1e-10)));
    CHECK(log_mel({8000, {0.5f}}).shape() == Shape{1, 40});
    CHECK(log_mel({8000, std::vector<float>(199, 0.1f)}).shape() == Shape{1, 40});
    CHECK(log_mel({8000, std::vector<float>(279, 0.1f)}).shape() == Shape{1, 40});
    CHECK(log_mel({8000, std::vector<float>(280, 0.1f)}).shape() == Shape{2, 40});
    CHECK_FALSE(has_nonfinite(log_mel({8000, std::vector<float>(500, 1.0f)})));
    // Of 10 bands from 0 to 4000 Hz the middle of band f is at mel (f + 1) / 11 of all.
    const double whole = 2595 * std::log10(1 + 4000 / 700.0);
    for (int64_t band : {2, 5, 8}) {
        const double middle = 700 * (std::pow(10, whole * static_cast<double>(band + 1) / 11 / 2595) - 1);
        const Tensor x = log_mel(tone(middle, 8000, 400), {.bands = 10, .lowest = 0});
        for (int64_t f = 0; f < 10; f++)
            if (f != band) CHECK(x.at({1, f}) < x.at({1, band}));
    }
    CHECK(contains(error_of([] { log_mel({8000, {1}}, {.highest = 5000}); }), "log_mel (test_sound.cpp:"));
    CHECK(contains(error_of([] { log_mel({8000, {1}}, {.window = NAN}); }), "not possible at 8000 a second"));
    CHECK(contains(error_of([] { log_mel({8000, {1}}, {.bands = 0}); }), "0 bands"));
    CHECK(contains(error_of([] { log_mel({0, {1}}); }), "at 0 a second"));
}

TEST_CASE("deltas, normalised, stacked") {
    const Tensor x = Tensor::of({{0, 5}, {2, 5}, {4, 5}, {6, 5}, {8, 5}, {10, 5}});
    const Tensor d = deltas(x);
    CHECK(d.at({2, 0}) == 2);
    CHECK(d.at({3, 0}) == 2);
    CHECK(d.at({0, 0}) == doctest::Approx((1 * 2.0 + 2 * 4.0) / 10));  // the end repeated
    for (int64_t t = 0; t < 6; t++) CHECK(d.at({t, 1}) == 0);
    CHECK(deltas(x.slice(0, 1)).to_vector() == std::vector<double>{0, 0});
    const Tensor y = normalised(x);
    double sum = 0, squares = 0;
    for (int64_t t = 0; t < 6; t++) {
        sum += y.at({t, 0});
        squares += y.at({t, 0}) * y.at({t, 0});
        CHECK(y.at({t, 1}) == 0);
    }
    CHECK(std::abs(sum) < 1e-6);
    CHECK(squares / 6 == doctest::Approx(1));
    CHECK(stacked(x, 3).to_vector() == x.to_vector());
    CHECK(stacked(x, 3).shape() == Shape{2, 6});
    CHECK(stacked(x, 4).shape() == Shape{1, 8});
    CHECK(stacked(x.slice(0, 2), 3).to_vector() == std::vector<double>{0, 5, 2, 5, 0, 0});
    CHECK(contains(error_of([&] { stacked(x, 0); }), "stacked (test_sound.cpp:"));
    CHECK(contains(error_of([&] { deltas(x.row(0)); }), "expected [T, F]"));
    CHECK(contains(error_of([&] { normalised(Tensor()); }), "expected [T, F]"));
}

TEST_CASE("find_digits: data/synth-digits, and other files left out") {
    const auto all = find_digits(root + "/data/synth-digits/recordings");
    CHECK(all.size() == 660);
    std::map<int, int> counts;
    for (const SpokenDigit& d : all) counts[d.digit]++;
    CHECK(counts.size() == 10);
    CHECK(counts[7] == 66);
    const Sound sound = load_sound(all[0].file);
    CHECK(sound.rate == 8000);
    CHECK(sound.samples.size() == 3972);
    CHECK(all[0].speaker == "en-gb-f1");
    const TemporaryFolder folder;
    for (const char* name : {"7_jackson_32.wav", "3_a_b_0.wav", "x_a_0.wav", "77_a_0.wav", "7_a_x.wav", "7_a_1.mp3",
                             "7__1.wav", "7_a_.wav", "README.md"})
        folder.write(name, "");
    const auto some = find_digits(folder.path());
    REQUIRE(some.size() == 2);
    CHECK(some[0].speaker == "a_b");
    CHECK(some[1].digit == 7);
    CHECK(some[1].speaker == "jackson");
    CHECK(some[1].take == 32);
    CHECK(contains(error_of([] { find_digits("nothing"); }), "nothing: can't be opened"));
    const TemporaryFolder empty;
    CHECK(contains(error_of([&] { find_digits(empty.path()); }), "there are no recordings"));
}
