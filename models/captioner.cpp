#include "models/captioner.hpp"

#include <algorithm>

#include "core/ops/reductions.hpp"
#include "models/options_file.hpp"

namespace unroll {
namespace {

/// Every number of the options by its name, for files.
template <class F>
void each_option(CaptionerOptions& options, F f) {
    CaptionNetworkOptions& o = options.network;
    f("vocabulary", o.vocabulary), f("picture_size", o.picture_size, 4096), f("channels", o.channels),
        f("features", o.features), f("attention", o.attention);
    f("embedding_size", o.embedding_size), f("hidden_size", o.hidden_size), f("attention_size", o.attention_size);
    f("dropout", o.dropout, 1), f("dtype", o.dtype, 1);
}

}  // namespace

Captioner::Captioner(const std::vector<CaptionedPicture>& train, const CaptionerOptions& options, Generator& gen,
                     Where at)
    : options_(options) {
    std::vector<std::string> all;
    for (const CaptionedPicture& p : train)
        for (const std::string& caption : p.captions)
            for (std::string& word : caption_words(caption)) all.push_back(std::move(word));
    words_ = Vocabulary::of_tokens(all, {.min_count = options.min_count, .special_first = true}, at);
    options_.network.vocabulary = words_.size();
    model = CaptionNetwork(options_.network, gen, at);
}

CaptionIds Captioner::ids(const std::vector<Picture>& pictures, const std::vector<CaptionedPicture>& list,
                          Where at) const {
    if (pictures.size() != list.size())
        fail("Captioner", at, "{} pictures, but captions of {}", pictures.size(), list.size());
    CaptionIds all;
    for (size_t i = 0; i < list.size(); i++) {
        std::vector<std::vector<int32_t>> captions;
        for (const std::string& caption : list[i].captions) captions.push_back(words_.encode(caption_words(caption)));
        all.add(pictures[i], captions);
    }
    return all;
}

std::vector<std::string> Captioner::caption(const std::vector<Picture>& pictures, const DecodeOptions& options,
                                            Where at) const {
    const DecodeOptions o = decoding_with(words_, options);
    std::vector<std::string> captions;
    Tape tape(Tape::Mode::forward_only);  // one for all, so that the weights are packed once
    constexpr size_t side_by_side = 32;
    for (size_t begin = 0; begin < pictures.size(); begin += side_by_side) {
        const size_t end = std::min(begin + side_by_side, pictures.size());
        const std::vector<Picture> some(pictures.begin() + int64_t(begin), pictures.begin() + int64_t(end));
        const DecoderStep step = model.decoder_step(tape, to_tensor(some, {}, at), at);
        for (const Hypothesis& h : best_outputs(step, int64_t(some.size()), o, at))
            captions.push_back(caption_text(words_.decode(h.words)));
    }
    return captions;
}

std::vector<Captioner::ScoredWord> Captioner::score(const Picture& picture, const std::string& caption,
                                                    Where at) const {
    std::vector<std::string> all = caption_words(caption);
    std::vector<int32_t> ids = words_.encode(all);
    ids.insert(ids.begin(), words_.bos());
    const auto T = int64_t(ids.size());
    Tape tape(Tape::Mode::forward_only);
    const auto x = model.encode(tape, to_tensor({picture}, {}, at), false, at);
    States s = x.start;
    const auto out = model.decode(x, Ids(ids, {{T, 'T'}, {1, 'B'}}), s, nullptr, at);
    const Tensor log_p = log_softmax(model.scores(out.h)).value();
    ids.push_back(words_.eos());
    all.emplace_back();
    std::vector<ScoredWord> scored;
    for (int64_t t = 0; t < T; t++) {
        ScoredWord w{all[size_t(t)], log_p.at({t, 0, ids[size_t(t + 1)]}), {}};
        if (given(out.weights)) w.weights = out.weights.value()[t].to_vector();
        scored.push_back(std::move(w));
    }
    return scored;
}

void Captioner::save_text(const std::string& folder) const { words_.save(folder + "/words.vocabulary"); }

std::map<std::string, std::string> Captioner::configuration() const {
    CaptionerOptions o = options_;
    o.network.dtype = model.out.W.value.dtype();
    return options_as_text([&](auto f) { each_option(o, f); });
}

Captioner Captioner::load(const std::string& folder) {
    const std::string path = folder + "/model";
    Captioner c;
    load_options(path, "captioner", [&](auto f) { each_option(c.options_, f); });
    c.words_ = load_vocabulary(folder + "/words.vocabulary", c.options_.network.vocabulary);
    c.model = load_model<CaptionNetwork>(path, c.options_.network);
    return c;
}

}  // namespace unroll
