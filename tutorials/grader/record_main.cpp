#include <fmt/format.h>

#include <string>

#include "core/error.hpp"
#include "tutorials/grader/recorded.hpp"

using namespace unroll::grader;

/// record FILE SEED PROGRAMS: writes recorded.jsonl; PROGRAMS is what the names of a chapter's solution and bugs begin
/// with, build/tutorials/grader/00_tape.
int main(int argc, char** argv) try {
    if (argc != 4) {
        fmt::print(stderr, "usage: record FILE SEED PROGRAMS\n");
        return 2;
    }
    const std::string digits = argv[2];
    if (digits.empty() || digits.size() > 18 || digits.find_first_not_of("0123456789") != digits.npos) {
        fmt::print(stderr, "record: SEED {}: expected a whole number of at most 18 digits\n",
                   unroll::in_quotes(digits));
        return 2;
    }
    save_recorded(record(std::stoull(digits), argv[3]), argv[1]);
    fmt::print("{}\n", argv[1]);
    return 0;
} catch (const std::exception& e) {
    fmt::print(stderr, "record: {}\n", e.what());
    return 1;
}
