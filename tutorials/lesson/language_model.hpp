#pragma once
#include <memory>
#include <string>

#include "data/text.hpp"
#include "models/language_model_trainer.hpp"
#include "models/sample.hpp"
#include "tutorials/lesson/lesson.hpp"

namespace unroll::lesson {

/// What a chapter with a language model takes on its command line.
struct LanguageModelLine {
    std::string data = UNROLL_ROOT "/data";  // where the data sets are
    std::string text;                        // a text of the reader's own, in place of Austen's novels
    std::string prompt = "It was ";
    std::string checkpoint;  // written while training, taken up again where it exists
    std::string save;        // weights, at the end

    void add_to(Lesson& lesson);
    /// Throws Error where the files can't be written: better now than after training.
    void prepare() const;
};

/// One such model and its training. A quick run has fewer units and steps.
struct LanguageModelRun {
    std::string name;                // of its results: "austen_rnn" gives austen_rnn_valid_nats, austen_rnn_test_nats
    LanguageModelOptions model;      // the vocabulary is that of the text
    LanguageModelTraining training;  // validated as often as the next number says, on the whole text
    int64_t validations = 10;
    std::string unit = "character";  // what is predicted
    bool perplexity = false;         // its results are perplexities in place of nats: of words
};

/// The reader's text or Austen's novels, character by character.
TokenCorpus read_characters(Lesson& lesson, const LanguageModelLine& line);

/// Trains the model, and tells it: its parameters, the curve, how well it predicts texts that it has not read. Ctrl-C
/// stops it after a checkpoint.
std::shared_ptr<LanguageModel> tell_training(Lesson& lesson, const LanguageModelLine& line, const TokenCorpus& corpus,
                                             LanguageModelRun run);

/// Such a model of characters in a chapter of its own: read, trained, and what it writes.
void tell_language_model(Lesson& lesson, const LanguageModelLine& line, LanguageModelRun run);

}  // namespace unroll::lesson
