#pragma once
#include "data/picture.hpp"

namespace unroll {

/// Moved down and to the right (negative: up, to the left); what comes in repeats the pixels of the border.
Picture shifted(const Picture& p, int64_t down, int64_t right);

}  // namespace unroll
