// Chapter 07: bidirectional, deep and attending networks. The prose that goes with it is README.md.
#include "tutorials/07_advanced/chapter.hpp"

using namespace unroll;

int main(int argc, char** argv) {
    Lesson lesson({.number = "07", .title = "Both directions, many layers, looking back"});
    std::string data = UNROLL_ROOT "/data";
    lesson.option("--data DIR", data, "where the data sets are");
    return lesson.run(argc, argv, [&] {
        tell_bidirectional(lesson);
        tell_spaces(lesson, data);
        tell_deep(lesson);
        tell_depth_measured(lesson, data);
        tell_attention_rnn(lesson);
        tell_recall(lesson);
    });
}
