// Chapter 04: language models. The prose that goes with it is README.md.
#include <filesystem>

#include "tutorials/04_language_models/chapter.hpp"

namespace unroll {

Texts find_texts(const lesson::LanguageModelLine& line) {
    if (!line.text.empty()) return {line.text, line.text, "text_characters", "text_words"};
    const std::filesystem::path data = line.data;
    const auto there = [](const std::filesystem::path& path) {
        std::error_code unreadable;
        return std::filesystem::exists(path, unreadable);
    };
    for (const char* file : {"train.u16", "wiki.train.tokens", "ptb.train.txt"})
        if (there(data / file)) return {"", data.string(), "", "words", true};
    if (there(data / "austen")) {
        const std::string austen = (data / "austen").string();
        return {austen, austen, "austen_characters", "austen_words"};
    }
    Texts texts{"", "", "shakespeare_characters", "wikitext2", true};
    for (const auto& input : {data / "input.txt", data / "tinyshakespeare" / "input.txt"})
        if (there(input)) texts.characters = input.string();
    if (there(data / "wikitext-2")) texts.words = (data / "wikitext-2").string();
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
