#include "tutorials/lesson/options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "tutorials/lesson/checks.hpp"
#include "tutorials/lesson/door.hpp"
#include "tutorials/lesson/text.hpp"

namespace unroll::lesson {
namespace {

constexpr int most_threads = 1024;
constexpr int most_steps = 1'000'000'000;

// "--text FILE" in its two parts.
std::pair<std::string, std::string> parts(const std::string& name) {
    size_t space = name.find(' ');
    return {name.substr(0, space), space == name.npos ? "" : name.substr(space + 1)};
}

std::string named(const CLI::Option& option) {
    const std::string value = option.get_option_text();
    return option.get_name() + (value.empty() ? "" : " " + value);
}

CLI::Option* describe(CLI::Option* option, const std::string& value) { return option->option_text(value); }

}  // namespace

CommandLine::CommandLine(const std::string& title, Options& options)
    : options_(options), app_(std::make_unique<CLI::App>(title)) {
    add("--step", options.step, "stand at every stop and take keys (? lists them)");
    add("--quick", options.quick, "bound every training run to seconds");
    describe(app_->add_option("--seed", options.seed, "seed of every random draw (default 1)"), "N")->check(any_seed());
    add("--threads N", options.threads, 1, most_threads, "worker threads (default: the machine's cores)");
    add("--steps N", options.steps, 1, most_steps, "training steps (default: the chapter's own number)");
    add("--page PATH", options.page, "write the page there (default: build/pages/NN.html)");
    add("--results PATH", options.results, "write the measured figures there, as JSON");
    add("--figures DIR", options.figures, "write every figure there, as SVG");
    common_ = app_->get_options().size();
}

CommandLine::~CommandLine() = default;

void CommandLine::add(const std::string& name, std::string& value, const std::string& help) {
    auto [option, placeholder] = parts(name);
    CLI::Option* added = describe(app_->add_option(option, value, help), placeholder);
    if (option == "--data" || placeholder == "FOLDER")
        added->check(CLI::ExistingDirectory);  // before hours of training
}

void CommandLine::add(const std::string& name, int& value, int lowest, int highest, const std::string& help) {
    auto [option, placeholder] = parts(name);
    describe(app_->add_option(option, value, help), placeholder)->check(whole_number(lowest, highest));
}

void CommandLine::add(const std::string& name, bool& value, const std::string& help) {
    app_->add_flag(name, value, help);
}

std::string CommandLine::usage(const std::string& program) const {
    std::string line = "usage: " + program;
    for (const CLI::Option* option : app_->get_options()) line += " [" + named(*option) + "]";
    return line + "\n";
}

std::optional<int> CommandLine::parse(int argc, const char* const* argv) {
    std::string program = argc > 0 ? std::filesystem::path(argv[0]).filename().string() : "chapter";
    std::string wrong;
    try {
        app_->parse(argc, argv);
        if (options_.quick && !options_.results.empty()) wrong = "--results is for a full run, without --quick";
    } catch (const CLI::CallForHelp&) {
        door::write(app_->help());
        return 0;
    } catch (const CLI::ParseError& error) {
        wrong = clean(error.what());
    }
    const std::vector<CLI::Option*> all = app_->get_options();
    for (size_t i = common_; i < all.size(); i++)
        if (all[i]->count() > 0)  // a number as it is, a path as the help names it
            options_.given += " " + (all[i]->get_option_text() == "N" ? all[i]->get_name() + " " + all[i]->results()[0]
                                                                      : named(*all[i]));
    if (wrong.empty()) return std::nullopt;
    for (char& c : wrong) c = c == '\n' ? ' ' : c;
    door::write_error("error: " + wrong + "\n" + usage(program));
    return 2;
}

}  // namespace unroll::lesson
