// Chapter 03: the GRU. The prose that goes with it is README.md.
#include "tutorials/03_gru/chapter.hpp"

using namespace unroll;

int main(int argc, char** argv) {
    Lesson lesson({.number = "03", .title = "The GRU"});
    Comparison comparison;
    lesson.option("--data DIR", comparison.data, "where the data sets are");
    lesson.option("--seeds N", comparison.seeds, 1, 100, "trainings of each cell (with --quick one)");
    return lesson.run(argc, argv, [&] {
        comparison.contestants = contestants();
        if (lesson.quick()) comparison.seeds = 1;
        tell_gates(lesson);
        tell_variants(lesson);
        tell_bptt(lesson);
        tell_adding(lesson, comparison);
        tell_memory(lesson, comparison);
        tell_austen(lesson, comparison);
        tell_table(lesson, comparison);
    });
}
