// The time of one training step of a recurrent language model: zero gradients, forward, loss, backward, clipping, Adam.
//     build/tests/train_step --case rnn-128 --threads 2 --seconds 5
// The cases have the sizes of the usual comparison with PyTorch: V=65 characters, T=64, B=32, embedding and hidden size
// H. Flops are those of the matrix products alone: forward, gradient by weights, gradient by inputs.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "core/kernels/parallel.hpp"
#include "core/ops/losses.hpp"
#include "nn/clip.hpp"
#include "nn/embedding.hpp"
#include "nn/linear.hpp"
#include "nn/optim.hpp"
#include "nn/rnn.hpp"
#include "tests/bench/peak.hpp"

using namespace unroll;

namespace {

constexpr int64_t V = 65, T = 64, B = 32;

struct Model : Module {
    Model(int64_t H, Generator& gen)
        : embedding({.vocabulary = V, .embedding_size = H}, gen),
          rnn({.input_size = H, .hidden_size = H}, gen),
          out({.in = H, .out = V}, gen) {}
    void visit(Visitor& v) override {
        v("embedding", embedding);
        v("rnn", rnn);
        v("out", out);
    }
    std::string pretty() const override { return rnn.pretty(); }
    Embedding embedding;
    Rnn rnn;
    Linear out;
};

double median(std::vector<double> v) {
    std::sort(v.begin(), v.end());
    return v[v.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
    std::string name = "rnn-128";
    int threads = 1;
    double seconds = 5;
    CLI::App app("Training steps timed");
    app.add_option("--case", name, "rnn-H");
    app.add_option("--threads", threads)->check(CLI::Range(1, 64));
    app.add_option("--seconds", seconds)->check(CLI::Range(0.1, 3600.0));
    CLI11_PARSE(app, argc, argv);
    int64_t H = 0;
    if (std::sscanf(name.c_str(), "rnn-%ld", &H) != 1 || H < 1)
        return std::fprintf(stderr, "unknown case %s: expected rnn-H\n", name.c_str()), 2;

    kernels::set_threads(threads);
    Generator gen(1);
    Model model(H, gen);
    const std::vector<Parameter> all = parameters(model);
    Adam adam(all, {.lr = 1e-3});
    Ids inputs = Ids::empty({T, B}), targets = Ids::empty({T, B});
    for (int64_t i = 0; i < T * B; i++) {
        inputs.mutable_data()[i] = static_cast<int32_t>(gen.below(V));
        targets.mutable_data()[i] = static_cast<int32_t>(gen.below(V));
    }
    Tape tape;
    const auto step = [&] {
        tape.clear();
        const Var loss = cross_entropy(model.out(model.rnn(model.embedding(tape, inputs)).y), targets);
        tape.backward(loss);
        clip_grad_norm(tape, all, 5);
        adam.step(tape);
    };
    for (int i = 0; i < 3; i++) step();
    std::vector<double> times, peaks;
    const double start = bench::seconds();
    while (times.size() < 10 || bench::seconds() - start < seconds) {
        if (times.size() % 20 == 0) peaks.push_back(bench::fma_peak<float>());
        const double begin = bench::seconds();
        step();
        times.push_back(bench::seconds() - begin);
    }
    const double flops = 6.0 * T * B * static_cast<double>(2 * H * H + H * V), ms = 1e3 * median(times);
    const double gflops = flops / ms * 1e-6, peak = median(peaks) * threads;
    fmt::print(
        "{{\"case\": \"{}\", \"threads\": {}, \"ms_median\": {:.3f}, \"tokens_per_s\": {:.0f}, \"gflops\": {:.1f}, "
        "\"peak\": {:.1f}, \"share\": {:.3f}}}\n",
        name, threads, ms, T * B / ms * 1e3, gflops, peak, gflops / peak);
}
