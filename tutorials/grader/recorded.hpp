#pragma once
#include <string>
#include <vector>

#include "tutorials/grader/answer.hpp"

namespace unroll::grader {

/// A planted wrong solution (bugs.toml) and what it gave.
struct Bug {
    std::string exercise, diagnosis;
    Outcome outcome = {};
};

struct RecordedExercise {
    Title title;
    Outcome solution;  // with the neighbours
    std::vector<Bug> bugs;
};

/// recorded.jsonl: what is right in each exercise of a chapter, and what each planted bug gives instead.
struct Recorded {
    uint64_t seed = 1;
    std::vector<std::string> library;  // functions of the library that the exercises may call
    std::vector<RecordedExercise> exercises;
};

/// Throws Error naming the file where it can't be read.
Recorded load_recorded(const std::string& path);
/// Numbers are rounded to 10 digits, so that two machines write the same file.
void save_recorded(const Recorded& recorded, const std::string& path);

/// Runs one exercise of an answers program.
Outcome run_exercise(const std::string& program, const std::string& id, uint64_t seed,
                     const std::vector<Answer>& neighbours, bool recording = false);

/// The planted bugs of a chapter, by bugs.py's list PROGRAMS_bugs.jsonl; bug i (from 1) is the program PROGRAMS_bug_i.
std::vector<Bug> planted_bugs(const std::string& programs);

/// Runs PROGRAMS_solution and the planted bugs. Throws Error naming exercise and bug where the author has made a
/// mistake: points that don't add up to 100, a solution that throws, an answer that code which does nothing would earn,
/// a bug that changes nothing in its exercise or something in another, two bugs that look alike.
Recorded record(uint64_t seed, const std::string& programs);

}  // namespace unroll::grader
