// Chapter 03: the GRU. The prose that goes with it is README.md.
#include "tutorials/lesson/lesson.hpp"

using namespace unroll;

int main(int argc, char** argv) {
    Lesson lesson({.number = "03", .title = "The GRU"});
    return lesson.run(argc, argv, [&] {});
}
