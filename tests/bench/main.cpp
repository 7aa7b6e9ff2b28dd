// Our side of tests/bench/against_pytorch, and tables of what it does not show. build/tests/bench --help
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>

#include "core/kernels/parallel.hpp"
#include "core/safetensors.hpp"
#include "tests/bench/bench.hpp"

using namespace unroll;
using namespace unroll::bench;

namespace {

/// One line of JSON.
void run(const Case& c, double limit, int threads) {
    const std::unique_ptr<Work> work = work_of(c);
    const Timing t = timed(*work, limit);
    const double gflops = c.flops() / t.ms * 1e-6, peak = t.peak * threads;
    fmt::print(
        "{{\"case\": \"{}\", \"threads\": {}, \"ms\": {:.4f}, \"ms_min\": {:.4f}, \"runs\": {}, \"tokens_per_s\": "
        "{:.0f}, \"gflops\": {:.2f}, \"peak\": {:.1f}, \"share\": {:.4f}, \"rss_mb\": {:.1f}}}\n",
        c.name, threads, t.ms, t.ms_min, t.runs, 1e3 * static_cast<double>(c.tokens()) / t.ms, gflops, peak,
        gflops / peak, resident_mb());
}

/// Weights and ids of a small model of this kind, for PyTorch to compute from; prints what it must find.
void write_weights(const Case& c, const std::string& path) {
    if (c.translates()) return write_seq2seq_weights(c, path);
    if (c.captions()) return write_caption_weights(c, path);
    Training training(c);
    SafeTensors file;
    for (const Parameter& p : training.all) file.tensors[p.name] = p.value;
    file.tensors["inputs"] = training.inputs;
    file.tensors["targets"] = training.targets;
    save_safetensors(path, file);
    const Var loss = training.forward(false);
    training.tape.backward(loss);
    double squares = 0;
    for (double g : training.tape.grad(training.model.embedding.E).to_vector()) squares += g * g;
    fmt::print("{{\"loss\": {:.9g}, \"gradient_norm\": {:.9g}}}\n", loss.item(), std::sqrt(squares));
}

}  // namespace

int main(int argc, char** argv) try {
    std::string name, path;
    int threads = kernels::threads();
    double limit = 5, since = 0;
    CLI::App app("Benchmarks. A CASE is one of " + case_names() + ", with any H from 1.", "bench");
    app.require_subcommand(1);
    app.add_option("--threads", threads, "of every kernel")->check(CLI::Range(1, 256));
    app.add_option("--seconds", limit, "a measurement takes about this long")->check(CLI::Range(0.0, 3600.0));
    app.fallthrough();
    const auto with_case = [&](const char* command, const char* what, const char* usual) {
        CLI::App* sub = app.add_subcommand(command, what);
        CLI::Option* option = sub->add_option("CASE", name, usual);
        *usual == 0 ? option->required() : option;
        return sub;
    };
    CLI::App* run_case = with_case("run", "times a case: a training step, or for sample-H 1,000 characters", "");
    CLI::App* weights = with_case("weights", "writes weights and ids of a case for PyTorch to compute with", "");
    weights->add_option("FILE", path)->required();
    CLI::App* gemm = app.add_subcommand("gemm", "matrix products as a share of the FMA peak");
    CLI::App* memory = with_case("memory", "what a training step takes", "default lstm-512");
    CLI::App* tokens = with_case("tokens", "a token's cost over T, B and layers", "default lstm-128");
    CLI::App* start = app.add_subcommand("start", "from a process's start to its first operation");
    start->add_option("--since", since)->group("");
    try {
        app.parse(argc, argv);
        CLI::Option* option = app.get_subcommands()[0]->get_option_no_throw("CASE");
        if (option == nullptr || option->count() == 0) name = *tokens ? "lstm-128" : "lstm-512";
        if (!(limit >= 0)) throw CLI::ValidationError("--seconds", "expected a number from 0 to 3600");
        if (!parse_case(name) ||
            ((*memory || *tokens) &&
             (parse_case(name)->operation() || parse_case(name)->translates() || parse_case(name)->captions())))
            throw CLI::ValidationError("CASE", "unknown case " + name + ": expected " + case_names());
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);
        fmt::print(stderr, "bench: {}\nusage: bench run CASE [--threads N] [--seconds S] | bench --help\n",
                   error.what());
        return 2;
    }
    kernels::set_threads(threads);
    Case c = *parse_case(name);
    if (*run_case) run(c, limit, threads);
    if (*weights && c.operation()) fmt::print("{}\n", operation_of(c)->check(path));
    if (*weights && !c.operation()) c.T = 11, c.B = 7, write_weights(c, path);
    if (*gemm) gemm_table();
    if (*memory) memory_table(c);
    if (*tokens) token_table(c, limit / 10);
    if (*start) since != 0 ? first_operation(since) : start_table(argv[0]);
} catch (const Error& error) {
    fmt::print(stderr, "bench: {}\n", error.what());
    return 1;
}
