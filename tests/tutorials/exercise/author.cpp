// A chapter of two exercises whose author makes the mistake named by the environment variable MISTAKE. The same
// program, called ..._bug_1 or ..._bug_2, stands for the planted bugs.
#include <errno.h>

#include <cmath>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "core/ops/elementwise.hpp"
#include "tutorials/grader/exam.hpp"

using namespace unroll;
using grader::Exam;

namespace {

bool mistake(const char* name) {
    return std::getenv("MISTAKE") != nullptr && std::string(std::getenv("MISTAKE")) == name;
}

bool is_bug(int i) {
    const std::string program = program_invocation_name, ending = "_bug_" + std::to_string(i);
    return program.size() > ending.size() && program.compare(program.size() - ending.size(), ending.npos, ending) == 0;
}

void first(Exam& exam) {
    if (mistake("no answer")) return;
    for (const char* name : {"short", "long"}) {
        exam.begin_case(name);
        Tensor x = exam.input("x", {3});
        if (mistake("zeros")) x = Tensor::zeros({3}, DType::f64);
        if (mistake("nan")) x = Tensor::full({3}, NAN, DType::f64);
        if (mistake("in place")) x.fill(1);
        if (mistake("throws")) throw std::runtime_error("oh");
        const bool wrong = is_bug(1) && !mistake("harmless");
        exam.answer("y", wrong || (is_bug(2) && mistake("alike")) ? x + 1.0 : is_bug(2) ? x + 2.0 : x);
        if (mistake("twice")) exam.answer("y", x);
        if (is_bug(2) && !mistake("alike")) throw std::runtime_error("f (bug.cpp:12): the second case is missing");
    }
}

void second(Exam& exam) {
    const Tensor x = exam.input("x", {2});
    const Tensor neighbour = exam.recorded("neighbour", [&] { return Tensor(x + 1.0); });
    exam.answer("y", mistake("felt elsewhere") && is_bug(1) ? x + 3.0 : neighbour);
}

const grader::Registration registrations[] = {
    {mistake("points") ? "9.1 first (59 points)" : "9.1 first (60 points)", first},
    {"9.2 second (40 points)", second},
};

}  // namespace

MAY_CALL("matmul", "tanh");
