// Each equation of the book, and the line of code that carries it out.
#include <algorithm>

#include "data/text.hpp"
#include "tutorials/11_summary/chapter.hpp"

namespace unroll {

std::vector<Equation> load_equations(const std::string& root) {
    const std::string path = root + "/tutorials/11_summary/equations.tsv";
    std::vector<Equation> equations;
    std::map<std::string, std::vector<std::string>> files;
    const auto rows = load_table(path, 4);
    for (size_t i = 1; i < rows.size(); i++) {
        const std::string &file = rows[i][2], &text = rows[i][3];
        if (files.count(file) == 0) files[file] = read_lines(root + "/" + file);
        int line = 0, found = 0;
        for (size_t k = 0; k < files[file].size(); k++)
            if (files[file][k].find(text) != std::string::npos) line = static_cast<int>(k) + 1, found++;
        if (found != 1)
            throw Error("{}: line {}: {} lines of {} hold {}, expected one", path, i + 1, found, file, in_quotes(text));
        equations.push_back({rows[i][0], rows[i][1], file, line});
    }
    return equations;
}

/// Short enough for a table: `nn/rnn.cpp:19`, or "chapter 01, `bptt.cpp:24`".
static std::string place(const Equation& e) {
    const std::string chapters = "tutorials/";
    if (e.file.compare(0, chapters.size(), chapters) != 0) return fmt::format("`{}:{}`", e.file, e.line);
    return fmt::format("chapter {}, `{}:{}`", e.file.substr(chapters.size(), 2), e.file.substr(e.file.rfind('/') + 1),
                       e.line);
}

void tell_map(Lesson& lesson, const std::string& root) {
    lesson.section("Every equation, and the line that carries it out", "Summary");
    const std::vector<Equation> equations = load_equations(root);
    lesson.text(
        "Looked up in the code as it is now: of each line the map keeps what it says, and the run finds where that "
        "stands.");
    std::vector<lesson::Table> tables;  // one for each part of the book
    std::map<std::string, int> files;
    for (const Equation& e : equations) {
        const size_t colon = std::min(e.section.find(": "), e.section.size());
        const std::string part = e.section.substr(0, colon);
        if (tables.empty() || tables.back().caption != part)
            tables.push_back({.caption = part, .header = {"section", "equation", "line"}});
        tables.back().rows.push_back(
            {e.section.substr(std::min(colon + 2, e.section.size())), "$" + e.tex + "$", place(e)});
        files[e.file]++;
    }
    for (const lesson::Table& table : tables) lesson.table(table);
    lesson.check(
        fmt::format("each of {} equations is found in exactly one place, in {} files", equations.size(), files.size()),
        !equations.empty());
}

}  // namespace unroll
