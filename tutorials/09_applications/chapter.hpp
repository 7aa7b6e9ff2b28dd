#pragma once
#include <string>

#include "models/pair_trainer.hpp"
#include "tutorials/lesson/lesson.hpp"

// The parts of chapter 09, in the order they are told.
namespace unroll {

struct ApplicationOptions {
    std::string data = UNROLL_ROOT "/data";  // where the data sets are
    // Folders of trained models; "": trained here, for a while; `fixed` and `decoders` are left out then.
    std::string translator, fixed, decoders, recogniser, summariser, plain;
};

void tell_scoring(Lesson& lesson);                                         // P(y | x) and its argmax, by hand
void tell_translation(Lesson& lesson, const ApplicationOptions& options);  // English to German, measured
void tell_recognition_by_hand(Lesson& lesson);                             // the noisy channel, CTC, prefix beam search
void tell_recognition(Lesson& lesson, const ApplicationOptions& options);  // spoken digits in noise, measured
void tell_copying(Lesson& lesson);                                         // generating and copying, by hand
void tell_summaries(Lesson& lesson, const ApplicationOptions& options);    // rules, attention alone, copying

/// Trains to the end with a bar, and plots the losses; `words`: "pieces". Returns the seconds it took.
double train_and_plot(Lesson& lesson, PairTrainer& trainer, int64_t steps, const std::string& title,
                      const std::string& words);

}  // namespace unroll
