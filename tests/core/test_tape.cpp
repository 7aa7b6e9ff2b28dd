// What is recorded, and what is refused; the backward pass is in test_backprop.cpp.
#include <map>

#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/reductions.hpp"
#include "core/ops/shape.hpp"
#include "core/tape.hpp"
#include "tests/core/numbers.hpp"
#include "tests/failure.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;

TEST_CASE("what is recorded: operations that a gradient flows through, in order") {
    Tape tape;
    const Var x = tape.input(Tensor::of({1, 2}), "x");
    const Var c = tape.constant(Tensor::of({3, 4}));
    CHECK(x.slot() >= 0);
    CHECK(c.slot() == -1);
    const Var k = c * c;  // of constants: a value, no record
    CHECK(tape.size() == 0);
    CHECK(k.value().to_vector() == std::vector<double>{9, 16});
    CHECK(k.slot() == -1);
    const Var y = x * k;
    const int line = __LINE__ - 1;
    const Var z = tanh(y);
    REQUIRE(tape.size() == 2);
    CHECK(std::string(tape.record(0).name()) == "mul");
    CHECK(std::string(tape.record(1).name()) == "tanh");
    CHECK(std::string(tape.record(1).equation()) == "y = tanh(x)");
    CHECK(to_string(tape.record(0).where) == "test_tape.cpp:" + std::to_string(line));
    CHECK(tape.record(0).first_output == y.slot());
    CHECK(tape.record(0).outputs == 1);
    CHECK(std::string(tape.name_of(x.slot())) == "x");
    CHECK(std::string(tape.name_of(y.slot())).empty());
    tape.name(y, "y");
    CHECK(std::string(tape.name_of(y.slot())) == "y");
    CHECK(std::string(tape.name_of(-1)).empty());

    Symbols symbols;
    tape.record(0).symbols(symbols);
    REQUIRE(symbols.items.size() == 3);
    CHECK(std::string(symbols.items[0].name) == "a");
    CHECK(symbols.items[0].slot == x.slot());
    CHECK(symbols.items[1].slot == -1);
    REQUIRE(symbols.items[1].saved != nullptr);
    CHECK(symbols.items[1].saved->same_storage(k.value()));
    CHECK(symbols.items[2].output);
    CHECK(symbols.items[2].slot == y.slot());
}

TEST_CASE("values are kept where asked for") {
    Tape tape;
    const Parameter W("W", Tensor::of({1, 2}));
    const Var w = tape.watch(W);
    const Var a = w + w;
    CHECK(tape.value_of(a.slot()) == nullptr);
    CHECK(tape.value_of(-1) == nullptr);
    REQUIRE(tape.value_of(w.slot()) != nullptr);  // a parameter's is known anyway
    CHECK(tape.value_of(w.slot())->same_storage(W.value));
    tape.keep_values();
    const Var b = a + a;
    REQUIRE(tape.value_of(b.slot()) != nullptr);
    CHECK(tape.value_of(b.slot())->to_vector() == std::vector<double>{4, 8});
}

TEST_CASE("time steps: marked in the loop, ended with it") {
    Tape tape;
    Var x = tape.input(Tensor::of({1, 2}));
    x = x + 1;
    std::vector<int> seen;
    for (int t : tape.steps(3)) {
        seen.push_back(t);
        x = x + 1;
    }
    x = x + 1;
    for (int t : tape.steps_reversed(3)) {
        seen.push_back(t);
        x = x + 1;
        if (t == 1) break;
    }
    x = x + 1;
    try {
        for (int t : tape.steps(2)) {
            x = x + t;
            throw 1;
        }
    } catch (int) {
    }
    x = x + 1;
    for (int t : tape.steps(2)) {
        for (int s : tape.steps(10)) {
            if (s == 7) x = x + 1;
        }
        x = x + 1;  // t again
        CHECK(tape.record(tape.size() - 1).step == t);
    }
    for (int t : tape.steps(0)) FAIL("step " << t << " of none");
    for (int t : tape.steps_reversed(0)) FAIL("step " << t << " of none");
    CHECK(seen == std::vector<int>{0, 1, 2, 2, 1});
    std::vector<int> marks;
    for (int i = 0; i < tape.size(); i++) marks.push_back(tape.record(i).step);
    CHECK(marks == std::vector<int>{-1, 0, 1, 2, -1, 2, 1, -1, 0, -1, 7, 0, 7, 1});
    CHECK(failure([&] { tape.steps(-1); }) == "steps (HERE): T is -1, expected 0 or more");
    CHECK(failure([&] { tape.steps_reversed(-1); }) == "steps (HERE): T is -1, expected 0 or more");
}

