// Chapter 10: evaluation. The prose that goes with it is README.md.
#include "tutorials/10_evaluation/chapter.hpp"

using namespace unroll;

int main(int argc, char** argv) {
    Lesson lesson({.number = "10", .title = "Evaluation"});
    EvaluationOptions options;
    lesson.option("--data DIR", options.data, "where the data sets are");
    return lesson.run(argc, argv, [&] {
        tell_bleu(lesson, options);
        tell_rouge(lesson, options);
        tell_perplexity(lesson, options);
        tell_damage(lesson, options);
        tell_bootstrap(lesson, options);
    });
}
