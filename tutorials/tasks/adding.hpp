#pragma once
#include <functional>
#include <vector>

#include "nn/recurrent.hpp"

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

struct AddingTraining {
    int64_t length = 100;              // T
    int64_t steps = 2000, batch = 32;  // of Adam
    double learning_rate = 2e-3;
    double max_norm = 1;            // gradient clipping
    int64_t test_every = 100;       // steps
    int64_t test_sequences = 1000;  // never trained on
    uint64_t seed = 1;              // of the data, and of the output layer
};

/// Mean square errors on the test sequences.
struct AddingRun {
    std::vector<double> step, error;  // a point for every test_every steps, before the first and after the last
    double last() const { return error.back(); }
    /// Steps until the error was below a tenth of the baseline's (so both numbers are remembered); -1 where it never
    /// was.
    double solved() const;
};

/// Trains `layer` (2 inputs, f32) with a linear output on its last y, ŷ = W h_T + b, to the mean square error.
/// `each` is called after every step with the step (from 1) and its training loss.
AddingRun train_adding(RecurrentLayer& layer, const AddingTraining& options,
                       const std::function<void(int64_t step, double loss)>& each = {});

}  // namespace unroll::tasks
