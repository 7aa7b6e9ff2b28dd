// Chapter 05: image captioning. The prose that goes with it is README.md.
#include "tutorials/05_captioning/chapter.hpp"

using namespace unroll;

int main(int argc, char** argv) {
    Lesson lesson({.number = "05", .title = "Image captioning"});
    CaptionChapterOptions options;
    lesson.option("--data DIR", options.data, "where the data sets are");
    lesson.option("--captioner FOLDER", options.captioner, "measure this one, made by build/tutorials/caption");
    lesson.option("--seeds N", options.seeds, 1, 20, "of the comparison");
    return lesson.run(argc, argv, [&] {
        tell_encoder(lesson);
        tell_decoders(lesson);
        tell_sampling(lesson);
        tell_captions(lesson, options);
    });
}
