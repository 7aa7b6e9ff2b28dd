#include "tutorials/grader/recorded.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "core/error.hpp"
#include "core/file.hpp"
#include "tutorials/grader/child.hpp"
#include "tutorials/grader/grade.hpp"
#include "tutorials/grader/json.hpp"

namespace unroll::grader {

using nlohmann::json;

// --- the file: lines in this order: seed and library; for each exercise its title, neighbours, answers, and its bugs,
// each followed by those of its answers that differ from the right ones
// -------------------------------------------------

static Answer rounded(Answer a) {
    for (double& v : a.values)
        if (std::isfinite(v)) v = std::strtod(fmt::format("{:.10g}", v).c_str(), nullptr);
    return a;
}

static const Answer* find(const std::vector<Answer>& list, const Answer& like) {
    for (const Answer& a : list)
        if (a.name == like.name && a.in_case == like.in_case) return &a;
    return nullptr;
}

void save_recorded(const Recorded& recorded, const std::string& path) {
    std::ostringstream file;
    file << json{{"seed", recorded.seed}, {"library", recorded.library}}.dump() << '\n';
    for (const RecordedExercise& e : recorded.exercises) {
        file << to_line(e.title);
        for (const Answer& a : e.solution.neighbours) file << to_line("neighbour", a);
        for (const Answer& a : e.solution.answers) file << to_line("answer", rounded(a));
        for (const Bug& bug : e.bugs) {
            json line = {{"bug", bug.diagnosis}, {"changed", bug.outcome.changed}};
            if (bug.outcome.ending.kind != Ending::Kind::done) {
                line["ending"] = static_cast<int>(bug.outcome.ending.kind);
                line["text"] = bug.outcome.ending.text;
            }
            for (const Answer& right : e.solution.answers)
                if (find(bug.outcome.answers, right) == nullptr) line["missing"].push_back({right.name, right.in_case});
            file << line.dump() << '\n';
            for (const Answer& right : e.solution.answers)
                if (const Answer* a = find(bug.outcome.answers, right); a != nullptr && !same(*a, right))
                    file << to_line("answer", rounded(*a));
        }
    }
    write_file_atomically(path, {file.str()});
}

static void read_bug(const json& line, RecordedExercise& e) {
    Bug bug{e.title.id, line["bug"]};
    bug.outcome.changed = line.at("changed").get<std::vector<std::string>>();
    bug.outcome.ending = {static_cast<Ending::Kind>(line.value("ending", 0)), line.value("text", "")};
    for (const Answer& right : e.solution.answers)
        if (!line.contains("missing") || std::find(line["missing"].begin(), line["missing"].end(),
                                                   json{right.name, right.in_case}) == line["missing"].end())
            bug.outcome.answers.push_back(right);
    e.bugs.push_back(bug);
}

static void read_line(const json& line, Recorded& r) {
    if (line.contains("seed")) {
        r.seed = line["seed"];
        r.library = line.at("library").get<std::vector<std::string>>();
        return;
    }
    if (line.contains("exercise")) {
        r.exercises.push_back({{line["exercise"], line.at("name"), line.at("points")}, {}, {}});
        return;
    }
    RecordedExercise& e = r.exercises.back();
    if (line.contains("neighbour")) e.solution.neighbours.push_back(answer_from("neighbour", line));
    if (line.contains("bug")) read_bug(line, e);
    if (!line.contains("answer")) return;
    const Answer a = answer_from("answer", line);
    if (e.bugs.empty()) {
        e.solution.answers.push_back(a);
    } else {
        for (Answer& as_right : e.bugs.back().outcome.answers)
            if (as_right.name == a.name && as_right.in_case == a.in_case) as_right = a;
    }
}

template <class ReadLine>
static void read_lines(const std::string& path, ReadLine read) {
    std::ifstream file(path);
    if (!file) throw Error(fmt::format("{}: can't read", path));
    int number = 0;
    for (std::string text; std::getline(file, text);) {
        number++;
        try {
            read(json::parse(text));
        } catch (const json::exception& e) {
            throw Error(fmt::format("{}:{}: {}", path, number, e.what()));
        }
    }
}

Recorded load_recorded(const std::string& path) {
    Recorded r;
    read_lines(path, [&](const json& line) { read_line(line, r); });
    int points = 0;
    for (RecordedExercise& e : r.exercises) {
        e.solution.ending.kind = Ending::Kind::done;
        points += e.title.points;
    }
    if (points != 100) throw Error(fmt::format("{}: not a whole recording: {} points of 100", path, points));
    return r;
}

std::vector<Bug> planted_bugs(const std::string& programs) {
    std::vector<Bug> bugs;
    read_lines(programs + "_bugs.jsonl", [&](const json& line) {
        bugs.push_back({line.at("exercise"), line.at("diagnosis")});
    });
    return bugs;
}

// --- recording
// --------------------------------------------------------------------------------------------------------

Outcome run_exercise(const std::string& program, const std::string& id, uint64_t seed,
                     const std::vector<Answer>& neighbours, bool recording) {
    std::string input;
    for (const Answer& a : neighbours) input += to_line("neighbour", a);
    std::vector<std::string> command{program, id, std::to_string(seed)};
    if (recording) command.push_back("recording");
    const Run r = run(command, input);
    Outcome outcome = parse_outcome(r.results);
    outcome.printed = r.printed;
    if (!r.death.empty() || outcome.ending.kind == Ending::Kind::died)
        outcome.ending = {Ending::Kind::died, !r.death.empty()
                                                  ? r.death
                                                  : fmt::format("ended the whole program, with status {}", r.status)};
    if (outcome.ending.text == "std::bad_alloc")
        outcome.ending.text += fmt::format(": out of memory ({} MB)", Limits().megabytes);
    return outcome;
}

[[noreturn]] static void wrong(const RecordedExercise& e, const std::string& what) {
    throw Error(fmt::format("exercise {} {}: {}", e.title.id, e.title.name, what));
}

/// Refuses a name whose answers are 0 in every case: code that does nothing would earn them.
static void check_solution(const RecordedExercise& e) {
    if (e.solution.ending.kind != Ending::Kind::done) wrong(e, "the solution: " + e.solution.ending.text);
    if (!e.solution.changed.empty()) wrong(e, "the solution writes into " + e.solution.changed[0]);
    std::set<std::string> all, nonzero, seen;
    for (const Answer& a : e.solution.answers) {
        if (!seen.insert(a.label()).second) wrong(e, "gives two answers " + a.label());
        all.insert(a.name);
        for (double v : a.values) {
            if (!std::isfinite(v)) wrong(e, "the solution's " + a.label() + " is not finite");
            if (v != 0) nonzero.insert(a.name);
        }
    }
    if (all.empty()) wrong(e, "asks for no answer");
    for (const std::string& name : all)
        if (nonzero.count(name) == 0) wrong(e, name + " is 0 in every case");
}

Recorded record(uint64_t seed, const std::string& programs) {
    const std::string solution = programs + "_solution";
    const std::vector<Bug> bugs = planted_bugs(programs);
    const Contents contents = parse_contents(run({solution}, "").results);
    Recorded r{seed, contents.library, {}};
    int points = 0;
    for (const Title& title : contents.exercises) {
        RecordedExercise e{title, run_exercise(solution, title.id, seed, {}, true), {}};
        check_solution(e);
        points += title.points;
        for (size_t i = 0; i < bugs.size(); i++) {
            const std::string program = fmt::format("{}_bug_{}", programs, i + 1);
            const Outcome outcome = run_exercise(program, title.id, seed, e.solution.neighbours);
            const bool harmless = mark(e, outcome).points == title.points;
            if ((bugs[i].exercise == title.id) == harmless)
                wrong(e,
                      fmt::format("the bug \"{}\" of exercise {} {}", bugs[i].diagnosis, bugs[i].exercise,
                                  harmless ? "changes nothing" : "is felt here too: " + mark(e, outcome).findings[0]));
            if (harmless) continue;
            e.bugs.push_back(bugs[i]);
            e.bugs.back().outcome = outcome;
        }
        for (const Bug& bug : e.bugs) {
            const std::vector<std::string> said = mark(e, bug.outcome).diagnoses;
            if (said != std::vector<std::string>{bug.diagnosis})
                wrong(e,
                      fmt::format("the bug \"{}\" is taken for \"{}\"", bug.diagnosis, fmt::join(said, "\" and \"")));
        }
        r.exercises.push_back(e);
    }
    if (points != 100) throw Error(fmt::format("the points add up to {}, expected 100", points));
    return r;
}

}  // namespace unroll::grader
