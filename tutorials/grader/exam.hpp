#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/ids.hpp"
#include "core/random.hpp"
#include "tutorials/grader/answer.hpp"
#include "tutorials/grader/unimplemented.hpp"

/// What a chapter's exercise_test.cpp is written with: a test case an exercise, its points in its name.
///
///     EXERCISE("1.2 rnn_step_backward (15 points)") {
///         for (const Size& s : sizes) {
///             exam.begin_case(s.name);                                          // "T=3, B=2"
///             const Tensor x = exam.input("x", {{s.B, 'B'}, {s.D, 'D'}});       // random, from the recording's seed
///             const Tensor h = exam.recorded("h", [&] { return rnn_step(...); });  // a neighbour: by the solution
///             const StepGradients d = rnn_step_backward(dh, x, h, ...);         // the reader's
///             exam.answer("dx", d.dx);
///             exam.answer("dW_xh", d.dW_xh);
///         }
///     }
///
/// This file is linked with one writing of exercise.hpp's functions (the reader's mine.cpp, the blanks, the solution, a
/// planted bug) to a program that knows no right answers: it runs one exercise and hands the raw numbers to the grader.
/// What is right, and what each planted bug gives instead, stands in the chapter's recorded.jsonl, which
/// `ninja -C build record-NN_name` writes anew after exercise_test.cpp, solution.cpp or bugs.toml have changed; a test
/// of suite `exercise` says when that was forgotten.
///
/// Rules for authors:
///  - Points of a chapter add up to 100. An answer's name is the unit of partial credit: each name is worth the same,
///  and
///    is right only if it is right in every case. Take several cases: odd and size-1 shapes, T > 1, non-constant
///    weights.
///  - Everything is f64. The inputs differ with the seed; write no expected number.
///  - An exercise gets what other exercises compute by exam.recorded(), and the solution's functions don't call each
///    other: so one mistake costs one exercise. Inputs and neighbours must come back unchanged, else half the points
///    go.
///  - A bug is found by its numbers: two bugs of one exercise must differ in some answer, and the inputs must be such
///  that
///    a wrong answer isn't right by accident (the recording refuses what code that does nothing would earn).
namespace unroll::grader {

class Exam {
  public:
    /// `neighbours`: what was recorded; `recording`: compute them instead.
    Exam(std::string exercise, uint64_t seed, bool recording, std::vector<Answer> neighbours,
         std::function<void(const std::string&)> write);

    /// The answers that follow belong to this case.
    void begin_case(const std::string& name);

    /// Uniform in [low, high), f64, other numbers for every name, case and seed.
    Tensor input(const std::string& name, const Shape& shape, double low = -1, double high = 1);
    /// Uniform in 0 .. below-1.
    Ids ids(const std::string& name, const Shape& shape, int64_t below);
    /// A tensor the test has made itself.
    Tensor given(const std::string& name, Tensor tensor);
    /// What another exercise computes: called while recording, with the solution; later the same numbers.
    Tensor recorded(const std::string& name, const std::function<Tensor()>& compute);

    void answer(const std::string& name, const Tensor& value);
    void answer(const std::string& name, double value) { answer(name, Tensor::full({}, value, DType::f64)); }
    void answer(const std::string& name, const std::vector<double>& values);

    /// Ends the last case.
    void end();

  private:
    struct Given {
        std::string name;
        Tensor tensor, copy;
    };
    Generator generator(const std::string& name) const;

    std::string exercise_, case_;
    uint64_t seed_;
    bool recording_;
    std::vector<Answer> neighbours_;
    std::function<void(const std::string&)> write_;
    std::vector<Given> given_;
};

struct Registration {
    Registration(const char* title, void (*run)(Exam&));  // "0.3 softmax_cross_entropy (20 points)"
    Registration(std::initializer_list<const char*> library);
};

#define UNROLL_JOIN(a, b) a##b
#define UNROLL_EXERCISE(title, n)                                                                                \
    static void UNROLL_JOIN(exercise_, n)(::unroll::grader::Exam & exam);                                        \
    static const ::unroll::grader::Registration UNROLL_JOIN(registration_, n)(title, UNROLL_JOIN(exercise_, n)); \
    static void UNROLL_JOIN(exercise_, n)(::unroll::grader::Exam & exam)
#define EXERCISE(title) UNROLL_EXERCISE(title, __LINE__)

/// Which functions of the library the exercises may call beside the members of Tensor, Shape and Ids (once a chapter):
/// `MAY_CALL("matmul", "tanh", "operator+")`. Their forms that take a Var are never among them.
#define MAY_CALL(...) static const ::unroll::grader::Registration may_call({__VA_ARGS__})
/// Those that a cell and its backward are written with: `MAY_CALL(TENSOR_OPERATIONS)`.
#define TENSOR_OPERATIONS                                                                                           \
    "matmul", "tanh", "sigmoid", "exp", "log", "sqrt", "sum", "mean", "stack", "concat", "row", "slice", "columns", \
        "reshape"

}  // namespace unroll::grader
