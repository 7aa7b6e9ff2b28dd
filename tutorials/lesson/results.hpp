#pragma once
#include <string>
#include <utility>
#include <vector>

#include "tutorials/lesson/options.hpp"

namespace unroll::lesson {

/// What a reader has to know of a run to judge its figures: seed, threads, machine, compiler, version, time. Steps
/// where they were set by --steps.
std::vector<std::pair<std::string, std::string>> run_facts(const Options& options, double seconds);

/// results.json of a run: its facts and figures, in the order they were measured.
std::string results_json(const std::string& number, const std::string& title, const Options& options, double seconds,
                         const std::vector<std::pair<std::string, double>>& results);

}  // namespace unroll::lesson
