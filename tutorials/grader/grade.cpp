#include "tutorials/grader/grade.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <regex>
#include <set>
#include <sstream>

namespace unroll::grader {
namespace {

const Answer* find(const Outcome& outcome, const Answer& like) {
    for (const Answer& a : outcome.answers)
        if (a.name == like.name && a.in_case == like.in_case) return &a;
    return nullptr;
}

std::vector<std::string> names(const Outcome& outcome) {
    std::vector<std::string> list;
    for (const Answer& a : outcome.answers)
        if (std::find(list.begin(), list.end(), a.name) == list.end()) list.push_back(a.name);
    return list;
}

/// Whether two runs gave the same under this name, in every case of the exercise.
bool agree(const RecordedExercise& exercise, const std::string& name, const Outcome& a, const Outcome& b) {
    for (const Answer& right : exercise.solution.answers) {
        if (right.name != name) continue;
        const Answer *x = find(a, right), *y = find(b, right);
        if (x == nullptr || y == nullptr || !same(*x, *y)) return false;
    }
    return true;
}

/// An exception's text without the line it came from: the same mistake in another file.
std::string without_place(const Ending& ending) {
    return std::regex_replace(ending.text, std::regex(" \\([^()]*:[0-9]+\\)"), "");
}

const std::string changed_inputs = "";  // stands among the wrong names for inputs that were written into

/// Whether two runs ended in the same way at the same place, with the same answers until then.
bool stopped_alike(const RecordedExercise& exercise, const Outcome& a, const Outcome& b) {
    if (a.ending.kind != b.ending.kind || without_place(a.ending) != without_place(b.ending)) return false;
    for (const Answer& right : exercise.solution.answers) {
        const Answer *x = find(a, right), *y = find(b, right);
        if ((x == nullptr) != (y == nullptr) || (x != nullptr && !same(*x, *y))) return false;
    }
    return true;
}

/// Which of `wrong` this bug explains.
std::vector<std::string> explained(const RecordedExercise& exercise, const std::vector<std::string>& wrong,
                                   const Outcome& outcome, const Outcome& bug) {
    std::vector<std::string> list;
    const bool all = stopped_alike(exercise, outcome, bug);
    for (const std::string& name : wrong)
        if (name == changed_inputs ? outcome.changed == bug.changed : all || agree(exercise, name, outcome, bug))
            list.push_back(name);
    return list;
}

std::vector<std::string> diagnose(const RecordedExercise& exercise, std::vector<std::string> wrong,
                                  const Outcome& outcome) {
    std::vector<std::string> diagnoses;
    while (!wrong.empty() && diagnoses.size() < 3) {
        const Bug* best = nullptr;
        std::vector<std::string> most;
        size_t fewest_others = 0;  // answers in which the bug differs from the reader, right ones among them
        for (const Bug& bug : exercise.bugs) {
            const std::vector<std::string> all = names(exercise.solution);
            const size_t others = all.size() - explained(exercise, all, outcome, bug.outcome).size();
            std::vector<std::string> now = explained(exercise, wrong, outcome, bug.outcome);
            if (now.size() < most.size() || now.empty()) continue;
            if (now.size() == most.size() && others >= fewest_others) continue;
            best = &bug;
            most = now;
            fewest_others = others;
        }
        if (best == nullptr) break;
        diagnoses.push_back(best->diagnosis);
        for (const std::string& name : most) wrong.erase(std::find(wrong.begin(), wrong.end(), name));
    }
    return diagnoses;
}

std::string index_text(size_t flat, const std::vector<int64_t>& shape) {
    std::string text;
    for (size_t i = shape.size(); i-- > 0;) {
        text = fmt::format("{}{}{}", flat % static_cast<size_t>(shape[i]), text.empty() ? "" : ", ", text);
        flat /= static_cast<size_t>(shape[i]);
    }
    return "[" + text + "]";
}

std::string shape_text(const Answer& a) { return fmt::format("[{}]", fmt::join(a.shape, ", ")); }

/// c where got = c expected in every entry, else 1.
double common_factor(const Answer& got, const Answer& right) {
    double up = 0, down = 0;
    for (size_t i = 0; i < right.values.size(); i++) {
        up += got.values[i] * right.values[i];
        down += right.values[i] * right.values[i];
    }
    Answer scaled = right;
    const double c = down > 0 ? up / down : 1;
    for (double& v : scaled.values) v *= c;
    return right.values.size() > 1 && std::isfinite(c) && same(got, scaled) ? c : 1;
}

/// What is wrong with one answer, in words.
std::string describe(const Answer& got, const Answer& right) {
    if (got.shape != right.shape || got.values.size() != right.values.size())
        return fmt::format("its shape is {}, expected {}", shape_text(got), shape_text(right));
    if (got.f32)
        return "it is f32, expected f64: make tensors with the dtype of the inputs, Tensor::zeros(shape, x.dtype())";
    size_t worst = 0;
    double largest = 0;
    for (size_t i = 0; i < right.values.size(); i++) {
        const double difference = std::abs(got.values[i] - right.values[i]);
        if (std::isnan(difference)) return fmt::format("{} is NaN or infinite", index_text(i, got.shape));
        if (difference > largest) largest = difference, worst = i;
    }
    std::string text = fmt::format("{} is {:.6g}, expected {:.6g}", index_text(worst, got.shape), got.values[worst],
                                   right.values[worst]);
    const double factor = common_factor(got, right);
    if (factor == 0) return text + "; all of it is 0";
    return factor == 1 ? text : text + fmt::format("; every entry is {:.4g} times what it should be", factor);
}

/// The first case in which this answer is wrong; "" where it was only not reached.
std::string finding(const RecordedExercise& exercise, const std::string& name, const Outcome& outcome) {
    int cases = 0, good = 0;
    std::string first;
    for (const Answer& right : exercise.solution.answers) {
        if (right.name != name) continue;
        cases++;
        const Answer* got = find(outcome, right);
        if (got != nullptr && same(*got, right))
            good++;
        else if (first.empty() && (got != nullptr || outcome.ending.kind == Ending::Kind::done))
            first = right.label() + ": " + (got != nullptr ? describe(*got, right) : "there is no tensor");
    }
    return first.empty() || good == 0 ? first : fmt::format("{} (right in {} of {} cases)", first, good, cases);
}

/// Lines that can't be taken for the grader's own, nor do anything to a terminal.
std::string quoted(const std::string& printed) {
    std::istringstream in(printed);
    std::string text;
    int lines = 0;
    for (std::string line; std::getline(in, line); lines++) {
        if (lines == 50) return text + "    | ...\n";
        line.erase(std::remove_if(line.begin(), line.end(), [](char c) { return c >= 0 && c < ' ' && c != '\t'; }),
                   line.end());
        text += "    | " + line.substr(0, 500) + "\n";
    }
    return text;
}

}  // namespace

Mark mark(const RecordedExercise& exercise, const Outcome& outcome) {
    Mark m{exercise.title};
    m.printed = outcome.printed;
    const std::vector<std::string> all = names(exercise.solution);
    std::vector<std::string> wrong;
    for (const std::string& name : all)
        if (!agree(exercise, name, outcome, exercise.solution)) wrong.push_back(name);
    m.points = exercise.title.points * static_cast<int>(all.size() - wrong.size()) / static_cast<int>(all.size());
    if (outcome.ending.kind == Ending::Kind::unimplemented) {
        m.written = false;
        m.findings.push_back("not written yet");
    } else if (outcome.ending.kind != Ending::Kind::done) {
        m.findings.push_back(outcome.ending.text);
    }
    for (const std::string& name : wrong)
        if (const std::string text = finding(exercise, name, outcome); !text.empty()) m.findings.push_back(text);
    if (!outcome.changed.empty()) {
        m.findings.push_back(fmt::format("writes into its input {}", outcome.changed[0]));
        m.points /= 2;
        wrong.push_back(changed_inputs);
    }
    if (m.written) m.diagnoses = diagnose(exercise, wrong, outcome);
    return m;
}

int total(const std::vector<Mark>& marks) {
    int points = 0;
    for (const Mark& m : marks) points += m.points;
    return points;
}

std::string to_text(const std::vector<Mark>& marks) {
    std::string text;
    int of = 0;
    for (const Mark& m : marks) {
        text += fmt::format("{} {}/{} {}\n", m.title.id, m.points, m.title.points, m.title.name);
        for (const std::string& line : m.diagnoses) text += "    " + line + "\n";
        for (const std::string& line : m.findings) text += "    " + line + "\n";
        text += quoted(m.printed);
        of += m.title.points;
    }
    return text + fmt::format("points {}/{}\n", total(marks), of);
}

}  // namespace unroll::grader