TEST_CASE("a parameter enters once, its copies are the same parameter") {
    Tape tape;
    const Parameter W("W", Tensor::of({2, 3}));
    const Parameter copy = W, renamed("V", W.value);
    const Var a = tape.watch(W), b = tape.watch(W), c = tape.watch(copy), d = tape.watch(renamed);
    CHECK(a.slot() == b.slot());
    CHECK(a.slot() == c.slot());
    CHECK(a.slot() == d.slot());
    CHECK(tape.slots() == 1);
    CHECK(std::string(tape.name_of(a.slot())) == "W");
    tape.backward(sum(a * copy));  // Σ W²
    CHECK(tape.grad(W).to_vector() == std::vector<double>{4, 6});
    CHECK(tape.grad(copy).to_vector() == std::vector<double>{4, 6});
}

TEST_CASE("parameters that are parts of one storage are parameters of their own") {
    Tensor both = Tensor::of({{1, 2}, {3, 4}, {5, 6}});
    const Parameter first("first", both.slice(0, 1)), second("second", both.slice(1, 2)),
        rest("rest", both.slice(1, 3));
    Tape tape;
    const Var y = sum(tape.watch(first) * 10) + sum(tape.watch(second) * 100) + sum(tape.watch(rest) * 1000);
    CHECK(y.item() == 30 + 700 + 18000);
    tape.backward(y);
    CHECK(tape.grad(first).to_vector() == std::vector<double>{10, 10});
    CHECK(tape.grad(second).to_vector() == std::vector<double>{100, 100});
    CHECK(tape.grad(rest).to_vector() == std::vector<double>(4, 1000));
}

TEST_CASE("one parameter on two tapes in turn") {
    const Parameter U("U", Tensor::of({{1, 2}, {3, 4}})), W("W", Tensor::of({{5, 6}, {7, 8}}));
    const Tensor x = Tensor::of({{1, 1}});
    Tape one, other;
    // W is parameter 0 of one and 1 of the other.
    Var a = matmul(one.input(x), W), b = matmul(other.input(x), U);
    for (int i = 0; i < 3; i++) {
        a = matmul(matmul(a, W), U);
        b = matmul(matmul(b, W), U);
    }
    one.backward(sum(a));
    other.backward(sum(b));
    Tape alone;
    Var c = matmul(alone.input(x), W);
    for (int i = 0; i < 3; i++) c = matmul(matmul(c, W), U);
    alone.backward(sum(c));
    check_close(one.grad(W), alone.grad(W), 0);
    check_close(one.grad(U), alone.grad(U), 0);
    CHECK(other.grad(W).shape() == Shape{2, 2});
    CHECK(one.grad(W).at({0, 0}) == alone.grad(W).at({0, 0}));
    const Parameter never("never", Tensor::of({1}));
    CHECK(failure([&] { one.grad(never); }) == "grad (HERE): never [1] took no part in what this tape recorded");
}

TEST_CASE("the packed form follows the parameter") {
    for (DType dtype : both_types) {
        Parameter W("W", random({5, 7}, dtype));
        const Tensor x = random({3, 7}, dtype, 2);
        Tape tape;
        const Var v = tape.input(x);
        check_close(matmul(v, transposed(W)).value(), matmul(x, transposed(W.value)), rounding(dtype));
        W.value.set({4, 6}, 100);
        check_close(matmul(v, transposed(W)).value(), matmul(x, transposed(W.value)), rounding(dtype));
        const Tensor z = random({3, 5}, dtype, 3);
        check_close(matmul(tape.input(z), W).value(), matmul(z, W.value), rounding(dtype));
        W.value *= 2;
        check_close(matmul(tape.input(z), W).value(), matmul(z, W.value), rounding(dtype));
        check_close(matmul(v, transposed(W)).value(), matmul(x, transposed(W.value)), rounding(dtype));
        // Rows of it, each with a form of its own.
        const Var rows = tape.watch(W);
        for (int i = 0; i < 2; i++) {
            for (int first : {0, 2, 3})
                check_close(matmul(v, transposed(slice(rows, first, first + 2))).value(),
                            matmul(x, transposed(W.value.slice(first, first + 2))), rounding(dtype));
            W.value *= 3;
        }
        CHECK(tape.packed(W.value.slice(0, 2), true) == tape.packed(W.value.slice(0, 2), true));
        CHECK(tape.packed(W.value.slice(0, 2), true) != tape.packed(W.value, true));
        CHECK(tape.packed(W.value.clone(), true) == nullptr);
    }
}

