#pragma once
#include "tutorials/lesson/lesson.hpp"
#include "tutorials/recogniser/recipe.hpp"

namespace unroll {

/// What the recogniser hears of a sound: to be played, its log-mel features over time, P(class) at each step, and where
/// the labels (classes) are aligned. Returns log P(class | step).
Tensor show_heard(Lesson& lesson, const Recogniser& model, const Sound& sound, const std::string& title,
                  const PrefixBeamOptions& options = {});

/// "3 1 4", of classes.
std::string digits_text(const std::vector<int32_t>& classes);

}  // namespace unroll
