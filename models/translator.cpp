#include "models/translator.hpp"

#include <algorithm>
#include <numeric>

#include "core/ops/reductions.hpp"
#include "models/options_file.hpp"

namespace unroll {
namespace {

/// Every number of the options by its name, for files.
template <class F>
void each_option(Seq2SeqOptions& o, F f) {
    f("source_vocabulary", o.source_vocabulary), f("target_vocabulary", o.target_vocabulary);
    f("cell", o.cell, 2), f("embedding_size", o.embedding_size), f("encoder_size", o.encoder_size);
    f("encoder_layers", o.encoder_layers, 64), f("bidirectional", o.bidirectional), f("hidden_size", o.hidden_size);
    f("decoder_layers", o.decoder_layers, 64), f("decoder", o.decoder, 2), f("score", o.score, 2);
    f("attention_size", o.attention_size), f("input_feeding", o.input_feeding);
    f("memory_embedding", o.memory_embedding), f("source_forms", o.source_forms), f("tied", o.tied);
    f("dropout", o.dropout, 1), f("dtype", o.dtype, 1);
}

bool is_capital(char32_t c) { return to_lower(encode_utf8(c)) != encode_utf8(c); }

/// The form of a piece: 0 without capitals, 1 one at the beginning, 2 nothing but capitals, two or more, 3 others.
int32_t form_of(const std::vector<char32_t>& text, size_t begin, size_t end) {
    size_t letters = 0, capitals = 0;
    bool first = false;
    for (size_t i = begin; i < std::min(end, text.size()); i++) {
        if (!is_letter(text[i])) continue;
        const bool capital = is_capital(text[i]);
        first |= capital && letters == 0;
        capitals += capital;
        letters++;
    }
    if (capitals == 0) return 0;
    return capitals == 1 && first ? 1 : capitals == letters ? 2 : 3;
}

constexpr int64_t forms_known = 4;

}  // namespace

Translator::Translator(const std::vector<TextPair>& train, const TranslatorOptions& options, Generator& gen, Where at)
    : options_(options) {
    std::vector<std::string> sources, targets;
    for (const TextPair& p : train) {
        sources.push_back(options.model.source_forms > 0 ? to_lower(p.source) : p.source);
        targets.push_back(p.target);
    }
    source_ = Bpe::learn(sources, options.source_merges, at);
    target_ = Bpe::learn(targets, options.target_merges, at);
    const auto vocabulary = [&](const Bpe& bpe, const std::vector<std::string>& texts) {
        std::vector<std::string> pieces;
        for (const std::string& text : texts)
            for (std::string& piece : bpe.encode(text)) pieces.push_back(std::move(piece));
        // The special ones first: they have the same numbers on both sides.
        return Vocabulary::of_tokens(pieces, {.special_first = true}, at);
    };
    source_words_ = vocabulary(source_, sources);
    target_words_ = vocabulary(target_, targets);
    options_.model.source_vocabulary = source_words_.size();
    options_.model.target_vocabulary = target_words_.size();
    if (options_.model.source_forms > 0) options_.model.source_forms = forms_known;
    model = Seq2Seq(options_.model, gen, at);
}

Translator::Read Translator::read(const std::string& line) const {
    if (options_.model.source_forms == 0) return {source_words_.encode(source_.encode(line)), {}};
    const std::string lower = to_lower(line);
    const std::vector<std::string> pieces = source_.encode(lower);
    const std::vector<char32_t> text = decode_utf8(line, "the source", true);
    Read read{source_words_.encode(pieces), {}};
    size_t bytes = 0, done = 0, characters = 0;  // of " " + lower: in the pieces so far, and walked over
    const std::string spaced = " " + lower;
    for (const std::string& piece : pieces) {
        bytes += source_.decode({piece}).size() + (piece.rfind("▁", 0) == 0);
        const size_t begin = characters;
        for (; done < std::min(bytes, spaced.size()); done++) characters += (spaced[done] & 0xC0) != 0x80;
        read.forms.push_back(form_of(text, begin == 0 ? 0 : begin - 1, characters == 0 ? 0 : characters - 1));
    }
    return read;
}

PairIds Translator::ids(const std::vector<TextPair>& pairs) const {
    PairIds all;
    for (const TextPair& p : pairs) {
        Read source = read(p.source);
        all.sources.push_back(std::move(source.words));
        if (options_.model.source_forms > 0) all.forms.push_back(std::move(source.forms));
        all.targets.push_back(target_words_.encode(target_.encode(p.target)));
    }
    return all;
}

std::vector<std::string> Translator::translate(const std::vector<std::string>& lines, const DecodeOptions& options,
                                               Where at) const {
    std::vector<Read> sources;
    for (const std::string& line : lines) sources.push_back(read(line));
    std::vector<size_t> order;  // those that are not empty, by length
    for (size_t i = 0; i < lines.size(); i++)
        if (!sources[i].words.empty()) order.push_back(i);
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return sources[a].words.size() < sources[b].words.size(); });
    std::vector<std::string> translations(lines.size());
    Tape tape(Tape::Mode::forward_only);  // one for all, so that the weights are packed once
    constexpr size_t side_by_side = 32;   // of one length, so that the limit is each one's own
    for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
        const auto length = [&](size_t i) { return sources[order[i]].words.size(); };
        while (end < order.size() && end - begin < side_by_side && length(end) == length(begin)) end++;
        PairIds some;
        for (size_t i = begin; i < end; i++) {
            const Read& source = sources[order[i]];
            some.sources.push_back(source.words);
            if (!source.forms.empty()) some.forms.push_back(source.forms);
            some.targets.emplace_back();
        }
        PairBatches batches(some.sources, some.targets,
                            this->batches({.sentences = int64_t(side_by_side), .shuffle = false}));
        const PairBatches::Batch batch = batches.next();
        DecodeOptions o = decoding(options);
        o.max_length = std::min(o.max_length, 2 * batch.source.shape()[0] + 10);
        const auto best =
            best_outputs(model.decoder_step(tape, source_of(batch, some), at), int64_t(end - begin), o, at);
        for (size_t i = 0; i < best.size(); i++)
            translations[order[begin + size_t(batch.pairs[i])]] = target_.decode(target_words_.decode(best[i].words));
    }
    return translations;
}

