#include "data/sound.hpp"

#include <sndfile.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <memory>

#include "core/file.hpp"

namespace unroll {
namespace {

/// Bytes in memory as libsndfile reads them.
struct Memory {
    std::string_view bytes;
    sf_count_t at = 0;

    static sf_count_t length(void* m) { return sf_count_t(static_cast<Memory*>(m)->bytes.size()); }
    static sf_count_t seek(sf_count_t offset, int whence, void* m) {
        auto* self = static_cast<Memory*>(m);
        const sf_count_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? self->at : length(m);
        return self->at = std::clamp<sf_count_t>(from + offset, 0, length(m));
    }
    static sf_count_t read(void* to, sf_count_t n, void* m) {
        auto* self = static_cast<Memory*>(m);
        n = std::clamp<sf_count_t>(n, 0, length(m) - self->at);
        std::memcpy(to, self->bytes.data() + self->at, size_t(n));
        self->at += n;
        return n;
    }
    static sf_count_t write(const void*, sf_count_t, void*) { return 0; }
    static sf_count_t tell(void* m) { return static_cast<Memory*>(m)->at; }
};

uint32_t number(std::string_view bytes, size_t at) {  // of four bytes, the lowest first
    uint32_t value = 0;
    for (size_t i = 4; i-- > 0;) value = value << 8 | uint8_t(bytes[at + i]);
    return value;
}

/// Throws unless the samples' chunk is there as long as it says.
void check_chunks(std::string_view wav, const std::string& name) {
    if (wav.empty()) throw Error("{}: the file is empty", name);
    if (wav.substr(0, 4) != "RIFF" || wav.size() < 12 || wav.substr(8, 4) != "WAVE")
        throw Error("{}: is no WAV file", name);
    for (size_t at = 12; at + 8 <= wav.size();) {
        const size_t size = number(wav, at + 4);
        if (wav.substr(at, 4) == "data") {
            if (size > wav.size() - at - 8)
                throw Error("{}: the sound is cut off: {} bytes of {} are there", name, wav.size() - at - 8, size);
            if (size == 0) throw Error("{}: the sound has no samples", name);
            return;
        }
        at += 8 + size + size % 2;
    }
    throw Error("{}: the sound is cut off: there are no samples", name);
}

}  // namespace

Sound decode_sound(std::string_view wav, const std::string& name, double most_seconds) {
    check_chunks(wav, name);
    SF_VIRTUAL_IO io{Memory::length, Memory::seek, Memory::read, Memory::write, Memory::tell};
    Memory memory{wav};
    SF_INFO info{};
    const std::unique_ptr<SNDFILE, int (*)(SNDFILE*)> file(sf_open_virtual(&io, SFM_READ, &info, &memory), sf_close);
    if (file == nullptr) throw Error("{}: the sound can't be read: {}", name, sf_strerror(nullptr));
    if (info.samplerate < 1000 || info.samplerate > 384000 || info.channels < 1 || info.channels > 64)
        throw Error("{}: {} channels of {} samples a second, expected 1 to 64 of 1000 to 384000", name, info.channels,
                    info.samplerate);
    if (info.frames < 1) throw Error("{}: the sound has no samples", name);
    if (double(info.frames) > most_seconds * info.samplerate)
        throw Error("{}: {:.1f} seconds, more than the limit of {}", name, double(info.frames) / info.samplerate,
                    most_seconds);
    Sound sound{info.samplerate, {}};
    std::vector<float> block(size_t(info.channels) * 4096);
    for (sf_count_t n; (n = sf_readf_float(file.get(), block.data(), 4096)) > 0;)
        for (sf_count_t i = 0; i < n; i++) {
            float sum = 0;
            for (int c = 0; c < info.channels; c++) sum += block[size_t(i * info.channels + c)];
            if (!std::isfinite(sum)) throw Error("{}: sample {} is not a finite number", name, sound.samples.size());
            sound.samples.push_back(sum / float(info.channels));
        }
    if (sf_count_t(sound.samples.size()) < info.frames)
        throw Error("{}: the sound is cut off: {} samples of {} are there", name, sound.samples.size(), info.frames);
    return sound;
}

Sound load_sound(const std::string& path, double most_seconds) {
    return decode_sound(read_file(path), path, most_seconds);
}

std::string encode_sound(const Sound& sound) {
    std::string wav;
    const auto add = [&](uint32_t value, int bytes) {
        for (int i = 0; i < bytes; i++) wav += char(value >> 8 * i & 0xFF);
    };
    const auto size = uint32_t(sound.samples.size() * 2), rate = uint32_t(sound.rate);
    wav += "RIFF", add(36 + size, 4), wav += "WAVEfmt ", add(16, 4);
    add(1, 2), add(1, 2), add(rate, 4), add(2 * rate, 4), add(2, 2), add(16, 2);  // PCM, one channel
    wav += "data", add(size, 4);
    for (const float x : sound.samples) add(uint32_t(std::lround(std::clamp(x, -1.0f, 1.0f) * 32767)), 2);
    return wav;
}

Sound resampled(const Sound& sound, int64_t rate, Where at) {
    if (sound.rate < 1 || rate < 1) fail("resampled", at, "from {} to {} samples a second", sound.rate, rate);
    if (rate == sound.rate) return sound;
    const double pi = std::acos(-1.0), step = double(sound.rate) / double(rate);
    const double cutoff = std::min(1.0, 1 / step);  // of the old rate's half
    const double reach = 16 / cutoff;               // zero crossings on each side
    const auto n = int64_t(sound.samples.size()), m = int64_t(std::ceil(double(n) / step));
    Sound result{rate, {}};
    for (int64_t i = 0; i < m; i++) {
        const double center = double(i) * step;
        double sum = 0;
        for (int64_t j = std::max<int64_t>(0, int64_t(std::ceil(center - reach)));
             j <= std::min(n - 1, int64_t(center + reach)); j++) {
            const double d = double(j) - center, x = pi * cutoff * d;
            const double hann = 0.5 + 0.5 * std::cos(pi * d / reach);
            sum += double(sound.samples[size_t(j)]) * hann * cutoff * (std::abs(x) < 1e-9 ? 1 : std::sin(x) / x);
        }
        result.samples.push_back(float(sum));
    }
    return result;
}

std::vector<SpokenDigit> find_digits(const std::string& folder) {
    std::error_code error;
    std::filesystem::directory_iterator files(folder, error);
    if (error) throw Error("{}: can't be opened: {}", folder, error.message());
    std::vector<SpokenDigit> found;
    for (const auto& entry : files) {
        const std::string name = entry.path().filename().string();
        const size_t last = name.rfind('_'), dot = name.rfind(".wav");
        if (name.size() < 8 || name[0] < '0' || name[0] > '9' || name[1] != '_' || last < 3 || dot + 4 != name.size())
            continue;
        SpokenDigit d{entry.path().string(), name.substr(2, last - 2), name[0] - '0', 0};
        const auto [end, wrong] = std::from_chars(name.data() + last + 1, name.data() + dot, d.take);
        if (wrong == std::errc() && end == name.data() + dot) found.push_back(d);
    }
    if (found.empty()) throw Error("{}: there are no recordings named DIGIT_SPEAKER_TAKE.wav", folder);
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.file < b.file; });
    return found;
}

}  // namespace unroll
