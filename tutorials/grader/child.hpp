#pragma once
#include <string>
#include <vector>

namespace unroll::grader {

struct Limits {
    double seconds = 10;   // on the clock
    int megabytes = 2048;  // of address space; not under the sanitizers, which need more
};

/// What a program that was run left behind.
struct Run {
    std::string results;  // written to file descriptor 3
    std::string printed;  // standard output and error, 16 MB at most
    std::string death;    // "" when it ended by itself; else why not: "crashed: segmentation fault"
    int status = 0;       // exit status where it ended by itself
};

/// Runs a program with `input` as its standard input, in a process group of its own that is killed when it ends or its
/// time is over. Throws Error where it can't be started.
Run run(const std::vector<std::string>& command, const std::string& input, const Limits& limits = {});

}  // namespace unroll::grader
