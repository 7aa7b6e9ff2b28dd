#pragma once
#include <algorithm>
#include <cstddef>
#include <vector>

#include "tests/bench/cases.hpp"
#include "tests/bench/peak.hpp"

namespace unroll::bench {

inline double median(std::vector<double> x) {
    const auto middle = x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2);
    std::nth_element(x.begin(), middle, x.end());
    return *middle;
}

struct Timing {
    double ms, ms_min;  // of one run of the work: median, least
    int64_t runs;
    double peak;  // GFLOP/s of one core, measured in between
};
/// Runs the work over and over for about so many seconds, three times at least, after two runs that don't count.
Timing timed(Work& work, double seconds);

/// The largest resident set of this process so far, in MB.
double resident_mb();

/// The tables: each prints itself.
void gemm_table();
void memory_table(const Case& c);
void token_table(const Case& c, double seconds);
/// `program` is this one's path.
void start_table(const char* program);
/// What the processes of start_table do: one operation, then the milliseconds since the monotonic clock's `since`.
void first_operation(double since);

}  // namespace unroll::bench
