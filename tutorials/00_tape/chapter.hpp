#pragma once
#include "tutorials/lesson/lesson.hpp"

// The parts of chapter 00, in the order they are told.
namespace unroll {

void tell_tensors(Lesson& lesson);      // numbers in memory, views, operations, errors
void tell_tape(Lesson& lesson);         // records, backward one at a time, a reused value, a layer with its loss
void tell_differences(Lesson& lesson);  // numeric gradients, and how checks lie

}  // namespace unroll
