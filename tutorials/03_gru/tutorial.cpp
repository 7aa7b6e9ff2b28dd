// Chapter 03: the GRU. The prose that goes with it is README.md.
#include "tutorials/03_gru/chapter.hpp"

using namespace unroll;

int main(int argc, char** argv) {
    Lesson lesson({.number = "03", .title = "The GRU"});
    ComparisonOptions options;
    lesson.option("--data DIR", options.data, "where the data sets are");
    lesson.option("--seeds N", options.seeds, 1, 100, "trainings of each model (with --quick one)");
    return lesson.run(argc, argv, [&] {
        tell_gates(lesson);
        tell_variants(lesson);
        tell_bptt(lesson);
        tell_comparison(lesson, options);
    });
}
