#pragma once
#include "core/random.hpp"
#include "core/tape.hpp"

namespace unroll {

/// Sets each element to 0 with probability p and multiplies the others by 1/(1-p), so that the expectation stays. Takes
/// x.size() draws; p = 0 gives x itself and takes none. Throws Error unless 0 <= p < 1. For training: modules leave it
/// out elsewhere.
Tensor dropout(const Tensor& x, double p, Generator& rng, Where at = {});
Var dropout(const Operand& x, double p, Generator& rng);

}  // namespace unroll
