#include "tutorials/grader/answer.hpp"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tutorials/grader/json.hpp"

namespace unroll::grader {

using nlohmann::json;

bool same(const Answer& a, const Answer& b) {
    if (a.shape != b.shape || a.f32 != b.f32 || a.values.size() != b.values.size()) return false;
    double largest = 0;
    for (double v : b.values)
        if (std::isfinite(v)) largest = std::max(largest, std::abs(v));
    for (size_t i = 0; i < a.values.size(); i++) {
        const double x = a.values[i], y = b.values[i];
        if (std::isfinite(x) != std::isfinite(y)) return false;
        if (std::isfinite(x) && std::abs(x - y) > 1e-7 * largest + 1e-12) return false;
    }
    return true;
}

json to_json(const char* kind, const Answer& a) {
    json line = {{kind, a.name}, {"shape", a.shape}, {"values", a.values}};
    if (!a.in_case.empty()) line["case"] = a.in_case;
    if (a.f32) line["f32"] = true;
    return line;
}

Answer answer_from(const char* kind, const json& line) {
    Answer a{line.at(kind), line.value("case", ""), line.at("shape"), {}, line.value("f32", false)};
    for (const json& v : line.at("values"))
        a.values.push_back(v.is_null() ? std::numeric_limits<double>::quiet_NaN() : v.get<double>());
    return a;
}

// What the reader's code prints into a name or message need not be UTF-8.
static std::string dump(const json& line) { return line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n"; }

std::string to_line(const char* kind, const Answer& answer) { return dump(to_json(kind, answer)); }
std::string to_line(const std::string& key, const std::string& text) { return dump({{key, text}}); }
std::string to_line(const Title& t) { return dump({{"exercise", t.id}, {"name", t.name}, {"points", t.points}}); }

static void add_line(const json& line, Outcome& to) {
    if (line.contains("answer")) to.answers.push_back(answer_from("answer", line));
    if (line.contains("neighbour")) to.neighbours.push_back(answer_from("neighbour", line));
    if (line.contains("changed")) to.changed.push_back(line["changed"]);
    if (line.contains("done")) to.ending = {Ending::Kind::done, ""};
    if (line.contains("unimplemented")) to.ending = {Ending::Kind::unimplemented, line["unimplemented"]};
    if (line.contains("threw")) to.ending = {Ending::Kind::threw, line["threw"]};
}

Outcome parse_outcome(const std::string& lines) {
    Outcome outcome;
    std::istringstream in(lines);
    for (std::string text; std::getline(in, text);) {
        try {
            add_line(json::parse(text), outcome);
        } catch (const json::exception&) {
            continue;
        }
    }
    return outcome;
}

Contents parse_contents(const std::string& lines) {
    Contents contents;
    std::istringstream in(lines);
    for (std::string text; std::getline(in, text);) {
        const json line = json::parse(text);
        if (line.contains("library")) contents.library.push_back(line["library"]);
        if (line.contains("exercise"))
            contents.exercises.push_back({line["exercise"], line["name"], line["points"].get<int>()});
    }
    return contents;
}

}  // namespace unroll::grader
