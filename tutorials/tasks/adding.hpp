#pragma once
#include "core/random.hpp"

/// The adding problem, which needs a memory as long as the sequence (Hochreiter and Schmidhuber 1997; in the form of
/// Le, Jaitly and Hinton 2015). Of T random numbers two are marked, one in each half of the sequence; at its end the
/// network is to say their sum. Who always says 1 is wrong by 1/6 (mean square): the error of a network that has
/// learnt nothing.
namespace unroll::tasks {

inline constexpr double adding_baseline = 1.0 / 6;

/// Batches without end. Batch n is a function of (length, seed, stream, n) and the sizes of those before it: every
/// network that is compared sees the same.
class Adding {
  public:
    /// Throws Error unless length, the number of time steps T, is 2 or more.
    explicit Adding(int64_t length, uint64_t seed, uint64_t stream = 0, Where at = {});

    struct Batch {
        Tensor x;       // [T, B, 2], f32: the number, uniform in [0, 1], and 1 where it is marked, else 0
        Tensor target;  // [B, 1], f32: the sum of the two marked numbers
    };
    Batch next(int64_t batch, Where at = {});

  private:
    int64_t length_;
    Generator gen_;
};

}  // namespace unroll::tasks
