// Matrix products as a share of the core's FMA peak, on one and two threads: build/tests/bench gemm, about 15 s.
// Every round measures the peak before and after; the table has medians over the rounds, and the best round. One thread
// is timed by the processor's clock, two by the wall's, so that column needs a quiet machine.
#include "core/kernels/gemm.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/kernels/parallel.hpp"
#include "tests/bench/bench.hpp"

namespace unroll::bench {
namespace {

enum class Form { packed, NN, NT, TN };  // gemm_packed, or gemm with plain (N) and transposed (T) operands
constexpr const char* form_names[] = {"packed", "NN", "NT", "TN"};

struct Case {
    const char* what;
    Form form;
    int64_t M, N, K;
};

// B = 16 or 32, T * B = 2048
constexpr Case cases[] = {
    {"square", Form::NN, 512, 512, 512},
    {"square", Form::NT, 512, 512, 512},
    {"square", Form::TN, 512, 512, 512},
    {"square", Form::NN, 1024, 1024, 1024},
    {"h W, H=64", Form::packed, 32, 256, 64},
    {"h W, H=128", Form::packed, 32, 512, 128},
    {"h W, H=256", Form::packed, 32, 1024, 256},
    {"h W, H=512", Form::packed, 32, 2048, 512},
    {"h W, H=512, B=16", Form::packed, 16, 2048, 512},
    {"h W, H=1024", Form::packed, 32, 4096, 1024},
    {"dh, H=512", Form::packed, 32, 512, 2048},
    {"x W, H=512", Form::packed, 2048, 2048, 512},
    {"dW, H=128", Form::TN, 512, 128, 2048},
    {"dW, H=512", Form::TN, 2048, 512, 2048},
    {"logits, V=65", Form::packed, 2048, 65, 512},
    {"one row, H=512", Form::packed, 1, 2048, 512},
    {"one row, V=65", Form::packed, 1, 65, 512},
    {"tiny", Form::NN, 4, 4, 4},
};

struct Result {
    double gflops, share, best_share;  // GFLOP/s; of the peak of as many cores as threads
};

template <class T>
Result measure(const Case& c, int threads) {
    const bool ta = c.form == Form::TN, tb = c.form == Form::NT;
    const auto numbers = [](int64_t n) {
        std::vector<T> x(static_cast<size_t>(n));
        for (size_t i = 0; i < x.size(); i++) x[i] = T(i * 7919 % 1000) / 1000 - T(0.5);
        return x;
    };
    const std::vector<T> A = numbers(c.M * c.K), B = numbers(c.K * c.N);
    std::vector<T> C(static_cast<size_t>(c.M * c.N)), packed(static_cast<size_t>(kernels::packed_size<T>(c.K, c.N)));
    kernels::pack(tb, c.K, c.N, B.data(), tb ? c.K : c.N, packed.data());

    const double flops = 2.0 * double(c.M) * double(c.N) * double(c.K);
    const int repeats = int(std::max(1.0, 3e8 / flops));  // some 3 ms
    std::vector<double> rates, shares;
    kernels::set_threads(threads);
    const auto now = threads == 1 ? cpu_seconds : seconds;
    for (int round = 0; round < 15; round++) {
        double peak = fma_peak<T>();
        const double start = now();
        for (int r = 0; r < repeats; r++) {
            if (c.form == Form::packed)
                kernels::gemm_packed_parallel(c.M, c.N, c.K, A.data(), c.K, packed.data(), C.data(), c.N, false);
            else
                kernels::gemm(ta, tb, c.M, c.N, c.K, A.data(), ta ? c.M : c.K, B.data(), tb ? c.K : c.N, C.data(), c.N,
                              false);
        }
        const double rate = 1e-9 * flops * repeats / (now() - start);
        peak = std::max(peak, fma_peak<T>());
        rates.push_back(rate);
        shares.push_back(rate / (peak * threads));
    }
    return {median(rates), median(shares), *std::max_element(shares.begin(), shares.end())};
}

/// Prints the table of one type; returns the share of peak of the first case on one thread.
template <class T>
double table(const char* type) {
    fmt::print("\n{}: peak of a core {:.0f} GFLOP/s\n", type, fma_peak<T>());
    fmt::print("{:<20}{:<8}{:>5} {:>5} {:>5}   {:<28}{}\n", "", "form", "M", "N", "K",
               "1 thread: GFLOP/s, share (best)", "   2 threads");
    double first = 0;
    for (const Case& c : cases) {
        const Result one = measure<T>(c, 1), two = measure<T>(c, 2);
        if (&c == cases) first = one.share;
        fmt::print(
            "{:<20}{:<8}{:>5} {:>5} {:>5}   {:>8.1f} {:>5.1f} % ({:>5.1f} %)       {:>8.1f} {:>5.1f} % ({:>5.1f} %)\n",
            c.what, form_names[int(c.form)], c.M, c.N, c.K, one.gflops, 100 * one.share, 100 * one.best_share,
            two.gflops, 100 * two.share, 100 * two.best_share);
    }
    return first;
}

}  // namespace

void gemm_table() {
    const double f32 = table<float>("f32"), f64 = table<double>("f64");
    fmt::print("\nresult gemm-512-f64-share {:.3f}\n", f64);
    fmt::print("result gemm-512-f32-share {:.3f}\n", f32);
}

}  // namespace unroll::bench
