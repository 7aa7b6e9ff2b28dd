#include "nn/schedule.hpp"

#include <algorithm>

namespace unroll {

double linear_tail(int64_t step, int64_t steps, const LinearTailOptions& options, Where at) {
    if (step < 0 || steps < 1) fail("linear_tail", at, "step {} of {}: expected 0 or more, and 1 or more", step, steps);
    for (double share : {options.constant, options.last})
        if (!(share >= 0 && share <= 1)) fail("linear_tail", at, "a share is {}, expected 0 to 1", share);
    const double end = double(steps - 1), begin = std::min(end, options.constant * double(steps));
    const double now = double(step);
    if (now <= begin && now < end) return 1;
    return now >= end ? options.last : 1 + (options.last - 1) * (now - begin) / (end - begin);
}

}  // namespace unroll
