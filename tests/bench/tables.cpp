// What a training step keeps in memory, what a token costs as sequences, batches and layers grow, and how long a
// program takes to its first operation.
#include <fmt/format.h>
#include <stdio.h>
#include <sys/resource.h>

#include "core/kernels/parallel.hpp"
#include "core/ops/linalg.hpp"
#include "tests/bench/bench.hpp"

namespace unroll::bench {

Timing timed(Work& work, double limit) {
    for (int i = 0; i < 2; i++) work.run();
    std::vector<double> times, peaks;
    const double start = seconds();
    while (times.size() < 3 || seconds() - start < limit) {
        if (times.size() % 16 == 0) peaks.push_back(fma_peak<float>());
        const double begin = seconds();
        work.run();
        times.push_back(1e3 * (seconds() - begin));
    }
    return {median(times), *std::min_element(times.begin(), times.end()), static_cast<int64_t>(times.size()),
            median(peaks)};
}

double resident_mb() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_maxrss) / 1024;
}

void memory_table(const Case& c) {
    const double before = resident_mb();
    Training training(c);
    for (int i = 0; i < 3; i++) training.run();
    int64_t weights = 0;
    for (const Parameter& p : training.all) weights += p.value.size();
    // Saved for backward: of each layer the gates, h, and an LSTM's C; the rest of the model is not counted.
    const int64_t states = c.gates == 4 ? 2 : 1, saved = c.layers * c.T * c.B * (c.gates + states) * c.H;
    const double MB = 1 << 20, needed = static_cast<double>(4 * (4 * weights + saved)) / MB;
    const MemoryStats stats = memory_stats();
    const double taken = static_cast<double>(stats.live_bytes + stats.pooled_bytes) / MB;
    fmt::print("{:<54}{:>8.1f} MB\n", "parameters, gradients, Adam's two moments",
               static_cast<double>(16 * weights) / MB);
    fmt::print("{:<54}{:>8.1f} MB\n", "gates and states of all steps", static_cast<double>(4 * saved) / MB);
    fmt::print("{:<54}{:>8.1f} MB, {:.2f} times their sum\n", "taken from the heap for training steps", taken,
               taken / needed);
    fmt::print("{:<54}{:>8.1f} MB, {:.1f} MB of them before\n", "resident at most", resident_mb(), before);
    fmt::print("result memory-{} {:.3f}\n", c.name, taken / needed);
}

void token_table(const Case& base, double limit) {
    struct Row {
        std::string what;
        Case c;
        double us = 1e30;  // a token
    };
    std::vector<Row> rows;
    for (int64_t T : {64, 256, 1024, 4096}) rows.push_back({fmt::format("T={}", T), base}), rows.back().c.T = T;
    for (int64_t B : {32, 64, 128, 256}) rows.push_back({fmt::format("B={}", B), base}), rows.back().c.B = B;
    for (int64_t n : {1, 2, 3, 4}) rows.push_back({fmt::format("layers={}", n), base}), rows.back().c.layers = n;
    for (int round = 0; round < 3; round++)  // in turn, and the least of each: a disturbance hits all alike
        for (Row& row : rows) {
            Training training(row.c);
            row.us = std::min(row.us, 1e3 * timed(training, limit).ms_min / static_cast<double>(row.c.tokens()));
        }
    // Layers cost alike if each adds the same; the first may cost less, for its words come from a table.
    fmt::print("{:<12}{:>14}{:>10}{:>14}\n", "", "us a token", "ratio", "added");
    for (size_t i = 0; i < rows.size(); i++)
        fmt::print("{:<12}{:>14.3f}{:>10.2f}{:>14.3f}\n{}", rows[i].what, rows[i].us, rows[i].us / rows[i / 4 * 4].us,
                   i % 4 == 0 ? 0 : rows[i].us - rows[i - 1].us, i % 4 == 3 ? "\n" : "");
}

void first_operation(double since) {
    const Tensor x = Tensor::full({32, 32}, 1.0), y = matmul(x, x);
    fmt::print("{}\n", y.flat(0) == 32 ? 1e3 * (seconds() - since) : 0);
}

void start_table(const char* program) {
    std::vector<double> times;
    for (int i = 0; i < 21; i++) {
        FILE* child = popen(fmt::format("exec '{}' start --since {:.9f}", program, seconds()).c_str(), "r");
        double ms = 0;
        if (child == nullptr || fscanf(child, "%lf", &ms) != 1)
            throw Error("start: no answer from the process started");
        pclose(child);
        times.push_back(ms);
    }
    fmt::print(
        "from the start of a process to the end of its first operation: {:.1f} ms (median of {}), {:.1f} at least\n",
        median(times), times.size(), *std::min_element(times.begin(), times.end()));
    fmt::print("result start {:.2f}\n", median(times));
}

}  // namespace unroll::bench
