#pragma once
#include <string>
#include <vector>

#include "tutorials/lesson/elements.hpp"

namespace unroll::lesson {

/// One axis of a plot: where a value lies between its ends, and its ticks.
class Scale {
  public:
    Scale() = default;
    /// Covers every value that can be drawn; a single value gets room on both sides, none gives 0 .. 1 (or 1 .. 10).
    Scale(const std::vector<const std::vector<double>*>& values, bool log);

    bool drawable(double value) const;           // finite, and positive on a logarithmic axis
    double position(double value) const;         // 0 at the low end, 1 at the high end
    std::vector<double> ticks(int about) const;  // 1, 2 or 5 times a power of ten; decades on a logarithmic axis
    std::vector<std::string> labels(const std::vector<double>& ticks) const;
    double low() const { return low_; }
    double high() const { return high_; }

  private:
    double map(double value) const;
    double low_ = 0, high_ = 1;
    bool log_ = false;
};

/// A plot ready to be drawn: series of at most `most` points each (of every bucket of neighbours the lowest and the
/// highest stay, so that no spike is lost), points that can't be drawn as NaN in y.
struct Drawing {
    std::vector<Series> series;
    Scale x, y;
    int points = 0;   // that can be drawn
    int missing = 0;  // of the original points: not finite, or not positive on a logarithmic axis
};
/// Throws Error where a series has not as many x as y.
Drawing prepare(const Plot& plot, size_t most, Where at = {});

}  // namespace unroll::lesson
