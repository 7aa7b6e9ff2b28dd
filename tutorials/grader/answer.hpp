#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace unroll::grader {

/// One tensor that an exercise gave, in one of its cases. What travels between the reader's program and the grader, and
/// what is recorded: always a line of JSON, `{"answer": "dW", "case": "T=3, B=2", "shape": [4, 4], "values": [...]}`,
/// where null stands for NaN and infinity.
struct Answer {
    std::string name, in_case;
    std::vector<int64_t> shape;
    std::vector<double> values;  // row-major
    bool f32 = false;

    std::string label() const { return in_case.empty() || in_case == name ? name : name + " (" + in_case + ")"; }
};

/// How a run of one exercise ended.
struct Ending {
    enum class Kind { done, unimplemented, threw, died };
    Kind kind = Kind::died;
    std::string text = {};  // of the exception, or how it died
};

/// What one run of an exercise's test gave.
struct Outcome {
    std::vector<Answer> answers;
    std::vector<Answer> neighbours;    // computed while recording
    std::vector<std::string> changed;  // inputs that the code wrote into: "dh (T=3, B=2)"
    Ending ending;
    std::string printed = {};  // standard output and error
};

/// An exercise as its test announces it.
struct Title {
    std::string id, name;  // "0.3", "softmax_cross_entropy"
    int points = 0;
};

/// Equal to 1e-7 of the largest entry, of the same shape and type; NaN equals NaN.
bool same(const Answer& a, const Answer& b);

std::string to_line(const char* kind, const Answer& answer);  // kind: "answer" or "neighbour"
std::string to_line(const std::string& key, const std::string& text);
std::string to_line(const Title& title);

/// The lines a run wrote. Lines that make no sense (whoever wrote them) are left out.
Outcome parse_outcome(const std::string& lines);
struct Contents {
    std::vector<Title> exercises;
    std::vector<std::string> library;  // functions of the library that the exercises may call
};
Contents parse_contents(const std::string& lines);

}  // namespace unroll::grader
