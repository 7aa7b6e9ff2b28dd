#pragma once
#include <cmath>

#include "core/gradcheck.hpp"

/// The numeric side of a gradient check, behind both of its forms.
namespace unroll::differences {

using Tensors = std::vector<Tensor>;

/// What is checked: functions of the inputs' present values.
struct Subject {
    std::vector<Parameter> inputs;
    std::function<Tensors()> forward;
    std::function<Tensors(const Tensors& upstream)> backward;
};

/// One number of the gradient: of entry i of an input, or along the i-th random direction in it.
struct Coordinate {
    size_t input;
    int64_t i;
    double analytic;
    double numeric = NAN;
    double error = INFINITY;
    double kink = 0;  // by how much a kink inside the step may have put numeric off
    bool rejudged = false;
};

/// Every coordinate with its verdict. The inputs are moved meanwhile and are what they were afterwards. Throws Error as
/// gradcheck says.
std::vector<Coordinate> compare(const Subject& subject, const GradCheckOptions& options, Where at);

}  // namespace unroll::differences
