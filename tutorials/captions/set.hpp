#pragma once
#include <string>
#include <vector>

#include "models/captioner.hpp"

/// What build/tutorials/caption and chapter 05 share: sets of pictures with captions, how to train on them, and how
/// captions are judged.
namespace unroll {

/// Where a set is.
struct CaptionFiles {
    std::string set = "emoji-captions", data = {};  // data/emoji-captions, unless captions are given:
    std::string captions = {}, pictures = {};       // a file of any format of load_captions, and the folder
    bool skip_damaged = false;                      // pictures; else the first one is an Error
    bool lowercase = false;                         // captions in small letters
    int64_t pixels = PictureLimits().pixels;        // of a picture: one of more is refused before it is decoded
};

struct CaptionSet {
    std::vector<CaptionedPicture> list;
    std::vector<Picture> pictures;
    std::vector<std::string> skipped;  // a message each
};
/// The pictures of one part as squares of `size`: train, valid, test, test_pair. val is valid; where a file has no
/// parts, of ten pictures the last is of test and the one before of valid. Throws Error for a part without pictures.
CaptionSet load_part(const CaptionFiles& files, const std::string& part, int64_t size);

/// What goes with a set.
struct CaptionRecipe {
    CaptionerOptions captioner;
    PairBatchOptions batches;
    CaptionTraining training;
};
/// For so many pictures; steps and validate_every are the caller's. size: of a picture; above 32 the networks have more
/// layers.
CaptionRecipe caption_recipe(int64_t pictures, int64_t size = 32);

/// "woman: dark skin tone" is of the base woman; what follows are its attributes. Flags and keycaps are bases.
std::string base_of(const std::string& caption);
std::string attributes_of(const std::string& caption);

struct CaptionScore {
    double exact, base,
        attributes;  // shares of the pictures, in percent: caption, base and attributes are a reference's
    double bleu;
};
/// Of captions for the pictures of a list.
CaptionScore judge(const std::vector<std::string>& captions, const std::vector<CaptionedPicture>& list);
/// "nrefs:1|.."
std::string bleu_signature(const std::vector<CaptionedPicture>& list);

/// The caption of the learnt picture that is nearest to each, by the sum of squared differences of their pixels.
std::vector<std::string> nearest_captions(const std::vector<Picture>& pictures, const CaptionSet& learnt);

}  // namespace unroll
