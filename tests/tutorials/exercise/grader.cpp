// The grader against what students do to graders, and against authors' mistakes:
// grader GRADE RECORDED CHEATS HONEST_ARCHIVE FORBIDDEN_ARCHIVE AUTHOR.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "tutorials/grader/child.hpp"
#include "tutorials/grader/grade.hpp"

using namespace unroll::grader;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> arguments;  // see above

struct Graded {
    std::string text, line, last;  // all that was printed; exercise 0.3's line; the last
    int status;
    json result;
};

Graded grade(const std::string& cheat, bool forbidden = false) {
    setenv("CHEAT", cheat.c_str(), 1);
    const std::string file = (fs::temp_directory_path() / ("unroll grading " + std::to_string(getpid()))).string();
    const Run r = run({arguments[0], "--chapter", "00_tape", "--recorded", arguments[1], "--answers", arguments[2],
                       "--source", arguments[6], "--code", arguments[forbidden ? 4 : 3], "--json", file},
                      "", {60, 8192});
    Graded g{r.printed, "", "", r.status, json::parse(std::ifstream(file))};
    fs::remove(file);
    std::istringstream in(r.printed);
    for (std::string line; std::getline(in, line); g.last = line)
        if (line.rfind("0.3 ", 0) == 0) g.line = line;
    return g;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("honest work earns all") {
    const Graded g = grade("");
    CHECK(g.line == "0.3 10/10 tanh_backward");
    CHECK(g.last == "points 100/100");
    CHECK(g.status == 0);
    CHECK(g.result["points"] == 100);
    CHECK(g.result["of"] == 100);
    CHECK(g.result["exercises"].size() == 8);
    CHECK(g.text == grade("fork").text);  // a second process that goes on changes nothing
}

TEST_CASE("whatever happens in one exercise costs that exercise alone, and is said") {
    const std::pair<const char*, const char*> cheats[] = {
        {"exit", "ended the whole program"},
        {"_exit", "ended the whole program"},
        {"abort", "crashed: aborted"},
        {"segfault", "crashed: segmentation fault"},
        {"recursion", "crashed: segmentation fault"},
        {"memory", "out of memory"},
        {"flood", "wrote more than 16 MB"},
        {"throw", "no std::exception"},
        {"kill", "killed"},
        {"forge", "its shape is [9223372036854775807, 2], expected [3, 4]"},
        {"close", "ended the whole program"},
        {"success", "    | points 100/100\n"},
        {"nothing", "dx ([3, 4]): there is no tensor"},
        {"zeros", "all of it is 0"},
        {"flat", "its shape is [12, 1, 1, 1], expected [3, 4]"},
        {"f32", "it is f32, expected f64"},
        {"nan", "[0, 0] is NaN or infinite"},
        {"three times", "every entry is 3 times what it should be"},
        {"wrong use", "add (cheats.cpp:"},
    };
    for (const auto& pair : cheats) {
        const std::string cheat = pair.first, said = pair.second;
        CAPTURE(cheat);
        const Graded g = grade(cheat);
        CAPTURE(g.text);
        CHECK(g.line == "0.3 0/10 tanh_backward");
        CHECK(g.last == "points 90/100");
        CHECK(g.status == 1);
        CHECK(g.result["points"] == 90);
        CHECK(contains(g.text, said));
        CHECK_FALSE(contains(g.text, "\033"));
    }
}

TEST_CASE("inputs that are written into cost half") {
    const Graded g = grade("in place");
    CHECK(g.line == "0.3 5/10 tanh_backward");
    CHECK(contains(g.text, "writes into its input dy ([3, 4])"));
}

TEST_CASE("a program that ends before it begins earns nothing") {
    const Graded g = grade("exit before main");
    CHECK(g.last == "points 0/100");
    CHECK(g.status == 1);
    CHECK(g.result["points"] == 0);
}

TEST_CASE("code that hands its work to others is not run, and there is a result nevertheless") {
    const Graded g = grade("", true);
    CHECK(g.status == 2);
    CHECK(g.last == "points 0/100");
    CHECK(g.result["points"] == 0);
    for (const char* symbol : {"unroll::Tape::backward", "unroll::tanh(unroll::Operand",
                               "unroll::softmax(unroll::Tensor", "std::basic_ifstream", "filesystem", "exit"})
        CHECK_MESSAGE(contains(g.text, symbol), g.text);
    for (const char* symbol : {"cout", "operator<<", "_M_range_check", "__throw", "operator new", "Tensor::operator",
                               "unroll::tanh(unroll::Tensor"})
        CHECK_FALSE_MESSAGE(contains(g.text, symbol), g.text);
}

TEST_CASE("limits: time, also of what was started and left behind") {
    const fs::path left = fs::temp_directory_path() / ("unroll left behind " + std::to_string(getpid()));
    const Run endless = run({"sh", "-c", "echo begun; while :; do :; done"}, "", {0.2, 1024});
    CHECK(endless.death == "stopped after 0.2 s: an endless loop?");
    CHECK(endless.printed == "begun\n");
    const Run leaves = run({"sh", "-c", "(sleep 0.3; touch \"$0\") & exit 3", left.string()}, "", {5, 1024});
    CHECK(leaves.status == 3);
    usleep(600000);
    CHECK_FALSE(fs::exists(left));
    CHECK_THROWS(run({"/no/such/program"}, ""));
}

TEST_CASE("misuse of the grader") {
    const auto status = [](std::vector<std::string> more) {
        std::vector<std::string> command{arguments[0], "--chapter",  "00_tape", "--answers", arguments[2],
                                         "--source",   arguments[6], "--code",  arguments[3]};
        command.insert(command.end(), more.begin(), more.end());
        return run(command, "", {60, 8192});
    };
    CHECK(status({"--recorded", arguments[1], "--nonsense"}).status == 2);
    CHECK(contains(status({"--recorded", arguments[1], "--nonsense"}).printed,
                   "usage: tutorials/start CHAPTER --exercise"));
    CHECK(status({}).status == 2);
    CHECK(contains(status({"--recorded", "/no/such"}).printed, "/no/such: can't read"));
    CHECK(status({"--recorded", "/no/such"}).status == 2);
    CHECK(status({"--recorded", arguments[0]}).status == 2);  // no recording
    CHECK(status({"--recorded", arguments[1], "--json", "/no/such/folder/file"}).status == 2);
}

TEST_CASE("a source may include headers, and nothing else") {
    for (const char* honest :
         {"#include <cmath>\n#include \"a/b.hpp\"  // of b.cpp\n # include \"../c.h\" /* too */\n#include "
          "<bits/stdc++.h>",
          "// #include \"in a comment.cpp\"\n/* #include \"a.cpp\"\n#include \"b.cpp\" */",
          "#include <cmath> /* begins\nends */", "#include/**/<cmath> // a /* b",
          "const char* s = \"#include \\\"a.cpp\\\"\";", "auto s = R\"x(\n#include \"a.cpp\"\n)x\";",
          "#include <cmath>\r\nint includes;\r\n#define include_me 1", "", "#", "\"", "R\"(", "/*", "\\"})
        CHECK_MESSAGE(forbidden_includes(honest).empty(), honest);
    for (const char* what : {"\"tutorials/00_tape/solution.cpp\"", "<nn/rouge.cpp>", "NAME", "\"notes.txt\"", "<a.inc>",
                             "\"a.hpp\" \"b.cpp\"", "\"none\""}) {
        const auto refused = [&](const std::string& before, const std::string& after) {
            const auto list = forbidden_includes(before + what + after);
            CHECK_MESSAGE(list == std::vector<std::string>{what}, (before + what + after));
        };
        refused("int x;\n#include ", "");
        refused("#include ", "\r\n");
        refused("\xEF\xBB\xBF  %: include ", "  // .hpp");
        refused("#inc\\\nlude ", "\n");
        refused("/**/ # /* */ include/**/", " /* a */ // b");
        refused("#import ", "");
        refused("#include_next ", "");
    }
    CHECK(forbidden_includes("#include <cmath> //" + std::string(1'000'000, 'x')).empty());
}

TEST_CASE("a recording is read as it was written, and an author's mistakes are refused") {
    const fs::path folder = fs::temp_directory_path() / ("unroll author " + std::to_string(getpid()));
    fs::create_directory(folder);
    const std::string programs = folder / "90_test", file = folder / "recorded.jsonl";
    for (const char* program : {"_solution", "_bug_1", "_bug_2"})
        fs::create_symlink(fs::absolute(arguments[5]), programs + program);
    std::ofstream(programs + "_bugs.jsonl") << "{\"exercise\": \"9.1\", \"diagnosis\": \"one more\"}\n"
                                               "{\"exercise\": \"9.1\", \"diagnosis\": \"two more, and a stop\"}\n";
    const auto refusal = [&](const char* mistake) -> std::string {
        setenv("MISTAKE", mistake, 1);
        try {
            record(1, programs);
        } catch (const unroll::Error& e) {
            return e.what();
        }
        return "";
    };
    CHECK(refusal("") == "");
    CHECK(contains(refusal("points"), "the points add up to 99, expected 100"));
    CHECK(contains(refusal("throws"), "exercise 9.1 first: the solution: oh"));
    CHECK(contains(refusal("in place"), "the solution writes into x (short)"));
    CHECK(contains(refusal("twice"), "gives two answers y (short)"));
    CHECK(contains(refusal("no answer"), "asks for no answer"));
    CHECK(contains(refusal("zeros"), "y is 0 in every case"));
    CHECK(contains(refusal("nan"), "y (short) is not finite"));
    CHECK(contains(refusal("harmless"), "\"one more\" of exercise 9.1 changes nothing"));
    CHECK(contains(refusal("alike"), "the bug \"two more, and a stop\" is taken for \"one more\""));
    CHECK(contains(refusal("felt elsewhere"),
                   "exercise 9.2 second: the bug \"one more\" of exercise 9.1 is felt here too"));

    setenv("MISTAKE", "", 1);
    const Recorded made = record(7, programs);
    save_recorded(made, file);
    const Recorded read = load_recorded(file);
    CHECK(read.seed == 7);
    CHECK(read.library == std::vector<std::string>{"matmul", "tanh"});
    REQUIRE(read.exercises.size() == 2);
    CHECK(read.exercises[1].solution.neighbours.size() == 1);
    REQUIRE(read.exercises[0].bugs.size() == 2);
    for (int i : {0, 1}) {
        const Outcome& a = made.exercises[0].bugs[static_cast<size_t>(i)].outcome;
        const Outcome& b = read.exercises[0].bugs[static_cast<size_t>(i)].outcome;
        CHECK(a.ending.kind == b.ending.kind);
        CHECK(a.ending.text == b.ending.text);
        REQUIRE(a.answers.size() == b.answers.size());
        for (size_t k = 0; k < a.answers.size(); k++) CHECK(same(a.answers[k], b.answers[k]));
    }

    // A number below the smallest normal one is written too; half a recording is none.
    Recorded small = made;
    small.exercises[0].solution.answers[0].values[0] = 9e-323;
    save_recorded(small, file);
    CHECK(load_recorded(file).exercises[0].solution.answers[0].values[0] == 9e-323);
    small.exercises.pop_back();
    save_recorded(small, file);
    CHECK_THROWS_WITH(load_recorded(file), doctest::Contains("not a whole recording"));

    // The same exception from another line is the same mistake; a stop elsewhere is not.
    Outcome reader = made.exercises[0].bugs[1].outcome;
    reader.ending.text = "f (mine.cpp:345): the second case is missing";
    CHECK(mark(read.exercises[0], reader).diagnoses == std::vector<std::string>{"two more, and a stop"});
    reader.ending.text = "f (mine.cpp:345): something else";
    CHECK(mark(read.exercises[0], reader).diagnoses.empty());
    fs::remove_all(folder);
}

int main(int argc, char** argv) {
    arguments.assign(argv + 1, argv + argc);
    return doctest::Context(1, argv).run();
}
