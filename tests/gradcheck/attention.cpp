// Rows for attention: scores, masks and weighted sums, for one target step and for all at once, few and many of them.
#include "core/ops/attention.hpp"

#include <fmt/format.h>

#include "core/ops/copy.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/reductions.hpp"
#include "models/pointer_generator.hpp"
#include "nn/attention_rnn.hpp"
#include "nn/gru.hpp"
#include "nn/lstm.hpp"
#include "nn/rnn.hpp"
#include "tests/gradcheck/table.hpp"

namespace unroll {

using Vars = std::vector<Var>;

/// Of 1 to S, the first S itself.
static Ids some_lengths(int B, int S) {
    std::vector<int32_t> lengths;
    for (int b = 0; b < B; b++) lengths.push_back(1 + (S - 1) * (B - b) / B);
    return Ids(lengths);
}

static void operations(Table& table) {
    table.section("attention");
    struct Sizes {
        int T, B, S, H;  // T = 0: the queries of one step
    };
    for (const auto& [T, B, S, H] :
         {Sizes{0, 1, 1, 1}, {0, 3, 5, 17}, {1, 2, 3, 4}, {2, 3, 1, 5}, {3, 1, 7, 16}, {5, 2, 4, 9}, {7, 3, 5, 3}}) {
        const Shape queries = T == 0 ? Shape{B, H} : Shape{T, B, H}, weights = queries.with(-1, S);
        const Input q{"q", queries}, k{"k", {S, B, H}}, v{"v", {H}}, alpha{"alpha", weights};
        const std::string size = fmt::format("T={} B={} S={} H={}", T, B, S, H);
        table.check("dot_scores " + size, {q, k}, [](const Vars& v) { return Vars{dot_scores(v[0], v[1])}; });
        table.check("additive_scores " + size, {q, k, v},
                    [](const Vars& v) { return Vars{additive_scores(v[0], v[1], v[2])}; });
        table.check("weighted_sum " + size, {alpha, k}, [](const Vars& v) { return Vars{weighted_sum(v[0], v[1])}; });
        table.check("softmax, lengths " + size, {alpha},
                    [lengths = some_lengths(B, S)](const Vars& v) { return Vars{softmax(v[0], lengths)}; });
    }
    table.check("attention to itself, twice", {{"x", {3, 2, 5}}, {"v", {5}}}, [](const Vars& v) {
        const Var x = tanh(v[0]);
        const Var dot = softmax(dot_scores(x, x)), additive = softmax(additive_scores(x, x, v[1]));
        return Vars{weighted_sum(dot, x), weighted_sum(additive, x)};
    });
    const Tensor x = random_input("fixed x", {3, 2, 5}).value.clone(), row = x.row(1), v = row.row(0);
    const Tensor alpha = random_input("fixed alpha", {2, 3}).value.clone();
    table.check("one operand a constant", {{"x", {3, 2, 5}}, {"v", {5}}, {"alpha", {2, 3}}}, [=](const Vars& in) {
        return Vars{dot_scores(in[0], x),           dot_scores(row, in[0]),         additive_scores(in[0], x, in[1]),
                    additive_scores(row, in[0], v), additive_scores(row, x, in[1]), weighted_sum(in[2], x),
                    weighted_sum(alpha, in[0])};
    });
}

static void copying(Table& table) {
    table.section("copying");
    for (const auto& [T, B, S, V] : {std::array{1, 1, 1, 2}, std::array{3, 2, 5, 4}, std::array{2, 3, 4, 1}}) {
        std::vector<int32_t> words,
            targets;  // words 0 .. V: the last can be copied only; every third target is ignored
        for (int i = 0; i < S * B; i++) words.push_back((i / B + i % B * 2) % (V + 1));
        for (int r = 0; r < T * B; r++) targets.push_back(r % 3 == 1 ? -1 : r % 3 == 0 ? words[size_t(r % B)] : r % V);
        const CopySource source{Ids(words, {S, B}), some_lengths(B, S)};
        table.check(fmt::format("copy_loss T={} B={} S={} V={}", T, B, S, V),
                    {{"x", {T, B, V}}, {"g", {T, B}}, {"e", {T, B, S}}},
                    [source, some = Ids(targets, {T, B})](const Vars& v) {
                        return Vars{copy_loss(v[0], v[1], v[2], source, some, -1)};
                    });
    }
    for (const auto& [copying, selective] :
         {std::array{true, true}, std::array{true, false}, std::array{false, false}}) {
        Generator gen(6);
        PointerGenerator model({.vocabulary = 9,
                                .written = 6,
                                .unknown = 3,
                                .copying = copying,
                                .selective_reading = selective,
                                .embedding_size = 3,
                                .encoder_size = 2,
                                .hidden_size = 4,
                                .dtype = DType::f64},
                               gen);
        const CopySource source{Ids({4, 7, 9, 8, 4, 5}, {3, 2}), Ids({3, 2})};
        const Ids before({1, 1, 4, 8, 9, 5}, {3, 2}), targets({4, 8, 9, 5, 2, 0}, {3, 2});
        table.check_owned(!copying    ? "PointerGenerator, attention alone"
                          : selective ? "PointerGenerator"
                                      : "PointerGenerator, nothing read back",
                          parameters(model),
                          [=](Tape& tape) { return Vars{model.loss(tape, source, before, targets, 0)}; });
    }
}

static void modules(Table& table) {
    table.section("Attention");
    const std::vector<std::pair<const char*, Score>> scores = {
        {"dot", Score::dot}, {"general", Score::general}, {"concat", Score::concat}};
    for (const auto& [name, score] : scores)
        for (const auto& [B, S, H] : {std::array{1, 1, 1}, std::array{3, 5, 4}}) {
            Generator gen(5);
            const int64_t He = score == Score::dot ? H : H + 1;
            Attention attention(
                {.query_size = H, .key_size = He, .score = score, .attention_size = H + 2, .dtype = DType::f64}, gen);
            const Parameter q = random_input("q", {B, H}), all = random_input("all", {6, B, H});
            const Parameter keys = random_input("keys", {S, B, He}), more = random_input("more", {B, He});
            const Ids lengths = some_lengths(B, S);
            std::vector<Parameter> inputs = parameters(attention);
            inputs.insert(inputs.end(), {q, all, keys, more});
            table.check_owned(fmt::format("{} B={} S={} Hd={} He={}", name, B, S, H, He), inputs, [=](Tape& tape) {
                const auto source = attention.prepare(tape.watch(keys)),
                           some = attention.prepare(tape.watch(keys), lengths);
                const auto longer = attention.extended(source, tape.watch(more));
                Vars outputs;
                for (const auto& out : {attention(tape.watch(q), source), attention(tape.watch(q), some),
                                        attention(tape.watch(all), some), attention(tape.watch(q), longer)}) {
                    outputs.push_back(out.context);
                    outputs.push_back(out.weights);
                }
                return outputs;
            });
        }
}

/// The attention RNN over states so far and over a given set, with gradients entering at all outputs, at h_T and C_T.
template <class Cell>
static void attention_rnn(Table& table, const char* cell) {
    struct Sizes {
        int T, B, D, H;
    };
    const std::vector<std::pair<const char*, Score>> scores = {
        {"dot", Score::dot}, {"general", Score::general}, {"concat", Score::concat}};
    for (const auto& [name, score] : scores)
        for (const auto& [T, B, D, H] : {Sizes{1, 1, 1, 1}, Sizes{4, 3, 2, 3}, Sizes{7, 1, 2, 5}, Sizes{5, 4, 3, 17}}) {
            Generator gen(5);
            typename AttentionRnn<Cell>::Options options{.score = score, .attention_size = 2};
            options.cell.input_size = D, options.cell.hidden_size = H, options.cell.dtype = DType::f64;
            AttentionRnn<Cell> layer(options, gen);
            const Parameter x = random_input("x", {T, B, D}), h = random_input("h_0", {B, H});
            const Parameter C = random_input("C_0", {B, H}), set = random_input("set", {3, B, H});
            const Ids lengths = some_lengths(B, T), set_lengths = some_lengths(B, 3);
            std::vector<Parameter> inputs = parameters(layer);
            inputs.insert(inputs.end(), {x, h, set});
            if (Cell::has_cell_state) inputs.push_back(C);
            const auto both = [=](Tape& tape) {
                const States s{tape.watch(h), Cell::has_cell_state ? tape.watch(C) : Var()};
                const auto so_far = layer(tape.watch(x), {.initial = s, .lengths = lengths});
                const auto given =
                    layer(tape.watch(x), {.initial = s, .set = tape.watch(set), .set_lengths = set_lengths});
                Vars outputs = {so_far.y,     so_far.last.h,         given.y,
                                given.last.h, so_far.weights.back(), given.weights.back()};
                if (Cell::has_cell_state) outputs.insert(outputs.end(), {so_far.last.C, given.last.C});
                return outputs;
            };
            table.check_owned(fmt::format("{} {} T={} B={} H={}", cell, name, T, B, H), inputs, both,
                              {.directions = H > 5 ? 3 : 0});
        }
}

void add_attention(Table& table) {
    operations(table);
    copying(table);
    modules(table);
    table.section("AttentionRnn");
    attention_rnn<RnnCell>(table, "rnn");
    attention_rnn<LstmCell>(table, "lstm");
    attention_rnn<GruCell>(table, "gru");
}

}  // namespace unroll
