// Chapter 11: summary. The prose that goes with it is README.md.
#include "tutorials/11_summary/chapter.hpp"

using namespace unroll;

int main(int argc, char** argv) {
    Lesson lesson({.number = "11", .title = "Summary"});
    std::string root = UNROLL_ROOT;
    lesson.option("--root DIR", root, "the checkout whose results and code are looked at");
    return lesson.run(argc, argv, [&] {
        const Figures figures = load_figures(root);
        tell_advice(lesson, figures, root);
        tell_figures(lesson, figures);
        tell_map(lesson, root);
    });
}
