#pragma once
#include "tutorials/lesson/language_model.hpp"

// The parts of chapter 01, in the order they are told.
namespace unroll {

void tell_unrolled(Lesson& lesson);             // one step, many steps, the loss
void tell_bptt(Lesson& lesson);                 // by hand = tape = numeric; the double sum
void tell_vanishing_exploding(Lesson& lesson);  // measured against the bound
void tell_language_model(Lesson& lesson, const lesson::LanguageModelLine& options);

}  // namespace unroll
