#pragma once
#include <string>

#include "tutorials/lesson/lesson.hpp"

// The parts of chapter 05, in the order they are told.
namespace unroll {

struct CaptionChapterOptions {
    std::string data = UNROLL_ROOT "/data";  // where data/emoji-captions is
    std::string captioner;                   // folder of a trained one, to be measured; "": the best of the comparison
    int seeds = 3;
};

void tell_encoder(Lesson& lesson);   // convolution, pooling, batch normalisation: by hand, and gradients
void tell_decoders(Lesson& lesson);  // the same v at each step; spatial attention; gradients of whole models
void tell_sampling(Lesson& lesson);  // teacher forcing, scheduled sampling and its decays
void tell_captions(Lesson& lesson, const CaptionChapterOptions& options);  // emoji: trained, compared, looked at

}  // namespace unroll
