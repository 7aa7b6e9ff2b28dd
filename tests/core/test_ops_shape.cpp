#include <array>

#include "core/ops/elementwise.hpp"
#include "core/ops/reductions.hpp"
#include "core/ops/shape.hpp"
#include "tests/core/numbers.hpp"
#include "tests/failure.hpp"

using namespace unroll;

TEST_CASE("reshape") {
    for (DType dtype : both_types) {
        const Tensor x = random({2, 3, 4}, dtype);
        Tape tape;
        const Var v = tape.input(x);
        const Var y = reshape(v, {6, -1}), z = reshape(v, Shape{{24, 'N'}});
        CHECK(y.shape() == Shape{6, 4});
        CHECK(z.shape().str() == "[N=24]");
        CHECK(y.value().same_storage(x));
        CHECK(reshape(x, {4, 6}).to_vector() == x.to_vector());
        CHECK(reshape(x, Shape{24}).shape() == Shape{24});
        const Tensor g = random({6, 4}, dtype, 2), k = random({24}, dtype, 3);
        tape.backward(sum(y * g) + sum(z * k));
        check_close(tape.grad(v), g.reshape({2, 3, 4}) + k.reshape({2, 3, 4}), 0);
        CHECK(failure([&] { reshape(v, {5, 5}); }) == "reshape (HERE): [2, 3, 4] has 24 elements, [5, 5] has 25");
        CHECK(failure([&] { reshape(v, {-1, 5}); }) == "reshape (HERE): [2, 3, 4] doesn't divide into rows of 5");
    }
}

TEST_CASE("slices and rows: views, gradients added where they belong") {
    for (DType dtype : both_types) {
        const Tensor x = random({{5, 'T'}, {2, 'B'}}, dtype);
        Tape tape;
        const Var v = tape.input(x);
        const Var a = slice(v, 1, 4), b = slice(v, 3, 5), c = row(v, 3), again = row(v, 3), none = slice(v, 2, 2);
        CHECK(a.value().same_storage(x));
        CHECK(a.shape().str() == "[T=3, B=2]");
        CHECK(c.shape().str() == "[B=2]");
        CHECK(c.value().to_vector() == x.row(3).to_vector());
        CHECK(slice(x, 1, 4).to_vector() == a.value().to_vector());
        CHECK(row(x, 3).to_vector() == c.value().to_vector());
        const Tensor g = random({3, 2}, dtype, 2);
        tape.backward(sum(a * g) + sum(b) + sum(c * 10) + sum(again * 100) + sum(none));
        Tensor expected = Tensor::zeros({5, 2}, dtype);
        expected.slice(1, 4) += g;
        expected.slice(3, 5) += Tensor::full({2, 2}, 1, dtype);
        expected.row(3) += Tensor::full({2}, 110, dtype);
        check_close(tape.grad(v), expected, rounding(dtype));
        CHECK(failure([&] { slice(v, 3, 6); }) == "slice (HERE): rows 3 to 6 of [T=5, B=2]");
        CHECK(failure([&] { row(v, 5); }) == "row (HERE): row 5 of [T=5, B=2]");
        CHECK(failure([&] { row(x, -1); }) == "row (HERE): row -1 of [T=5, B=2]");
    }
}

TEST_CASE("columns: the gates of one matrix") {
    for (DType dtype : both_types) {
        for (int64_t H : {1, 3, 64}) {
            const Tensor x = random({{7, 'B'}, 4 * H}, dtype);
            Tape tape;
            const Var v = tape.input(x);
            Var L;
            Tensor expected = Tensor::zeros({7, 4 * H}, dtype);
            for (int64_t k : {0, 1, 3, 3}) {
                const Var gate = columns(v, k * H, (k + 1) * H);
                CHECK(gate.shape().str() == "[B=7, " + std::to_string(H) + "]");
                for (int64_t b = 0; b < 7; b++)
                    for (int64_t i = 0; i < H; i++) {
                        CHECK(gate.value().at({b, i}) == x.at({b, k * H + i}));
                        expected.set({b, k * H + i},
                                     expected.at({b, k * H + i}) + static_cast<double>(k + 1 + (b == 2 ? 5 : 0)));
                    }
                Tensor g = Tensor::full({7, H}, static_cast<double>(k + 1), dtype);
                g.row(2) += Tensor::full({H}, 5, dtype);
                const Var part = sum(gate * g);
                L = L.tape() == nullptr ? part : L + part;
            }
            tape.backward(L);
            check_close(tape.grad(v), expected, 0);
            CHECK(columns(x, 1, 1).size() == 0);
            CHECK(columns(x.row(0), 0, 1).shape() == Shape{1});
            CHECK(columns(random({2, 3, 5}, dtype), 1, 4).shape() == Shape{2, 3, 3});
        }
        Tape tape;
        const Var v = tape.input(Tensor::zeros({{2, 'B'}, 3}, dtype));
        CHECK(failure([&] { columns(v, 1, 4); }) == "columns (HERE): columns 1 to 4 of [B=2, 3]");
        CHECK(failure([&] { columns(v, 2, 1); }) == "columns (HERE): columns 2 to 1 of [B=2, 3]");
        CHECK(failure([&] { columns(Tensor::of(1), 0, 1); }) == "columns (HERE): columns 0 to 1 of []");
    }
}

