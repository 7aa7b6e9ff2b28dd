#include "data/digit_strings.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

#include "core/file.hpp"
#include "data/text.hpp"

namespace unroll {

static std::string name_of(const std::string& path) { return std::filesystem::path(path).filename().string(); }

std::vector<SpokenDigit> find_digits(const std::string& folder, const std::string& part) {
    const std::string inner = folder + "/recordings", index = folder + "/index.tsv";
    const std::vector<SpokenDigit> found = find_digits(std::filesystem::is_directory(inner) ? inner : folder);
    std::map<std::string, std::string> part_of;
    for (const SpokenDigit& d : found) part_of[name_of(d.file)] = d.take < 5 ? "test" : d.take < 10 ? "valid" : "train";
    if (std::filesystem::exists(index)) {
        for (auto& [name, of] : part_of) of.clear();
        const auto rows = load_table(index, 2);
        for (size_t i = 0; i < rows.size(); i++) {
            if (i == 0 && rows[i][0] == "file" && rows[i][1] == "split") continue;
            const auto recording = part_of.find(name_of(rows[i][0]));
            if (recording == part_of.end())
                throw Error("{}: line {}: there is no recording {}", index, i + 1, in_quotes(rows[i][0]));
            if (rows[i][1] != "train" && rows[i][1] != "valid" && rows[i][1] != "test")
                throw Error("{}: line {}: the split is {}, expected train, valid or test", index, i + 1,
                            in_quotes(rows[i][1]));
            recording->second = rows[i][1];
        }
    }
    std::vector<SpokenDigit> kept;
    for (const SpokenDigit& d : found)
        if (part_of[name_of(d.file)] == part) kept.push_back(d);
    if (kept.empty()) throw Error("{}: no recordings of the part {}", folder, part);
    return kept;
}

BigramPrior::BigramPrior(double perplexity, uint64_t seed, int64_t least, int64_t most, Where at)
    : p_(110), least_(least), most_(most) {
    if (!(perplexity >= 2 && perplexity <= 10) || least < 1 || most < least)
        fail("BigramPrior", at, "perplexity {}, lengths {} to {}: expected 2 to 10, and lengths of 1 or more",
             perplexity, least, most);
    Generator gen(seed);
    std::vector<double> z(p_.size());
    for (double& x : z) x = gen.normal();
    double low = 0, high = 20;
    for (int i = 0; i < 60; i++) {
        const double s = (low + high) / 2;
        for (size_t row = 0; row < p_.size(); row += 10) {
            double sum = 0;
            for (size_t k = row; k < row + 10; k++) sum += p_[k] = std::exp(s * z[k]);
            for (size_t k = row; k < row + 10; k++) p_[k] /= sum;
        }
        (this->perplexity() > perplexity ? low : high) = s;
    }
}

double BigramPrior::log_prob(int before, int digit) const {
    return std::log(p_.at(size_t((before < 0 ? 10 : before) * 10 + digit)));
}

double BigramPrior::perplexity() const {
    std::vector<double> now(11);  // P(digit before)
    now[10] = 1;
    double nats = 0, count = 0;
    for (int64_t i = 0; i < most_; i++) {
        const double still = double(std::min(most_ - i, most_ - least_ + 1)) / double(most_ - least_ + 1);
        std::vector<double> next(11);
        for (size_t before = 0; before < 11; before++)
            for (size_t k = 0; k < 10; k++) {
                const double p = p_[before * 10 + k];
                next[k] += now[before] * p;
                if (p > 0) nats -= still * now[before] * p * std::log(p);
            }
        count += still;
        now = next;
    }
    return std::exp(nats / count);
}

int BigramPrior::draw(int before, Generator& gen) const {
    double left = gen.uniform();
    for (int k = 0; k < 9; k++)
        if ((left -= p_[size_t((before < 0 ? 10 : before) * 10 + k)]) < 0) return k;
    return 9;
}

DigitRecordings::DigitRecordings(const std::vector<SpokenDigit>& files, int64_t rate, Where at) : rate_(rate) {
    std::map<std::string, size_t> names;
    for (const SpokenDigit& d : files) {
        const size_t speaker = names.emplace(d.speaker, names.size()).first->second;
        speakers_.resize(names.size(), std::vector<std::vector<int>>(10));
        speakers_[speaker][size_t(d.digit)].push_back(int(sounds_.size()));
        sounds_.push_back(resampled(load_sound(d.file), rate));
        digits_.push_back(d.digit);
    }
    for (const auto& [name, speaker] : names)
        for (size_t digit = 0; digit < 10; digit++)
            if (speakers_[speaker][digit].empty())
                fail("DigitRecordings", at, "{} says no {}: expected all ten digits of each speaker", name, digit);
    if (files.empty()) fail("DigitRecordings", at, "no recordings");
}

DigitString DigitRecordings::draw(Generator& gen, const DigitStringOptions& o, Where at) const {
    if (o.least < 1 || o.most < o.least)
        fail("DigitRecordings::draw", at, "strings of {} to {} digits: expected 1 or more", o.least, o.most);
    const int64_t n = o.least + gen.below(o.most - o.least + 1);
    std::vector<int> digits;
    for (int64_t i = 0; i < n; i++)
        digits.push_back(o.prior == nullptr ? int(gen.below(10)) : o.prior->draw(i == 0 ? -1 : digits.back(), gen));
    return say(digits, gen, o, at);
}

DigitString DigitRecordings::say(const std::vector<int>& digits, Generator& gen, const DigitStringOptions& o,
                                 Where at) const {
    if (!(o.shortest_gap >= 0 && o.shortest_gap <= o.longest_gap && o.longest_gap <= 10))
        fail("DigitRecordings", at, "gaps of {} to {} seconds", o.shortest_gap, o.longest_gap);
    const auto& speaker = speakers_[size_t(gen.below(int64_t(speakers_.size())))];
    const double speed = gen.uniform(o.slowest, o.fastest);
    DigitString s{{rate_, {}}, digits, {}};
    const auto pause = [&] {
        const double seconds = gen.uniform(o.shortest_gap, o.longest_gap);
        s.sound.samples.resize(s.sound.samples.size() + size_t(seconds * double(rate_)));
    };
    pause();
    for (const int digit : digits) {
        if (digit < 0 || digit > 9) fail("DigitRecordings::say", at, "{} is no digit", digit);
        const auto& takes = speaker[size_t(digit)];
        const int take = takes[size_t(gen.below(int64_t(takes.size())))];
        const double gain = std::pow(10, o.gain * gen.normal() / 20);
        const Sound one = played(sounds_[size_t(take)], speed, at);
        const auto begin = int64_t(s.sound.samples.size());
        for (const float x : one.samples) s.sound.samples.push_back(float(gain * double(x)));
        s.spans.push_back({begin, int64_t(s.sound.samples.size())});
        pause();
    }
    return s;
}

DigitString DigitRecordings::single(int64_t i, double gap, Where at) const {
    if (i < 0 || i >= size()) fail("DigitRecordings::single", at, "recording {} of {}", i, size());
    const auto& samples = sounds_[size_t(i)].samples;
    const auto silence = size_t(gap * double(rate_));
    DigitString s{{rate_, std::vector<float>(silence)}, {digits_[size_t(i)]}, {}};
    s.sound.samples.insert(s.sound.samples.end(), samples.begin(), samples.end());
    s.spans.push_back({int64_t(silence), int64_t(s.sound.samples.size())});
    s.sound.samples.resize(s.sound.samples.size() + silence);
    return s;
}

Sound played(const Sound& sound, double speed, Where at) {
    if (!(speed >= 0.1 && speed <= 10)) fail("played", at, "{} times as fast, expected 0.1 to 10", speed);
    if (speed == 1) return sound;
    const auto n = int64_t(sound.samples.size());
    Sound result{sound.rate, {}};
    const auto m = int64_t(double(n) / speed);
    result.samples.reserve(size_t(m));
    const auto x = [&](int64_t i) { return double(sound.samples[size_t(std::clamp<int64_t>(i, 0, n - 1))]); };
    for (int64_t k = 0; k < m; k++) {
        const double place = double(k) * speed;
        const auto i = int64_t(place);
        const double u = place - double(i), a = x(i - 1), b = x(i), c = x(i + 1), d = x(i + 2);
        // The cubic through b and c with the slopes of their neighbours (Catmull and Rom)
        result.samples.push_back(
            float(b + u * ((c - a) / 2 + u * ((2 * a - 5 * b + 4 * c - d) / 2 + u * (3 * (b - c) + d - a) / 2))));
    }
    return result;
}

}  // namespace unroll
