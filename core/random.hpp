#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "core/tensor.hpp"

namespace unroll {

/// Philox 4x32-10, the function from counter to random bits that everything here is drawn with (Salmon et al.,
/// "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

/// A counter-based generator: the draw at position n is a function of (seed, stream, n) and of nothing else. So filling
/// a tensor gives element i what position counter + i holds, for any number of threads, and a checkpoint needs three
/// numbers. Generators of one seed and different streams are independent. The distributions are our own: those of
/// <random> differ between standard libraries.
class Generator {
  public:
    explicit Generator(uint64_t seed, uint64_t stream = 0) : state_{seed, stream, 0} {}

    /// Each takes one position (below: nearly always).
    uint64_t bits();
    double uniform() { return double(bits() >> 11) * 0x1p-53; }  // [0, 1)
    double uniform(double lo, double hi) { return lo + (hi - lo) * uniform(); }
    double normal();                          // mean 0, standard deviation 1
    int64_t below(int64_t n, Where at = {});  // 0 .. n-1, each equally likely; throws Error unless n > 0
    void shuffle(std::vector<int>& v);        // every order equally likely

    /// Every element its own draw, one position each; f32 gets the rounded numbers of f64 (which for uniform may round
    /// up to hi itself).
    void fill_uniform(Tensor& t, double lo, double hi);
    void fill_normal(Tensor& t, double mean, double std);
    void fill_bernoulli(Tensor& t, double probability, double value = 1);  // value with this probability, else 0

    struct State {
        uint64_t seed, stream, counter;
        bool operator==(const State&) const = default;
    };
    const State& state() const { return state_; }
    void restore(const State& state) { state_ = state; }

  private:
    State state_;
};

}  // namespace unroll
