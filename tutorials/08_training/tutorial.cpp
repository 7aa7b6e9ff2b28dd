// Chapter 08: training techniques. The prose that goes with it is README.md.
#include "tutorials/08_training/chapter.hpp"

using namespace unroll;

int main(int argc, char** argv) {
    Lesson lesson({.number = "08", .title = "Training techniques"});
    TrainingOptions options;
    lesson.option("--data DIR", options.data, "where the data sets are");
    return lesson.run(argc, argv, [&] {
        tell_clipping(lesson);
        tell_dropout(lesson);
        tell_normalisation(lesson);
        tell_measured(lesson, options);
    });
}
