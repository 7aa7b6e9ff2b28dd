#include "tutorials/08_training/exercise.hpp"

#include <fmt/format.h>

#include "tutorials/grader/exam.hpp"

using namespace unroll;
using namespace unroll::exercise;
using grader::Exam;

MAY_CALL("matmul", "tanh", "sqrt", "sum", "mean", "stack", "concat", "row", "slice", "reshape");

namespace {

/// Gradients of parameters of several shapes, numbers in ±size.
Gradients gradients(Exam& exam, const std::vector<Shape>& shapes, double size = 1, const char* name = "g") {
    Gradients all;
    for (size_t i = 0; i < shapes.size(); i++)
        all.push_back(exam.input(fmt::format("{}{}", name, i), shapes[i], -size, size));
    return all;
}

void answer(Exam& exam, const char* what, const std::vector<Tensor>& tensors, size_t expected) {
    if (tensors.size() != expected)
        throw Error(fmt::format("{} are {} tensors, expected {}: one a parameter", what, tensors.size(), expected));
    for (size_t i = 0; i < tensors.size(); i++) exam.answer(fmt::format("{} {}", what, i), tensors[i]);
}

const std::vector<Shape> several = {{{3, 'H'}, {4, 'D'}}, {{3, 'H'}}, {{2, 'T'}, {1, 'B'}, {3, 'H'}}};
const std::vector<Shape> single = {{{1, 'H'}}};

struct Size {
    const char* name;
    int64_t T, B, H;
};
const Size sizes[] = {
    {"T=4, B=3, H=5", 4, 3, 5}, {"T=1, B=1, H=8", 1, 1, 8}, {"T=5, B=2, H=1", 5, 2, 1}, {"T=3, B=3, H=3", 3, 3, 3}};

Tensor sequence(Exam& exam, const char* name, const Size& s) {
    return exam.input(name, {{s.T, 'T'}, {s.B, 'B'}, {s.H, 'H'}});
}

}  // namespace

EXERCISE("8.1 global_norm (10 points)") {
    exam.begin_case("three tensors");
    exam.answer("norm", global_norm(gradients(exam, several)));
    exam.begin_case("one number");
    exam.answer("norm", global_norm(gradients(exam, single)));
    exam.begin_case("exploded");
    exam.answer("norm of 1e200", global_norm(gradients(exam, several, 1e200)) / 1e200);
    exam.begin_case("vanished");
    exam.answer("norm of 1e-200", global_norm(gradients(exam, several, 1e-200)) * 1e200);
    exam.begin_case("nothing flowed");
    Gradients none = gradients(exam, several, 0);
    exam.answer("norm of zeros, plus 1", global_norm(none) + 1);
}

EXERCISE("8.2 clip_by_norm (15 points)") {
    for (double tau : {0.5, 100.0}) {
        exam.begin_case(fmt::format("tau={}", tau));
        const auto given = gradients(exam, several);
        const Clipped c = clip_by_norm(given, tau);
        for (size_t i = 0; i < given.size() && i < c.gradients.size(); i++)
            if (c.gradients[i].same_storage(given[i]))
                throw Error(fmt::format("gradient {} is the caller's own tensor: give new ones, clipped or not", i));
        exam.answer("norm", c.norm);
        answer(exam, "gradient", c.gradients, several.size());
    }
    exam.begin_case("one number");
    const Clipped c = clip_by_norm(gradients(exam, single, 3), 0.01);
    exam.answer("norm", c.norm);
    answer(exam, "gradient", c.gradients, 1);
}

EXERCISE("8.3 clip_by_value (10 points)") {
    for (double limit : {0.3, 5.0}) {
        exam.begin_case(fmt::format("limit={}", limit));
        const ClippedValues c = clip_by_value(gradients(exam, several), limit);
        exam.answer("cosine", c.cosine);
        answer(exam, "gradient", c.gradients, several.size());
    }
    exam.begin_case("one number");
    const ClippedValues c = clip_by_value(gradients(exam, single, 3), 0.01);
    exam.answer("cosine", c.cosine);
    answer(exam, "gradient", c.gradients, 1);
}

