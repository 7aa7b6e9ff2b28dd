#pragma once
#include <string>

#include "tutorials/lesson/lesson.hpp"

// The parts of chapter 03, in the order they are told.
namespace unroll {

void tell_gates(Lesson& lesson);     // one step, the sequence, what the gates do
void tell_variants(Lesson& lesson);  // reset before or after the matrix; which way z points
void tell_bptt(Lesson& lesson);      // by hand = tape = numeric, for both variants

struct ComparisonOptions {
    std::string data = UNROLL_ROOT "/data";  // where the data sets are
    int seeds = 3;                           // trainings of each model
};
void tell_comparison(Lesson& lesson, const ComparisonOptions& options);  // against LSTM and RNN, measured

}  // namespace unroll
