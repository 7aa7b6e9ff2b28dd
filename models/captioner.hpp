#pragma once
#include <map>
#include <string>
#include <vector>

#include "data/captions.hpp"
#include "data/vocabulary.hpp"
#include "models/captioner_trainer.hpp"
#include "models/decoding.hpp"

namespace unroll {

struct CaptionerOptions {
    int64_t min_count = 1;               // words seen less often are unknown
    CaptionNetworkOptions network = {};  // the size of the vocabulary is that of the captions
};

/// From pictures to captions, by words: argmax_w P(w | I), approximated by beam search.
class Captioner {
  public:
    /// The vocabulary is that of these captions; the network starts untrained.
    Captioner(const std::vector<CaptionedPicture>& train, const CaptionerOptions& options, Generator& gen,
              Where at = {});

    /// The captions of pictures of the network's size.
    CaptionIds ids(const std::vector<Picture>& pictures, const std::vector<CaptionedPicture>& list,
                   Where at = {}) const;
    /// pad, bos and eos filled in.
    PairBatchOptions batches(const PairBatchOptions& options) const { return batches_with(words_, options); }
    int32_t unknown() const { return words_.unk(); }

    /// A caption for each picture, of the network's size. beam_width 1 is greedy.
    std::vector<std::string> caption(const std::vector<Picture>& pictures, const DecodeOptions& options = {},
                                     Where at = {}) const;

    struct ScoredWord {
        std::string word;  // "" at the end
        double log_prob;
        std::vector<double> weights;  // α over the regions, row by row; empty in the plain form
    };
    /// log P(caption | picture), word by word, and where attention looked.
    std::vector<ScoredWord> score(const Picture& picture, const std::string& caption, Where at = {}) const;

    /// The vocabulary as a file in a folder, beside the trainer's checkpoint FOLDER/model, which gets configuration().
    void save_text(const std::string& folder) const;
    std::map<std::string, std::string> configuration() const;
    static Captioner load(const std::string& folder);

    CaptionNetwork model;

  private:
    Captioner() = default;

    CaptionerOptions options_;
    Vocabulary words_;
};

}  // namespace unroll
