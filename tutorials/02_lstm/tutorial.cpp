// Chapter 02: the LSTM. The prose that goes with it is README.md.
#include "tutorials/02_lstm/chapter.hpp"

using namespace unroll;

int main(int argc, char** argv) {
    Lesson lesson({.number = "02", .title = "LSTM"});
    lesson::LanguageModelLine options;
    options.add_to(lesson);
    return lesson.run(argc, argv, [&] {
        tell_cell(lesson);
        tell_bptt(lesson);
        tell_memory(lesson);
        tell_variants(lesson);
        tell_adding(lesson);
        tell_language_model(lesson, options);
    });
}
