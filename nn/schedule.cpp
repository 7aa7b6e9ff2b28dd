#include "nn/schedule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace unroll {

static void check(const char* schedule, const char* what, int64_t value, int64_t least, Where at) {
    if (value < least) fail(schedule, at, fmt::format("{} is {}, expected {} or more", what, value, least));
}

static void check_share(const char* schedule, const char* what, double value, Where at) {
    if (!(value >= 0 && value <= 1)) fail(schedule, at, fmt::format("{} is {}, expected 0 to 1", what, value));
}

double warm_up(int64_t step, int64_t warm_up_steps, Where at) {
    check("warm_up", "step", step, 0, at);
    check("warm_up", "warm_up_steps", warm_up_steps, 0, at);
    return step + 1 >= warm_up_steps ? 1 : static_cast<double>(step + 1) / static_cast<double>(warm_up_steps);
}

double linear_tail(int64_t step, int64_t steps, const LinearTailOptions& options, Where at) {
    check("linear_tail", "step", step, 0, at);
    check("linear_tail", "steps", steps, 1, at);
    check_share("linear_tail", "constant", options.constant, at);
    check_share("linear_tail", "last", options.last, at);
    const double end = static_cast<double>(steps - 1),
                 begin = std::min(end, options.constant * static_cast<double>(steps));
    const double now = static_cast<double>(step);
    if (now <= begin && now < end) return 1;
    return now >= end ? options.last : 1 + (options.last - 1) * (now - begin) / (end - begin);
}

double cosine(int64_t step, int64_t steps, double last, Where at) {
    check("cosine", "step", step, 0, at);
    check("cosine", "steps", steps, 1, at);
    check_share("cosine", "last", last, at);
    const double part = std::min(1.0, static_cast<double>(step) / static_cast<double>(steps));
    return last + (1 - last) * (1 + std::cos(M_PI * part)) / 2;
}

double step_decay(int64_t step, int64_t every, double factor, Where at) {
    check("step_decay", "step", step, 0, at);
    check("step_decay", "every", every, 1, at);
    check_share("step_decay", "factor", factor, at);
    return std::pow(factor, static_cast<double>(step / every));
}

Plateau::Plateau(const Options& options, Where at) : best(std::numeric_limits<double>::infinity()), options_(options) {
    check("Plateau", "patience", options.patience, 0, at);
    check_share("Plateau", "factor", options.factor, at);
    check_share("Plateau", "least", options.least, at);
}

double Plateau::update(double loss) {
    if (loss < best) {
        best = loss;
        waited = 0;
    } else if (++waited > options_.patience) {
        scale = std::max(std::min(scale, options_.least), scale * options_.factor);
        waited = 0;
    }
    return scale;
}

}  // namespace unroll
