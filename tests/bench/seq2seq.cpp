// The cases seq2seq, greedy, greedy32 and beam4: Luong's decoder with input feeding and the general score, V words, 20
// of them a sentence. Trained on 64 sentences side by side; written greedily, 1 or 32 sentences at a time, or one by a
// beam of 4.
#include "models/seq2seq.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/safetensors.hpp"
#include "nn/clip.hpp"
#include "tests/bench/cases.hpp"

namespace unroll::bench {
namespace {

constexpr int64_t V = 8000;

Seq2Seq model_of(const Case& c, Generator& gen) {
    return Seq2Seq({.source_vocabulary = V,
                    .target_vocabulary = V,
                    .embedding_size = c.H,
                    .encoder_size = c.H,
                    .hidden_size = c.H,
                    .input_feeding = true},
                   gen);
}

Ids random_words(const Case& c, Generator& gen) {
    Ids ids = Ids::empty({{c.T, 'T'}, {c.B, 'B'}});
    for (int64_t i = 0; i < ids.size(); i++) ids.mutable_data()[i] = static_cast<int32_t>(gen.below(V));
    return ids;
}

struct Seq2SeqTraining : Work {
    explicit Seq2SeqTraining(const Case& c)
        : model(model_of(c, gen)),
          all(parameters(model)),
          adam(all, {.lr = 1e-3}),
          source(random_words(c, gen)),
          inputs(random_words(c, gen)),
          targets(random_words(c, gen)) {}
    Var forward() {
        tape.clear();
        return model.loss(tape, {.words = source}, inputs, targets, {.padding = -100});
    }
    void run() override {
        tape.backward(forward());
        clip_grad_norm(tape, all, 5);
        adam.step(tape);
    }

    Generator gen{1};
    Seq2Seq model;
    std::vector<Parameter> all;
    Adam adam;
    Ids source, inputs, targets;
    Tape tape;
};

struct Writing : Work {
    explicit Writing(const Case& c)
        : model(model_of(c, gen)), source(random_words(c, gen)), T(c.T), beam(c.kind == "beam4") {}
    void run() override {  // never the end: always so many words
        const DecodeOptions o{.start = 0, .end = 1, .never = {1}, .max_length = T, .beam_width = 4};
        const DecoderStep step = model.decoder_step(tape, {.words = source});
        beam ? void(beam_search(step, source.shape()[1], o)) : void(greedy_search(step, source.shape()[1], o));
    }

    Generator gen{1};
    Seq2Seq model;
    Tape tape{Tape::Mode::forward_only};
    Ids source;
    int64_t T;
    bool beam;
};

}  // namespace

std::unique_ptr<Work> seq2seq_work(const Case& c) {
    if (c.kind == "seq2seq") return std::make_unique<Seq2SeqTraining>(c);
    return std::make_unique<Writing>(c);
}

double seq2seq_flops(const Case& c) {
    const double n = double(c.T * c.B), H = double(c.H), S = double(c.T);
    const double products = 2 * H * 4 * H + 3 * H * 4 * H + H * H + 2 * H * S + 2 * H * H + H * double(V);
    return (c.kind == "seq2seq" ? 6 : c.kind == "beam4" ? 8 : 2) * n * products;
}

void write_seq2seq_weights(const Case& c, const std::string& path) {
    Seq2SeqTraining training(c);
    SafeTensors file;
    for (const Parameter& p : training.all) file.tensors[p.name] = p.value;
    file.tensors["source"] = training.source;
    file.tensors["inputs"] = training.inputs;
    file.tensors["targets"] = training.targets;
    save_safetensors(path, file);
    const Var loss = training.forward();
    training.tape.backward(loss);
    double squares = 0;
    for (double g : training.tape.grad(training.model.source.E).to_vector()) squares += g * g;
    fmt::print("{{\"loss\": {:.9g}, \"gradient_norm\": {:.9g}}}\n", loss.item(), std::sqrt(squares));
}

}  // namespace unroll::bench
