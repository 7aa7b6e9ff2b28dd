#pragma once
#include "tutorials/grader/recorded.hpp"

namespace unroll::grader {

/// What one exercise earned, and why not more.
struct Mark {
    Title title;
    int points = 0;
    bool written = true;                      // false for a blank
    std::vector<std::string> diagnoses = {};  // of the planted bugs that give the same wrong numbers
    std::vector<std::string> findings = {};   // what is wrong with which answer
    std::string printed = {};                 // by the reader's code
};

/// Each name of an answer is worth the same share of the points, and is right only if it is right in every case. Code
/// that writes into its inputs gets half. Wrong answers are compared with what the planted bugs gave: the bug that
/// explains most of them is named, then the one that explains most of the rest.
Mark mark(const RecordedExercise& exercise, const Outcome& outcome);

/// A line an exercise, "0.3 8/10 softmax_cross_entropy", what there is to say below it, and last "points 63/100".
std::string to_text(const std::vector<Mark>& marks);
/// The same as JSON, for instructors.
std::string to_json(const std::string& chapter, const std::vector<Mark>& marks);

int total(const std::vector<Mark>& marks);

/// What an object or archive of the reader's refers to and may not: the tape, operations that take a Var, functions of
/// the library that are the exercise itself (all but `library`, the arithmetic and what Tensor, Shape and Ids can do),
/// files, processes, exit. Of the C and C++ libraries what calculates and prints is allowed.
std::vector<std::string> forbidden_symbols(const std::string& archive, const std::vector<std::string>& library);
/// What a source includes that is no header: the solution's or the library's own code would be the reader's then.
std::vector<std::string> forbidden_includes(const std::string& source);

}  // namespace unroll::grader
