#pragma once
#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/text.hpp"
#include "models/trainer.hpp"
#include "nn/decode.hpp"

/// What build/tutorials/translate and build/tutorials/summarise share, one command line for a model of pairs; and what
/// they share with the other programs that train.
namespace unroll {

/// What the command line says.
struct PairCall {
    std::string folder = {}, set = {}, data = {}, train = {}, valid = {}, part = "test";
    int64_t steps = 0;  // 0: the recipe's
    uint64_t seed = 1;
    DecodeOptions decode = {};

    /// Their own file where one is given, else that of the set.
    std::string file(const std::string& part) const;
};

class PairProgram {
  public:
    virtual ~PairProgram() = default;
    /// More options.
    virtual void add_to(CLI::App& train, CLI::App& evaluate) = 0;
    /// False where it was stopped.
    virtual bool train(const PairCall& call) = 0;
    virtual void load(const std::string& folder) = 0;
    /// What is loaded, at work.
    virtual std::string write(const std::string& line, const DecodeOptions& options) = 0;
    struct Word {
        double log_prob;
        std::string text;  // "" at the end
        std::string note;
    };
    virtual std::vector<Word> score(const TextPair& pair) = 0;
    virtual void evaluate(const PairCall& call) = 0;
};

/// name: of the program; what: one line; sets: the help of --set. Returns the exit status: 130 after a
/// training that was stopped, 2 for misuse.
int run(PairProgram& program, const std::string& name, const std::string& what, const std::string& sets, PairCall call,
        int argc, char** argv);

/// Parses the command line of a program with subcommands. Where it is wrong, or asks for help, says so and returns the
/// exit status. usage: what follows the program's name.
std::optional<int> parse(CLI::App& app, const std::string& usage, int argc, char** argv);

/// Throws Error where standard output can't be written.
void flush();

/// Trains to the end of `steps`, or until Ctrl-C, with a bar, and prints the validations; the checkpoint is written at
/// each of them and at the end. unit: "nats a word". False where it was stopped.
bool run_training(Trainer& trainer, int64_t steps, const std::string& checkpoint,
                  const std::map<std::string, std::string>& configuration, const char* unit = "nats a word");

}  // namespace unroll
