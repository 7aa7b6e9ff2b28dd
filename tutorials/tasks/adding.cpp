#include "tutorials/tasks/adding.hpp"

#include "core/ops/elementwise.hpp"
#include "core/ops/reductions.hpp"
#include "nn/clip.hpp"
#include "nn/linear.hpp"
#include "nn/optim.hpp"

namespace unroll::tasks {
namespace {

/// The layer and what reads its last output.
struct Model : Module {
    Model(RecurrentLayer& layer, Generator& gen) : layer(layer), out({.in = layer.output_size(), .out = 1}, gen) {}

    /// Mean square error, a scalar.
    Var loss(Tape& tape, const Adding::Batch& batch) const {
        const Var y = layer(tape.constant(batch.x)).y;
        const Var sum = out(row(y, y.dim(0) - 1));
        const Var error = sum - batch.target;
        return mean(error * error);
    }
    void visit(Visitor& v) override {
        v("layer", layer);
        v("out", out);
    }
    std::string pretty() const override { return layer.pretty() + ", " + out.pretty(); }

    RecurrentLayer& layer;
    Linear out;
};

}  // namespace

Adding::Adding(int64_t length, uint64_t seed, uint64_t stream, Where at) : length_(length), gen_(seed, stream) {
    if (length < 2) fail("Adding", at, fmt::format("length {}: two numbers are marked, expected 2 or more", length));
}

Adding::Batch Adding::next(int64_t batch, Where at) {
    if (batch < 1) fail("Adding::next", at, fmt::format("batch {}: expected 1 or more", batch));
    const int64_t T = length_, half = T / 2;
    Batch b{Tensor::zeros({{T, 'T'}, {batch, 'B'}, {2, 'D'}}), Tensor::zeros({{batch, 'B'}, 1})};
    float* x = b.x.mutable_data<float>();
    for (int64_t i = 0; i < T * batch; i++) x[2 * i] = static_cast<float>(gen_.uniform());
    for (int64_t s = 0; s < batch; s++) {
        const int64_t first = gen_.below(half);
        const int64_t second = half + gen_.below(T - half);
        for (const int64_t t : {first, second}) {
            float* at_t = x + 2 * (t * batch + s);
            at_t[1] = 1;
            b.target.mutable_data<float>()[s] += at_t[0];
        }
    }
    return b;
}

double AddingRun::solved() const {
    for (size_t i = 0; i < error.size(); i++)
        if (error[i] < adding_baseline / 10) return step[i];
    return -1;
}

AddingRun train_adding(RecurrentLayer& layer, const AddingTraining& options,
                       const std::function<void(int64_t step, double loss)>& each) {
    enum Stream : uint64_t { training, testing, output_layer };
    Adding data(options.length, options.seed, training), unseen(options.length, options.seed, testing);
    const Adding::Batch test = unseen.next(options.test_sequences);
    Generator gen(options.seed, output_layer);
    Model model(layer, gen);
    const std::vector<Parameter> all = parameters(model);
    Adam adam(all, {.lr = options.learning_rate});
    AddingRun run;
    const auto measure = [&](int64_t step) {
        Tape forward_only(Tape::Mode::forward_only);
        run.step.push_back(static_cast<double>(step));
        run.error.push_back(model.loss(forward_only, test).item());
    };
    measure(0);
    Tape tape;
    for (int64_t step = 1; step <= options.steps; step++) {
        tape.clear();
        const Var loss = model.loss(tape, data.next(options.batch));
        tape.backward(loss);
        clip_grad_norm(tape, all, options.max_norm);
        adam.step(tape);
        if (step % options.test_every == 0 || step == options.steps) measure(step);
        if (each) each(step, loss.item());
    }
    return run;
}

}  // namespace unroll::tasks