TEST_CASE("a forward-only tape: values without records") {
    const Parameter W("W", random({4, 4}, DType::f32));
    Tape tape(Tape::Mode::forward_only), recording;
    CHECK_FALSE(tape.recording());
    const Tensor x = random({2, 4}, DType::f32, 2);
    const Var y = tanh(matmul(tape.input(x), W) + 1), z = tanh(matmul(recording.input(x), W) + 1);
    CHECK(y.value().to_vector() == z.value().to_vector());
    CHECK(tape.size() == 0);
    CHECK(tape.slots() == 0);
    CHECK(y.slot() == -1);
    CHECK(matmul(tape.input(x), W.value).value().defined());  // nothing could get lost here
    CHECK(failure([&] { tape.backward(sum(y)); }) == "backward (HERE): this tape is forward-only: it keeps no records");
}

TEST_CASE("refused operands") {
    Tape tape, other;
    const Parameter W("W_hh", Tensor::of({{1, 2}, {3, 4}}));
    const Tensor t = Tensor::of({{1, 1}});
    const Var x = tape.input(t);
    CHECK(
        failure([&] { matmul(x, W.value); }) ==
        "operand (HERE): the tensor [2, 2] is the value of a parameter: no gradient would reach it. Pass the Parameter "
        "itself (W, not W.value), or a clone()");
    CHECK(failure([&] { x* W.value.row(0); }).find("operand (HERE): the tensor [2] is the value of a parameter") == 0);
    CHECK(failure([&] { concat(x, W.value); }).find("operand (HERE): the tensor [2, 2] is the value of") ==
          std::string::npos);
    CHECK(failure([&] { concat(x, W.value.slice(0, 1)); }).find("operand (HERE): the tensor [1, 2] is the value of") ==
          0);
    CHECK(failure([&] { matmul(x, W.value.clone()); }).empty());
    CHECK(failure([&] { x + other.input(t); }) == "add (HERE): the operands are on two different tapes");
    CHECK(failure([&] { x + other.constant(t); }) == "add (HERE): the operands are on two different tapes");
    CHECK(failure([&] { stack({x, other.input(t)}); }) == "stack (HERE): the operands are on two different tapes");
    CHECK(failure([&] { x + Var(); }) == "add (HERE): an operand is an empty Var");
    CHECK(failure([&] { tanh(Var()); }) == "tanh (HERE): an operand is an empty Var");
    CHECK(failure([&] { x + Tensor(); }) == "add (HERE): an operand is an empty Tensor");
    CHECK(failure([&] { x + Parameter(); }) == "add (HERE): an operand is an empty Tensor");
    CHECK(failure([&] { concat({x, Var()}); }) == "concat (HERE): an operand is an empty Tensor");
    CHECK(failure([&] { add(W, W); }) ==
          "add (HERE): no operand is on a tape: enter one by tape.input(x), or by tape.watch(W) for a parameter");
    CHECK(failure([&] { matmul(t, W); }).find("matmul (HERE): no operand is on a tape") == 0);
    CHECK(failure([&] { tape.watch(Parameter()); }) == "watch (HERE): an operand is an empty Tensor");
    CHECK(failure([&] { tape.input(Tensor()); }) == "input (HERE): an operand is an empty Tensor");
    CHECK(failure([&] { tape.constant(Tensor()); }) == "constant (HERE): an operand is an empty Tensor");
    CHECK(tape.size() == 1);  // only what succeeded: the product with the clone
}

TEST_CASE("parameters of one memory have one shape") {
    Tape tape;
    const Tensor numbers = Tensor::of({{1, 2, 3}, {4, 5, 6}});
    const Parameter A("A", numbers), B("B", numbers.reshape({3, 2}));
    const Var y = matmul(tape.input(Tensor::of({{1, 1}})), A);
    CHECK(failure([&] { matmul(y, B); }) ==
          "operand (HERE): B [3, 2] has its numbers in common with A [2, 3]: a shared parameter has one shape");
    CHECK(tape.slots() == 3);
}

