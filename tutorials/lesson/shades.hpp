#pragma once
#include <string>
#include <vector>

#include "tutorials/lesson/elements.hpp"

namespace unroll::lesson {

/// Colour levels of a heat-map: level(v) in -levels .. levels where diverging, else 0 .. levels; NaN has none.
class Shades {
  public:
    static constexpr int levels = 8;
    explicit Shades(const Heatmap& map);

    bool diverging() const { return diverging_; }
    bool drawable(double value) const;
    int level(double value) const;
    double low() const { return low_; }    // value at the lowest colour
    double high() const { return high_; }  // value at the highest

  private:
    double low_ = 0, high_ = 0;
    bool diverging_ = false, log_ = false;
};

/// The same heat-map with at most that many rows and columns: each cell the mean of a block of neighbours.
Heatmap reduce(const Heatmap& map, int rows, int columns);
/// Row or column i's label: the given one or its number.
std::string label(const std::vector<std::string>& labels, int i);

}  // namespace unroll::lesson
