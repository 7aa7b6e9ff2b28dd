#include <fmt/format.h>

#include <string>

#include "core/error.hpp"
#include "tutorials/grader/recorded.hpp"

using namespace unroll::grader;

/// record FILE SEED BUGS SOLUTION BUG_PROGRAM...: writes recorded.jsonl; BUGS is what bugs.py made of bugs.toml.
int main(int argc, char** argv) try {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    const Recorded r = record(std::stoull(arguments.at(1)), arguments.at(3), load_bugs(arguments.at(2)),
                              {arguments.begin() + 4, arguments.end()});
    save_recorded(r, arguments[0]);
    fmt::print("{}\n", arguments[0]);
} catch (const std::exception& e) {
    fmt::print(stderr, "record: {}\n", e.what());
    return 1;
}
