#pragma once
#include <cstdint>

#include "core/error.hpp"

/// Learning-rate schedules: the factor of the base rate at step 0, 1, ..., steps - 1. Factors multiply:
/// `adam.set_lr(2e-3 * warm_up(step, 150) * cosine(step, steps));`
namespace unroll {

/// 1/n, 2/n, ... up to 1 within the first n = warm_up_steps, 1 from then on.
double warm_up(int64_t step, int64_t warm_up_steps, Where at = {});

struct LinearTailOptions {
    double constant = 0.75;  // share of the steps before the fall
    double last = 0.02;      // factor at the last step
};
/// 1 for a share of the run, then falling linearly.
double linear_tail(int64_t step, int64_t steps, const LinearTailOptions& options = {}, Where at = {});

/// Half a cosine wave from 1 at the first step towards `last` after the last one.   (Loshchilov and Hutter, ICLR 2017)
double cosine(int64_t step, int64_t steps, double last = 0, Where at = {});

/// Multiplied by `factor` after every `every` steps.
double step_decay(int64_t step, int64_t every, double factor, Where at = {});

/// Multiplied by `factor` whenever the validation loss has not fallen for more than `patience` evaluations.
struct Plateau {
    struct Options {
        double factor = 0.5;
        int64_t patience = 2;
        double least = 0;  // not multiplied further below this
    };
    explicit Plateau(const Options& options, Where at = {});
    Plateau() : Plateau(Options{}) {}
    /// The factor from here on, after one more validation loss. A loss that is NaN has not fallen.
    double update(double loss);

    // What a checkpoint keeps.
    double scale = 1, best;
    int64_t waited = 0;

  private:
    Options options_;
};

}  // namespace unroll
