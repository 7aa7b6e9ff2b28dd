// The circle in the book's equations, the two ways out of it, and gradients of whole models.
#include <fmt/format.h>

#include <cmath>

#include "core/ops/reductions.hpp"
#include "models/seq2seq.hpp"
#include "tutorials/06_seq2seq/chapter.hpp"

namespace unroll {
namespace {

struct Kind {
    const char* name;
    Seq2SeqOptions options;
};

std::vector<Kind> kinds(int64_t H) {
    const Seq2SeqOptions o{.source_vocabulary = 6,
                           .target_vocabulary = 5,
                           .embedding_size = H,
                           .encoder_size = H,
                           .hidden_size = H,
                           .dtype = DType::f64};
    std::vector<Kind> all(5, {"", o});
    all[0].name = "fixed vector";
    all[0].options.decoder = DecoderKind::fixed;
    all[1].name = "the book's decoder";
    all[1].options.decoder = DecoderKind::book;
    all[2].name = "Luong's decoder";
    all[3].name = "Luong's with input feeding";
    all[3].options.input_feeding = true;
    all[4].name = "the translator's";
    all[4].options.bidirectional = all[4].options.input_feeding = true;
    all[4].options.memory_embedding = all[4].options.tied = true;
    all[4].options.encoder_size = 2;
    return all;
}

struct Sample {
    Seq2Seq::Source source;
    Ids before, targets;
};

Sample sample(int64_t S, int64_t T, int64_t B, uint64_t seed) {
    Generator gen(seed);
    const auto draw = [&](int64_t rows, int64_t below, int32_t first) {
        Ids ids = Ids::empty({rows, B});
        for (int64_t i = 0; i < ids.size(); i++) ids.mutable_data()[i] = first + static_cast<int32_t>(gen.below(below));
        return ids;
    };
    std::vector<int32_t> lengths;
    for (int64_t b = 0; b < B; b++) lengths.push_back(static_cast<int32_t>(std::max<int64_t>(1, S - b)));
    return {{draw(S, 6, 0), Ids(lengths), {}}, draw(T, 5, 0), draw(T, 4, 1)};
}

void circle(Lesson& lesson) {
    lesson.section("A circle, and two ways out", "Encoder-Decoder Architecture, Global Attention");
    lesson.text(
        "A slip in the book: $h_t$ is made from $c_t$, and $c_t$ from $\\mathrm{score}(h_t, s_i)$, which needs $h_t$. "
        "Nothing can be computed first. Somebody else than $h_t$ has to ask, or $c_t$ has to come in later.");
    lesson.text("The *book's decoder*, put right as Bahdanau has it: the state before asks.");
    lesson.equation(R"(e_{t,i} = \mathrm{score}(h_{t-1}, s_i), \qquad h_t = \mathrm{RNN}(h_{t-1}, [y_{t-1}, c_t]))",
                    "e[t,i] = score(h_{t-1}, s_i)    h_t = RNN(h_{t-1}, [y_{t-1}, c_t])");
    lesson.equation(R"(P_t = \mathrm{softmax}(W_{out} h_t + b_{out}))", "P_t = softmax(W_out h_t + b_out)");
    lesson.text(
        "*Luong's decoder*: first the state, then the look, and then both together in an attentional state. In its "
        "plain form the RNN never hears of what was looked at; with *input feeding* it reads the attentional state "
        "of the step before, beside the word.");
    lesson.equation(
        R"(h_t = \mathrm{RNN}(h_{t-1}, y_{t-1}) \text{ or } \mathrm{RNN}(h_{t-1}, [y_{t-1}, \tilde h_{t-1}]))",
        "h_t = RNN(h_{t-1}, y_{t-1})  or  RNN(h_{t-1}, [y_{t-1}, h̃_{t-1}])");
    lesson.equation(R"(e_{t,i} = \mathrm{score}(h_t, s_i), \qquad \tilde h_t = \tanh(W_c [c_t; h_t] + b_c))",
                    "e[t,i] = score(h_t, s_i)    h̃_t = tanh(W_c [c_t; h_t] + b_c)");
    lesson.table({.caption = "What each costs in training, where all words before are known",
                  .header = {"decoder", "steps one after the other", "attention"},
                  .rows = {{"fixed vector", "the RNN's own, one operation", "none"},
                           {"book's", "all of the step", "T looks of one query"},
                           {"Luong's", "the RNN's own, one operation", "one look of T queries"},
                           {"Luong's with input feeding", "all of the step", "T looks of one query"}}});
    double worst = 0;
    for (const Kind& kind : kinds(6)) {
        Generator gen(lesson.seed());
        const Seq2Seq model(kind.options, gen);
        const Sample s = sample(4, 5, 3, lesson.seed());
        Tape tape;
        const Seq2Seq::Encoded x = model.encode(tape, s.source);
        Seq2Seq::State whole = model.start(x), single = whole;
        const Tensor all = model.decode(x, s.before, whole).h.value();
        for (int64_t t = 0; t < 5; t++) {
            const Tensor d = model.decode(x, s.before.slice(t, t + 1), single).h.value()[0] - all[t];
            worst = std::max(worst, std::sqrt(sum(d * d).item()));
        }
    }
    lesson.check("all steps at once, as in training, are the steps one by one, as in writing", worst, 1e-14);
}

void one_step(Lesson& lesson) {
    lesson.section("A decoder's steps, forward and backward", "Training");
    lesson.text(
        "The book's decoder over two steps, on a source of three words. Watch the encoder's states collect: from each "
        "step's mean, from each step's scores, and at the end what comes back through the decoder's first state.");
    Generator gen(lesson.seed());
    Kind kind = kinds(2)[1];
    kind.options.cell = CellKind::rnn, kind.options.score = Score::dot;
    const Seq2Seq model(kind.options, gen);
    const Sample s = sample(3, 2, 1, lesson.seed());
    Tape tape;
    tape.keep_values();
    const Var loss = model.loss(tape, s.source, s.before, s.targets, {.padding = 0});
    lesson.forward("Forward, record by record", tape);
    lesson.backward("Backward, record by record", tape, loss);
}

void whole_models(Lesson& lesson) {
    lesson.section("Whole models, backward", "Training");
    lesson.text(
        "From the loss back through the projection to words, the decoder's steps, attention at each of them, and the "
        "encoder, to the embeddings. The last one is made like the translator below: an encoder of both directions, "
        "whose states come to the decoder over a bridge, attention to states and embeddings side by side, and one "
        "matrix for the target's embedding and $W_{out}$. Small ones at every entry of every parameter:");
    for (const Kind& kind : kinds(3)) {
        Generator gen(lesson.seed());
        Seq2Seq model(kind.options, gen);
        const Sample s = sample(3, 3, 2, lesson.seed());
        lesson.gradcheck(kind.name, gradcheck(parameters(model), [&](Tape& t) {
                             return std::vector<Var>{model.loss(t, s.source, s.before, s.targets, {.padding = 0})};
                         }));
    }
    lesson.text("And larger ones, with both directions and two layers, along random directions:");
    for (Kind& kind : kinds(12)) {
        kind.options.bidirectional = true;
        kind.options.encoder_layers = kind.options.decoder_layers = 2;
        Generator gen(lesson.seed());
        Seq2Seq model(kind.options, gen);
        const Sample s = sample(7, 6, 3, lesson.seed());
        const GradCheck result = gradcheck(
            parameters(model),
            [&](Tape& t) {
                return std::vector<Var>{model.loss(t, s.source, s.before, s.targets, {.label_smoothing = 0.1})};
            },
            {.directions = 2});
        lesson.check(fmt::format("{}: largest relative error along {} directions", kind.name, result.entries),
                     result.error, result.tolerance);
    }
}

}  // namespace

void tell_decoders(Lesson& lesson) {
    circle(lesson);
    one_step(lesson);
    whole_models(lesson);
}

}  // namespace unroll
