// Rows for nn and models: recurrent layers above each other, in both directions, over unequal lengths, with gradients
// entering at every output and at the last states, and leaving at the first ones; the models.
#include <fmt/format.h>

#include "models/language_model.hpp"
#include "models/recogniser.hpp"
#include "models/seq2seq.hpp"
#include "nn/gru.hpp"
#include "nn/lstm.hpp"
#include "nn/rnn.hpp"
#include "tests/gradcheck/table.hpp"
#include "tests/models/small_captioner.hpp"

namespace unroll {

using Vars = std::vector<Var>;

/// H=3x17: three layers of 17; <>: both directions; ends: unequal lengths.
template <class Layer>
static void stacked(Table& table, const std::string& name, typename Layer::Options options, bool has_cell_state) {
    struct Size {
        int T, B, H, layers;
        bool bidirectional, lengths;
        double scale = 1;  // of the inputs: 50 saturates the gates
    };
    for (const auto& [T, B, H, layers, bidirectional, lengths, scale] :
         {Size{1, 1, 1, 3, true, false}, Size{2, 3, 5, 3, false, true}, Size{7, 3, 4, 2, true, true},
          Size{7, 1, 5, 3, true, false}, Size{30, 3, 17, 3, true, true}, Size{30, 32, 5, 2, false, true},
          Size{7, 2, 5, 2, true, true, 50}}) {
        Generator gen(5);
        options.input_size = 3, options.hidden_size = H, options.dtype = DType::f64;
        options.num_layers = layers, options.bidirectional = bidirectional;
        Layer layer(options, gen);
        const Shape states{layers * (bidirectional ? 2 : 1), B, H};
        const Parameter x = random_input("x", {T, B, 3}, 0, scale), h_0 = random_input("h_0", states),
                        C_0 = random_input("C_0", states);
        std::vector<int32_t> some;
        for (int b = 0; b < B; b++) some.push_back(std::max(1, T - b));
        const Ids until = lengths ? Ids(some) : Ids();
        std::vector<Parameter> inputs = parameters(layer);
        inputs.insert(inputs.end(), {x, h_0});
        if (has_cell_state) inputs.push_back(C_0);
        const auto f = [=](Tape& tape) {
            const States initial{tape.watch(h_0), has_cell_state ? tape.watch(C_0) : Var()};
            const auto out = layer(tape.watch(x), {.initial = initial, .lengths = until});
            Vars outputs = {out.y, out.last.h};
            if (has_cell_state) outputs.push_back(out.last.C);
            return outputs;
        };
        table.check_owned(fmt::format("{} T={} B={} H={}x{}{}{}", name, T, B, layers, H, bidirectional ? " <>" : "",
                                      lengths ? " ends" : ""),
                          inputs, f, {.directions = T <= 7 ? 0 : 3});
    }
}

static void language_model(Table& table) {
    for (const auto& [name, cell] :
         {std::pair{"rnn", CellKind::rnn}, std::pair{"lstm", CellKind::lstm}, std::pair{"gru", CellKind::gru}})
        for (const auto& [T, B, V, layers, tied] : {std::array{1, 1, 1, 1, 0}, {5, 3, 7, 2, 0}, {4, 2, 9, 2, 1}}) {
            Generator gen(5);
            const LanguageModelOptions options{.vocabulary = V,
                                               .cell = cell,
                                               .embedding_size = tied != 0 ? 4 : 3,
                                               .hidden_size = 4,
                                               .num_layers = layers,
                                               .tied = tied != 0,
                                               .dropout = tied != 0 ? 0.3 : 0,
                                               .variational = cell == CellKind::lstm,
                                               .dtype = DType::f64};
            LanguageModel model(options, gen);
            std::vector<int32_t> words;
            for (int i = 0; i < 2 * T * B; i++) words.push_back(static_cast<int32_t>(gen.below(V)));
            const Ids all(words, {2, T, B});
            const std::vector<Parameter> owned = parameters(model);
            table.check_owned(
                fmt::format("LanguageModel {} T={} B={} V={} L={}{}", name, T, B, V, layers, tied != 0 ? " tied" : ""),
                owned, [=](Tape& tape) {
                    Generator masks(9);  // the same ones at every call
                    return Vars{model.loss(tape, all.row(0), all.row(1), {}, &masks).loss};
                });
        }
}

/// Both decoders and the fixed one, with all that may differ; small ones at every entry, larger ones by directions.
static void seq2seq(Table& table) {
    struct Row {
        const char* name;
        CellKind cell;
        DecoderKind decoder;
        Score score;
        bool rich;  // both directions, two layers, input feeding, forms, embeddings in the memory, tied
    };
    for (const Row& row : {Row{"fixed gru", CellKind::gru, DecoderKind::fixed, Score::dot, false},
                           {"book rnn dot", CellKind::rnn, DecoderKind::book, Score::dot, false},
                           {"book lstm general", CellKind::lstm, DecoderKind::book, Score::general, true},
                           {"luong lstm concat", CellKind::lstm, DecoderKind::luong, Score::concat, false},
                           {"luong gru general, feeding", CellKind::gru, DecoderKind::luong, Score::general, true},
                           {"luong lstm dot", CellKind::lstm, DecoderKind::luong, Score::dot, false}})
        for (const auto& [T, S, B, H] : {std::array{1, 1, 1, 1}, std::array{3, 4, 2, 3}, std::array{7, 9, 3, 17}}) {
            Generator gen(5);
            Seq2Seq model({.source_vocabulary = 6,
                           .target_vocabulary = 5,
                           .cell = row.cell,
                           .embedding_size = row.rich ? H : 2,
                           .encoder_size = H,
                           .encoder_layers = row.rich ? 2 : 1,
                           .bidirectional = row.rich,
                           .hidden_size = H,
                           .decoder = row.decoder,
                           .score = row.score,
                           .input_feeding = row.rich && row.decoder == DecoderKind::luong,
                           .memory_embedding = row.rich,
                           .source_forms = row.rich ? 2 : 0,
                           .tied = row.rich,
                           .dtype = DType::f64},
                          gen);
            std::vector<int32_t> any, lengths;
            for (int i = 0; i < (S + 2 * T) * B; i++) any.push_back(static_cast<int32_t>(gen.below(5)));
            for (int b = 0; b < B; b++) lengths.push_back(S - b);
            const Ids all(any);
            const Ids words = all.slice(0, S * B).reshape({S, B});
            Ids forms = words.clone();
            for (int i = 0; i < S * B; i++) forms.mutable_data()[i] = words[i] % 2;
            const Seq2Seq::Source source{words, Ids(lengths), row.rich ? forms : Ids()};
            const Ids before = all.slice(S * B, (S + T) * B).reshape({T, B});
            Ids targets = all.slice((S + T) * B, (S + 2 * T) * B).reshape({T, B});
            targets.mutable_data()[0] = 1;  // at least one that counts
            table.check_owned(fmt::format("{} T={} S={} B={} H={}", row.name, T, S, B, H), parameters(model),
                              [=](Tape& tape) {
                                  Vars both = {model.loss(tape, source, before, targets, {.label_smoothing = 0.1})};
                                  const Seq2Seq::Encoded x = model.encode(tape, source);
                                  Seq2Seq::State state = model.start(x);
                                  const Seq2Seq::Output out = model.decode(x, before, state);
                                  both.push_back(model.scores(out.h));
                                  if (row.decoder != DecoderKind::fixed) both.push_back(out.weights);
                                  return both;
                              },
                              {.directions = H > 5 ? 3 : 0});
        }
}

/// Both decoders, through the convolutions and the batch's statistics.
static void captioner(Table& table) {
    for (bool attention : {false, true})
        for (const auto& [T, B] : {std::array{1, 2}, {3, 1}, {5, 2}}) {
            Generator gen(5);
            CaptionNetwork model(small_captioner(attention), gen);
            const Tensor pictures = random_input("pictures", {B, 3, 12, 12}).value.clone();
            std::vector<int32_t> any;
            for (int i = 0; i < 2 * T * B; i++) any.push_back(static_cast<int32_t>(gen.below(7)));
            any[size_t(T * B)] = 1;  // at least one target that counts
            const Ids words(any, {2, T, B});
            table.check_owned(fmt::format("CaptionNetwork {} T={} B={}", attention ? "attention" : "plain", T, B),
                              parameters(model), [=](Tape& tape) {
                                  const auto x = model.encode(tape, pictures, true);
                                  return Vars{model.loss(x, words.row(0), words.row(1), 0)};
                              });
        }
}

/// Recordings of unequal lengths, one of them too short for its labels, through CTC.
static void recogniser(Table& table) {
    for (int layers : {1, 2}) {
        Generator gen(5);
        Recogniser model({.input_size = 3,
                          .hidden_size = 4,
                          .num_layers = layers,
                          .labels = 3,
                          .dropout = layers > 1 ? 0.3 : 0,
                          .dtype = DType::f64},
                         gen);
        std::vector<Tensor> features;
        for (int T : {5, 2, 1, 3}) features.push_back(random_input(fmt::format("{}", T), {T, 3}).value.to(DType::f32));
        const SpeechBatch batch = speech_batch(features, {{0, 2}, {1}, {2, 0}, {}});
        table.check_owned(fmt::format("Recogniser H={}x4 B=4 ends", layers), parameters(model), [=](Tape& tape) {
            Generator masks(9);  // the same ones at every call
            return Vars{model.loss(tape, batch, &masks)};
        });
    }
}

void add_layers(Table& table) {
    table.section("recurrent layers");
    stacked<Rnn>(table, "Rnn tanh", {}, false);
    stacked<Rnn>(table, "Rnn relu", {.activation = Activation::relu}, false);
    stacked<Rnn>(table, "Rnn logistic", {.activation = Activation::logistic}, false);
    stacked<Lstm>(table, "Lstm", {}, true);
    stacked<Lstm>(table, "Lstm coupled", {.peephole = Peephole::full, .coupled = true}, true);
    stacked<Lstm>(table, "Lstm diagonal peepholes", {.peephole = Peephole::diagonal}, true);
    stacked<Lstm>(table, "Lstm full peepholes", {.peephole = Peephole::full}, true);
    stacked<Gru>(table, "Gru", {}, false);
    stacked<Gru>(table, "Gru after", {.reset_after = true}, false);
    table.section("models");
    language_model(table);
    table.section("Seq2Seq");
    seq2seq(table);
    table.section("captioner and recogniser");
    captioner(table);
    recogniser(table);
}

}  // namespace unroll
