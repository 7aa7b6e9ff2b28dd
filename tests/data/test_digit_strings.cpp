// Strings joined from recordings, the bigram they are drawn from, and what a recogniser hears of them.
#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <set>
#include <thread>
#include <tuple>

#include "core/kernels/parallel.hpp"
#include "core/storage.hpp"
#include "data/digit_strings.hpp"
#include "data/features.hpp"
#include "data/speech_batch.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;

namespace {

const std::string digits_folder = UNROLL_ROOT "/data/synth-digits";

const DigitRecordings& recordings() {
    static const DigitRecordings all(find_digits(digits_folder, "valid"));
    return all;
}
Sound tone(double hertz, int64_t rate, int64_t n, double loudness = 0.5) {
    Sound s{rate, {}};
    for (int64_t i = 0; i < n; i++)
        s.samples.push_back(static_cast<float>(
            loudness * std::sin(2 * std::acos(-1.0) * hertz * static_cast<double>(i) / static_cast<double>(rate))));
    return s;
}
double furthest(const Tensor& a, const Tensor& b) {
    REQUIRE(a.shape() == b.shape());
    double most = 0;
    for (int64_t i = 0; i < a.size(); i++) most = std::max(most, std::abs(a.flat(i) - b.flat(i)));
    return most;
}

}  // namespace

TEST_CASE("find_digits: the parts of data/synth-digits, and of a folder without an index") {
    std::set<std::string> speakers;
    for (const auto& [part, n] : {std::pair{"train", 360}, {"valid", 120}, {"test", 180}}) {
        const auto found = find_digits(digits_folder, part);
        CHECK(int(found.size()) == n);
        std::set<std::string> own;
        for (const SpokenDigit& d : found) own.insert(d.speaker);
        for (const std::string& name : own) CHECK(speakers.insert(name).second);  // in no other part
    }
    const TemporaryFolder folder;
    for (const char* take : {"0", "4", "5", "9", "10", "49"})
        folder.write(std::string("7_jackson_") + take + ".wav", "");
    CHECK(find_digits(folder.path(), "test").size() == 2);
    CHECK(find_digits(folder.path(), "valid").size() == 2);
    CHECK(find_digits(folder.path(), "train").size() == 2);
    CHECK(contains(error_of([&] { find_digits(folder.path(), "tset"); }), "no recordings of the part tset"));
    folder.write("index.tsv", "file\tsplit\nsome/7_jackson_0.wav\ttrain\n");
    CHECK(find_digits(folder.path(), "train").size() == 1);
    const auto refused = [&](const char* index) {
        folder.write("index.tsv", index);
        return error_of([&] { find_digits(folder.path(), "train"); });
    };
    CHECK(contains(refused("file split\n"), "index.tsv: line 1: 1 of the 2 fields that tabs separate"));
    CHECK(contains(refused("file\tsplit\n7_jackson_0.wav\ttrian\n"), "line 2: the split is \"trian\", expected train"));
    CHECK(contains(refused("7_jackson_0.wav\ttrain\n7_jackson_1.wav\ttrain\n"),
                   "line 2: there is no recording \"7_jackson_1.wav\""));
    CHECK(contains(refused("7_jackson_0.wav\ttr\xff\n"), "index.tsv"));
}

TEST_CASE("BigramPrior: the perplexity asked for, which strings drawn from it have") {
    for (const auto& [wanted, least, most] : {std::tuple{3.0, 3, 7}, {4.9, 3, 7}, {9.0, 2, 2}, {4.9, 1, 9}}) {
        const BigramPrior prior(wanted, 9, least, most);
        CHECK(prior.perplexity() == doctest::Approx(wanted).epsilon(1e-6));
        for (int before = -1; before < 10; before++) {
            double sum = 0;
            for (int k = 0; k < 10; k++) sum += std::exp(prior.log_prob(before, k));
            CHECK(sum == doctest::Approx(1));
        }
        Generator gen(2);
        double nats = 0, n = 0;
        for (int i = 0; i < 20000; i++)
            for (int64_t k = 0, length = least + gen.below(most - least + 1), before = -1; k < length; k++) {
                const int digit = prior.draw(static_cast<int>(before), gen);
                nats -= prior.log_prob(static_cast<int>(before), digit);
                before = digit, n++;
            }
        CHECK(std::exp(nats / n) == doctest::Approx(wanted).epsilon(0.01));
    }
    CHECK(BigramPrior(10, 1).log_prob(3, 4) == doctest::Approx(std::log(0.1)));
    CHECK(contains(error_of([] { BigramPrior(11, 1); }), "perplexity 11"));
    CHECK(contains(error_of([] { BigramPrior(NAN, 1); }), "BigramPrior (test_digit_strings.cpp:"));
}

