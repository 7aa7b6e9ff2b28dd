#include "tutorials/00_tape/exercise.hpp"

#include <cmath>

#include "tutorials/grader/exam.hpp"

using namespace unroll;
using namespace unroll::exercise;

MAY_CALL("matmul", "sum", "exp", "log", "tanh");

namespace {

struct Size {
    const char* name;
    int64_t R, K, N;
};
const Size sizes[] = {{"R=3, K=5, N=4", 3, 5, 4},
                      {"R=1, K=1, N=1", 1, 1, 1},
                      {"R=1, K=7, N=2", 1, 7, 2},
                      {"R=5, K=1, N=3", 5, 1, 3},
                      {"R=4, K=4, N=4", 4, 4, 4}};

/// A tape of the exam, and the line to differentiate.
struct Program {
    const char* name;
    List list;
    int output;
    int inputs;
};
const Line input{Op::input};
const Program programs[] = {
    // w tanh(x) - b
    {"each value used once", {input, {Op::tanh, 0}, input, {Op::mul, 1, 2}, input, {Op::sub, 3, 4}}, 5, 3},
    // b = a + a, c = b + b
    {"a value used twice by one line", {input, {Op::add, 0, 0}, {Op::add, 1, 1}, {Op::mul, 2, 2}}, 3, 1},
    // both factors of the last line go back to line 0, on paths of different length
    {"a value used by several lines",
     {input, {Op::tanh, 0}, input, {Op::mul, 1, 2}, {Op::sub, 0, 3}, {Op::mul, 4, 1}, {Op::sub, 5, 5}, {Op::add, 5, 0}},
     7,
     2},
    // lines 1 and 4 play no part in line 3
    {"lines without influence", {input, input, {Op::mul, 0, 0}, {Op::tanh, 2}, {Op::mul, 3, 1}}, 3, 2},
};

/// Doubled and halved (by line 1) again and again: too deep for recursion, and with a number of paths back to line 0
/// that doubles every other line.
List long_list(int lines) {
    List list{input, input};
    for (int last = 0; static_cast<int>(list.size()) < lines; last = static_cast<int>(list.size()) - 1)
        list.push_back(list.size() % 2 == 0 ? Line{Op::add, last, last} : Line{Op::mul, last, 1});
    return list;
}

double cubic(const Tensor& x, const Tensor& w) {
    double sum = 0;
    for (int64_t i = 0; i < x.size(); i++)
        sum += w.flat(i) * std::pow(x.flat(i), 3) + x.flat(i) * x.flat((i + 1) % x.size());
    return sum;
}

}  // namespace

EXERCISE("0.1 linear (10 points)") {
    for (const Size& s : sizes) {
        exam.begin_case(s.name);
        const Tensor x = exam.input("x", {s.R, s.K}), W = exam.input("W", {s.N, s.K});
        exam.answer("y", linear(x, W));
    }
}

EXERCISE("0.2 linear_backward (15 points)") {
    for (const Size& s : sizes) {
        exam.begin_case(s.name);
        const Tensor x = exam.input("x", {s.R, s.K}), W = exam.input("W", {s.N, s.K});
        const Tensor dy = exam.input("dy", {s.R, s.N});
        const LinearGradients d = linear_backward(dy, x, W);
        exam.answer("dx", d.dx);
        exam.answer("dW", d.dW);
        exam.answer("db", d.db);
    }
}

EXERCISE("0.3 tanh_backward (10 points)") {
    for (const Shape& shape : {Shape{3, 4}, Shape{1}, Shape{2, 1, 5}}) {
        exam.begin_case(shape.str());
        const Tensor y = exam.input("y", shape, -0.95, 0.95), dy = exam.input("dy", shape);
        exam.answer("dx", tanh_backward(dy, y));
    }
}

EXERCISE("0.4 cross_entropy (15 points)") {
    for (const Size& s : {Size{"R=3, V=5", 3, 5, 0}, Size{"R=1, V=2", 1, 2, 0}, Size{"R=1, V=1", 1, 1, 0}}) {
        exam.begin_case(s.name);
        const CrossEntropy r = cross_entropy(exam.input("z", {s.R, s.K}, -3, 3), exam.ids("targets", {s.R}, s.K));
        exam.answer("p", r.p);
        exam.answer("loss", r.loss);
    }
    exam.begin_case("logits of 1000 and -1000");
    const Ids targets = exam.ids("targets", {3}, 6);
    Tensor z = exam.input("z", {3, 6}).clone();
    for (int64_t v = 0; v < 6; v++) {
        z.set({0, v}, z.at({0, v}) + 1000);
        z.set({1, v}, z.at({1, v}) - 1000);
    }
    z.set({2, targets[2]}, -1000);  // a target whose p is too small for a double
    const CrossEntropy r = cross_entropy(exam.given("z", z), targets);
    exam.answer("p far out", r.p);
    exam.answer("loss far out", r.loss);
}

EXERCISE("0.5 cross_entropy_backward (10 points)") {
    for (const Size& s : {Size{"R=3, V=5", 3, 5, 0}, Size{"R=1, V=4", 1, 4, 0}, Size{"R=6, V=2", 6, 2, 0}}) {
        exam.begin_case(s.name);
        const Tensor z = exam.input("z", {s.R, s.K}, -3, 3);
        const Ids targets = exam.ids("targets", {s.R}, s.K);
        const Tensor p = exam.recorded("p", [&] { return cross_entropy(z, targets).p; });
        exam.answer("dz", cross_entropy_backward(1, p, targets));
        exam.answer("dz with dloss", cross_entropy_backward(exam.input("dloss", {}, 2, 3).item(), p, targets));
    }
}

EXERCISE("0.6 run (10 points)") {
    for (const Program& p : programs) {
        exam.begin_case(p.name);
        exam.answer("values", run(p.list, exam.input("inputs", {p.inputs}, 0.2, 1).to_vector()));
    }
    exam.begin_case("100,000 lines");
    const std::vector<double> values = run(long_list(100000), {exam.input("v", {}, 0.2, 1).item(), 0.5});
    exam.answer("last value of a long list", values.at(99999));
}

EXERCISE("0.7 run_backward (15 points)") {
    for (const Program& p : programs) {
        exam.begin_case(p.name);
        const Tensor inputs = exam.input("inputs", {p.inputs}, 0.2, 1);
        const Tensor values = exam.recorded("values", [&] {
            const std::vector<double> v = run(p.list, inputs.to_vector());
            return Tensor::from(v, {static_cast<int64_t>(v.size())}, DType::f64);
        });
        exam.answer(p.name, run_backward(p.list, values.to_vector(), p.output));
    }
    exam.begin_case("100,000 lines");
    const List list = long_list(100000);
    std::vector<double> values{exam.input("v", {}, 0.2, 1).item(), 0.5};
    while (values.size() < list.size()) values.push_back(values.back() == values[0] ? 2 * values[0] : values[0]);
    values[2] = 2 * values[0];
    const std::vector<double> d = run_backward(list, values, 99999);
    exam.answer("a long list", {d.at(0), d.at(1), d.at(50000)});
}

EXERCISE("0.8 numeric_gradient (15 points)") {
    for (const Shape& shape : {Shape{4}, Shape{2, 3}, Shape{1, 1}}) {
        exam.begin_case(shape.str());
        const Tensor x = exam.input("x", shape), w = exam.input("w", shape);
        const auto f = [&](const Tensor& at) { return cubic(at, w); };
        exam.answer("gradient", numeric_gradient(f, x, 0.01));
        exam.answer("gradient with another h", numeric_gradient(f, x, 0.25));
    }
}
