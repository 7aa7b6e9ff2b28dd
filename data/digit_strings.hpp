#pragma once
#include <string>
#include <vector>

#include "data/noise.hpp"

/// Strings of digits as somebody says them: recordings of single digits, joined.
namespace unroll {

/// Those of a part: train, valid or test. Where FOLDER/index.tsv tells a split (columns file, split), by that, and what
/// it does not name is left out; else as the Free Spoken Digit Dataset has it, takes 0 to 4 are test, and here 5 to 9
/// valid. The files are in FOLDER/recordings, or in FOLDER itself. Throws Error for a part without recordings, and for
/// an index that names another part, or a file that is not there.
std::vector<SpokenDigit> find_digits(const std::string& folder, const std::string& part);

/// P(w): a digit depends on the one before it. Made by chance, with the perplexity that is wanted.
class BigramPrior {
  public:
    /// Each row is softmax(s z) for normal numbers z of the seed; s is what gives the perplexity, 2 to 10. Strings are
    /// of `least` to `most` digits, each length as likely.
    BigramPrior(double perplexity, uint64_t seed, int64_t least = 3, int64_t most = 7, Where at = {});
    double log_prob(int before, int digit) const;  // before is -1 at the start
    /// exp of the mean -log P of a digit, over all strings.
    double perplexity() const;
    int draw(int before, Generator& gen) const;

  private:
    std::vector<double> p_;  // [11, 10]: the last row is that of the start
    int64_t least_, most_;
};

struct DigitString {
    Sound sound;
    std::vector<int> digits;
    std::vector<Span> spans;  // where the digits are: the rest is gaps
};

struct DigitStringOptions {
    int64_t least = 3, most = 7;                 // digits
    const BigramPrior* prior = nullptr;          // else each digit is as likely
    double shortest_gap = 0, longest_gap = 0.2;  // seconds, between digits and at both ends
    double slowest = 1, fastest = 1;             // speed of a string
    double gain = 0;                             // decibels, standard deviation from digit to digit
};

/// Recordings in memory, at one rate.
class DigitRecordings {
  public:
    /// Throws Error unless each speaker says all ten digits.
    DigitRecordings(const std::vector<SpokenDigit>& files, int64_t rate = 8000, Where at = {});
    /// A string of one speaker. All that is random comes from gen.
    DigitString draw(Generator& gen, const DigitStringOptions& options = {}, Where at = {}) const;
    /// Recording i alone, between gaps of `gap` seconds.
    DigitString single(int64_t i, double gap, Where at = {}) const;
    /// The same digits again, by a speaker drawn.
    DigitString say(const std::vector<int>& digits, Generator& gen, const DigitStringOptions& options = {},
                    Where at = {}) const;
    int64_t size() const { return int64_t(sounds_.size()); }
    const std::vector<Sound>& sounds() const { return sounds_; }
    int64_t rate() const { return rate_; }

  private:
    int64_t rate_;
    std::vector<Sound> sounds_;
    std::vector<int> digits_;                              // of the sounds
    std::vector<std::vector<std::vector<int>>> speakers_;  // [speaker][digit]: which recordings
};

/// Played `speed` times as fast, which makes it higher too: cubic interpolation between samples.
Sound played(const Sound& sound, double speed, Where at = {});

}  // namespace unroll
