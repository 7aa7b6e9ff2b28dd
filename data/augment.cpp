#include "data/augment.hpp"

#include <algorithm>

namespace unroll {

Picture shifted(const Picture& p, int64_t down, int64_t right) {
    Picture result = p;
    for (int64_t y = 0; y < p.height; y++)
        for (int64_t x = 0; x < p.width; x++)
            std::copy_n(
                p.at(std::clamp<int64_t>(y - down, 0, p.height - 1), std::clamp<int64_t>(x - right, 0, p.width - 1)), 3,
                result.pixels.data() + (y * p.width + x) * 3);
    return result;
}

}  // namespace unroll
