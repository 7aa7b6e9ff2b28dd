// An ordinary training step of the layers takes nothing from the heap once the pool is filled.
#include <doctest/doctest.h>

#include <functional>

#include "core/kernels/parallel.hpp"
#include "core/ops/ctc.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/pooling.hpp"
#include "core/ops/reductions.hpp"
#include "core/ops/shape.hpp"
#include "nn/attention_rnn.hpp"
#include "nn/batch_norm.hpp"
#include "nn/clip.hpp"
#include "nn/conv.hpp"
#include "nn/gru.hpp"
#include "nn/layer_norm_lstm.hpp"
#include "nn/lstm.hpp"
#include "nn/optim.hpp"
#include "nn/rnn.hpp"
#include "nn/spatial_attention.hpp"
#include "tests/pooled.hpp"

using namespace unroll;

extern int64_t allocations;  // test_optim.cpp

namespace {

constexpr int64_t T = 5, B = 3, D = 4, H = 6;

Tensor drawn(const Shape& shape) {
    Tensor t = Tensor::empty(shape);
    Generator(1).fill_normal(t, 0, 1);
    return t;
}

/// Four training steps of a model; the first may fill the pool.
void train(Module& model, const std::function<Var(Tape&)>& loss) {
    Adam adam(parameters(model), {.lr = 1e-4});
    Tape tape;
    for (int step = 0; step < 4; step++) {
        const int64_t heap = allocations, pool = memory_stats().heap_allocations;
        tape.clear();
        tape.backward(loss(tape));
        clip_grad_norm(tape, adam.parameters(), 1);
        adam.step(tape);
        const int64_t heap_after = allocations, pool_after = memory_stats().heap_allocations;
        if (step == 0) continue;
        if (pooled()) CHECK(heap_after == heap);
        if (pooled()) CHECK(pool_after == pool);
    }
}

template <class Layer>
void train_layer(typename Layer::Options options) {
    options.input_size = D;
    options.hidden_size = H;
    options.num_layers = 3;
    options.bidirectional = true;
    options.dropout = 0.3;
    Generator gen(1);
    for (bool variational : {false, true})
        for (bool composed : {false, true}) {
            CAPTURE(variational);
            CAPTURE(composed);
            options.variational = variational;
            Layer layer(options, gen);
            const Tensor x = drawn({T, B, D});
            const Ids lengths({5, 0, 3});
            train(layer, [&](Tape& tape) {
                const RecurrentOutput out =
                    layer(tape.input(x), {.lengths = lengths, .dropout = &gen, .composed = composed});
                return sum(out.y) + sum(out.last.h);
            });
        }
}

}  // namespace

TEST_CASE("a training step takes nothing from the heap: deep, bidirectional layers with lengths and dropout") {
    const int threads = kernels::threads();
    for (int n : {1, 2}) {
        kernels::set_threads(n);
        train_layer<Rnn>({});
        train_layer<Lstm>({});
        train_layer<Lstm>({.peephole = Peephole::full, .coupled = true});
        train_layer<Gru>({});
        train_layer<Gru>({.reset_after = true});
        train_layer<LayerNormLstm>({});
    }
    kernels::set_threads(threads);
}

TEST_CASE("a training step takes nothing from the heap: the attention RNN") {
    Generator gen(1);
    for (Score score : {Score::dot, Score::general, Score::concat}) {
        AttentionRnn<LstmCell> layer({.cell = {.input_size = D, .hidden_size = H},
                                      .score = score,
                                      .attention_size = score == Score::concat ? 5 : 0},
                                     gen);
        const Tensor x = drawn({T, B, D});
        train(layer, [&](Tape& tape) { return sum(layer(tape.input(x)).y); });
    }
}

TEST_CASE("a training step takes nothing from the heap: pictures, attention over them, CTC") {
    struct Model : Module {
        Generator gen{1};
        Conv2d conv{{.in = 3, .out = D, .padding = 1}, gen};
        BatchNorm norm{{.channels = D}};
        SpatialAttention attention{{.hidden_size = H, .feature_size = D, .attention_size = 5}, gen};
        void visit(Visitor& v) override {
            v("conv", conv);
            v("norm", norm);
            v("attention", attention);
        }
        std::string pretty() const override { return "Model"; }
    };
    Model model;
    const Tensor x = drawn({B, 3, 8, 6}), h = drawn({T, B, H});
    const CtcTargets targets{Ids({1, 2, 3, 3, 1, 1}, {B, 2}), Ids({5, 4, 3}), Ids({2, 2, 0})};
    train(model, [&](Tape& tape) {
        const Var y = max_pool2d(relu(model.norm(model.conv(tape.input(x)), true)), {.kernel = 2});
        const Var mean = sum(avg_pool2d(y, {.kernel = 2, .stride = 1}));
        const auto regions = model.attention.prepare(reshape(permute(y, {2, 3, 0, 1}), {-1, B, D}));
        return ctc_loss(model.attention(tape.input(h), regions).context, targets) + mean;
    });
}
