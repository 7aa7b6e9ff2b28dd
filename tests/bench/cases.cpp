#include "tests/bench/cases.hpp"

#include <charconv>

#include "core/ops/linalg.hpp"
#include "core/ops/losses.hpp"
#include "nn/clip.hpp"
#include "nn/gru.hpp"
#include "nn/init.hpp"
#include "nn/lstm.hpp"
#include "nn/rnn.hpp"

namespace unroll::bench {
namespace {

constexpr struct {
    const char* name;
    int64_t gates, layers;
    int64_t H = 0;  // 0: the number in the case's name
    int64_t T = 64, B = 32, V = 65;
} kinds[] = {
    {"rnn", 1, 1},
    {"lstm", 4, 1},
    {"lstm2", 4, 2},
    {"gru", 3, 1},
    {"loop", 4, 1},
    {"peephole", 4, 1},
    {"sample", 4, 1},
    // Of the sizes of pytorch/examples' word_language_model on WikiText-2.
    {"wordlm", 4, 2, 200, 35, 20, 33278},
    {"seq2seq", 4, 1, 256, 20, 64, 8000},
    {"greedy", 4, 1, 256, 20, 1, 8000},
    {"greedy32", 4, 1, 256, 20, 32, 8000},
    {"beam4", 4, 1, 256, 20, 1, 8000},
    {"caption", 4, 1, 256, 12, 32, 1000},
    {"conv2d", 0, 1},
    {"ctc", 0, 1},
};

/// A reader's own cell: an LSTM from elementary operations, with one matrix W [4H, H+D] on [h, x].
class LoopCell : public Module {
  public:
    static constexpr bool has_cell_state = true;
    using Options = LstmOptions;

    LoopCell(const Options& o, Generator& gen)
        : W(init::parameter("W", {4 * o.hidden_size, o.hidden_size + o.input_size}, o.dtype, o.hidden_size, gen)),
          b(init::parameter("b", {4 * o.hidden_size}, o.dtype, o.hidden_size, gen)) {}

    States step(const Operand& x, const States& s) const {
        const int64_t H = s.h.dim(1);
        const Var hx = concat(s.h, x);
        const Var a = matmul(hx, transposed(W)) + b;
        const Var f = sigmoid(columns(a, 0, H));
        const Var i = sigmoid(columns(a, H, 2 * H));
        const Var g = tanh(columns(a, 2 * H, 3 * H));
        const Var C = f * s.C + i * g;
        const Var o = sigmoid(columns(a, 3 * H, 4 * H));
        return {o * tanh(C), C};
    }

    void visit(Visitor& v) override {
        v("W", W);
        v("b", b);
    }
    std::string pretty() const override { return "LoopCell"; }

