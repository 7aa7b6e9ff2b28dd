#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

/// Sound from WAV files. What can't be used is an Error of one line that names the file.
namespace unroll {

/// One channel, samples from -1 to 1.
struct Sound {
    int64_t rate = 0;  // samples a second
    std::vector<float> samples;

    double seconds() const { return double(samples.size()) / double(rate); }
};

/// Any WAV: 8 to 32 bits, floating-point, any rate of 1,000 to 384,000 a second; several channels are averaged. Throws
/// Error for another kind of file, one that is cut off, without samples or longer than `most_seconds`, and for a sample
/// that is NaN or infinite.
Sound load_sound(const std::string& path, double most_seconds = 3600);
Sound decode_sound(std::string_view wav, const std::string& name, double most_seconds = 3600);
/// As a WAV of 16 bits; what is beyond -1 to 1 is cut.
std::string encode_sound(const Sound& sound);

/// At another rate: each sample a sum of those around it weighted by a windowed sinc, which keeps what both rates can
/// hold.
Sound resampled(const Sound& sound, int64_t rate, Where at = {});

struct SpokenDigit {
    std::string file, speaker;
    int digit = 0, take = 0;
};
/// The recordings of a folder named {digit}_{speaker}_{take}.wav, as the Free Spoken Digit Dataset and
/// data/synth-digits name theirs, in order of their names; other files are left out. Throws Error where there are none.
std::vector<SpokenDigit> find_digits(const std::string& folder);

}  // namespace unroll
