#pragma once
#include <array>
#include <vector>

#include "core/tensor.hpp"

/// What the vectors of words are like.
namespace unroll {

/// The k rows of E [V, D] whose cosine with row `word` is largest, itself and those marked in `skip` left out.
struct Neighbour {
    int32_t word;
    double cosine;
};
std::vector<Neighbour> nearest(const Tensor& E, int32_t word, size_t k, const std::vector<bool>& skip);

/// The two directions in which the rows of X [N, D] differ most, found by power iteration (v becomes Xᵀ X v, divided by
/// its norm, until it stays; the second in what the first leaves), the rows' coordinates along them, and the share of
/// the rows' variance that each has. X's mean row is taken off first.
struct Projection {
    std::array<std::vector<double>, 2> direction, coordinates;  // [D], [N]
    std::array<double, 2> share;
};
Projection principal_components(const Tensor& X);

}  // namespace unroll
