// Cases computed by PyTorch, run on the project's own public classes:
//     conformance [--dtype f64|f32] [--composed] FILE...
// One line a case, "PASS FILE kind max_rel_err=…" or "FAIL FILE kind NAME rel_err=…"; exit status 0 when all passed.
// Recurrent layers run as whole sequences, or with --composed step by step.
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "tests/conformance/case.hpp"

using namespace unroll;
using conformance::Case;

static const std::map<std::string, void (*)(Case&)> kinds = {
    {"attention", conformance::attention},
    {"clip_grad_norm", conformance::clip_grad_norm},
    {"conv2d", conformance::conv2d},
    {"cross_entropy", conformance::cross_entropy},
    {"ctc", conformance::ctc},
    {"embedding", conformance::embedding},
    {"gru", conformance::gru},
    {"lstm", conformance::lstm},
    {"layer_norm", conformance::layer_norm},
    {"max_pool2d", conformance::max_pool2d},
    {"optimizer", conformance::optimizer},
    {"rnn", conformance::rnn},
    {"spatial_attention", conformance::spatial_attention},
    {"textbook_coupled_lstm", conformance::textbook_coupled_lstm},
    {"textbook_gru", conformance::textbook_gru},
    {"textbook_lstm", conformance::textbook_lstm},
    {"textbook_peephole_lstm", conformance::textbook_peephole_lstm},
    {"textbook_rnn", conformance::textbook_rnn},
};

static std::pair<bool, std::string> run(const std::string& path, DType dtype, bool composed) {
    std::string kind;
    try {
        Case c(load_safetensors(path), dtype, composed);
        kind = c.word("kind");
        const auto found = kinds.find(kind);
        if (found == kinds.end()) return {false, "FAIL " + path + " " + kind + " is not a kind known here"};
        found->second(c);
        return c.verdict(path);
    } catch (const std::exception& e) {
        std::string what = e.what();
        if (what.compare(0, path.size() + 2, path + ": ") == 0) what.erase(0, path.size() + 2);
        return {false, "FAIL " + path + (kind.empty() ? "" : " " + kind) + " " + what};
    }
}

static int usage() {
    std::fputs("usage: conformance [--dtype f64|f32] [--composed] FILE...\n", stderr);
    return 2;
}

int main(int argc, char** argv) {
    DType dtype = DType::f64;
    bool composed = false;
    std::vector<std::string> files;
    for (int i = 1; i < argc; i++) {
        const std::string argument = argv[i];
        if (argument == "--dtype") {
            const std::string name = i + 1 < argc ? argv[++i] : "";
            if (name != "f64" && name != "f32") return usage();
            dtype = name == "f64" ? DType::f64 : DType::f32;
        } else if (argument == "--composed") {
            composed = true;
        } else if (argument.compare(0, 1, "-") == 0) {
            return usage();
        } else {
            files.push_back(argument);
        }
    }
    if (files.empty()) return usage();
    bool all_passed = true;
    for (const std::string& file : files) {
        const auto [passed, line] = run(file, dtype, composed);
        all_passed = all_passed && passed;
        std::puts(line.c_str());
    }
    return all_passed ? 0 : 1;
}
