#pragma once
#include <string>

#include "models/char_lm_trainer.hpp"
#include "tutorials/lesson/lesson.hpp"

namespace unroll::lesson {

/// What a chapter with a language model of characters takes on its command line.
struct LanguageModelOptions {
    std::string data = UNROLL_ROOT "/data";  // where the data sets are
    std::string text;                        // a text of the reader's own, in place of Austen's novels
    std::string prompt = "It was ";
    std::string checkpoint;  // written while training, taken up again where it exists
    std::string save;        // weights, at the end

    void add_to(Lesson& lesson);
};

/// One such model and its training. A quick run has fewer units and steps.
struct LanguageModel {
    std::string name;         // of its results: "austen-rnn" gives austen-rnn-valid-nats and austen-rnn-test-nats
    CharLmOptions model;      // the vocabulary is that of the text
    CharLmTraining training;  // validated as often as the next number says, on the whole novel
    int64_t validations = 10;
};

/// Trains the model on a novelist's six hundred thousand words, or the reader's text, and tells it: what it read, its
/// parameters, the curve, how well it predicts texts that it has not read, and what it writes.
void tell_language_model(Lesson& lesson, const LanguageModelOptions& options, LanguageModel run);

}  // namespace unroll::lesson
