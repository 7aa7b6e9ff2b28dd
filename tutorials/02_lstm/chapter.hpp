#pragma once
#include "tutorials/lesson/language_model.hpp"

// The parts of chapter 02, in the order they are told.
namespace unroll {

void tell_cell(Lesson& lesson);      // the equations, one after the other, on small numbers
void tell_bptt(Lesson& lesson);      // by hand = tape = numeric, and the check that must not forget dC_T
void tell_memory(Lesson& lesson);    // why the cell state keeps gradients
void tell_variants(Lesson& lesson);  // peephole and coupled
void tell_adding(Lesson& lesson);    // a task for which memory is all that counts
void tell_language_model(Lesson& lesson, const lesson::LanguageModelLine& options);

}  // namespace unroll
