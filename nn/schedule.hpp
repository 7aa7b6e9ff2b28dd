#pragma once
#include <cstdint>

#include "core/error.hpp"

/// Learning-rate schedules: the factor of the base rate at step 0, 1, ..., steps - 1.
namespace unroll {

struct LinearTailOptions {
    double constant = 0.75;  // share of the steps before the fall
    double last = 0.02;      // factor at the last step
};
/// 1 for a share of the run, then falling linearly.
double linear_tail(int64_t step, int64_t steps, const LinearTailOptions& options = {}, Where at = {});

/// Rises linearly over the first `warm_up` steps, then falls from 1 to 0 along half a period of a cosine (Loshchilov
/// and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017; without the restarts).
double warm_cosine(int64_t step, int64_t steps, int64_t warm_up, Where at = {});

}  // namespace unroll
