#include "nn/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

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

double warm_cosine(int64_t step, int64_t steps, int64_t warm_up, Where at) {
    if (step < 0 || step >= steps || warm_up < 0)
        fail("warm_cosine", at, "step {} of {}, warm-up {}: expected a step of the run, and 0 or more", step, steps,
             warm_up);
    const double rise = std::min(1.0, double(step + 1) / double(warm_up + 1));
    const double share = step < warm_up ? 0 : double(step - warm_up) / double(std::max<int64_t>(1, steps - warm_up));
    return rise * (1 + std::cos(std::numbers::pi * share)) / 2;
}

double ScheduledSampling::epsilon(int64_t step, Where at) const {
    const bool makes_sense = decay == linear        ? least >= 0 && k >= least && k <= 1 && slope >= 0
                             : decay == exponential ? k > 0 && k < 1
                                                    : k >= 1;
    if (step < 0 || !makes_sense) fail("ScheduledSampling", at, "{} makes no probability of step {}", str(), step);
    const double i = double(step);
    if (decay == linear) return std::max(least, k - slope * i);
    return decay == exponential ? std::pow(k, i) : k / (k + std::exp(i / k));
}

std::string ScheduledSampling::str() const {
    if (decay == linear) return fmt::format("max({}, {} - {} i)", least, k, slope);
    return decay == exponential ? fmt::format("{0}^i", k) : fmt::format("{0} / ({0} + e^(i / {0}))", k);
}

}  // namespace unroll
