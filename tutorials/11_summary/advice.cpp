// Which one should I use? Answers made of what the chapters measured, told where the figures bear them out.
#include <algorithm>
#include <cstdlib>

#include "data/text.hpp"
#include "tutorials/11_summary/chapter.hpp"

namespace unroll {
namespace {

/// A line of advice.tsv, with the figures put in.
class Advice {
  public:
    Advice(const std::vector<std::string>& row, const Figures& figures, const std::string& place)
        : question(row[0]), claim(row[1]), figures_(figures), place_(place) {
        for (size_t i = 0; i < row[2].size(); i++) {
            const size_t end = row[2][i] == '{' ? row[2].find('}', i) : std::string::npos;
            if (end == std::string::npos) {
                answer += row[2][i];
                continue;
            }
            std::string name = row[2].substr(i + 1, end - i - 1);
            const bool percent = !name.empty() && name.back() == '%';
            if (percent) name.pop_back();
            const double value = value_of(name);
            answer += percent ? fmt::format("{:.1f} %", 100 * value) : fmt::format("{:.4g}", value);
            i = end;
        }
        for (size_t begin = 0; begin < claim.size(); begin = std::min(claim.find(';', begin), claim.size() - 1) + 1)
            holds = compare(whitespace_words(claim.substr(begin, claim.find(';', begin) - begin))) && holds;
    }

    std::string question, claim, answer;
    bool holds = true;
    std::vector<std::string> missing = {};  // figures that no chapter has yet

  private:
    double value_of(const std::string& name) {
        const auto found = figures_.named.find(name);
        if (found != figures_.named.end()) return found->second;
        char* end = nullptr;
        const double number = std::strtod(name.c_str(), &end);
        if (!name.empty() && *end == 0) return number;
        missing.push_back(name);
        return 0;
    }
    /// "a < b", "a > 2 * b"
    bool compare(const std::vector<std::string>& words) {
        const bool scaled = words.size() == 5 && words[3] == "*";
        if ((words.size() != 3 && !scaled) || (words[1] != "<" && words[1] != ">"))
            throw Error("{}: {} is no claim like \"a < b\" or \"a > 2 * b\"", place_, in_quotes(claim));
        const double a = value_of(words[0]), b = value_of(words[2]) * (scaled ? value_of(words[4]) : 1);
        return words[1] == "<" ? a < b : a > b;
    }

    const Figures& figures_;
    std::string place_;
};

}  // namespace

void tell_advice(Lesson& lesson, const Figures& figures, const std::string& root) {
    lesson.section("Which one should I use?", "Summary");
    lesson.text(
        "Answers from the chapters' measurements: every number is one of theirs, and each answer stands here only as "
        "long as they bear it out. They were measured on small tasks in minutes; yours may differ, and the chapters "
        "show how to find out.");
    const std::string path = root + "/tutorials/11_summary/advice.tsv";
    const auto rows = load_table(path, 3);
    std::string later;
    for (size_t i = 1; i < rows.size(); i++) {
        const Advice advice(rows[i], figures, fmt::format("{}: line {}", path, i + 1));
        if (!advice.missing.empty()) {
            later += fmt::format("- *{}* Not measured yet: `{}`\n", advice.question, advice.missing[0]);
            continue;
        }
        if (advice.holds) lesson.text("*" + advice.question + "* " + advice.answer);
        lesson.check(fmt::format("`{}`", advice.claim), advice.holds);
    }
    if (!later.empty()) lesson.text(later);
}

}  // namespace unroll
