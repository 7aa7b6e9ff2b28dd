// A translator of names, and its training: what it learns, where it looks, what its beam holds.
#include "models/translator.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "tutorials/06_seq2seq/beam_tree.hpp"
#include "tutorials/06_seq2seq/chapter.hpp"
#include "tutorials/06_seq2seq/names.hpp"

namespace unroll {

Names load_names(const std::string& data) {
    const auto part = [&](const char* name) {
        return load_pairs((std::filesystem::path(data) / "cldr-names" / name).string(), {1, 2});  // English, German
    };
    return {part("train.tsv"), part("valid.tsv"), part("test.tsv"), part("test_new.tsv")};
}

double exact(const Translator& translator, const std::vector<TextPair>& pairs, const DecodeOptions& options) {
    std::vector<std::string> sources;
    for (const TextPair& p : pairs) sources.push_back(p.source);
    const std::vector<std::string> got = translator.translate(sources, options);
    double right = 0;
    for (size_t i = 0; i < pairs.size(); i++) right += got[i] == pairs[i].target;
    return right / static_cast<double>(pairs.size());
}

namespace {

void show_attention(Lesson& lesson, const Translator& translator, const TextPair& pair) {
    std::vector<std::string> rows;
    std::vector<double> weights;
    for (const Translator::ScoredPiece& s : translator.score(pair)) {
        rows.push_back(s.piece.empty() ? "<eos>" : s.piece);
        weights.insert(weights.end(), s.weights.begin(), s.weights.end());
    }
    const std::vector<std::string> columns = translator.source_pieces(pair.source);
    lesson.heatmap({.title = "Where the decoder looks",
                    .values = lesson::Grid(int(rows.size()), int(columns.size()), weights),
                    .row_axis = "target",
                    .column_axis = "source",
                    .row_labels = rows,
                    .column_labels = columns,
                    .caption = "The attention matrix $\\alpha_{t,i}$ while the reference is scored (teacher forcing), "
                               "not the translation above: a row a target piece, adding up to 1."});
}

}  // namespace

void tell_translator(Lesson& lesson, const std::string& data) {
    const Names names = load_names(data);
    lesson.section("A translator", "Sequence-to-Sequence");
    Generator gen(lesson.seed());
    Translator translator(names.train,
                          {.source_merges = 1000,
                           .target_merges = 1000,
                           .model = {.embedding_size = 128,
                                     .encoder_size = lesson.quick() ? 32 : 96,
                                     .bidirectional = true,
                                     .hidden_size = 128,
                                     .input_feeding = true,
                                     .memory_embedding = true,
                                     .tied = true,
                                     .dropout = 0.3}},
                          gen);
    lesson.text(fmt::format(
        "Names of emoji in English and German, {} pairs to learn from (Unicode's CLDR). Words are cut into pieces by "
        "byte-pair encoding, so that rare ones are made of frequent parts. The encoder reads in both directions; the "
        "decoder is Luong's with input feeding and the general score; attention looks at the encoder's states and "
        "the embeddings of the words side by side; $W_{{out}}$ is the embedding of the target's words; dropout and "
        "label smoothing keep it from learning by heart.",
        names.train.size()));
    lesson.show("Parameters", "name, shape, count\n" + parameter_table(translator.model));
    Seq2SeqTraining training{.steps = lesson.steps(1500, 25), .warm_up = 150, .label_smoothing = 0.1};
    training.validate_every = std::max<int64_t>(1, training.steps / 6);
    if (lesson.quick()) training.warm_up = 5;
    PairBatchOptions batches = translator.batches({.tokens = 400, .seed = lesson.seed()});
    const PairIds train = translator.ids(names.train), valid = translator.ids(names.valid);
    const double untrained = evaluate(translator.model, valid, batches);
    Seq2SeqTrainer trainer(translator.model, train, valid, batches, training);
    {
        lesson::Progress bar({.title = "names", .total = double(training.steps), .unit = "steps"});
        while (trainer.step()) bar.add(1, fmt::format("loss {:.3f}", trainer.loss()));
    }
    lesson::Series learning{.name = "training, smoothed and with dropout"}, validation{.name = "validation"};
    for (const auto& v : trainer.history()) {
        learning.x.push_back(double(v.words) * 1e-3), validation.x.push_back(double(v.words) * 1e-3);
        learning.y.push_back(v.train), validation.y.push_back(v.valid);
    }
    lesson.plot({.title = "Learning to translate names",
                 .x = "thousand target pieces read",
                 .y = "nats a piece",
                 .series = {learning, validation}});
    lesson.check("training has brought the loss below that of the untrained model",
                 trainer.history().back().valid < untrained);

    lesson.section("What it writes", "Beam Search");
    lesson.text(
        "Two tests: known things in combinations that are not in the training set, and things that are not in it at "
        "all, whose names a model this small can only guess. Exactly right, to the last letter:");
    lesson::Table table{.caption = "Share exactly right", .header = {"beam", "new combinations", "new things"}};
    const double greedy = exact(translator, names.test, {.beam_width = 1});
    double beam = 0;
    for (int64_t width : {1, 2, 4, 8}) {
        const DecodeOptions o{.beam_width = width};
        const double combinations = width == 1 ? greedy : exact(translator, names.test, o);
        table.rows.push_back({width, combinations, exact(translator, names.test_new, o)});
        if (width == 4) beam = combinations;
    }
    lesson.table(table);
    std::vector<std::string> sources;
    for (size_t i = 0; i < 6; i++) sources.push_back(names.test[i * 29 % names.test.size()].source);
    const std::vector<std::string> written = translator.translate(sources);
    lesson::Table samples{.caption = "Every 29th of the first test",
                          .header = {"English", "German, beam 4", "reference"}};
    for (size_t i = 0; i < sources.size(); i++)
        samples.rows.push_back({sources[i], written[i], names.test[i * 29 % names.test.size()].target});
    lesson.table(samples);
    show_attention(lesson, translator, names.test[0]);
    const TextPair& shorter = names.test[1];
    const PairIds one = translator.ids({shorter});
    PairBatches single(one.sources, one.targets, translator.batches({.sentences = 1}));
    Tape tape(Tape::Mode::forward_only);
    DecodeOptions o = translator.decoding({.max_length = lesson.quick() ? 6 : 24, .beam_width = 3});
    const Decoded d = beam_search(translator.model.decoder_step(tape, source_of(single.next(), one)), 1, o)[0];
    lesson.tree(beam_tree(fmt::format("The beam for \"{}\", three wide", shorter.source), d, o,
                          [&](int32_t id) { return translator.piece(id); }));
    lesson.result("names_valid_nats", trainer.history().back().valid);
    lesson.result("names_test_exact_greedy", greedy);
    lesson.result("names_test_exact_beam_4", beam);
}

}  // namespace unroll
