#pragma once
#include <string>

#include "tutorials/lesson/lesson.hpp"

// The parts of chapter 06, in the order they are told.
namespace unroll {

void tell_encoder(Lesson& lesson);   // from one sequence to another: small numbers, what a decoder is shown
void tell_scores(Lesson& lesson);    // three scores, attention, masks, and their gradients
void tell_decoders(Lesson& lesson);  // the circle in the book, two ways out, gradients of whole models
void tell_search(Lesson& lesson);    // greedy, beam, all there is; the length
void tell_translator(Lesson& lesson, const std::string& data);             // names in two languages
void tell_comparison(Lesson& lesson, const std::string& data, int seeds);  // fixed vector, scores, decoders

}  // namespace unroll
