// What a tensor is, and what operations do with it.
#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "tutorials/00_tape/chapter.hpp"

namespace unroll {
namespace {

void numbers_in_memory(Lesson& lesson) {
    lesson.section("Tensors: numbers in memory, and a shape");
    lesson.text(
        R"(A tensor is a block of numbers and a shape that says how to count in it. Here 2 rows of 3 columns; the
letters R and K are for the reader's eye only.)");
    const Tensor x = Tensor::of({{1, 2, 3}, {4, 5, 6}}, DType::f64).named("RK");
    lesson.show("x", x);
    lesson.text(
        "In memory there are no rows. The numbers stand in one line, the last index running fastest (row-major):");
    lesson::Table places{.caption = "Where x[r, k] stands", .header = {"index", "place $r K + k$", "number there"}};
    for (int64_t r = 0; r < x.dim(0); r++)
        for (int64_t k = 0; k < x.dim(1); k++) {
            const int64_t place = r * x.dim(1) + k;
            places.rows.push_back({"`[" + std::to_string(r) + ", " + std::to_string(k) + "]`", place, x.flat(place)});
        }
    lesson.table(places);

    lesson.section("Views share, clones copy");
    lesson.text(
        R"(A row of a tensor lies in one piece, so taking it costs nothing: `x.row(1)` is the same memory with another
shape. So is `x.reshape({3, 2})`, and so is a plain copy `y = x`. What is written through one of them shows
in all.)");
    Tensor shared = x.clone();
    const Tensor copy = shared.clone();
    Tensor row = shared.row(1);
    row.set({0}, 40);
    lesson.show("after row.set({0}, 40): the tensor", shared);
    lesson.show("... and reshaped to [3, 2]", shared.reshape({3, 2}));
    lesson.show("... and the clone made before", copy);
    lesson.check("the row is a view: the tensor has changed with it", shared.at({1, 0}) == 40);
    lesson.check("the clone has not", copy.at({1, 0}) == 4);
}

void operations(Lesson& lesson) {
    lesson.section("Operations");
    lesson.text(
        R"(A layer of a network is a matrix product and a bias. A weight is stored `[out, in]`, here 2 outputs of 3
inputs, and each row of x is one example:)");
    lesson.equation(R"(y_{r,n} = \sum_k x_{r,k} W_{n,k} + b_n)", "y[r, n] = Σ_k x[r, k] W[n, k] + b[n]");
    const Tensor x = Tensor::of({{1, 2, 3}, {4, 5, 6}}, DType::f64).named("RK");
    const Tensor W = Tensor::of({{1, 0, -1}, {2, 1, 0}}, DType::f64).named("NK");
    const Tensor b = Tensor::of({10, 20}, DType::f64).named("N");
    const Tensor product = matmul(x, transposed(W));
    const Tensor y = product + b;
    lesson.show("W", W);
    lesson.show("x Wᵀ", product);
    lesson.show("y = x Wᵀ + b", y);
    const double by_hand = 1 * 2 + 2 * 1 + 3 * 0 + 20;
    lesson.check("$y_{0,1} = 1 \\cdot 2 + 2 \\cdot 1 + 3 \\cdot 0 + 20$", y.at({0, 1}) == by_hand);
    lesson.text(
        R"(The bias is one row, and it was added to every row: it is *repeated* over them. A column with one number for
each row and a single number are repeated likewise, and nothing else is. Whatever is repeated forward is
summed backward, so keep an eye on it.)");
    lesson.show("x ⊙ a column {{1}, {-1}}", x * Tensor::of({{1}, {-1}}, DType::f64));
    lesson.show("tanh(0.1 x)", tanh(x * 0.1));
    lesson.text("Shapes that don't fit are an error that names the line, the shapes, and often the cure:");
    try {
        matmul(x, W);
    } catch (const Error& e) {
        lesson.sample("what matmul(x, W) says", e.what());
    }
}

}  // namespace

void tell_tensors(Lesson& lesson) {
    numbers_in_memory(lesson);
    operations(lesson);
}

}  // namespace unroll
