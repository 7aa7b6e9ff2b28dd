// Chapter 04: language models. The prose that goes with it is README.md.
#include "tutorials/04_language_models/chapter.hpp"
#include "tutorials/lesson/door.hpp"

namespace unroll {

Texts find_texts(const lesson::LanguageModelLine& line) {
    if (!line.text.empty()) return {line.text, line.text, "text_characters", "text_words"};
    using lesson::door::exists;
    for (const char* file : {"/train.u16", "/wiki.train.tokens", "/ptb.train.txt"})
        if (exists(line.data + file)) return {"", line.data, "", "words", true};
    const std::string austen = line.data + "/austen", wikitext = line.data + "/wikitext-2";
    if (exists(austen)) return {austen, austen, "austen_characters", "austen_words"};
    Texts texts{"", "", "shakespeare_characters", "wikitext2", true};
    for (const char* input : {"/input.txt", "/tinyshakespeare/input.txt"})
        if (exists(line.data + input)) texts.characters = line.data + input;
    if (exists(wikitext)) texts.words = wikitext;
    if (texts.characters.empty() && texts.words.empty())
        throw Error("{}: holds none of austen, tinyshakespeare, wikitext-2 and the files of WikiText or PTB",
                    line.data);
    return texts;
}

}  // namespace unroll

using namespace unroll;

int main(int argc, char** argv) {
    Lesson lesson({.number = "04", .title = "Language models"});
    lesson::LanguageModelLine line;
    std::string sentence = "she was very happy to see him.";
    line.add_to(lesson);
    lesson.option("--sentence TEXT", sentence, "what the model of words is to score, word by word");
    return lesson.run(argc, argv, [&] {
        line.prepare();
        const Texts texts = find_texts(line);
        tell_likelihood(lesson);
        tell_tied(lesson);
        tell_sampling(lesson);
        if (!texts.characters.empty()) tell_characters(lesson, line, texts);
        if (!texts.words.empty()) tell_words(lesson, line, texts, sentence);
    });
}