std::vector<std::string> Translator::source_pieces(const std::string& line) const {
    return source_.encode(options_.model.source_forms > 0 ? to_lower(line) : line);
}

std::vector<Translator::ScoredPiece> Translator::score(const TextPair& pair, Where at) const {
    const PairIds one = ids({pair});
    PairBatches batches(one.sources, one.targets, this->batches({.sentences = 1}), at);
    const PairBatches::Batch batch = batches.next();
    Tape tape(Tape::Mode::forward_only);
    const Seq2Seq::Encoded x = model.encode(tape, source_of(batch, one), nullptr, at);
    Seq2Seq::State state = model.start(x);
    const Seq2Seq::Output out = model.decode(x, batch.inputs, state, nullptr, at);
    const Tensor log_p = log_softmax(model.scores(out.h)).value();
    const std::vector<std::string> pieces = target_.encode(pair.target);
    std::vector<ScoredPiece> scored;
    for (int64_t t = 0; t < log_p.dim(0); t++) {
        ScoredPiece s{size_t(t) < pieces.size() ? pieces[size_t(t)] : "", log_p.at({t, 0, batch.targets[t]}), {}};
        if (out.weights.tape() != nullptr) s.weights = out.weights.value()[t].to_vector();
        scored.push_back(std::move(s));
    }
    return scored;
}

void Translator::save_text(const std::string& folder) const {
    source_.save(folder + "/source.bpe");
    target_.save(folder + "/target.bpe");
    source_words_.save(folder + "/source.vocabulary");
    target_words_.save(folder + "/target.vocabulary");
}

std::map<std::string, std::string> Translator::configuration() const {
    Seq2SeqOptions o = options_.model;
    return options_as_text([&](auto f) { each_option(o, f); });
}

Translator Translator::load(const std::string& folder) {
    const std::string path = folder + "/model";
    Translator t;
    load_options(path, "translator", [&](auto f) { each_option(t.options_.model, f); });
    t.source_ = Bpe::load(folder + "/source.bpe");
    t.target_ = Bpe::load(folder + "/target.bpe");
    const Seq2SeqOptions& o = t.options_.model;
    t.source_words_ = load_vocabulary(folder + "/source.vocabulary", o.source_vocabulary);
    t.target_words_ = load_vocabulary(folder + "/target.vocabulary", o.target_vocabulary);
    t.model = load_model<Seq2Seq>(path, o);
    return t;
}

}  // namespace unroll
