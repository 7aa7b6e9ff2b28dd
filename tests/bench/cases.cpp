#include "tests/bench/cases.hpp"

#include <charconv>

#include "core/ops/dropout.hpp"
#include "core/ops/losses.hpp"
#include "nn/clip.hpp"

namespace unroll::bench {
namespace {

struct Kind {
    const char* name;
    int64_t gates, layers;
};
constexpr Kind kinds[] = {{"rnn", 1, 1}};

const Kind* kind_of(const std::string& name) {
    for (const Kind& kind : kinds)
        if (name == kind.name) return &kind;
    return nullptr;
}

std::unique_ptr<Rnn> layer(const Case& c, Generator& gen) {
    return std::make_unique<Rnn>(RnnOptions{.input_size = c.H, .hidden_size = c.H}, gen);
}

Ids characters(int64_t T, int64_t B, Generator& gen) {
    Ids ids = Ids::empty({{T, 'T'}, {B, 'B'}});
    for (int64_t i = 0; i < ids.size(); i++) ids.mutable_data()[i] = static_cast<int32_t>(gen.below(Case::V));
    return ids;
}

}  // namespace

int64_t Case::gates() const { return kind_of(kind)->gates; }

double Case::flops() const {
    const double per_token = static_cast<double>(layers * 2 * H * gates() * H + H * V);
    return kind == "sample" ? 2 * per_token * Sampling::characters : 6 * per_token * static_cast<double>(tokens());
}

std::optional<Case> parse_case(const std::string& name) {
    const size_t dash = name.rfind('-');
    const Kind* kind = dash == std::string::npos ? nullptr : kind_of(name.substr(0, dash));
    if (kind == nullptr) return {};
    Case c{.kind = kind->name, .layers = kind->layers};
    const char* end = name.data() + name.size();
    const auto [rest, error] = std::from_chars(name.data() + dash + 1, end, c.H);
    if (error != std::errc{} || rest != end || c.H < 1 || c.H > 1 << 16) return {};
    return c;
}

std::string case_names() {
    std::string names;
    for (const Kind& kind : kinds) names += (names.empty() ? "" : ", ") + std::string(kind.name) + "-H";
    return names;
}

LanguageModel::LanguageModel(const Case& c, Generator& gen)
    : embedding({.vocabulary = Case::V, .embedding_size = c.H}, gen),
      rnn(layer(c, gen)),
      out({.in = c.H, .out = Case::V}, gen) {}

void LanguageModel::visit(Visitor& v) {
    v("embedding", embedding);
    v("rnn", *rnn);
    v("out", out);
}

Var LanguageModel::loss(Tape& tape, const Ids& inputs, const Ids& targets, Generator* gen) const {
    const auto dropped = [&](const Var& x) { return gen != nullptr && p > 0 ? dropout(x, p, *gen) : x; };
    const Var x = dropped(embedding(tape, inputs));
    const Var h = dropped((*rnn)(x, {.dropout = gen}).y);
    return cross_entropy(out(h), targets);
}

Training::Training(const Case& c)
    : model(c, gen),
      all(parameters(model)),
      adam(all, {.lr = 1e-3}),
      inputs(characters(c.T, c.B, gen)),
      targets(characters(c.T, c.B, gen)) {}

Var Training::forward(bool with_dropout) {
    tape.clear();
    return model.loss(tape, inputs, targets, with_dropout ? &gen : nullptr);
}

void Training::run() {
    tape.backward(forward(true));
    clip_grad_norm(tape, all, 5);
    adam.step(tape);
}

Sampling::Sampling(const Case& c) : model(c, gen) {}

void Sampling::run() {}

std::unique_ptr<Work> work_of(const Case& c) {
    if (c.kind == "sample") return std::make_unique<Sampling>(c);
    return std::make_unique<Training>(c);
}

}  // namespace unroll::bench
