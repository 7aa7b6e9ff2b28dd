#pragma once
#include <algorithm>

#include "core/kernels/parallel.hpp"

namespace unroll {

/// Calls f(r) for rows 0 .. rows-1 of `width` numbers each, on all threads, in chunks of some 16,384 numbers: their
/// size is fixed, so that no result depends on the number of threads.
template <class F>
void each_row(int64_t rows, int64_t width, F f) {
    const int64_t chunk = std::max<int64_t>(1, 16384 / std::max<int64_t>(1, width));
    kernels::parallel((rows + chunk - 1) / chunk, [&](int64_t c) {
        for (int64_t r = c * chunk; r < std::min(rows, (c + 1) * chunk); r++) f(r);
    });
}

}  // namespace unroll
