// Runs the demo chapter (demo.cpp), a program beside this one, as a reader would.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tutorials/lesson/progress.hpp"
#include "tutorials/lesson/text.hpp"

using namespace unroll::lesson;
namespace fs = std::filesystem;

namespace {

std::string read(const fs::path& path) {
    std::ostringstream out;
    out << std::ifstream(path, std::ios::binary).rdbuf();
    return out.str();
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

/// A folder for one test; gone with it.
struct Folder {
    fs::path path;
    Folder() {
        std::string name = (fs::temp_directory_path() / "unroll lesson XXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~Folder() { fs::remove_all(path); }
};

struct Run {
    int status;
    std::string out, err;
    std::string last_line() const {
        auto lines = split(out, "\n");
        return lines.size() > 1 ? lines[lines.size() - 2] : "";
    }
};

// `environment` and `arguments` are shell words; `input` goes to standard input.
Run demo(const Folder& folder, const std::string& arguments, const std::string& input = "",
         const std::string& environment = "") {
    fs::path program = fs::read_symlink("/proc/self/exe").parent_path() / "lesson_demo";
    REQUIRE_MESSAGE(fs::exists(program), program.string());
    std::ofstream(folder.path / "in") << input;
    std::string command = "cd '" + folder.path.string() + "' && env -u COLUMNS " + environment + " '" +
                          program.string() + "' " + arguments + " <in >out 2>err";
    int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read(folder.path / "out"), read(folder.path / "err")};
}

size_t count(const std::string& text, const std::string& part) { return split(text, part).size() - 1; }

}  // namespace

TEST_CASE("a run ends with the page's path, and the page is there") {
    Folder folder;
    Run run = demo(folder, "--quick --page 'a page/demo.html'");
    CHECK(run.status == 0);
    CHECK(run.err == "");
    CHECK(run.last_line() == "a page/demo.html");
    CHECK(contains(run.out, "\nresult valid_nats_per_character 1.2561\n"));
    CHECK(contains(run.out, "All 2 checks hold."));
    CHECK(!contains(run.out, "\033"));  // no terminal, no escapes
    CHECK(!contains(run.out, "\r"));
    std::string page = read(folder.path / "a page/demo.html");
    CHECK(contains(page, "</html>"));
    CHECK(contains(page, "Backward: the same records in reverse"));
    for (const auto& entry : fs::directory_iterator(folder.path / "a page"))
        CHECK(entry.path().filename() == "demo.html");
}

TEST_CASE("every line fits the width") {
    Folder folder;
    for (const auto& [setting, columns] :
         {std::pair<std::string, size_t>{"COLUMNS=40", 40}, {"", 80}, {"COLUMNS=nonsense", 80}, {"COLUMNS=-3", 80}}) {
        Run run = demo(folder, "--quick --page p.html", "", setting);
        for (const std::string& line : split(run.out, "\n"))
            if (line.rfind("training", 0) != 0) CHECK_MESSAGE(width(line) <= columns, line);
    }
}

TEST_CASE("a failed check: status 1, named again at the end, the page is written") {
    Folder folder;
    Run run = demo(folder, "--quick --page p.html --fail check");
    CHECK(run.status == 1);
    CHECK(contains(run.out, "\ncheck FAILED: one and one are three\np.html\n"));
    CHECK(contains(read(folder.path / "p.html"), "✗ fails"));
}

TEST_CASE("NaN is within no bound") {
    Folder folder;
    Run run = demo(folder, "--quick --page p.html --fail nan");
    CHECK(run.status == 1);
    CHECK(contains(run.out, "FAILS NaN is small: NaN, not at most 1"));
}

TEST_CASE("an Error: one line on stderr, status 1, the old page stays") {
    Folder folder;
    std::ofstream(folder.path / "p.html") << "old";
    Run run = demo(folder, "--quick --page p.html --fail error");
    CHECK(run.status == 1);
    CHECK(run.err.rfind("error: matmul (demo.cpp:", 0) == 0);
    CHECK(count(run.err, "\n") == 1);
    CHECK(read(folder.path / "p.html") == "old");
}

TEST_CASE("a page that can't be written: one line, status 1") {
    Folder folder;
    fs::create_directory(folder.path / "folder");
    for (const char* path : {"folder", "/dev/full", "/proc/nothing/p.html"}) {
        CAPTURE(path);
        Run run = demo(folder, std::string("--quick --page ") + path);
        CHECK(run.status == 1);
        CHECK(contains(run.err, path));
        CHECK(count(run.err, "\n") == 1);
    }
}

TEST_CASE("wrong use: what was wrong, a usage line, status 2, nothing run") {
    Folder folder;
    for (const char* arguments :
         {"--nonsense", "word", "--threads", "--threads -3", "--threads 0", "--threads 99999999999999999999",
          "--threads 2.5", "--steps -1", "--steps 0", "--steps 1e99", "--seed -1", "--seed x", "--seed ''",
          "--quick=maybe", "--quick --results r.json", "--fail", "--threads '3\n4'", "--model nowhere"}) {
        CAPTURE(arguments);
        Run run = demo(folder, arguments);
        CHECK(run.status == 2);
        CHECK(run.out == "");
        auto lines = split(run.err, "\n");
        REQUIRE(lines.size() == 3);
        CHECK(lines[0].rfind("error: ", 0) == 0);
        CHECK(lines[1].rfind("usage: lesson_demo [", 0) == 0);
    }
    CHECK(demo(folder, "--help").status == 0);
}

TEST_CASE("results: figures with what is needed to judge them") {
    Folder folder;
    Run run = demo(folder, "--steps 3 --seed 7 --threads 2 --page p.html --results r.json");
    REQUIRE(run.status == 0);
    auto json = nlohmann::json::parse(read(folder.path / "r.json"));
    CHECK(json["chapter"] == "demo");
    CHECK(json["seed"] == 7);
    CHECK(json["threads"] == 2);
    CHECK(json["steps"] == 3);
    CHECK(json["results"]["valid_nats_per_character"] == 1.2561);
    for (const char* key : {"machine", "compiler", "version", "time"}) CHECK(json.contains(key));
    CHECK(!json.contains("options"));
    REQUIRE(demo(folder, "--text mine.txt --steps 3 --page p.html --results r.json").status == 0);
    CHECK(nlohmann::json::parse(read(folder.path / "r.json"))["options"] == "--text TEXT");
}

TEST_CASE("figures as files") {
    Folder folder;
    REQUIRE(demo(folder, "--quick --page p.html --figures figs").status == 0);
    CHECK(contains(read(folder.path / "figs/demo-loss-of-the-language-model.svg"), "<style>"));
    CHECK(fs::exists(folder.path / "figs/demo-one-cell.svg"));
}

TEST_CASE("a terminal: code keeps its marks, equations side by side come one below the other") {
    Folder folder;
    const std::string out = demo(folder, "--quick --page p.html").out;
    CHECK(contains(out, "`[B, H]`"));
    CHECK(contains(out, "\n    a = 1\n    b = 2\n"));
}

TEST_CASE("progress without a terminal: plain lines now and then, and one that stays") {
    Folder folder;
    Run run = demo(folder, "--steps 400 --page p.html");
    CHECK(count(run.out, "\ntraining") >= 2);
    CHECK(contains(run.out, "training: 25.6 thousand characters in "));
    CHECK(contains(run.out, "left, loss "));
}

TEST_CASE("progress that goes on: of the whole in percent, of its own work in units and rate") {
    Folder folder;
    Run run = demo(folder, "--steps 400 --resumed --page p.html");
    CHECK(contains(run.out, "training: 12.8 thousand characters in "));
    const size_t first = run.out.find("\ntraining ");
    REQUIRE(first != run.out.npos);
    CHECK(std::stod(run.out.substr(first + 10)) >= 50);
}

TEST_CASE("numbers and times for people") {
    CHECK(large_number(12) == "12");
    CHECK(large_number(1900) == "1.9 thousand");
    CHECK(large_number(999700) == "1 million");
    CHECK(large_number(36e6) == "36 million");
    CHECK(large_number(2.5e9) == "2.5 billion");
    CHECK(duration(0.04) == "0.0 s");
    CHECK(duration(59.6) == "1 min 00 s");
    CHECK(duration(125) == "2 min 05 s");
    CHECK(duration(12000) == "3 h 20 min");
    CHECK(duration(1e300) == "?");
}

TEST_CASE("a generated text with escapes does no harm") {
    Folder folder;
    Run run = demo(folder, "--quick --page p.html --text \"$(printf '\\033[2J</pre><script>x\\377')\"");
    CHECK(run.status == 0);
    CHECK(!contains(run.out, "\033"));
    CHECK(contains(read(folder.path / "p.html"), "\uFFFD[2J&lt;/pre&gt;&lt;script&gt;x\uFFFD"));
}

// ---- the stepper, by lines on standard input: sections 1 and 2 come before the tape's
// --------------------------------

TEST_CASE("stepper: end of input runs on, and the page is the same as without it") {
    Folder folder;
    Run plain = demo(folder, "--quick --page p.html"), stepped = demo(folder, "--quick --page q.html --step");
    CHECK(stepped.status == 0);
    CHECK(stepped.last_line() == "q.html");
    auto body = [](const std::string& page) { return page.substr(0, page.find("<footer>")); };
    CHECK(body(read(folder.path / "p.html")) == body(read(folder.path / "q.html")));
    CHECK(plain.status == 0);
}

TEST_CASE("stepper: forward record by record, names, to a time step, back") {
    Folder folder;
    Run run = demo(folder, "--quick --page p.html --step",
                   "n\nn\n\nn\nn\np h_1\ng h_1\np\np nobody\nt 2\nb\nb\nb\nt 0\nt 77\nt x\nz\n?\nc\n");
    REQUIRE(run.status == 0);
    CHECK(contains(run.out, "▸ record 0, t=0: y = x Wᵀ\n  demo.cpp:"));
    CHECK(contains(run.out, "x is h_0 [B=1, H=2] f64\n      [[ 1 -1]]\n"));
    CHECK(contains(run.out, "h_1\n  [B=1, "));
    CHECK(contains(run.out, "no gradient has reached h_1 yet"));
    CHECK(contains(run.out, "no value named \"\" here; there are: h_0, W_hh, b_h, h_1\n"));
    CHECK(contains(run.out, "no value named \"nobody\""));
    CHECK(count(run.out, "▸ record 6, t=2") == 1);
    CHECK(count(run.out, "▸ record 5, t=1") == 1);  // shown by going back: t 2 ran past it
    CHECK(count(run.out, "▸ record 2, t=0") == 2);  // the last of t=0 again
    CHECK(contains(run.out, "no stop at time step 77 here"));
    CHECK(contains(run.out, "t takes a time step"));
    CHECK(contains(run.out, "\"z\" is no key"));
    CHECK(contains(run.out, "q  quit"));
    CHECK(run.last_line() == "p.html");
}

TEST_CASE("stepper: backward shows what each record added, the gradient so far, and earlier stops as they were") {
    Folder folder;
    std::string to_backward = "n\nn\nn\n" + std::string("n\nn\nn\nn\nn\nn\nn\nn\nn\nn\n");  // 3 sections, 10 records
    Run run = demo(folder, "--quick --page p.html --step",
                   to_backward + "g W_hh\nt 1\ng W_hh\nt 0\ng W_hh\nb\nb\nb\ng W_hh\ng h_3\nc\n");
    REQUIRE(run.status == 0);
    size_t start = run.out.find("▸ backward 9");
    REQUIRE(start != run.out.npos);
    std::string out = run.out.substr(start);
    CHECK(out.rfind("▸ backward 9: dx += dy Wᵀ, dW += xᵀ dy\n  of y = x W   demo.cpp:", 0) == 0);
    CHECK(contains(out, "dx: dL/dh_3 += [B=1, "));
    CHECK(contains(out, "no gradient has reached W_hh yet"));
    CHECK(contains(out, "▸ backward 5, t=1"));
    CHECK(contains(out, "▸ backward 2, t=0"));
    // The gradient of W_hh at t=1 (one term), at t=0 (two), and again at t=1 after three steps back: the first again.
    auto parts = split(out, "dL/dW_hh\n");
    REQUIRE(parts.size() == 4);
    auto numbers = [](const std::string& part) { return part.substr(0, part.find("]]")); };
    CHECK(numbers(parts[1]) != numbers(parts[2]));
    CHECK(numbers(parts[1]) == numbers(parts[3]));
    CHECK(contains(parts[3], "dL/dh_3\n"));
}

TEST_CASE("stepper: to the next section, and quit") {
    Folder folder;
    Run run = demo(folder, "--quick --page p.html --step", "n\nn\ns\nq\n");
    CHECK(run.status == 0);
    CHECK(!contains(run.out, "▸"));  // the records of the third section were passed over
    CHECK(contains(run.out, "Training"));
    CHECK(run.last_line() == "stopped before the end: no page written");
    CHECK(!fs::exists(folder.path / "p.html"));
}
