// Encoder and decoder on small numbers, and what a decoder is shown in training.
#include <fmt/format.h>

#include <cmath>

#include "core/ops/losses.hpp"
#include "core/ops/reductions.hpp"
#include "models/seq2seq_trainer.hpp"
#include "nn/rnn.hpp"
#include "tutorials/06_seq2seq/chapter.hpp"

namespace unroll {
namespace {

std::string numbers(const Tensor& t) {
    std::string text;
    for (double v : t.to_vector()) text += fmt::format("{}{:.3f}", text.empty() ? "" : ", ", v);
    return text;
}

Tensor next(const RnnCell& c, const Tensor& h, const Tensor& x) {
    return tanh(matmul(h, transposed(c.W_hh.value)) + matmul(x, transposed(c.W_xh.value)) + c.b_h.value);
}

void small_numbers(Lesson& lesson) {
    lesson.section("One network reads, another writes", "Encoder-Decoder Architecture");
    lesson.text(
        "A translation is not as long as its original, and its words stand in another order. So one network reads the "
        "source to its end, the *encoder*, and another one writes the target, the *decoder*, a language model that "
        "is told what to speak of: by the context $c_t$.");
    lesson.equation(
        R"(s_i = \mathrm{RNN}^{(enc)}(s_{i-1}, x_i), \qquad h_t = \mathrm{RNN}^{(dec)}(h_{t-1}, [y_{t-1}, c_t]))",
        "s_i = RNN_enc(s_{i-1}, x_i)    h_t = RNN_dec(h_{t-1}, [y_{t-1}, c_t])");
    lesson.equation(R"(P(y_t \mid y_1, \ldots, y_{t-1}, x) = \mathrm{softmax}(W_{out} h_t + b_{out}))",
                    "P(y_t | y_1 .. y_{t-1}, x) = softmax(W_out h_t + b_out)");
    lesson.text(
        "(The book writes $h^{(enc)}_i$ and $h^{(dec)}_t$; here the encoder's states are $s_i$.) In the plainest model "
        "the context is the encoder's last state, at every step the same: $c_t = s_S$. All that the decoder will ever "
        "know of the source goes through these few numbers.");
    Generator gen(lesson.seed());
    Seq2Seq model({.source_vocabulary = 4,
                   .target_vocabulary = 5,
                   .cell = CellKind::rnn,
                   .embedding_size = 2,
                   .encoder_size = 2,
                   .hidden_size = 2,
                   .decoder = DecoderKind::fixed,
                   .dtype = DType::f64},
                  gen);
    const RnnCell &enc = dynamic_cast<Rnn&>(*model.encoder).cell(0), &dec = dynamic_cast<Rnn&>(*model.decoder).cell(0);
    const Ids source({2, 0, 3}, {3, 1}), before({1, 4, 3}, {3, 1});
    lesson::Table read{.caption = "The encoder reads three words", .header = {"i", "$x_i$", "its embedding", "$s_i$"}};
    Tensor s = Tensor::zeros({1, 2}, DType::f64);
    for (int64_t i = 0; i < 3; i++) {
        const Tensor x = model.source.E.value.slice(source[i], source[i] + 1);
        s = next(enc, s, x);
        read.rows.push_back({i + 1, source[i], numbers(x), numbers(s)});
    }
    lesson.table(read);
    lesson::Table written{
        .caption = "The decoder, given the word before: 1 is the start",
        .header = {"t", "$y_{t-1}$", "$[y_{t-1}, c_t]$", "$h_t$", "$P(y_t \\mid \\ldots)$ of each word"}};
    Tensor h = s;
    std::vector<Tensor> states;
    for (int64_t t = 0; t < 3; t++) {
        const Tensor in = concat(model.target.E.value.slice(before[t], before[t] + 1), s);
        h = next(dec, h, in);
        states.push_back(h);
        const Tensor p = softmax(matmul(h, transposed(model.out.W.value)) + model.out.b.value);
        written.rows.push_back({t + 1, before[t], numbers(in), numbers(h), numbers(p)});
    }
    lesson.table(written);
    Tape tape;
    const Seq2Seq::Encoded x = model.encode(tape, {.words = source});
    Seq2Seq::State state = model.start(x);
    const Tensor difference = model.decode(x, before, state).h.value() - stack(states);
    lesson.check("the library's model gives the same states", std::sqrt(sum(difference * difference).item()), 1e-14);
}

void shift(Lesson& lesson) {
    lesson.section("What the decoder is shown", "Training: Loss Function");
    lesson.equation(R"(L = -\sum_{t=1}^{T_y} \log P(y_t \mid y_1, \ldots, y_{t-1}, x))",
                    "L = -Σ_t log P(y_t | y_1 .. y_{t-1}, x)");
    lesson.text(
        "In training the words before are those of the reference, not the decoder's own: *teacher forcing*. So all "
        "steps' inputs are known beforehand. They are the targets, shifted by one: the first input is a start mark, "
        "the last target an end mark, without which nothing would ever tell the decoder to stop. Sentences of a batch "
        "are filled up with padding, which is given and predicted like words and then not counted. The book's $L$ is "
        "the "
        "sum over the words; here it is divided by their number, so that lengths and batches can be compared.");
    constexpr int pad = 0, bos = 1, eos = 2;
    const PairIds pairs{{{5, 6}, {7}, {5, 8, 6, 7}}, {{3, 4, 5}, {6}, {7, 3}}};
    PairBatches batches(pairs.sources, pairs.targets,
                        {.sentences = 3, .pad = pad, .bos = bos, .eos = eos, .shuffle = false});
    const PairBatches::Batch batch = batches.next();
    lesson.text("Here 0 is padding, 1 the start, 2 the end; the batch is ordered by length.");
    lesson.show("source [S, B]", batch.source);
    lesson.show("inputs [T, B]", batch.inputs);
    lesson.show("targets [T, B]", batch.targets);
    Generator gen(lesson.seed());
    Seq2Seq model({.source_vocabulary = 9,
                   .target_vocabulary = 8,
                   .embedding_size = 3,
                   .encoder_size = 4,
                   .hidden_size = 4,
                   .dtype = DType::f64},
                  gen);
    Tape tape;
    const auto loss = [&](const Seq2Seq::Source& x, const Ids& inputs, const Ids& targets) {
        return model.loss(tape, x, inputs, targets, {.padding = pad}).item();
    };
    const double together = loss({batch.source, batch.source_lengths, {}}, batch.inputs, batch.targets);
    double sum = 0, words = 0;
    for (size_t i = 0; i < 3; i++) {
        PairBatches single({pairs.sources[i]}, {pairs.targets[i]},
                           {.sentences = 1, .pad = pad, .bos = bos, .eos = eos});
        const PairBatches::Batch one = single.next();
        sum += loss({one.source, {}, {}}, one.inputs, one.targets) * double(one.target_tokens);
        words += double(one.target_tokens);
    }
    lesson.text(
        fmt::format("The mean over the {} targets that count is {:.6f} nats for the padded batch, and the three "
                    "sentences by themselves give {:.6f}.",
                    words, together, sum / words));
    lesson.check("padding changes nothing", together - sum / words, 1e-14);
    lesson.text(
        "Label smoothing asks for a little less than certainty: with $\\varepsilon$, the target is wanted with "
        "$1 - \\varepsilon + \\varepsilon / V$ and every other word with $\\varepsilon / V$.");
    const Parameter scores = random_input("scores", {{4, 'N'}, {6, 'V'}});
    lesson.gradcheck(
        "cross-entropy with smoothed labels and one target that doesn't count", gradcheck({scores}, [&](Tape& t) {
            return std::vector<Var>{
                cross_entropy(t.watch(scores), Ids({2, 0, 5, 1}), {.ignore_index = 0, .label_smoothing = 0.1})};
        }));
}

}  // namespace

void tell_encoder(Lesson& lesson) {
    small_numbers(lesson);
    shift(lesson);
}

}  // namespace unroll
