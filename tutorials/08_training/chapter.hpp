#pragma once
#include "tutorials/lesson/lesson.hpp"

// The parts of chapter 08, in the order they are told.
namespace unroll {

void tell_clipping(Lesson& lesson);       // by norm, by value; a training that explodes without
void tell_dropout(Lesson& lesson);        // expectation, masks, evaluation; one mask for all steps
void tell_normalisation(Lesson& lesson);  // layer_norm by hand and inside the LSTM

struct TrainingOptions {
    std::string data = UNROLL_ROOT "/data";  // where the data sets are
};
void tell_measured(Lesson& lesson, const TrainingOptions& options);  // with and without each of them

}  // namespace unroll
