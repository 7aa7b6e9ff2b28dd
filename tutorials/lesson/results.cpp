#include "tutorials/lesson/results.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/kernels/parallel.hpp"
#include "tutorials/lesson/door.hpp"
#include "tutorials/lesson/progress.hpp"

namespace unroll::lesson {
namespace {

std::string compiler() {
#if defined(__clang__)
    return fmt::format("clang++ {}.{}.{}", __clang_major__, __clang_minor__, __clang_patchlevel__);
#else
    return fmt::format("g++ {}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
}

}  // namespace

std::vector<std::pair<std::string, std::string>> run_facts(const Options& options, double seconds) {
    std::vector<std::pair<std::string, std::string>> facts = {{"seed", std::to_string(options.seed)},
                                                              {"threads", std::to_string(kernels::threads())},
                                                              {"machine", door::machine()},
                                                              {"compiler", compiler()},
                                                              {"version", UNROLL_VERSION},
                                                              {"time", duration(seconds)}};
    if (options.steps > 0) facts.insert(facts.begin() + 1, {"steps", std::to_string(options.steps)});
    if (options.quick) facts.insert(facts.begin(), {"run", "quick"});
    return facts;
}

std::string results_json(const std::string& number, const std::string& title, const Options& options, double seconds,
                         const std::vector<std::pair<std::string, double>>& results) {
    nlohmann::ordered_json json = {{"chapter", number}, {"title", title}};
    for (const auto& [name, value] : run_facts(options, seconds)) json[name] = value;
    json["seed"] = options.seed;
    json["threads"] = kernels::threads();
    if (options.steps > 0) json["steps"] = options.steps;
    if (!options.given.empty()) json["options"] = options.given.substr(1);
    json["time"] = std::round(seconds);
    json["results"] = nlohmann::ordered_json::object();
    for (const auto& [name, value] : results) json["results"][name] = value;  // JSON has no NaN: it becomes null
    return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace unroll::lesson