TEST_CASE("permute: every order of the axes, values and gradients") {
    for (DType dtype : both_types)
        for (const auto& order : {std::array{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 3, 0, 1}, {1, 0, 2, 3}, {0, 3, 1, 2}}) {
            const Tensor x = random({{2, 'B'}, {3, 'C'}, 4, 5}, dtype);
            Tape tape;
            const Var v = tape.input(x);
            const Var y = permute(v, {order[0], order[1], order[2], order[3]});
            CHECK(permute(x, {order[0], order[1], order[2], order[3]}).to_vector() == y.value().to_vector());
            const Tensor g = random(y.shape(), dtype, 2);
            tape.backward(sum(y * g));
            for (int64_t n = 0; n < x.size(); n++) {
                const int64_t i[4] = {n / 60, n / 20 % 3, n / 5 % 4, n % 5};
                const std::initializer_list<int64_t> there = {i[order[0]], i[order[1]], i[order[2]], i[order[3]]};
                CHECK(y.value().at(there) == x.flat(n));
                CHECK(tape.grad(v).flat(n) == g.at(there));
            }
        }
    const Tensor m = Tensor::of({{1, 2, 3}, {4, 5, 6}}).named("BC");
    CHECK(permute(m, {1, 0}).to_vector() == std::vector<double>{1, 4, 2, 5, 3, 6});
    CHECK(permute(m, {1, 0}).shape().str() == "[C=3, B=2]");
    CHECK(permute(Tensor::of(7), {}).item() == 7);
    CHECK(permute(Tensor::zeros({2, 0, 3}), {2, 0, 1}).shape() == Shape{3, 2, 0});
    for (const auto& wrong : {std::array{0, 0}, {0, 2}, {-1, 0}})
        CHECK(failure([&] {
                  permute(m, {wrong[0], wrong[1]});
              }) == "permute (HERE): the order of the axes of x [B=2, C=3] must name each of them once");
    CHECK(failure([&] { permute(m, {0}); }) != "");
    CHECK(failure([&] { permute(Tensor(), {}); }) != "");
}

TEST_CASE("concat along each axis") {
    for (DType dtype : both_types) {
        for (int axis = -3; axis < 3; axis++) {
            const int a = axis < 0 ? axis + 3 : axis;
            const Shape s{2, 3, 5};
            const Tensor x = random(s, dtype, 1), y = random(s.with(a, 1), dtype, 2),
                         z = random(s.with(a, 4), dtype, 3);
            const Tensor none = random(s.with(a, 0), dtype);
            const Tensor all = concat({x, y, none, z}, axis);
            CHECK(all.shape() == s.with(a, s[a] + 5));
            for (int64_t i = 0; i < all.dim(0); i++)
                for (int64_t j = 0; j < all.dim(1); j++)
                    for (int64_t k = 0; k < all.dim(2); k++) {
                        int64_t index[3] = {i, j, k};
                        const Tensor& from = index[a] < s[a] ? x : index[a] == s[a] ? y : z;
                        if (index[a] >= s[a]) index[a] -= index[a] == s[a] ? s[a] : s[a] + 1;
                        CHECK(all.at({i, j, k}) == from.at({index[0], index[1], index[2]}));
                    }
            Tape tape;
            const std::vector<Var> v{tape.input(x), tape.constant(y), tape.input(none), tape.input(z)};
            const Var c = concat(v, axis);
            CHECK(c.value().to_vector() == all.to_vector());
            const Tensor gx = random(x.shape(), dtype, 4), gy = random(y.shape(), dtype, 5),
                         gz = random(z.shape(), dtype, 6);
            tape.backward(sum(c * concat({gx, gy, none, gz}, axis)));
            check_close(tape.grad(v[0]), gx, 0);
            check_close(tape.grad(v[3]), gz, 0);
            CHECK(tape.grad(v[2]).size() == 0);
        }
    }
}

