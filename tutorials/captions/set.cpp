#include "tutorials/captions/set.hpp"

#include <algorithm>
#include <limits>

#include "data/utf8.hpp"
#include "nn/bleu.hpp"

namespace unroll {

CaptionSet load_part(const CaptionFiles& files, const std::string& part, int64_t size) {
    const bool own = !files.captions.empty();
    const std::string folder = files.data + "/" + files.set, path = own ? files.captions : folder + "/captions.tsv";
    CaptionSet set;
    std::vector<size_t> which;
    std::vector<CaptionedPicture> all = load_captions(path);
    for (size_t i = 0; i < all.size(); i++) {
        std::string& split = all[i].split;
        if (split == "val") split = "valid";
        if (split.empty()) split = i % 10 == 9 ? "test" : i % 10 == 8 ? "valid" : "train";
        if (split == part) which.push_back(i);
    }
    if (which.empty()) throw Error("{}: no picture of the part {}", path, part);
    for (size_t i : which) {
        if (files.lowercase)
            for (std::string& caption : all[i].captions) caption = to_lower(caption);
        set.list.push_back(all[i]);
    }
    if (own) {
        LoadedPictures loaded =
            load_pictures(files.pictures, set.list, size, files.skip_damaged ? Damaged::skip : Damaged::fatal,
                          {.pixels = files.pixels});
        std::vector<CaptionedPicture> kept;
        for (size_t i : loaded.of) kept.push_back(set.list[i]);
        if (kept.empty())
            throw Error("{}: no picture of the part {} can be read: {}{}", path, part, loaded.skipped[0],
                        loaded.skipped.size() > 1 ? fmt::format(" (and {} more)", loaded.skipped.size() - 1) : "");
        set.list = std::move(kept), set.pictures = std::move(loaded.pictures), set.skipped = std::move(loaded.skipped);
        return set;
    }
    const auto sheet = tiles(load_picture(folder + "/sheet.png"), 32, int64_t(all.size()));
    for (size_t i : which) set.pictures.push_back(size == 32 ? sheet[i] : squared(sheet[i], size));
    return set;
}

CaptionRecipe caption_recipe(int64_t pictures, int64_t size) {
    CaptionRecipe r;
    r.captioner.network = {.picture_size = size, .dropout = 0.4};
    r.batches = {.sentences = 32, .by_length = false};
    r.training.warm_up = (pictures + 31) / 32;
    r.training.learning_rate = 1e-3;
    r.training.beta2 = 0.999;
    r.training.weight_decay = 0.05;
    r.training.max_norm = 2;
    r.training.word_dropout = 0.3;
    r.training.shift = std::max<int64_t>(2, size / 16);
    return r;
}

std::string base_of(const std::string& caption) {
    const std::string base = caption.substr(0, caption.find(": "));
    return base == "flag" || base == "keycap" ? caption : base;
}

std::string attributes_of(const std::string& caption) {
    const size_t n = base_of(caption).size();
    return n == caption.size() ? "" : caption.substr(n + 2);
}

CaptionScore judge(const std::vector<std::string>& captions, const std::vector<CaptionedPicture>& list) {
    CaptionScore score{};
    size_t most = 0;
    for (const CaptionedPicture& p : list) most = std::max(most, p.captions.size());
    std::vector<std::vector<std::string>> references(most);
    for (size_t i = 0; i < list.size(); i++) {
        const auto& truth = list[i].captions;
        const auto any = [&](auto part) {
            const auto same = [&](const std::string& t) { return part(t) == part(captions[i]); };
            return std::any_of(truth.begin(), truth.end(), same) ? 100 / double(list.size()) : 0;
        };
        score.exact += any([](const std::string& t) { return t; });
        score.base += any(base_of);
        score.attributes += any(attributes_of);
        for (size_t r = 0; r < most; r++) references[r].push_back(truth[std::min(r, truth.size() - 1)]);
    }
    score.bleu = Bleu().corpus(captions, references).score;
    return score;
}

std::string bleu_signature(const std::vector<CaptionedPicture>& list) {
    size_t most = 0;
    for (const CaptionedPicture& p : list) most = std::max(most, p.captions.size());
    return Bleu().signature(most);
}

std::vector<std::string> nearest_captions(const std::vector<Picture>& pictures, const CaptionSet& learnt) {
    std::vector<std::string> captions;
    for (const Picture& p : pictures) {
        size_t best = 0;
        int64_t least = std::numeric_limits<int64_t>::max();
        for (size_t i = 0; i < learnt.pictures.size(); i++) {
            const auto& other = learnt.pictures[i].pixels;
            int64_t sum = 0;
            for (size_t k = 0; k < other.size(); k++) {
                const int d = int(p.pixels[k]) - int(other[k]);
                sum += d * d;
            }
            if (sum < least) least = sum, best = i;
        }
        captions.push_back(learnt.list[best].captions[0]);
    }
    return captions;
}

}  // namespace unroll
