#include "tutorials/lesson/lesson.hpp"

using namespace unroll;

int main(int argc, char** argv) {
    Lesson lesson({.number = "07", .title = "Advanced architectures"});
    return lesson.run(argc, argv, [&] { lesson.section("Both directions"); });
}
