// The case caption: 32 pictures of 64 x 64, three convolutions of 3 x 3 to a grid of 8 x 8 regions with 64 numbers
// each; spatial attention, an LSTM of 256, 1,000 words, 12 of them a caption.
#include <fmt/format.h>

#include <cmath>

#include "core/ops/pooling.hpp"
#include "core/ops/reductions.hpp"
#include "models/caption_network.hpp"
#include "nn/clip.hpp"
#include "tests/bench/cases.hpp"

namespace unroll::bench {
namespace {

/// The library's decoder behind an encoder without batch normalisation, places and 2 x 2 pooling, whose first state
/// comes from the mean of the regions.
struct Captioning : Module {
    Captioning(const Case& c, Generator& gen)
        : convolutions{Conv2d({.in = 3, .out = 32, .padding = 1}, gen),
                       Conv2d({.in = 32, .out = 64, .padding = 1}, gen),
                       Conv2d({.in = 64, .out = 64, .padding = 1}, gen)},
          start({.in = 64, .out = 2 * c.H}, gen),
          decoder({.vocabulary = c.V,
                   .picture_size = 8,
                   .features = 64,
                   .embedding_size = c.H,
                   .hidden_size = c.H,
                   .attention_size = c.H},
                  gen) {}
    void visit(Visitor& v) override {
        for (size_t i = 0; i < 3; i++) v(fmt::format("conv{}", i), convolutions[i]);
        v("start", start), v("embedding", decoder.embedding), v("word", decoder.word);
        v("attention", decoder.attention), v("cell", decoder.cell), v("out", decoder.out);
    }
    std::string pretty() const override { return "Captioning"; }

    Var loss(Tape& tape, const Tensor& pictures, const Ids& before, const Ids& targets) const {
        Var x = tape.constant(pictures);
        for (const Conv2d& conv : convolutions)
            x = relu(max_pool2d(conv(x), {.kernel = 2}));  // the same as the other way round
        const int64_t B = x.dim(0), H = decoder.options().hidden_size;
        const auto regions = decoder.attention.prepare(reshape(permute(x, {2, 3, 0, 1}), {-1, B, x.dim(1)}));
        const Var first = tanh(start(mean(regions.values, 0)));
        return decoder.loss({regions.side, regions.values, {columns(first, 0, H), columns(first, H, 2 * H)}}, before,
                            targets, -100);
    }

    std::vector<Conv2d> convolutions;
    Linear start;
    CaptionNetwork decoder;  // and no more of it
};

struct CaptionTraining : Work {
    explicit CaptionTraining(const Case& c)
        : model(c, gen), all(parameters(model)), adam(all, {.lr = 1e-3}), pictures(Tensor::empty({c.B, 3, 64, 64})) {
        gen.fill_normal(pictures, 0, 1);
        for (Ids* ids : {&before, &targets}) {
            *ids = Ids::empty({{c.T, 'T'}, {c.B, 'B'}});
            for (int64_t i = 0; i < ids->size(); i++) ids->mutable_data()[i] = int32_t(gen.below(c.V));
        }
    }
    Var forward() {
        tape.clear();
        return model.loss(tape, pictures, before, targets);
    }
    void run() override {
        tape.backward(forward());
        clip_grad_norm(tape, all, 5);
        adam.step(tape);
    }

    Generator gen{1};
    Captioning model;
    std::vector<Parameter> all;
    Adam adam;
    Tensor pictures;
    Ids before, targets;
    Tape tape;
};

}  // namespace

std::unique_ptr<Work> caption_work(const Case& c) { return std::make_unique<CaptionTraining>(c); }

double caption_flops(const Case& c) {
    const double B = double(c.B), n = double(c.T * c.B), H = double(c.H), K = 64;
    const double first = B * 64 * 64 * 27 * 32;  // its pixels have no gradient
    const double products = B * 32 * 32 * 288 * 64 + B * 16 * 16 * 576 * 64 + B * K * 64 * H + n * H * H + n * K * H +
                            n * K * 64 + B * 64 * 2 * H + n * (H + 64) * 4 * H + n * H * 4 * H + n * H * double(c.V);
    return 4 * first + 6 * products;
}

void write_caption_weights(const Case& c, const std::string& path) {
    CaptionTraining training(c);
    SafeTensors file;
    for (const Parameter& p : training.all) file.tensors[p.name] = p.value;
    file.tensors["pictures"] = training.pictures;
    file.tensors["inputs"] = training.before;
    file.tensors["targets"] = training.targets;
    save_safetensors(path, file);
    const Var loss = training.forward();
    training.tape.backward(loss);
    const auto norm = [&](const Parameter& p) {
        const Tensor g = training.tape.grad(p);
        return std::sqrt(sum(g * g).item());
    };
    fmt::print("{{\"loss\": {:.9g}, \"gradient_norm\": {:.9g}, \"gradient norm of the first kernels\": {:.9g}}}\n",
               loss.item(), norm(training.model.decoder.embedding.E), norm(training.model.convolutions[0].W));
}

}  // namespace unroll::bench
