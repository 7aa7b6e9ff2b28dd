// Chapter 01: the basic RNN. The prose that goes with it is README.md.
#include "tutorials/01_basic_rnn/chapter.hpp"

using namespace unroll;

int main(int argc, char** argv) {
    Lesson lesson({.number = "01", .title = "The basic RNN"});
    lesson::LanguageModelLine options;
    options.add_to(lesson);
    return lesson.run(argc, argv, [&] {
        tell_unrolled(lesson);
        tell_bptt(lesson);
        tell_vanishing_exploding(lesson);
        tell_language_model(lesson, options);
    });
}
