// tutorials/start gradcheck FILE.cpp: checks the reader's pair, a row an input. Exit status 0 if all is right, 1 if
// not, 2 for misuse.
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <cstring>

#include "tutorials/gradcheck/pair.hpp"

/// The number after --seed, 1 without it; false for anything else.
static bool read_seed(int argc, char** argv, uint64_t* seed) {
    *seed = 1;
    if (argc == 1) return true;
    if (argc != 3 || std::strcmp(argv[1], "--seed") != 0) return false;
    const char* end = argv[2] + std::strlen(argv[2]);
    const auto [last, error] = std::from_chars(argv[2], end, *seed);
    return error == std::errc() && last == end && last != argv[2];
}

int main(int argc, char** argv) {
    unroll::GradCheckOptions options;
    if (!read_seed(argc, argv, &options.seed)) {
        fmt::print(stderr,
                   "usage: tutorials/start gradcheck FILE.cpp [--seed N]    (N = 0, 1, ..: draws anew what "
                   "flows back into the outputs)\n");
        return 2;
    }
    try {
        const unroll::GradCheck result = unroll::gradcheck_pair(inputs(), forward, backward, options);
        fmt::print("{}\n", unroll::GradCheck::header());
        for (const unroll::GradEntry& e : result.inputs) fmt::print("{}\n", e.row(e.input));
        fmt::print("\n{}\n", result.passed() ? fmt::format("right: {} entries, all within {:.0e} of the largest",
                                                           result.entries, result.tolerance)
                                             : fmt::format("wrong: {} should be {:.8e}, backward says {:.8e}",
                                                           result.where(), result.numeric, result.analytic));
        return result.passed() ? 0 : 1;
    } catch (const std::exception& e) {
        fmt::print("wrong: {}\n", e.what());
        return 1;
    }
}