EXERCISE("8.4 dropout (15 points)") {
    for (const Size& s : sizes)
        for (double p : {0.4, 0.0}) {
            exam.begin_case(fmt::format("{}, p={}", s.name, p));
            const Tensor x = sequence(exam, "x", s);
            const Tensor draws = exam.input("draws", x.shape(), 0, 1);
            const Dropped d = dropout_forward(x, draws, p, true);
            exam.answer("y", d.y);
            exam.answer("mask", d.mask);
        }
    for (const Size& s : sizes) {
        exam.begin_case(fmt::format("evaluation, {}", s.name));
        const Tensor x = sequence(exam, "x", s);
        const Dropped d = dropout_forward(x, exam.input("draws", x.shape(), 0, 1), 0.4, false);
        exam.answer("y at evaluation", d.y);
        exam.answer("mask at evaluation", d.mask);
    }
    for (const Size& s : sizes) {
        exam.begin_case(fmt::format("backward, {}", s.name));
        const Tensor x = sequence(exam, "x", s), draws = exam.input("draws", x.shape(), 0, 1);
        const Tensor mask = exam.recorded("mask", [&] { return dropout_forward(x, draws, 0.4, true).mask; });
        exam.answer("dx", dropout_backward(sequence(exam, "dy", s), mask));
    }
}

EXERCISE("8.5 variational_dropout (10 points)") {
    for (const Size& s : sizes) {
        exam.begin_case(s.name);
        const Tensor x = sequence(exam, "x", s);
        const Tensor draws = exam.input("draws", {{s.B, 'B'}, {s.H, 'H'}}, 0, 1);
        const Dropped d = variational_forward(x, draws, 0.35, true);
        exam.answer("y", d.y);
        exam.answer("mask", d.mask);
    }
    for (const Size& s : sizes) {
        exam.begin_case(fmt::format("evaluation, {}", s.name));
        const Tensor x = sequence(exam, "x", s);
        const Tensor draws = exam.input("draws", {{s.B, 'B'}, {s.H, 'H'}}, 0, 1);
        const Dropped d = variational_forward(x, draws, 0.35, false);
        exam.answer("y at evaluation", d.y);
        exam.answer("mask at evaluation", d.mask);
    }
    for (const Size& s : sizes) {
        exam.begin_case(fmt::format("backward, {}", s.name));
        const Tensor x = sequence(exam, "x", s), draws = exam.input("draws", {{s.B, 'B'}, {s.H, 'H'}}, 0, 1);
        const Tensor mask = exam.recorded("mask", [&] { return variational_forward(x, draws, 0.35, true).mask; });
        exam.answer("dx", variational_backward(sequence(exam, "dy", s), mask));
    }
}

EXERCISE("8.6 layer_norm_forward (15 points)") {
    for (const Size& s : sizes)
        for (double eps : {1e-5, 0.5}) {
            exam.begin_case(fmt::format("B={}, H={}, eps={}", s.B, s.H, eps));
            const Tensor x = exam.input("x", {{s.B, 'B'}, {s.H, 'H'}});
            const Tensor weight = exam.input("weight", {{s.H, 'H'}}), bias = exam.input("bias", {{s.H, 'H'}});
            const Normalised n = layer_norm_forward(x, weight, bias, eps);
            exam.answer("y", n.y);
            exam.answer("x_hat", n.x_hat);
            exam.answer("inverse", n.inverse);
        }
}

EXERCISE("8.7 layer_norm_backward (15 points)") {
    for (const Size& s : sizes) {
        exam.begin_case(fmt::format("B={}, H={}", s.B, s.H));
        const Tensor x = exam.input("x", {{s.B, 'B'}, {s.H, 'H'}});
        const Tensor weight = exam.input("weight", {{s.H, 'H'}}), bias = exam.input("bias", {{s.H, 'H'}});
        const Tensor x_hat = exam.recorded("x_hat", [&] { return layer_norm_forward(x, weight, bias, 0.1).x_hat; });
        const Tensor inverse =
            exam.recorded("inverse", [&] { return layer_norm_forward(x, weight, bias, 0.1).inverse; });
        const NormGradients g = layer_norm_backward(exam.input("dy", x.shape()), x_hat, inverse, weight);
        exam.answer("dx", g.dx);
        exam.answer("dweight", g.dweight);
        exam.answer("dbias", g.dbias);
    }
}

EXERCISE("8.8 accumulated_step (10 points)") {
    struct Step {
        const char* name;
        std::vector<double> sizes;
        double tau;
    };
    for (const Step& s : {Step{"three unequal batches, clipped", {4, 1, 3}, 0.4},
                          Step{"two batches, not clipped", {2, 5}, 50}, Step{"one batch", {3}, 0.2}}) {
        exam.begin_case(s.name);
        const std::vector<Tensor> parameters = gradients(exam, several, 1, "parameter");
        std::vector<Gradients> micro;
        for (size_t m = 0; m < s.sizes.size(); m++)
            micro.push_back(gradients(exam, several, 1, fmt::format("micro{} g", m).c_str()));
        answer(exam, "parameter", accumulated_step(parameters, micro, s.sizes, s.tau, 0.7), several.size());
    }
}