TEST_CASE("DigitRecordings: recordings stand in a string as they are, between gaps, and come again from a seed") {
    Generator gen(1);
    std::multiset<int> counts;
    for (int i = 0; i < 40; i++) {
        const DigitString s = recordings().draw(gen, {.shortest_gap = 0.05, .longest_gap = 0.1});
        REQUIRE(s.digits.size() == s.spans.size());
        CHECK(s.digits.size() >= 3);
        CHECK(s.digits.size() <= 7);
        counts.insert(s.digits.begin(), s.digits.end());
        int64_t before = 0;
        for (const Span& span : s.spans) {
            CHECK(span.begin - before >= 399);
            CHECK(span.begin - before <= 800);
            for (int64_t k = before; k < span.begin; k++) REQUIRE(s.sound.samples[static_cast<size_t>(k)] == 0);
            const std::vector<float> piece(s.sound.samples.begin() + span.begin, s.sound.samples.begin() + span.end);
            int found = -1;
            for (int64_t r = 0; r < recordings().size(); r++)
                if (recordings().sounds()[static_cast<size_t>(r)].samples == piece)
                    found = recordings().single(r, 0).digits.at(0);
            CHECK(found == s.digits[static_cast<size_t>(&span - s.spans.data())]);
            before = span.end;
        }
        CHECK(static_cast<int64_t>(s.sound.samples.size()) - before >= 399);
    }
    for (int k = 0; k < 10; k++) CHECK(counts.count(k) > 5);
    Generator a(5), b(5), c(6);
    const DigitStringOptions o{.slowest = 0.8, .fastest = 1.2, .gain = 4};
    const DigitString once = recordings().draw(a, o), again = recordings().draw(b, o);
    CHECK(once.sound.samples == again.sound.samples);
    CHECK(once.digits == again.digits);
    CHECK(once.sound.samples != recordings().draw(c, o).sound.samples);
}

TEST_CASE("DigitRecordings: the gain is in decibels, the speed changes the length") {
    Generator gen(1);
    double sum = 0, squares = 0;
    int n = 0;
    for (int i = 0; i < 60; i++) {
        Generator again = gen;
        const DigitString plain = recordings().say({1, 2, 3, 4, 5}, again),
                          loud = recordings().say({1, 2, 3, 4, 5}, gen, {.gain = 4});
        for (size_t k = 0; k < 5; k++) {
            const double db =
                10 * std::log10(power(loud.sound, {loud.spans[k]}) / power(plain.sound, {plain.spans[k]}));
            sum += db, squares += db * db, n++;
        }
    }
    CHECK(std::abs(sum / n) < 1);
    CHECK(std::sqrt(squares / n) == doctest::Approx(4).epsilon(0.15));
    const DigitString slow = recordings().say({7}, gen, {.longest_gap = 0, .slowest = 0.5, .fastest = 0.5});
    bool found = false;
    for (const Sound& s : recordings().sounds()) found |= s.samples.size() * 2 == slow.sound.samples.size();
    CHECK(found);
    const DigitString single = recordings().single(3, 0.01);
    CHECK(single.spans[0].begin == 80);
    CHECK(single.sound.samples.size() == recordings().sounds()[3].samples.size() + 160);
}

TEST_CASE("DigitRecordings: misuse") {
    auto files = find_digits(digits_folder, "valid");
    std::erase_if(files, [](const SpokenDigit& d) { return d.digit == 4 && d.speaker == "en-gb-f1"; });
    CHECK(contains(error_of([&] { DigitRecordings{files}; }), "en-gb-f1 says no 4"));
    CHECK(contains(error_of([] { DigitRecordings({}); }), "no recordings"));
    Generator gen(1);
    CHECK(contains(error_of([&] { recordings().draw(gen, {.least = 4, .most = 3}); }), "4 to 3 digits"));
    CHECK(contains(error_of([&] { recordings().draw(gen, {.longest_gap = -1}); }), "gaps of 0 to -1 seconds"));
    CHECK(contains(error_of([&] { recordings().say({10}, gen); }), "10 is no digit"));
    CHECK(contains(error_of([&] { recordings().single(120, 0); }), "recording 120 of 120"));
}

TEST_CASE("played: faster, shorter and higher") {
    const Sound fast = played(tone(300, 8000, 4000), 1.25), expected = tone(375, 8000, 3200);
    REQUIRE(fast.samples.size() == 3200);
    for (size_t i = 0; i < 3190; i++) CHECK(std::abs(fast.samples[i] - expected.samples[i]) < 0.01);
    CHECK(played(tone(300, 8000, 50), 1).samples == tone(300, 8000, 50).samples);
    CHECK(played(Sound{8000, {}}, 1.1).samples.empty());
    CHECK(contains(error_of([] { played(Sound{8000, {1}}, 0); }), "0 times as fast"));
}

