#pragma once
#include <stdexcept>

namespace unroll {

/// What a blank throws: `throw Unimplemented("exercise 0.3: softmax_cross_entropy");`. A grading says "not written
/// yet".
struct Unimplemented : std::logic_error {
    using std::logic_error::logic_error;
};

}  // namespace unroll
