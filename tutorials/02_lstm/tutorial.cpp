// Chapter 02: the LSTM. The prose that goes with it is README.md.
#include "tutorials/02_lstm/chapter.hpp"

using namespace unroll;

int main(int argc, char** argv) {
    Lesson lesson({.number = "02", .title = "LSTM"});
    return lesson.run(argc, argv, [&] {});
}
