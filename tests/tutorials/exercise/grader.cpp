// The grader against what students do to graders: grader GRADE RECORDED CHEATS HONEST_ARCHIVE FORBIDDEN_ARCHIVE.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

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
                       "--code", arguments[forbidden ? 4 : 3], "--json", file},
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
    for (const auto& [cheat, said] : cheats) {
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
        std::vector<std::string> command{arguments[0], "--chapter", "00_tape",   "--answers",
                                         arguments[2], "--code",    arguments[3]};
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

int main(int argc, char** argv) {
    arguments.assign(argv + 1, argv + argc);
    return doctest::Context(1, argv).run();
}
