#pragma once
#include <string>
#include <vector>

#include "data/bpe.hpp"
#include "data/text.hpp"
#include "models/decoding.hpp"
#include "models/seq2seq.hpp"
#include "models/seq2seq_trainer.hpp"

namespace unroll {

struct TranslatorOptions {
    int64_t source_merges = 8000, target_merges = 8000;  // of the byte-pair encodings
    Seq2SeqOptions model = {};  // the sizes of the vocabularies are those of the text; where source_forms is above 0,
                                // sources are read in small letters and each piece's case is its form
};

/// From text to text, by pieces of words: argmax_y P(y | x), approximated by beam search.
class Translator {
  public:
    /// Learns pieces and vocabularies from the pairs; the model starts untrained.
    Translator(const std::vector<TextPair>& train, const TranslatorOptions& options, Generator& gen, Where at = {});

    PairIds ids(const std::vector<TextPair>& pairs) const;
    /// pad, bos and eos filled in.
    PairBatchOptions batches(const PairBatchOptions& options) const { return batches_with(target_words_, options); }
    /// start, end and the words that are never produced (unknown, padding, start) filled in.
    DecodeOptions decoding(const DecodeOptions& options) const { return decoding_with(target_words_, options); }

    /// A translation for each line; of an empty line it is empty. beam_width 1 is greedy. At most twice a source's
    /// pieces and ten are written, whatever max_length.
    std::vector<std::string> translate(const std::vector<std::string>& lines, const DecodeOptions& options = {},
                                       Where at = {}) const;

    struct ScoredPiece {
        std::string piece;  // "" at the end
        double log_prob;
        std::vector<double> weights;  // where attention looked: at each of source_pieces(); empty without attention
    };
    /// log P(target | source), piece by piece.
    std::vector<ScoredPiece> score(const TextPair& pair, Where at = {}) const;
    std::vector<std::string> source_pieces(const std::string& line) const;
    /// What a target word's id stands for.
    const std::string& piece(int32_t id) const { return target_words_.token(id); }

    /// Pieces and vocabularies as four files in a folder, beside the trainer's checkpoint FOLDER/model, which gets
    /// configuration(); a translator is loaded from all of them.
    void save_text(const std::string& folder) const;
    std::map<std::string, std::string> configuration() const;
    static Translator load(const std::string& folder);

    Seq2Seq model;

  private:
    Translator() = default;
    struct Read {
        std::vector<int32_t> words, forms;
    };
    Read read(const std::string& line) const;

    TranslatorOptions options_;
    Bpe source_, target_;
    Vocabulary source_words_, target_words_;
};

}  // namespace unroll