TEST_CASE("log_mel: a warp moves the bands") {
    const Tensor lower = log_mel(tone(500, 8000, 400)), higher = log_mel(tone(500 * 1.2, 8000, 400), {.warp = 1.2});
    int64_t band[2] = {};
    for (int64_t f = 0; f < 40; f++) {
        if (lower.at({1, f}) > lower.at({1, band[0]})) band[0] = f;
        if (higher.at({1, f}) > higher.at({1, band[1]})) band[1] = f;
    }
    CHECK(band[0] == band[1]);
    CHECK(furthest(log_mel(tone(500, 8000, 400)), log_mel(tone(500, 8000, 400), {.warp = 1.0 + 1e-12})) < 1e-4);
    for (const double warp : {0.5, 0.86, 1.14, 1.24})
        CHECK_FALSE(has_nonfinite(log_mel(tone(900, 8000, 900), {.warp = warp})));
    CHECK(contains(error_of([] { log_mel(Sound{8000, {1}}, {.warp = 1.3}); }), "warp 1.3"));
}

TEST_CASE("speech_features: of any rate and loudness; silence and nothing") {
    const DigitString s = recordings().single(5, 0.1);
    const Tensor x = speech_features(s.sound);
    const auto frames = 1 + (static_cast<int64_t>(s.sound.samples.size()) - 200) / 80;
    CHECK(x.shape() == Shape{frames / 3, 240});
    Sound soft = s.sound;
    for (float& v : soft.samples) v *= 0.01f;
    CHECK(furthest(x, speech_features(soft)) < 1e-3);
    CHECK(speech_features(resampled(s.sound, 44100)).dim(1) == 240);
    CHECK(std::abs(speech_features(resampled(s.sound, 44100)).dim(0) - x.dim(0)) <= 1);
    for (const size_t n : {size_t(0), size_t(1), size_t(1000)}) {
        const Tensor silence = speech_features(Sound{8000, std::vector<float>(n)});
        CHECK(silence.dim(0) >= 1);
        for (const double v : silence.to_vector()) CHECK(v == 0);
    }
    Sound clipped = s.sound;
    for (float& v : clipped.samples) v = v > 0 ? 1.0f : -1.0f;
    CHECK_FALSE(has_nonfinite(speech_features(clipped)));
    CHECK(contains(error_of([] { speech_features(Sound{0, {1}}); }), "a sound of 0 samples a second"));
    Generator gen(1), again(1);
    const Tensor masked = speech_features(s.sound, {.masks = &gen});
    CHECK(furthest(masked, speech_features(s.sound, {.masks = &again})) == 0);
    int64_t hidden = 0;
    for (int64_t i = 0; i < x.size(); i++) {
        if (masked.flat(i) != x.flat(i)) CHECK(masked.flat(i) == 0);
        hidden += masked.flat(i) != x.flat(i);
    }
    CHECK(hidden < x.size() / 2);
}

TEST_CASE("made_by_workers: as one thread makes it, and nothing stays behind in a worker's memory") {
    const auto make = [](int64_t i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));  // else the first thread has done it all
        return Tensor::full({i % 3 + 1, 2}, double(i));
    };
    const int threads = kernels::threads();
    kernels::set_threads(3);
    const int64_t before = memory_stats().live_bytes;
    for (int round = 0; round < 3; round++) {
        const std::vector<Tensor> all = made_by_workers(64, make);
        REQUIRE(all.size() == 64);
        for (int64_t i = 0; i < 64; i++) CHECK(all[size_t(i)].to_vector() == make(i).to_vector());
    }
    CHECK(memory_stats().live_bytes == before);
    kernels::set_threads(threads);
    CHECK(made_by_workers(0, make).empty());
}

TEST_CASE("speech_batch: recordings side by side") {
    const SpeechBatch b = speech_batch({Tensor::of({{1, 2}, {3, 4}, {5, 6}}), Tensor::of({{7, 8}})}, {{0}, {9, 0}});
    CHECK(b.x.shape() == Shape{3, 2, 2});
    CHECK(b.x.to_vector() == std::vector<double>{1, 2, 7, 8, 3, 4, 0, 0, 5, 6, 0, 0});
    CHECK(b.targets.input_lengths[0] == 3);
    CHECK(b.targets.input_lengths[1] == 1);
    CHECK(b.targets.target_lengths[0] == 1);
    CHECK(b.targets.labels[0] == 1);
    CHECK(b.targets.labels[2] == 10);
    CHECK(b.targets.labels[3] == 1);
    CHECK(contains(error_of([] { speech_batch({}, {}); }), "0 recordings"));
    CHECK(contains(error_of([] {
                       speech_batch({Tensor::of({{1, 2}}), Tensor::of({{1}})}, {{}, {}});
                   }),
                   "recording 1 is"));
}
