// Chapter 00: tensors and the tape. The prose that goes with it is README.md.
#include "tutorials/00_tape/chapter.hpp"

using namespace unroll;

int main(int argc, char** argv) {
    Lesson lesson({.number = "00", .title = "Tensors and the tape"});
    return lesson.run(argc, argv, [&] {
        tell_tensors(lesson);
        tell_tape(lesson);
        tell_differences(lesson);
    });
}
