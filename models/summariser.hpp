#pragma once
#include "data/text.hpp"
#include "models/decoding.hpp"
#include "models/pair_trainer.hpp"
#include "models/pointer_generator.hpp"

namespace unroll {

/// Mean -log P of a summary's word, ends counted, in nats.
double evaluate(const PointerGenerator& model, const PairIds& pairs, const PairBatchOptions& batches);

class SummariserTrainer final : public PairTrainer {
  public:
    /// The model and the pairs must outlive the trainer.
    SummariserTrainer(PointerGenerator& model, const PairIds& train, const PairIds& valid,
                      const PairBatchOptions& batches, const Training& options, Where at = {})
        : PairTrainer(model, model.options().dropout, train, valid, batches, options, at), model_(model) {
        if (options.label_smoothing != 0)
            fail("SummariserTrainer", at, "label_smoothing {}: expected 0", options.label_smoothing);
    }

  private:
    Var batch_loss(Tape& tape, const PairBatches::Batch& batch, Generator* dropout) const override;
    double validate() const override { return evaluate(model_, valid_, batching_); }

    const PointerGenerator& model_;
};

struct SummariserOptions {
    int64_t read_at_least = 4;           // a word is read that comes so often in documents and summaries,
    int64_t write_at_least = 3;          // and generated if so often in summaries
    int64_t longest = 50;                // so many words of a document are read
    PointerGeneratorOptions model = {};  // the numbers of its words are those of the text
};

/// From text to a shorter one, by words in small letters (simple_words): y* = argmax_y P(y | x), approximated by beam
/// search. A document's words that are in no vocabulary have numbers from R on in the order in which they come, so that
/// they can be copied; what comes out are the document's words.
class Summariser {
  public:
    /// Learns the vocabulary from the pairs, a document and its summary each; the model starts untrained.
    Summariser(const std::vector<TextPair>& train, const SummariserOptions& options, Generator& gen, Where at = {});

    PairIds ids(const std::vector<TextPair>& pairs) const;
    /// pad, bos and eos filled in.
    PairBatchOptions batches(const PairBatchOptions& options) const { return batches_with(words_, options); }

    /// A summary for each document; of one without words it is empty. beam_width 1 is greedy. The unknown word is never
    /// written.
    std::vector<std::string> summarise(const std::vector<std::string>& documents,
                                       const DecodeOptions& options = {}) const;

    struct ScoredWord {
        std::string word;  // "" at the end
        double log_prob;
        double copied;  // the probability that it was copied, given that it was written
        bool known;     // false: it can't be written, and log_prob is the unknown word's
    };
    /// log P(summary | document), word by word. Throws Error for a document without words.
    std::vector<ScoredWord> score(const TextPair& pair) const;

    /// The vocabulary as a file in a folder, beside the trainer's checkpoint FOLDER/model, which gets configuration();
    /// a summariser is loaded from both.
    void save_text(const std::string& folder) const;
    std::map<std::string, std::string> configuration() const;
    static Summariser load(const std::string& folder);

    PointerGenerator model;

  private:
    Summariser() = default;
    /// What is in no vocabulary gets numbers from R on: those in `more`, and where it may grow, new ones.
    std::vector<int32_t> document(const std::string& text, std::vector<std::string>& more) const;
    std::vector<int32_t> summary(const std::string& text, const std::vector<int32_t>& document,
                                 const std::vector<std::string>& more) const;

    SummariserOptions options_;
    Vocabulary words_;  // special ones, then those that are written, then those that are only read
};

}  // namespace unroll
