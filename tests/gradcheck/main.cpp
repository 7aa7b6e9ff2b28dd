// build/tests/gradcheck: the gradient of every operation, cell and model against differences, a row each. Exit status 1
// if one is wrong, or if there is a record type that no row has tried.
#include <cxxabi.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>

#include "tests/gradcheck/table.hpp"

namespace unroll {

void Table::section(const std::string& title) { fmt::print("\n{}\n{}\n", title, GradCheck::header()); }

void Table::check(const std::string& name, const std::vector<Input>& inputs,
                  const std::function<std::vector<Var>(const std::vector<Var>&)>& f, const GradCheckOptions& options) {
    std::vector<Parameter> drawn;
    for (const Input& input : inputs) drawn.push_back(random_input(input.name, input.shape, input.mean, input.std));
    const auto on_tape = [&](Tape& tape) {
        std::vector<Var> in;
        for (const Parameter& x : drawn) in.push_back(tape.watch(x));
        return f(in);
    };
    check_owned(name, drawn, on_tape, options);
}

static std::string type_of(const Record& record) {
    char* name = abi::__cxa_demangle(typeid(record).name(), nullptr, nullptr, nullptr);
    const std::string type = name;
    std::free(name);
    return type;
}

void Table::check_owned(const std::string& name, const std::vector<Parameter>& inputs,
                        const std::function<std::vector<Var>(Tape&)>& f, const GradCheckOptions& options) {
    const auto watched = [&](Tape& tape) {
        std::vector<Var> outputs = f(tape);
        for (int i = 0; i < tape.size(); i++) recorded_.insert(type_of(tape.record(i)));
        return outputs;
    };
    rows_++;
    try {
        const GradCheck result = gradcheck(inputs, watched, options);
        failures_ += !result.passed();
        entries_ += result.entries;
        fmt::print("{}\n", result.row(name));
    } catch (const Error& e) {
        failures_++;
        fmt::print("{:<36} {}  WRONG\n", name, e.what());
    }
    std::fflush(stdout);
}

void Table::check_complete(const std::string& root, const std::vector<std::string>& folders) {
    const std::regex record_type(R"(\bstruct\s+(\w+)(\s+final)?\s*:\s*(public\s+)?\w+\s*\{)");
    int types = 0;
    for (const std::string& folder : folders)
        for (const auto& entry : std::filesystem::recursive_directory_iterator(std::filesystem::path(root) / folder)) {
            if (entry.path().extension() != ".cpp" && entry.path().extension() != ".hpp") continue;
            std::ifstream file(entry.path());
            const std::string text{std::istreambuf_iterator<char>(file), {}};
            for (std::sregex_iterator m(text.begin(), text.end(), record_type), end; m != end; ++m) {
                const auto begin = static_cast<size_t>(m->position());
                const std::string body = text.substr(begin, text.find("\n};", begin) - begin);
                if (body.find("Text text() const override") == std::string::npos) continue;  // a base, or no record
                types++;
                if (recorded_.count("unroll::ops::" + (*m)[1].str()) > 0) continue;
                failures_++;
                fmt::print("no row for {} ({})\n", (*m)[1].str(), entry.path().lexically_relative(root).string());
            }
        }
    if (types == 0) failures_++;
    fmt::print("\n{} record types in the sources\n", types);
}

int Table::finish() const {
    fmt::print("{} rows, {} entries, {} failed\n", rows_, entries_, failures_);
    return failures_ > 0;
}

}  // namespace unroll

int main(int argc, char**) {
    if (argc > 1) {
        fmt::print(stderr, "usage: gradcheck    (no options: all rows)\n");
        return 2;
    }
    unroll::Table table;
    unroll::add_ops(table);
    unroll::add_attention(table);
    unroll::add_bptt(table);
    unroll::add_convolution(table);
    unroll::add_layers(table);
    table.check_complete(UNROLL_ROOT, {"core", "nn", "models"});
    return table.finish();
}
