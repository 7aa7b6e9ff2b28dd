#pragma once
#include "core/random.hpp"
#include "core/tape.hpp"

namespace unroll {

/// Sets each element to 0 with probability p and multiplies the others by 1/(1-p), so that the expectation stays. Takes
/// x.size() draws; p = 0 gives x itself and takes none. Throws Error unless 0 <= p < 1. For training: modules leave it
/// out elsewhere.
Tensor dropout(const Tensor& x, double p, Generator& rng, Where at = {});
Var dropout(const Operand& x, double p, Generator& rng);
/// In training, where a generator is given; else x itself.
inline Var dropped(const Var& x, double p, Generator* rng) { return rng != nullptr ? dropout(x, p, *rng) : x; }

/// The same with one mask for all time steps: what is dropped from x [T, ..] at one step is dropped at all of them, as
/// if the network had fewer units for this sequence (Gal and Ghahramani, "A theoretically grounded application of
/// dropout in recurrent neural networks", 2016). Takes x.size() / T draws.
Tensor variational_dropout(const Tensor& x, double p, Generator& rng, Where at = {});
Var variational_dropout(const Operand& x, double p, Generator& rng);

}  // namespace unroll
