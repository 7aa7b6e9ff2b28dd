#pragma once
#include <string>
#include <vector>

#include "data/picture.hpp"

/// Pictures and what is said of them. What can't be used is an Error of one line that names the file and the place in
/// it.
namespace unroll {

struct CaptionedPicture {
    std::string file;   // as the captions name it
    std::string split;  // "train", "val", "test", ..; empty where the format has none
    std::vector<std::string> captions;
    std::string base, attributes;  // data/emoji-captions: "woman", "medium skin tone, red hair"
};

/// Reads captions, whose format is told by what is there:
///   Flickr8k.token.txt          lines NAME#NUMBER, a tab, a caption
///   captions.txt                the same set as CSV, with a first line image,caption
///   captions_*.json             COCO: images (id, file_name) and annotations (image_id, caption)
///   dataset_*.json              Karpathy's splits: images (filename, split, sentences); restval counts as train
///   captions.tsv                data/emoji-captions: a table with a first line file, split, caption, base, attributes
/// Pictures come in the order of the file, each once. Throws Error for a caption of an unknown picture, one picture
/// twice or without a caption, and an empty caption.
std::vector<CaptionedPicture> load_captions(const std::string& path);

/// The first `count` squares of a sheet, row by row: data/emoji-captions/sheet.png has 32 x 32 pixels for each.
std::vector<Picture> tiles(const Picture& sheet, int64_t side, int64_t count, Where at = {});

/// A caption's words, what separates signs standing as words of their own: "woman: dark skin tone, red hair" is woman,
/// :, dark, .. And back; the same text where it had one space between words and none before signs.
std::vector<std::string> caption_words(const std::string& caption);
std::string caption_text(const std::vector<std::string>& words);

enum class Damaged { fatal, skip };
struct LoadedPictures {
    std::vector<Picture> pictures;
    std::vector<size_t> of;            // which of the list each is
    std::vector<std::string> skipped;  // a message for each of the others
};
/// The pictures of a list from a folder, each as a square of `size`.
LoadedPictures load_pictures(const std::string& folder, const std::vector<CaptionedPicture>& list, int64_t size,
                             Damaged damaged = Damaged::fatal, const PictureLimits& limits = {});

}  // namespace unroll
