#pragma once
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

/// One figure, measured once a seed.
namespace unroll::lesson {

inline double mean_of(const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// "0.928 (0.921 to 0.934)": the mean, and from the lowest to the highest; of one value that alone.
inline std::string spread(const std::vector<double>& values, int digits = 3) {
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    const std::string mean = fmt::format("{:.{}f}", mean_of(values), digits);
    return values.size() < 2 ? mean : fmt::format("{} ({:.{}f} to {:.{}f})", mean, *low, digits, *high, digits);
}

}  // namespace unroll::lesson
