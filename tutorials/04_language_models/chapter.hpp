#pragma once
#include "tutorials/lesson/language_model.hpp"

// The parts of chapter 04, in the order they are told.
namespace unroll {

void tell_likelihood(Lesson& lesson);  // the chain rule, what a step reads, the loss, perplexity
void tell_tied(Lesson& lesson);        // one matrix for two uses, and dropout: gradients
void tell_sampling(Lesson& lesson);    // temperature, top-k, nucleus, by hand

/// What the chapter reads: the reader's --text, or what --data has of austen, tinyshakespeare and wikitext-2. Empty:
/// not there.
struct Texts {
    std::string characters, words;
    std::string characters_name, words_name;  // of the results
    bool published = false;                   // the words are those of a published comparison, with its recipe
};
/// Throws Error where there is none of them.
Texts find_texts(const lesson::LanguageModelLine& line);

void tell_characters(Lesson& lesson, const lesson::LanguageModelLine& line, const Texts& texts);
void tell_words(Lesson& lesson, const lesson::LanguageModelLine& line, const Texts& texts, const std::string& sentence);

}  // namespace unroll
