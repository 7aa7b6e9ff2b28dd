// What a chapter's grading promises, proven on its blanks, its solution and its planted bugs:
// suite RECORDED PROGRAMS, with PROGRAMS_blank, PROGRAMS_solution, PROGRAMS_bug_1 ...
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tutorials/grader/grade.hpp"

using namespace unroll::grader;

namespace {

std::string recording, programs;  // see above

std::vector<Mark> grade(const Recorded& recorded, const std::string& program) {
    std::vector<Mark> marks;
    for (const RecordedExercise& e : recorded.exercises)
        marks.push_back(mark(e, run_exercise(program, e.title.id, recorded.seed, e.solution.neighbours)));
    return marks;
}

void check_same(const Outcome& a, const Outcome& b) {
    CHECK(a.changed == b.changed);
    CHECK(a.ending.kind == b.ending.kind);
    REQUIRE(a.answers.size() == b.answers.size());
    for (size_t i = 0; i < a.answers.size(); i++) {
        CAPTURE(a.answers[i].label());
        CHECK(a.answers[i].label() == b.answers[i].label());
        CHECK(same(a.answers[i], b.answers[i]));
    }
}

}  // namespace

TEST_CASE("blanks earn nothing, and are told to be blanks") {
    for (const Mark& m : grade(load_recorded(recording), programs + "_blank")) {
        CAPTURE(m.title.id);
        CHECK(m.points == 0);
        CHECK_FALSE(m.written);
        CHECK(m.findings == std::vector<std::string>{"not written yet"});
    }
}

TEST_CASE("the solution earns all points, without a word") {
    const auto marks = grade(load_recorded(recording), programs + "_solution");
    CHECK(total(marks) == 100);
    for (const Mark& m : marks) {
        CAPTURE(m.title.id);
        CHECK(m.points == m.title.points);
        CHECK(m.diagnoses.empty());
        CHECK(m.findings.empty());
    }
}

TEST_CASE("each bug costs the exercise it belongs to, no other, and is named there") {
    const Recorded recorded = load_recorded(recording);
    const std::vector<Bug> bugs = planted_bugs(programs);
    CHECK(bugs.size() >= 10);
    for (size_t i = 0; i < bugs.size(); i++) {
        CAPTURE(bugs[i].diagnosis);
        for (const Mark& m : grade(recorded, fmt::format("{}_bug_{}", programs, i + 1))) {
            CAPTURE(m.title.id);
            CHECK((m.points < m.title.points) == (m.title.id == bugs[i].exercise));
            if (m.title.id == bugs[i].exercise) CHECK(to_text({m}).find(bugs[i].diagnosis) != std::string::npos);
        }
    }
}

TEST_CASE("the recording is what the solution and the bugs give today") {
    const Recorded now = record(load_recorded(recording).seed, programs);
    const Recorded then = load_recorded(recording);
    INFO("write it anew: ninja -C build record-NN_name");
    CHECK(now.library == then.library);
    REQUIRE(now.exercises.size() == then.exercises.size());
    for (size_t e = 0; e < now.exercises.size(); e++) {
        const RecordedExercise &a = now.exercises[e], &b = then.exercises[e];
        CAPTURE(a.title.id);
        CHECK(a.title.id == b.title.id);
        CHECK(a.title.name == b.title.name);
        CHECK(a.title.points == b.title.points);
        check_same(a.solution, b.solution);
        REQUIRE(a.bugs.size() == b.bugs.size());
        for (size_t i = 0; i < a.bugs.size(); i++) {
            CAPTURE(a.bugs[i].diagnosis);
            CHECK(a.bugs[i].diagnosis == b.bugs[i].diagnosis);
            check_same(a.bugs[i].outcome, b.bugs[i].outcome);
        }
    }
}

TEST_CASE("other numbers: the bugs are told apart for other seeds too") { CHECK_NOTHROW(record(2, programs)); }

int main(int argc, char** argv) {
    if (argc < 3) return 2;
    recording = argv[1];
    programs = argv[2];
    return doctest::Context(1, argv).run();
}
