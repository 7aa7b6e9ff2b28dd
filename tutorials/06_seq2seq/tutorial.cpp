// Chapter 06: sequence to sequence. The prose that goes with it is README.md.
#include "tutorials/06_seq2seq/chapter.hpp"

using namespace unroll;

int main(int argc, char** argv) {
    Lesson lesson({.number = "06", .title = "Sequence to sequence"});
    std::string data = UNROLL_ROOT "/data";
    int seeds = 3;
    lesson.option("--data DIR", data, "where the data sets are");
    lesson.option("--seeds N", seeds, 1, 100, "trainings of each model in the comparison (with --quick one)");
    return lesson.run(argc, argv, [&] {
        tell_encoder(lesson);
        tell_scores(lesson);
        tell_decoders(lesson);
        tell_search(lesson);
        tell_translator(lesson, data);
        tell_comparison(lesson, data, lesson.quick() ? 1 : seeds);
    });
}
