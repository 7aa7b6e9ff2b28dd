#pragma once
#include <string>

#include "tutorials/lesson/lesson.hpp"

// The parts of chapter 01, in the order they are told.
namespace unroll {

void tell_unrolled(Lesson& lesson);             // one step, many steps, the loss
void tell_bptt(Lesson& lesson);                 // by hand = tape = numeric; the double sum
void tell_vanishing_exploding(Lesson& lesson);  // measured against the bound

struct LanguageModelOptions {
    std::string data = UNROLL_ROOT "/data";  // where the data sets are
    std::string text;                        // a text of the reader's own, in place of Austen's novels
    std::string prompt = "It was ";
    std::string checkpoint;  // written while training, taken up again where it exists
    std::string save;        // weights, at the end
};
void tell_language_model(Lesson& lesson, const LanguageModelOptions& options);

}  // namespace unroll
