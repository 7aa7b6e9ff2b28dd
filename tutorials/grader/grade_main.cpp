#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "tutorials/grader/grade.hpp"

namespace unroll::grader {

std::string to_json(const std::string& chapter, const std::vector<Mark>& marks,
                    const std::vector<std::string>& refused) {
    nlohmann::json exercises = nlohmann::json::array();
    int of = 0;
    for (const Mark& m : marks) {
        exercises.push_back({{"exercise", m.title.id},
                             {"name", m.title.name},
                             {"points", m.points},
                             {"of", m.title.points},
                             {"written", m.written},
                             {"diagnoses", m.diagnoses},
                             {"findings", m.findings},
                             {"printed", m.printed.substr(0, 10000)}});
        of += m.title.points;
    }
    return nlohmann::json{
        {"chapter", chapter}, {"points", total(marks)}, {"of", of}, {"refused", refused}, {"exercises", exercises}}
        .dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace unroll::grader

using namespace unroll;
using namespace unroll::grader;

namespace {

struct Arguments {
    std::string chapter, recorded, answers, source, code, json;
};

void write_json(const Arguments& a, const std::vector<Mark>& marks, const std::vector<std::string>& refused = {}) {
    if (!a.json.empty()) write_file_atomically(a.json, {to_json(a.chapter, marks, refused), "\n"});
}

int grade(const Arguments& a) {
    const Recorded recorded = load_recorded(a.recorded);
    std::vector<Mark> marks;
    for (const RecordedExercise& e : recorded.exercises) marks.push_back({e.title});
    write_json(a, marks);  // whatever happens from here on, there is a result

    std::vector<std::string> refused;
    for (const std::string& s : forbidden_includes(read_file(a.source)))
        refused.push_back(fmt::format("your code includes {}: only headers can be", s));
    for (const std::string& s : forbidden_symbols(a.code, recorded.library))
        refused.push_back(fmt::format("your code calls {}, which the exercises have to do without", s));
    if (!refused.empty()) {
        fmt::print(stderr, "{}\n", fmt::join(refused, "\n"));
        write_json(a, marks, refused);
        fmt::print("{}", to_text(marks));
        return 2;
    }
    for (size_t i = 0; i < marks.size(); i++) {
        const RecordedExercise& e = recorded.exercises[i];
        marks[i] = mark(e, run_exercise(a.answers, e.title.id, recorded.seed, e.solution.neighbours));
        write_json(a, marks);
    }
    fmt::print("{}", to_text(marks));
    for (const Mark& m : marks)
        if (m.points < m.title.points) return 1;
    return 0;
}

}  // namespace

/// Grades an answers program (see exam.hpp). Exit status 0 at full points, 1 below, 2 for misuse and for code that
/// calls or includes what it may not.
int main(int argc, char** argv) {
    Arguments a;
    CLI::App app("Grades the exercises of a chapter.", "tutorials/start CHAPTER --exercise");
    app.add_option("--chapter", a.chapter)->required()->group("");
    app.add_option("--answers", a.answers, "program of the code to be graded")->required()->group("");
    app.add_option("--source", a.source, "that code")->required()->group("");
    app.add_option("--code", a.code, "compiled")->required()->group("");
    app.add_option("--recorded", a.recorded, "what is right: another recording than the chapter's, for instructors")
        ->option_text("FILE")
        ->take_last();
    app.add_option("--json", a.json, "write the result there too, as JSON")->option_text("FILE");
    try {
        app.parse(argc, argv);
        return grade(a);
    } catch (const CLI::CallForHelp&) {
        fmt::print("{}", app.help());
        return 0;
    } catch (const CLI::ParseError& e) {
        fmt::print(stderr, "{}\nusage: tutorials/start CHAPTER --exercise [--json FILE] [--recorded FILE]\n", e.what());
        return 2;
    } catch (const std::exception& e) {
        fmt::print(stderr, "{}\n", e.what());
        return 2;
    }
}