TEST_CASE("concat(h, x): the book's [h, x], of whatever the two are") {
    const Tensor h = Tensor::of({{1, 2}, {3, 4}}).named("BH"), x = Tensor::of({{5}, {6}}).named("BD");
    CHECK(concat(h, x).to_vector() == std::vector<double>{1, 2, 5, 3, 4, 6});
    CHECK(concat(h, x).shape().str() == "[B=2, 3]");  // neither H nor D any more
    CHECK(concat({h, h}).shape().str() == "[B=2, H=4]");
    CHECK(concat({h}).to_vector() == h.to_vector());
    const Parameter W("W", h.clone());
    Tape tape;
    const Var v = tape.input(x);
    const Var y = concat(W, v), z = concat(h, v), same = concat(v, v);
    CHECK(y.value().to_vector() == z.value().to_vector());
    tape.backward(sum(y * Tensor::of({{1, 2, 3}, {4, 5, 6}})) + sum(z * 10) + sum(same * Tensor::of({100, 1000})));
    CHECK(tape.grad(W).to_vector() == std::vector<double>{1, 2, 4, 5});
    CHECK(tape.grad(v).to_vector() == std::vector<double>{1113, 1116});
}

TEST_CASE("stack") {
    for (DType dtype : both_types) {
        const Tensor x = random({{2, 'B'}, {3, 'H'}}, dtype, 1), y = random({2, 3}, dtype, 2);
        CHECK(stack({x, y}).shape().str() == "[T=2, B=2, H=3]");
        CHECK(stack({x, y, x}, 'L').shape().str() == "[L=3, B=2, H=3]");
        CHECK(stack({x, y}).row(1).to_vector() == y.to_vector());
        CHECK(stack({Tensor::of(1, dtype), Tensor::of(2, dtype)}).to_vector() == std::vector<double>{1, 2});
        Tape tape;
        std::vector<Var> v{tape.input(x), tape.constant(y), tape.input(x)};
        v.push_back(v[0]);
        const Var s = stack(v);
        CHECK(s.value().to_vector() == stack({x, y, x, x}).to_vector());
        const Tensor g = random({4, 2, 3}, dtype, 3);
        tape.backward(sum(s * g));
        check_close(tape.grad(v[0]), g.row(0) + g.row(3), 0);
        check_close(tape.grad(v[2]), g.row(2), 0);
    }
}

TEST_CASE("joining: taught errors") {
    const Tensor h = Tensor::zeros({{32, 'B'}, {4, 'H'}}), x = Tensor::zeros({{31, 'B'}, {5, 'D'}});
    const Parameter W("W", h.clone());
    Tape tape;
    const Var vh = tape.input(h), vx = tape.input(x);
    CHECK(failure([&] { concat(h, x); }) ==
          "concat (HERE): shapes differ beside axis 1: x [B=32, H=4] and x [B=31, D=5]");
    CHECK(failure([&] { concat(W, vx); }) ==
          "concat (HERE): shapes differ beside axis 1: W [B=32, H=4] and x [B=31, D=5]");
    CHECK(failure([&] {
              concat({vh, vx}, 0);
          }) == "concat (HERE): shapes differ beside axis 0: x [B=32, H=4] and x [B=31, D=5]");
    CHECK(failure([&] { concat(vh, h.row(0)); }) ==
          "concat (HERE): shapes differ beside axis 1: x [B=32, H=4] and x [H=4]");
    CHECK(failure([&] { concat({vh, vx}, 2); }) == "concat (HERE): axis 2 of [B=32, H=4], expected -2 to 1");
    CHECK(failure([&] { concat({Tensor::of(1), Tensor::of(2)}); }) == "concat (HERE): a scalar has no axis");
    CHECK(failure([&] { concat(std::vector<Var>{}); }) == "concat (HERE): the list is empty");
    CHECK(failure([&] { concat(h, h.to(DType::f64)); }) ==
          "concat (HERE): [B=32, H=4] f32 with [B=32, H=4] f64: both must be of one type (convert with .to)");
    CHECK(failure([&] { stack({vh, vx}); }) == "stack (HERE): shapes differ: x [B=32, H=4] and x [B=31, D=5]");
    CHECK(failure([&] { stack(std::vector<Var>{}); }) == "stack (HERE): the list is empty");
    CHECK(failure([&] { stack(std::vector<Tensor>{}); }) == "stack (HERE): the list is empty");
    CHECK(failure([&] {
              stack({Tensor::zeros({1, 2, 3, 4})});
          }) == "Shape (HERE): [1, 2, 3, 4] has 4 dimensions already");
    CHECK(failure([&] {
              stack({tape.input(Tensor::zeros({1, 2, 3, 4}))});
          }) == "Shape (HERE): [1, 2, 3, 4] has 4 dimensions already");
    CHECK(failure([&] { stack({h, Tensor()}); }) == "stack (HERE): an operand is an empty Tensor");
    CHECK(failure([&] { concat({Tensor(), h}); }) == "concat (HERE): an operand is an empty Tensor");
    CHECK(tape.size() == 0);
}
