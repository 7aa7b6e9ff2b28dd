#pragma once
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "nn/module.hpp"
#include "tutorials/lesson/lesson.hpp"

namespace unroll {

/// How every network of this chapter is trained, so that those that are compared differ in nothing else: Adam,
/// gradients clipped to a norm of 1, a rate that is constant for three quarters of the steps and then falls linearly.
/// `loss` records the loss of one batch. Each step counts `units` on the bar.
void train(std::vector<Parameter> parameters, int steps, double rate, const std::function<Var(Tape&)>& loss,
           lesson::Progress& bar, double units = 1);

/// All parameters of some modules.
std::vector<Parameter> all_parameters(std::initializer_list<Module*> modules);
int64_t count(const std::vector<Parameter>& parameters);

/// "1 seed", "3 seeds".
std::string counted(int64_t n, const char* what);

/// One figure of a contender, measured once a seed.
struct Spread {
    std::vector<double> values;

    double mean() const;
    double deviation() const;            // standard deviation over the seeds; 0 for a single one
    std::string text(int digits) const;  // "0.928 ± 0.003"
};
/// result NAME (the mean) and NAME_std.
void spread_result(Lesson& lesson, const std::string& name, const Spread& spread);

}  // namespace unroll
