#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace unroll::lesson {

/// What every chapter takes on its command line.
struct Options {
    bool step = false;    // --step: stand at every stop and take keys
    bool quick = false;   // --quick: bound every training run to seconds
    uint64_t seed = 1;    // --seed N
    int threads = 0;      // --threads N; 0: as many as the machine has cores
    int steps = 0;        // --steps N training steps; 0: the chapter's own number
    std::string page;     // --page PATH; "": build/pages/NN.html
    std::string results;  // --results PATH: write the run's figures there; not with --quick
    std::string figures;  // --figures DIR: write every figure there as an SVG file
    std::string given;    // " --text FILE --seeds 2": what was given of the chapter's own options, no paths
};

/// The parser of a chapter's command line: the options above, and those that a chapter adds.
class CommandLine {
  public:
    CommandLine(const std::string& title, Options& options);
    ~CommandLine();

    /// `name` is "--text FILE": the value named in capitals. What `value` holds is the default. A FOLDER has to be
    /// there, and so has that of --data.
    void add(const std::string& name, std::string& value, const std::string& help);
    void add(const std::string& name, int& value, int lowest, int highest, const std::string& help);
    void add(const std::string& name, bool& value, const std::string& help);

    /// Nothing, or the exit status the program has to end with: 0 after --help; 2 after wrong use, which prints what
    /// was wrong and a usage line to stderr.
    std::optional<int> parse(int argc, const char* const* argv);

  private:
    std::string usage(const std::string& program) const;
    Options& options_;
    std::unique_ptr<CLI::App> app_;
    size_t common_ = 0;  // how many options every chapter has
};

}  // namespace unroll::lesson
