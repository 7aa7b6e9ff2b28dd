#pragma once
#include <string>

#include "tutorials/lesson/lesson.hpp"

// The parts of chapter 07, in the order they are told.
namespace unroll {

void tell_bidirectional(Lesson& lesson);                    // small numbers, final states, lengths, BPTT by hand
void tell_spaces(Lesson& lesson, const std::string& data);  // a task that needs what comes after
void tell_deep(Lesson& lesson);                             // small numbers, ways through depth and time
void tell_depth_measured(Lesson& lesson, const std::string& data);  // what layers are worth
void tell_attention_rnn(Lesson& lesson);                            // small numbers, the circle, a short way back
void tell_recall(Lesson& lesson);                                   // a task that needs looking back

}  // namespace unroll