    Parameter W, b;
};

double dropout_of(const Case& c) { return c.kind == "lstm2" || c.words() ? 0.2 : 0; }

std::shared_ptr<RecurrentLayer> layer(const Case& c, Generator& gen) {
    const LstmOptions lstm{.input_size = c.H,
                           .hidden_size = c.H,
                           .peephole = c.kind == "peephole" ? Peephole::diagonal : Peephole::none,
                           .num_layers = c.layers,
                           .dropout = dropout_of(c)};
    if (c.kind == "rnn")
        return std::make_shared<Rnn>(RnnOptions{.input_size = c.H, .hidden_size = c.H, .num_layers = c.layers}, gen);
    if (c.kind == "gru")
        return std::make_shared<Gru>(
            GruOptions{.input_size = c.H, .hidden_size = c.H, .reset_after = true, .num_layers = c.layers}, gen);
    if (c.kind == "loop") return std::make_shared<Recurrent<LoopCell>>(lstm, gen);
    return std::make_shared<Lstm>(lstm, gen);
}

Ids random_characters(const Case& c, Generator& gen) {
    Ids ids = Ids::empty({{c.T, 'T'}, {c.B, 'B'}});
    for (int64_t i = 0; i < ids.size(); i++) ids.mutable_data()[i] = static_cast<int32_t>(gen.below(c.V));
    return ids;
}

}  // namespace

double Case::flops() const {
    if (kind == "conv2d") return 6.0 * 32 * 32 * 32 * 64 * 64 * 9;
    if (translates()) return seq2seq_flops(*this);
    if (captions()) return caption_flops(*this);
    const double products = static_cast<double>(tokens() * (layers * 2 * H * gates * H + H * V));
    return (kind == "sample" ? 2 : 6) * products;
}

std::optional<Case> parse_case(const std::string& name) {
    const size_t dash = name.rfind('-');
    for (const auto& kind : kinds) {
        if (name.substr(0, dash) != kind.name) continue;
        Case c{.name = name,
               .kind = kind.name,
               .gates = kind.gates,
               .layers = kind.layers,
               .H = kind.H,
               .T = kind.T,
               .B = kind.B,
               .V = kind.V};
        const bool fixed = c.H > 0 || c.operation();
        if (dash == std::string::npos) return fixed ? std::optional(c) : std::nullopt;
        if (fixed && !c.translates()) return {};
        const char* end = name.data() + name.size();
        const auto [rest, error] = std::from_chars(name.data() + dash + 1, end, c.H);
        if (error == std::errc{} && rest == end && c.H >= 1 && c.H <= 1 << 14) return c;
    }
    return {};
}

std::string case_names() {
    std::string names;
    for (const auto& kind : kinds)
        names += (names.empty() ? "" : ", ") + std::string(kind.name) + (kind.H > 0 || kind.gates == 0 ? "" : "-H");
    return names;
}

LanguageModel::LanguageModel(const Case& c, Generator& gen)
    : p(dropout_of(c)),
      embedding({.vocabulary = {c.V, 'V'}, .embedding_size = c.H}, gen),
      rnn(layer(c, gen)),
      out({.in = c.H, .out = {c.V, 'V'}}, gen) {}

void LanguageModel::visit(Visitor& v) {
    v("embedding", embedding);
    v("rnn", *rnn);
    v("out", out);
}

Var LanguageModel::loss(Tape& tape, const Ids& inputs, const Ids& targets, Generator* gen) const {
    const auto thinned = [&](const Var& x) { return gen != nullptr && p > 0 ? dropout(x, p, *gen) : x; };
    const RecurrentCall call{.dropout = gen};
    const auto [y, last] = p > 0 ? (*rnn)(thinned(embedding(tape, inputs)), call)
                                 : over_words(*rnn, tape.watch(embedding.E), inputs, call);
    const Var h = thinned(y);
    return cross_entropy(out(h), targets);
}

Training::Training(const Case& c)
    : model(c, gen),
      all(parameters(model)),
      inputs(random_characters(c, gen)),
      targets(random_characters(c, gen)),
      max_norm(c.words() ? 0.25 : 5) {
    if (c.words())
        optimizer = std::make_unique<Sgd>(all, SgdOptions{.lr = 0.1});
    else
        optimizer = std::make_unique<Adam>(all, AdamOptions{.lr = 1e-3});
}

Var Training::forward(bool with_dropout) {
    tape.clear();
    return model.loss(tape, inputs, targets, with_dropout ? &gen : nullptr);
}

void Training::run() {
    tape.backward(forward(true));
    clip_grad_norm(tape, all, max_norm);
    optimizer->step(tape);
}

Sampling::Sampling(const Case& c)
    : model({.vocabulary = c.V, .cell = CellKind::lstm, .embedding_size = c.H, .hidden_size = c.H}, gen) {}

void Sampling::run() { sample(model, {0}, {.length = Case::characters}, gen); }

std::unique_ptr<Work> work_of(const Case& c) {
    if (c.operation()) return operation_of(c);
    if (c.translates()) return seq2seq_work(c);
    if (c.captions()) return caption_work(c);
    if (c.kind == "sample") return std::make_unique<Sampling>(c);
    return std::make_unique<Training>(c);
}

}  // namespace unroll::bench