TEST_CASE("names and values of slots that there are, and of others") {
    Tape tape, other;
    const Var x = tape.input(Tensor::of({1}), "x");
    CHECK(contains(failure([&] { other.name(x, "y"); }), "the value [1] is not on this tape"));
    tape.name(tape.constant(Tensor::of({1})), "a constant has none");
    CHECK(std::string(tape.name_of(0)) == "x");
    for (int slot : {-1, 1, 1 << 30}) {
        CHECK(std::string(tape.name_of(slot)).empty());
        CHECK(tape.value_of(slot) == nullptr);
    }
}

TEST_CASE("a cleared tape is a new one, and knows its own values from those of before") {
    Tape tape;
    const Parameter W("W", Tensor::of({{2}}));
    Var h = tape.input(Tensor::of({{3}}), "h");
    for (int t : tape.steps(5)) h = matmul(h, W) + t;
    tape.keep_terms(W);
    tape.backward(sum(h));
    const Tensor kept = tape.grad(W);
    const double before = kept.item();
    tape.clear();
    CHECK(tape.size() == 0);
    CHECK(tape.slots() == 0);
    CHECK(kept.item() == before);  // a gradient read is the reader's
    const std::string stale =
        "(HERE): an operand was recorded on an earlier tape, or before clear(): carry its value on by "
        "tape.input(h.value())";
    CHECK(failure([&] { h + 1; }) == "scale " + stale);
    CHECK(failure([&] { matmul(tape.input(h.value()), W) + h; }) == "add " + stale);
    CHECK(failure([&] { tape.backward(h); }) == "backward (HERE): the value [1, 1] is not on this tape");
    tape.clear();
    Var g = tape.input(h.value());
    for (int t : tape.steps(2)) g = matmul(g, W) + t;
    tape.backward(sum(g));
    CHECK(tape.grad(W).item() == doctest::Approx(2 * h.item() + 2 * h.item()));
    CHECK(failure([&] { tape.terms(W); }).find("nothing was kept") != std::string::npos);
}

TEST_CASE("a value of a tape that is gone, though another tape has taken its place in memory") {
    Var h;
    int refused = 0;
    for (int window = 0; window < 3; window++) {
        Tape tape;
        const Var x = tape.input(Tensor::of({1}));
        if (window > 0)
            refused += failure([&] { x + h; }).find("an operand was recorded on an earlier tape") != std::string::npos;
        h = x * 2;
    }
    CHECK(refused == 2);
    Tape forward(Tape::Mode::forward_only);
    Var s = forward.input(Tensor::of({1})) * 2;
    forward.clear();
    CHECK((s * 2).item() == 4);  // no gradient, nothing to mistake
}

TEST_CASE("gradients that can't be read") {
    Tape tape, other;
    const Var x = tape.input(Tensor::of({1, 2}), "x");
    const Var c = tape.constant(Tensor::of({1, 2})), foreign = other.input(Tensor::of({1}));
    const Var h = x * c;
    const Var g = h * 2;
    tape.name(g, "g");
    const Var L = sum(g);
    CHECK(failure([&] { tape.grad(x); }) == "grad (HERE): there are no gradients before backward");
    tape.keep_grad(h);
    CHECK(failure([&] { tape.keep_grad(c); }) ==
          "keep_grad (HERE): the value [2] is a constant: no gradient flows to it");
    CHECK(failure([&] { tape.keep_grad(foreign); }) == "keep_grad (HERE): the value [1] is not on this tape");
    tape.backward(L);
    CHECK(tape.grad(h).to_vector() == std::vector<double>{2, 2});
    CHECK(tape.grad(x).to_vector() == std::vector<double>{2, 4});
    CHECK(failure([&] { tape.grad(g); }) ==
          "grad (HERE): the gradient of g [2] was released once it had been passed on: ask for it with "
          "tape.keep_grad(g) before backward");
    CHECK(failure([&] { tape.grad(L); }) ==
          "grad (HERE): the gradient of this intermediate value [] was released once it had been passed on: ask for it "
          "with tape.keep_grad(h) before backward");
    CHECK(failure([&] { tape.grad(c); }) == "grad (HERE): the value [2] is a constant: no gradient flows to it");
    CHECK(failure([&] { tape.grad(foreign); }) == "grad (HERE): the value [1] is not on this tape");
    CHECK(failure([&] { tape.terms(x); }) ==
          "terms (HERE): nothing was kept: call tape.keep_terms(...) before backward");
}
