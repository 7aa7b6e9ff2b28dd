// Rows for core/ops: each operation, each kind of broadcast, axis and transposition, at odd sizes, T = 1 and B = 1.
#include <fmt/format.h>

#include "core/ops/dropout.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/lookup.hpp"
#include "core/ops/losses.hpp"
#include "core/ops/normalise.hpp"
#include "core/ops/reductions.hpp"
#include "core/ops/shape.hpp"
#include "tests/gradcheck/table.hpp"

namespace unroll {
namespace {

using Vars = std::vector<Var>;

void arithmetic(Table& table) {
    table.section("two operands");
    const std::vector<std::array<Shape, 2>> pairs = {
        {{{3, 5}, {3, 5}}},
        {{{2, 3, 37}, {2, 3, 37}}},
        {{{2, 3, 5}, {5}}},
        {{{5}, {2, 3, 5}}},
        {{{2, 3, 5}, {2, 3, 1}}},
        {{{3, 1}, {3, 5}}},
        {{{3, 5}, {1}}},
        {{{1, 1}, {3, 5}}},
        {{{2, 3, 5}, {}}},
        {{{}, {3, 5}}},
        {{{}, {}}},
        {{{1, 1, 5}, {5}}},
        {{{3, 1}, {1}}},
        {{{3, 1}, {3, 1}}},
        {{{2, 1, 5, 3}, {3}}},
    };
    using Operation = Var (*)(const Operand&, const Operand&);
    const std::vector<std::pair<const char*, Operation>> operations = {
        {"add", add}, {"sub", sub}, {"mul", mul}, {"div", div}};
    for (const auto& [name, f] : operations)
        for (const auto& [a, b] : pairs)
            table.check(fmt::format("{} {} {}", name, a.str(), b.str()), {{"a", a}, {"b", b, 2, 0.3}},
                        [f = f](const Vars& v) { return Vars{f(v[0], v[1])}; });
    table.check("x + x, x x, x / x", {{"x", {3, 5}, 2, 0.3}}, [](const Vars& v) {
        return Vars{v[0] + v[0], v[0] * v[0], v[0] / v[0], v[0] - v[0]};
    });
}

void functions(Table& table) {
    table.section("one operand");
    using Operation = Var (*)(const Operand&);
    const std::vector<std::pair<const char*, Operation>> operations = {
        {"sigmoid", sigmoid}, {"tanh", tanh}, {"relu", relu}, {"exp", exp}};
    const std::vector<Shape> shapes = {{7, 1, 3}, {1, 37}, {1}, {}};
    for (const Shape& shape : shapes) {
        for (const auto& [name, f] : operations)
            table.check(fmt::format("{} {}", name, shape.str()), {{"x", shape, 0, 2}},
                        [f = f](const Vars& v) { return Vars{f(v[0])}; });
        table.check(fmt::format("log {}", shape.str()), {{"x", shape, 2, 0.3}},
                    [](const Vars& v) { return Vars{log(v[0])}; });
        table.check(fmt::format("sqrt {}", shape.str()), {{"x", shape, 2, 0.3}},
                    [](const Vars& v) { return Vars{sqrt(v[0])}; });
    }
    table.check("2 - 3 x, x / 4, -x", {{"x", {3, 5}}}, [](const Vars& v) {
        return Vars{2 - 3 * v[0], v[0] / 4, -v[0]};
    });
}

void matrices(Table& table) {
    table.section("matrix products");
    const std::vector<std::array<int, 4>> sizes = {{7, 3, 5, 4}, {1, 1, 1, 1}, {1, 3, 9, 17}, {3, 1, 17, 1}};
    for (const auto& [T, B, K, N] : sizes) {
        const Input W{"W", {K, N}}, V{"V", {N, K}};  // V is stored [out, in]
        const Input x{"x", {T, B, K}}, row{"x", {K}}, m{"x", {B, K}}, n{"x", {K, B}};
        table.check(fmt::format("x {} W", x.shape.str()), {x, W},
                    [](const Vars& v) { return Vars{matmul(v[0], v[1])}; });
        table.check(fmt::format("x {} Wᵀ", x.shape.str()), {x, V},
                    [](const Vars& v) { return Vars{matmul(v[0], transposed(v[1]))}; });
        table.check(fmt::format("x {} W", row.shape.str()), {row, W},
                    [](const Vars& v) { return Vars{matmul(v[0], v[1])}; });
        table.check(fmt::format("x {} Wᵀ", row.shape.str()), {row, V},
                    [](const Vars& v) { return Vars{matmul(v[0], transposed(v[1]))}; });
        table.check(fmt::format("xᵀ {} W", n.shape.str()), {n, W},
                    [](const Vars& v) { return Vars{matmul(transposed(v[0]), v[1])}; });
        const Input b{"b", {N}};
        table.check(fmt::format("x {} Wᵀ + b, linear", x.shape.str()), {x, V, b},
                    [](const Vars& v) { return Vars{linear(v[0], v[1], v[2])}; });
        table.check(fmt::format("x {} Wᵀ + b, linear", row.shape.str()), {row, V, b},
                    [](const Vars& v) { return Vars{linear(v[0], v[1], v[2])}; });
        // A right operand that is no parameter: nothing is packed, no product waits.
        table.check(fmt::format("x {} tanh(W)", m.shape.str()), {m, W},
                    [](const Vars& v) { return Vars{matmul(v[0], tanh(v[1]))}; });
        table.check(fmt::format("x {} tanh(W)ᵀ", m.shape.str()), {m, V},
                    [](const Vars& v) { return Vars{matmul(v[0], transposed(tanh(v[1])))}; });
        table.check(fmt::format("tanh(x)ᵀ {} W", n.shape.str()), {n, W},
                    [](const Vars& v) { return Vars{matmul(transposed(tanh(v[0])), v[1])}; });
    }
    table.check("x xᵀ, xᵀ x, x² of one x", {{"x", {4, 4}}}, [](const Vars& v) {
        return Vars{matmul(v[0], transposed(v[0])), matmul(transposed(v[0]), v[0]), matmul(v[0], v[0])};
    });
    table.check("W at 7 steps", {{"h", {3, 4}}, {"W", {4, 4}, 0, 0.4}}, [](const Vars& v) {
        Var h = v[0];
        for (int t : h.tape()->steps(7)) h = t % 2 == 0 ? tanh(matmul(h, transposed(v[1]))) : tanh(matmul(h, v[1]));
        return Vars{h};
    });
    table.check("W of 1300 rows", {{"x", {650, 2}}, {"W", {2, 3}}},
                [](const Vars& v) {
                    return Vars{matmul(v[0], v[1]), matmul(tanh(v[0]), v[1])};
                },
                {.directions = 3});
}

void reductions(Table& table) {
    table.section("sums over axes, softmax");
    const std::vector<Shape> shapes = {{7, 3, 5}, {1, 1, 37}, {2, 1, 3, 5}, {5}, {1}};
    for (const Shape& shape : shapes) {
        const Input x{"x", shape};
        table.check(fmt::format("sum, mean {}", shape.str()), {x}, [](const Vars& v) {
            return Vars{sum(v[0]), mean(v[0])};
        });
        for (int axis = -1; axis < shape.rank(); axis++)
            table.check(fmt::format("sum, mean {} axis {}", shape.str(), axis), {x}, [axis](const Vars& v) {
                return Vars{sum(v[0], axis), mean(v[0], axis)};
            });
        table.check(fmt::format("softmax {}", shape.str()), {x}, [](const Vars& v) { return Vars{softmax(v[0])}; });
        table.check(fmt::format("log_softmax {}", shape.str()), {x},
                    [](const Vars& v) { return Vars{log_softmax(v[0])}; });
    }
    table.check("sum, mean of a scalar", {{"x", {}}}, [](const Vars& v) { return Vars{sum(v[0]), mean(v[0])}; });
    table.check("softmax, log_softmax of 30 x", {{"x", {3, 5}, 0, 30}}, [](const Vars& v) {
        return Vars{softmax(v[0]), log_softmax(v[0])};
    });
}

void normalisation(Table& table) {
    table.section("layer normalisation");
    for (const Shape& shape : {Shape{7, 3, 5}, Shape{1, 1, 37}, Shape{2, 1, 3, 17}, Shape{16}, Shape{3, 2}})
        for (double eps : {1e-5, 0.5})
            table.check(fmt::format("layer_norm {} eps={}", shape.str(), eps),
                        {{"x", shape, 3, 2}, {"weight", {shape[-1]}, 1}, {"bias", {shape[-1]}}},
                        [eps](const Vars& v) { return Vars{layer_norm(v[0], v[1], v[2], eps)}; });
    table.check("layer_norm of itself, H=1", {{"x", {5}}, {"z", {3, 1}}, {"b", {1}}}, [](const Vars& v) {
        return Vars{layer_norm(v[0], v[0], v[0]), layer_norm(v[1], v[2], v[2]) + v[1]};
    });
    table.check("layer_norm of constants", {{"weight", {5}}, {"bias", {5}}}, [](const Vars& v) {
        return Vars{layer_norm(Tensor::of({{1, 2, 3, 4, 7}, {0, 0, 0, 0, 0}}, DType::f64), v[0], v[1])};
    });
}

void shapes(Table& table) {
    table.section("shapes, parts, joining");
    const Input x{"x", {7, 3, 5}};
    table.check("reshape", {x}, [](const Vars& v) {
        return Vars{reshape(v[0], {21, 5}), reshape(v[0], Shape{105}), tanh(reshape(tanh(v[0]), {7, -1}))};
    });
    table.check("reshape [] [1, 1]", {{"x", {}}}, [](const Vars& v) { return Vars{reshape(v[0], Shape{1, 1})}; });
    table.check("slice", {x}, [](const Vars& v) {  // overlapping, of a parameter and of a value
        return Vars{slice(v[0], 0, 3), slice(v[0], 2, 7), slice(v[0], 4, 4), slice(tanh(v[0]), 1, 7)};
    });
    table.check("row", {x}, [](const Vars& v) {
        return Vars{row(v[0], 0), row(v[0], 6), row(v[0], 6), row(row(tanh(v[0]), 3), 2)};
    });
    table.check("rows at 7 steps, T=1 at 1", {x, {"z", {1, 1, 1}}}, [](const Vars& v) {
        Var h = row(v[0], 0);
        for (int t : h.tape()->steps(7)) h = tanh(h * 0.5 + row(v[0], t));
        return Vars{h, tanh(row(v[1], 0))};
    });
    table.check("columns", {x, {"b", {5}}}, [](const Vars& v) {
        return Vars{columns(v[0], 0, 3), columns(v[0], 2, 5), columns(v[1], 1, 4), columns(tanh(v[0]), 4, 5)};
    });
    for (int axis = -1; axis < 3; axis++) {
        const int last = axis == -1 ? 2 : axis;
        const Input a{"a", Shape{2, 3, 5}.with(last, 1)}, b{"b", Shape{2, 3, 5}.with(last, 4)};
        table.check(fmt::format("concat axis {}", axis), {a, b}, [axis](const Vars& v) {
            const std::vector<Var> list = {v[0], v[1], tanh(v[0]), v[1]};
            return Vars{concat(list, axis)};
        });
    }
    table.check("concat(h, x)", {{"h", {3, 5}}, {"x", {3, 4}}, {"b", {5}}}, [](const Vars& v) {
        return Vars{concat(v[0], v[1]), concat(v[1], tanh(v[1])), concat(v[2], v[2])};
    });
    table.check("stack", {{"a", {3, 5}}, {"b", {3, 5}}}, [](const Vars& v) {
        const std::vector<Var> list = {v[0], v[1], tanh(v[0]), v[1]}, one = {v[0]};
        return Vars{stack(list), stack(one)};
    });
}

void lookup_and_losses(Table& table) {
    table.section("lookup, dropout, losses");
    const Input E{"E", {5, 3}};
    table.check("embedding [2, 3], repeated ids", {E}, [](const Vars& v) {
        const Ids ids({4, 0, 4, 4, 2, 0}, {2, 3});
        return Vars{embedding(v[0], ids), embedding(tanh(v[0]), ids), embedding(v[0], Ids({1}))};
    });
    table.check("embedding at 4 steps", {E, {"h", {2, 3}}}, [](const Vars& v) {
        Var h = v[1];
        for (int t : h.tape()->steps(4)) h = tanh(h * 0.5 + embedding(v[0], Ids({t, 4})));
        return Vars{h};
    });
    table.check("dropout 0.4, 0", {{"x", {4, 7}}}, [](const Vars& v) {
        Generator rng(1);
        const Var y = dropout(v[0], 0.4, rng);
        return Vars{y, dropout(tanh(v[0]), 0.4, rng), dropout(v[0], 0, rng)};
    });
    table.check("variational_dropout 0.4, 0", {{"x", {4, 2, 7}}, {"z", {1, 5}}}, [](const Vars& v) {
        Generator rng(1);
        const Var y = variational_dropout(v[0], 0.4, rng);
        return Vars{y, variational_dropout(tanh(v[1]), 0.4, rng), variational_dropout(v[0], 0, rng)};
    });
    const Ids targets({6, -100, 0, 3, 3, -100}, {2, 3});
    for (const Reduction reduction : {Reduction::mean, Reduction::sum}) {
        const char* name = reduction == Reduction::mean ? "mean" : "sum";
        table.check(fmt::format("cross_entropy, {}, ignored targets", name), {{"x", {2, 3, 7}, 0, 3}},
                    [=](const Vars& v) { return Vars{cross_entropy(v[0], targets, {.reduction = reduction})}; });
        table.check(fmt::format("cross_entropy, {}, T=1 B=1", name), {{"x", {1, 1, 9}}}, [=](const Vars& v) {
            return Vars{cross_entropy(tanh(v[0]), Ids({8}, {1, 1}), {.ignore_index = 0, .reduction = reduction})};
        });
    }
    table.check("cross_entropy, smoothed labels", {{"x", {3, 7}, 0, 3}}, [](const Vars& v) {
        return Vars{cross_entropy(v[0], Ids({6, -100, 0}), {.label_smoothing = 0.1})};
    });
    table.check("cross_entropy, one class; [V]", {{"x", {3, 1}}, {"z", {4}}}, [](const Vars& v) {
        return Vars{cross_entropy(v[0], Ids({0, 0, 0})), cross_entropy(v[1], Ids({2}, Shape{}))};
    });
}

}  // namespace

void add_ops(Table& table) {
    arithmetic(table);
    functions(table);
    matrices(table);
    reductions(table);
    normalisation(table);
    shapes(table);
    lookup_and_losses(table);
}

}  // namespace unroll
