// Chapter 01: the basic RNN. The prose that goes with it is README.md.
#include "tutorials/01_basic_rnn/chapter.hpp"

using namespace unroll;

int main(int argc, char** argv) {
    Lesson lesson({.number = "01", .title = "The basic RNN"});
    LanguageModelOptions options;
    lesson.option("--text FILE", options.text, "learn from this text instead of Austen's novels");
    lesson.option("--data DIR", options.data, "where the data sets are");
    lesson.option("--prompt TEXT", options.prompt, "what the model is to continue");
    lesson.option("--checkpoint FILE", options.checkpoint, "keep the training there, and take it up again");
    lesson.option("--save FILE", options.save, "write the trained weights there, as safetensors");
    return lesson.run(argc, argv, [&] {
        tell_unrolled(lesson);
        tell_bptt(lesson);
        tell_vanishing_exploding(lesson);
        tell_language_model(lesson, options);
    });
}
