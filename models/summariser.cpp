#include "models/summariser.hpp"

#include <algorithm>
#include <cmath>

#include "core/ops/reductions.hpp"
#include "models/options_file.hpp"

namespace unroll {
namespace {

std::vector<std::string> words_of(const std::string& text) { return simple_words(to_lower(text)); }

CopySource source_of(const PairBatches::Batch& b) { return {b.source, b.source_lengths}; }

template <class F>
void each_option(SummariserOptions& o, F f) {
    PointerGeneratorOptions& m = o.model;
    f("read_at_least", o.read_at_least), f("write_at_least", o.write_at_least), f("longest", o.longest);
    f("vocabulary", m.vocabulary), f("written", m.written), f("unknown", m.unknown), f("copying", m.copying);
    f("selective_reading", m.selective_reading), f("embedding_size", m.embedding_size);
    f("encoder_size", m.encoder_size), f("hidden_size", m.hidden_size), f("dropout", m.dropout, 1);
    f("unknown_share", m.unknown_share, 1), f("dtype", m.dtype, 1);
}

}  // namespace

double evaluate(const PointerGenerator& model, const PairIds& pairs, const PairBatchOptions& options) {
    return mean_loss(pairs, options, [&](Tape& tape, const PairBatches::Batch& b) {
        return model.loss(tape, source_of(b), b.inputs, b.targets, options.pad);
    });
}

Var SummariserTrainer::batch_loss(Tape& tape, const PairBatches::Batch& b, Generator* dropout) const {
    return model_.loss(tape, source_of(b), b.inputs, b.targets, batching_.pad, dropout);
}

Summariser::Summariser(const std::vector<TextPair>& train, const SummariserOptions& options, Generator& gen, Where at)
    : options_(options) {
    if (options.longest < 1) fail("Summariser", at, "longest {}: expected 1 or more", options.longest);
    std::vector<std::string> summaries, all;
    for (const TextPair& p : train) {
        for (std::string& word : words_of(p.target)) summaries.push_back(std::move(word));
        std::vector<std::string> read = words_of(p.source);
        read.resize(std::min(read.size(), size_t(options.longest)));
        for (std::string& word : read) all.push_back(std::move(word));
    }
    all.insert(all.end(), summaries.begin(), summaries.end());
    const Vocabulary written =
        Vocabulary::of_tokens(summaries, {.min_count = options.write_at_least, .special_first = true}, at);
    const Vocabulary read = Vocabulary::of_tokens(all, {.min_count = options.read_at_least}, at);
    std::vector<std::string> tokens = written.tokens();
    options_.model.written = int64_t(tokens.size());
    for (const std::string& word : read.tokens())
        if (!written.has(word)) tokens.push_back(word);
    words_ = Vocabulary(std::move(tokens), at);
    options_.model.vocabulary = words_.size();
    options_.model.unknown = words_.unk();
    model = PointerGenerator(options_.model, gen, at);
}

std::vector<int32_t> Summariser::document(const std::string& text, std::vector<std::string>& more) const {
    std::vector<std::string> words = words_of(text);
    words.resize(std::min(words.size(), size_t(options_.longest)));
    std::vector<int32_t> ids = words_.encode(words);
    for (size_t i = 0; i < ids.size(); i++) {
        if (ids[i] != words_.unk()) continue;
        const auto known = std::find(more.begin(), more.end(), words[i]);
        ids[i] = int32_t(words_.size() + (known - more.begin()));
        if (known == more.end()) more.push_back(words[i]);
    }
    return ids;
}

std::vector<int32_t> Summariser::summary(const std::string& text, const std::vector<int32_t>& document,
                                         const std::vector<std::string>& more) const {
    const std::vector<std::string> words = words_of(text);
    std::vector<int32_t> ids = words_.encode(words);
    for (size_t i = 0; i < ids.size(); i++) {
        const auto known = std::find(more.begin(), more.end(), words[i]);
        if (ids[i] == words_.unk() && known != more.end())
            ids[i] = int32_t(words_.size() + (known - more.begin()));
        else if (ids[i] >= options_.model.written &&
                 std::find(document.begin(), document.end(), ids[i]) == document.end())
            ids[i] = words_.unk();  // neither to generate nor to copy
    }
    return ids;
}

PairIds Summariser::ids(const std::vector<TextPair>& pairs) const {
    PairIds all;
    for (const TextPair& p : pairs) {
        std::vector<std::string> more;
        all.sources.push_back(document(p.source, more));
        all.targets.push_back(summary(p.target, all.sources.back(), more));
    }
    return all;
}

/// How many words an output has to choose from: the known ones, and those of the sources that can only be copied.
static int64_t words_and_copied(const Vocabulary& known, const PairBatches::Batch& b) {
    return std::max<int64_t>(known.size(), 1 + *std::max_element(b.source.data(), b.source.data() + b.source.size()));
}

std::vector<std::string> Summariser::summarise(const std::vector<std::string>& documents,
                                               const DecodeOptions& options) const {
    PairIds some;
    std::vector<size_t> which;                    // documents that have words,
    std::vector<std::vector<std::string>> extra;  // and their own
    for (size_t i = 0; i < documents.size(); i++) {
        std::vector<std::string> more;
        std::vector<int32_t> ids = document(documents[i], more);
        if (ids.empty()) continue;
        which.push_back(i);
        extra.push_back(std::move(more));
        some.sources.push_back(std::move(ids));
        some.targets.emplace_back();
    }
    std::vector<std::string> summaries(documents.size());
    if (which.empty()) return summaries;
    PairBatches all(some.sources, some.targets, batches({.sentences = 32, .shuffle = false}));
    const DecodeOptions o = decoding_with(words_, options);
    Tape tape(Tape::Mode::forward_only);
    for (int64_t n = 0; n < all.batches(); n++) {
        const PairBatches::Batch b = all.next();
        const DecoderStep step = model.decoder_step(tape, source_of(b), words_and_copied(words_, b));
        const std::vector<Hypothesis> best = best_outputs(step, int64_t(b.pairs.size()), o);  // argmax P(y | x)
        for (size_t i = 0; i < best.size(); i++) {
            std::vector<std::string> text;
            const auto pair = size_t(b.pairs[i]);
            for (int32_t id : best[i].words)
                text.push_back(id < words_.size() ? words_.token(id) : extra[pair].at(size_t(id - words_.size())));
            summaries[which[pair]] = readable(text);
        }
    }
    return summaries;
}

std::vector<Summariser::ScoredWord> Summariser::score(const TextPair& pair) const {
    const PairIds one = ids({pair});
    PairBatches batches(one.sources, one.targets, this->batches({.sentences = 1}));
    const PairBatches::Batch b = batches.next();
    Tape tape(Tape::Mode::forward_only);
    const PointerGenerator::Encoded x = model.encode(tape, source_of(b));
    States state = x.start;
    const PointerGenerator::Output out = model.decode(x, b.inputs, state);
    const Tensor log_p = model.log_probabilities(x, out, words_and_copied(words_, b));
    const Tensor generated = log_softmax(out.x.value());
    std::vector<std::string> words = words_of(pair.target);
    words.emplace_back();
    std::vector<ScoredWord> scored;
    for (int64_t t = 0; t < log_p.dim(0); t++) {
        const int32_t w = b.targets[t];
        ScoredWord s{words[size_t(t)], log_p.at({t, 0, w}), 0, w != words_.unk()};
        if (options_.model.copying) {  // 1 - p_gen P_generated(w) / P(w)
            const double log_gen = -std::log1p(std::exp(-out.g.value().at({t, 0})));
            s.copied = w < options_.model.written ? 1 - std::exp(log_gen + generated.at({t, 0, w}) - s.log_prob) : 1;
            s.copied = std::clamp(s.copied, 0.0, 1.0);
        }
        scored.push_back(std::move(s));
    }
    return scored;
}

void Summariser::save_text(const std::string& folder) const { words_.save(folder + "/words.vocabulary"); }

std::map<std::string, std::string> Summariser::configuration() const {
    SummariserOptions o = options_;
    return options_as_text([&](auto f) { each_option(o, f); });
}

Summariser Summariser::load(const std::string& folder) {
    const std::string path = folder + "/model";
    Summariser s;
    load_options(path, "summariser", [&](auto f) { each_option(s.options_, f); });
    s.words_ = load_vocabulary(folder + "/words.vocabulary", s.options_.model.vocabulary);
    s.model = load_model<PointerGenerator>(path, s.options_.model);
    return s;
}

}  // namespace unroll
