#pragma once
#include <cstdint>
#include <string>

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

/// Scheduled sampling: ε, the probability of feeding a decoder the true word before, after so many steps of training;
/// else it gets its own                                (book: Scheduled Sampling; Bengio et al., NIPS 2015,
/// section 2.4)
struct ScheduledSampling {
    enum Decay {
        linear,          // max(least, k - slope step)
        exponential,     // k^step, 0 < k < 1
        inverse_sigmoid  // k / (k + e^(step / k)), k >= 1
    } decay = linear;
    double k = 1, slope = 0, least = 0;  // of linear: 0 <= least <= k <= 1; as it stands, the true words alone

    /// Throws Error for a step below 0, or numbers of which the decay makes no probability.
    double epsilon(int64_t step, Where at = {}) const;
    std::string str() const;
};

}  // namespace unroll
