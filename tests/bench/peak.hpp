#pragma once
#include <chrono>
#include <cstdint>
#include <ctime>

#include "core/kernels/simd.hpp"

namespace unroll::bench {

inline double seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Of this process: on a busy machine the better clock for work on one thread.
inline double cpu_seconds() { return double(std::clock()) / CLOCKS_PER_SEC; }

/// One core's peak now, in GFLOP/s: independent chains of multiply-adds that stay in registers, as many as hide their
/// latency. About 3 ms. On a shared machine it changes from moment to moment: measure it beside what it is compared
/// with.
template <class T>
[[gnu::noinline]] double fma_peak() {
    using S = kernels::Simd<T>;
    constexpr int chains = S::registers * 3 / 4;
    const int64_t steps = 400'000 / chains;
    volatile T source = T(0.999);
    const typename S::V a = S::set(source), b = S::set(T(1) - source);
    typename S::V c[chains];
    for (int i = 0; i < chains; i++) c[i] = S::set(T(i) / chains);
    double best = 1e9;
    for (int repeat = 0; repeat < 8; repeat++) {
        const double start = seconds();
        for (int64_t s = 0; s < steps; s++)
#pragma GCC unroll 32
            for (int i = 0; i < chains; i++) c[i] = c[i] * a + b;
        const double time = seconds() - start;
        if (time < best) best = time;
    }
    for (int i = 1; i < chains; i++) c[0] += c[i];
    source = c[0][0];
    return 2e-9 * double(steps) * chains * double(S::width) / best;
}

}  // namespace unroll::bench
