// Each equation of the book, and the line of code that carries it out.
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

void tell_map(Lesson& lesson, const std::string& root) {
    lesson.section("Every equation, and the line that carries it out", "Summary");
    const std::vector<Equation> equations = load_equations(root);
    lesson::Table table{.caption =
                            "Looked up in the code as it is now: of each line the map keeps what it says, and "
                            "the run finds where that stands.",
                        .header = {"section of the book", "equation", "line"}};
    std::map<std::string, int> files;
    for (const Equation& e : equations) {
        table.rows.push_back({e.section, "$" + e.tex + "$", fmt::format("`{}:{}`", e.file, e.line)});
        files[e.file]++;
    }
    lesson.table(table);
    lesson.check(
        fmt::format("each of {} equations is found in exactly one place, in {} files", equations.size(), files.size()),
        !equations.empty());
}

}  // namespace unroll
