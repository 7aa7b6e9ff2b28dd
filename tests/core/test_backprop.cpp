#include "core/backprop.hpp"
#include "core/bptt/gru.hpp"
#include "core/bptt/lstm.hpp"
#include "core/bptt/rnn.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/lookup.hpp"
#include "core/ops/reductions.hpp"
#include "core/ops/shape.hpp"
#include "tests/core/numbers.hpp"
#include "tests/failure.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;

namespace {

/// h_t = tanh(x_t W_xhᵀ + h_{t-1} W_hhᵀ + b), the loss a weighted sum of all h_t.
struct SmallRnn {
    int T, B, D = 2, H = 3;
    DType dtype;
    Parameter W_xh, W_hh, b;
    SmallRnn(int T, int B, DType dtype)
        : T(T),
          B(B),
          dtype(dtype),
          W_xh("W_xh", random({H, D}, dtype, 1)),
          W_hh("W_hh", random({H, H}, dtype, 2)),
          b("b", random({H}, dtype, 3)) {}
    Var loss(Tape& tape) const {
        const Var x = tape.input(random({T, B, D}, dtype, 4));
        const Tensor weights = random({T, B, H}, dtype, 5);
        Var h = tape.input(random({B, H}, dtype, 6)), L;
        for (int t : tape.steps(T)) {
            const Var a = matmul(row(x, t), transposed(W_xh));
            const Var r = matmul(h, transposed(W_hh));
            h = tanh(a + r + b);
            const Var L_t = sum(h * weights.row(t));
            L = t == 0 ? L_t : L + L_t;
        }
        return L;
    }
};

}  // namespace

TEST_CASE("a value used again gets the sum of its gradients") {
    {
        Tape tape;
        const Var a = tape.input(Tensor::of({1, 2}));
        const Var b = a + a;
        const Var c = b + b;
        tape.backward(sum(c));
        CHECK(tape.grad(a).to_vector() == std::vector<double>{4, 4});
    }
    {
        Tape tape;  // a diamond: d = (a b) + (a c), b = 2a, c = a²
        const Var a = tape.input(Tensor::of({3, -2}));
        const Var b = 2 * a;
        const Var c = a * a;
        tape.keep_grad(b);
        tape.keep_grad(c);
        const Var d = a * b + a * c;  // 2a² + a³
        tape.backward(sum(d));
        CHECK(tape.grad(a).to_vector() == std::vector<double>{12 + 27, -8 + 12});
        CHECK(tape.grad(b).to_vector() == std::vector<double>{3, -2});
        CHECK(tape.grad(c).to_vector() == std::vector<double>{3, -2});
    }
    {
        Tape tape;
        const Var a = tape.input(Tensor::of({{1, 2}, {3, 4}}, DType::f64));
        const Var y = matmul(a, a);  // both operands
        tape.backward(sum(y));
        // dA = 1 Aᵀ + Aᵀ 1
        CHECK(tape.grad(a).to_vector() == std::vector<double>{3 + 4, 7 + 4, 3 + 6, 7 + 6});
    }
}

TEST_CASE("gradients that share memory are not added to in place") {
    // add hands its gradient to both operands; each then gets another one.
    Tape tape;
    const Var a = tape.input(Tensor::of({1, 2})), b = tape.input(Tensor::of({3, 4}));
    const Var early_a = a * 10, early_b = b * 100;  // run last in the backward pass
    const Var s = a + b;
    tape.keep_grad(s);
    tape.backward(sum(s) + sum(early_a) + sum(early_b));
    CHECK(tape.grad(a).to_vector() == std::vector<double>{11, 11});
    CHECK(tape.grad(b).to_vector() == std::vector<double>{101, 101});
    CHECK(tape.grad(s).to_vector() == std::vector<double>{1, 1});

    // The same through views: reshape, stack, slices of a concatenation.
    Tape views;
    const Var x = views.input(Tensor::of({1, 2})), y = views.input(Tensor::of({3, 4}));
    const Var late = x * 5;
    const Var r = reshape(x, {2, 1});
    const Var z = stack({x, y, x});
    const Var w = concat({x, y}, 0);
    const Var L = sum(r) + sum(z * Tensor::of({{1, 2}, {3, 4}, {5, 6}})) + sum(w) + sum(late);
    views.backward(L);
    CHECK(views.grad(x).to_vector() == std::vector<double>{1 + 1 + 5 + 1 + 5, 1 + 2 + 6 + 1 + 5});
    CHECK(views.grad(y).to_vector() == std::vector<double>{3 + 1, 4 + 1});
}

TEST_CASE("shared gradients: added to by slices and by products") {
    Tape tape;
    const Parameter W("W", Tensor::of({{1, 2}, {3, 4}}));
    const Var a = tape.input(Tensor::of({{1, 2}, {3, 4}})), b = tape.input(Tensor::of({{5, 6}, {7, 8}}));
    const Var part = row(a, 0);  // each of these runs after add has given
    const Var y = matmul(b, W);  // one gradient to all its operands
    const Var s = a + b, r = s + W;
    tape.keep_grad(s);
    tape.backward(sum(r) + sum(part * 10) + sum(y * 100));
    CHECK(tape.grad(s).to_vector() == std::vector<double>(4, 1.0));
    CHECK(tape.grad(a).to_vector() == std::vector<double>{11, 11, 1, 1});
    CHECK(tape.grad(b).to_vector() == std::vector<double>{301, 701, 301, 701});
    CHECK(tape.grad(W).to_vector() == std::vector<double>{1201, 1201, 1401, 1401});
}

TEST_CASE("after backward the inputs may change before a gradient is read") {
    const Parameter W("W", Tensor::of({{1, 2}, {3, 4}}));
    Tensor x = Tensor::of({{1, 2}});
    Tape tape;
    tape.backward(sum(matmul(tape.input(x), W)));
    x.fill(100);
    CHECK(tape.grad(W).to_vector() == std::vector<double>{1, 1, 2, 2});
}

TEST_CASE("a gradient read in the middle of backward stays what it was") {
    Tape tape;
    const Parameter W("W", Tensor::of({2}));
    const Var w = tape.watch(W);
    Var y = w * w;
    y = y * w;
    Backprop bp(tape, sum(y));
    bp.step();
    bp.step();
    const Tensor so_far = tape.grad(W);
    CHECK(so_far.item() == 4);  // w²
    while (bp.step()) {
    }
    CHECK(so_far.item() == 4);
    CHECK(tape.grad(W).item() == 12);
    tape.mutable_grad(W) *= 0.5;
    CHECK(tape.grad(W).item() == 6);
}

TEST_CASE("what does not reach the loss has a gradient of zeros") {
    Tape tape;
    const Parameter W("W", Tensor::of({{1, 2}}));
    const Var x = tape.input(Tensor::of({1, 2}));
    const Var unused = tape.watch(W);
    const Var side = x * 2;
    tape.backward(sum(x));
    CHECK(tape.grad(W).to_vector() == std::vector<double>{0, 0});
    CHECK(tape.grad(W).shape() == Shape{1, 2});
    CHECK(tape.grad(side).to_vector() == std::vector<double>{0, 0});
    CHECK(tape.grad(x).to_vector() == std::vector<double>{1, 1});
    tape.mutable_grad(W).fill(3);
    CHECK(tape.grad(W).to_vector() == std::vector<double>{3, 3});
}

TEST_CASE("refused losses") {
    Tape tape, other;
    const Var x = tape.input(Tensor::of({1, 2}));
    CHECK(failure([&] { tape.backward(x); }) ==
          "backward (HERE): the loss is [2], expected a single number: sum or average it");
    CHECK(failure([&] { tape.backward(tape.constant(Tensor::of(1))); }) ==
          "backward (HERE): the value [] is a constant: no gradient flows to it");
    CHECK(failure([&] { tape.backward(other.input(Tensor::of(1))); }) ==
          "backward (HERE): the value [] is not on this tape");
    CHECK(failure([&] { tape.backward(Var()); }) == "backward (HERE): the value [] is not on this tape");
    const int line = __LINE__ + 1;
    const Var bad = sqrt(x - 1.5);
    CHECK(failure([&] { tape.backward(sum(bad)); }) ==
          "backward (HERE): the loss is nan; the first such value kept is y of record 1, y = sqrt(x) "
          "(test_backprop.cpp:" +
              std::to_string(line) + ")");
    const Var L = sum(x);
    tape.backward(L);  // none of the above counts as a backward
    CHECK(
        failure([&] { tape.backward(L); }) ==
        "backward (HERE): this tape has run backward already: record the forward pass again on a new tape, or clear() "
        "it");
}

TEST_CASE("a loss that is not finite: where it came from") {
    for (double weight : {1e308, -1e308}) {
        Tape tape;
        const Var x = tape.input(Tensor::of({1, 2}, DType::f64), "x");
        const Var y = x * Tensor::of({10, 20}, DType::f64);
        const Var z = exp(y * weight);
        const Var L = sum(z * z);
        const std::string message = failure([&] { tape.backward(L); });
        if (weight > 0)
            CHECK(message.find("the loss is inf; the first such value kept is y of record 2, y = exp(x)") !=
                  std::string::npos);
        else
            CHECK(message.empty());
    }
    Tape tape;
    const Var x = tape.input(Tensor::of({1, NAN}));
    const Var y = x * x;
    const std::string message = failure([&] { tape.backward(sum(y)); });
    CHECK(message.find("the loss is nan; the first such value kept is a of record 0, y = a ⊙ b") != std::string::npos);
}

TEST_CASE("a value changed after it was saved") {
    Parameter W("W", Tensor::of({{1, 2}, {3, 4}}));
    Tensor input = Tensor::of({{1, 1}});
    {
        Tape tape;
        const Var y = matmul(tape.input(input), W);
        const int line = __LINE__ - 1;
        W.value += Tensor::of({{1, 1}, {1, 1}});
        CHECK(failure([&] { tape.backward(sum(y)); }) ==
              "matmul (test_backprop.cpp:" + std::to_string(line) +
                  "): W was changed after it was saved for the backward pass");
    }
    {
        Tape tape;
        const Var y = matmul(tape.input(input), W);
        input.row(0).set({1}, 5);
        CHECK(failure([&] { tape.backward(sum(y)); }).find("x was changed after it was saved") != std::string::npos);
    }
    {
        Tape tape;  // a value that backward does not need may change
        const Var x = tape.input(input);
        const Var y = x + 1;
        input.fill(0);
        tape.backward(sum(y));
        CHECK(tape.grad(x).to_vector() == std::vector<double>{1, 1});
    }
}

TEST_CASE("what a whole sequence gives are views of the states it has saved: they must not change") {
    const Parameter W_xh("W_xh", random({12, 2}, DType::f64, 1)), W_hh("W_hh", random({12, 3}, DType::f64, 2));
    const Parameter b("b", random({12}, DType::f64, 3));
    const Tensor zeros = Tensor::zeros({2, 3}, DType::f64);
    const auto part = [](const Parameter& p, int64_t rows) {
        return Parameter(p.name, p.value.slice(0, rows).clone());
    };
    for (const char* cell : {"lstm", "gru", "rnn"})
        for (int output = 0; output < (*cell == 'l' ? 3 : 2); output++)
            for (bool lengths : {false, true}) {
                Tape tape;
                const Var x = tape.input(random({4, 2, 2}, DType::f64, 4));
                const SequenceOptions o{.lengths = lengths ? Ids({4, 2}) : Ids()};
                std::vector<Var> all;
                if (*cell == 'l') {
                    const auto out = lstm_sequence(x, zeros, zeros, {W_xh, W_hh, b}, false, o);
                    all = {out.y, out.h_T, out.C_T};
                } else if (*cell == 'g') {
                    const auto out = gru_sequence(x, zeros, {part(W_xh, 9), part(W_hh, 9), part(b, 9)}, o);
                    all = {out.y, out.h_T};
                } else {
                    const auto out =
                        rnn_sequence(x, zeros, part(W_xh, 3), part(W_hh, 3), part(b, 3), Activation::tanh, o);
                    all = {out.y, out.h_T};
                }
                const Var loss = sum(all[0]);
                Tensor value = all[size_t(output)].value();
                value *= 2;
                CAPTURE(cell);
                CAPTURE(output);
                const std::string message = failure([&] { tape.backward(loss); });
                if (lengths && output == 0)  // a copy
                    CHECK(message.empty());
                else
                    CHECK(contains(message, "was changed after it was saved"));
            }
}

TEST_CASE("after backward no two gradients share memory") {
    Tape tape;
    const Var a = tape.input(Tensor::of({1, 2})), b = tape.input(Tensor::of({3, 4}));
    tape.backward(sum(a + b));
    CHECK_FALSE(tape.grad(a).same_storage(tape.grad(b)));
    Tensor of_a = tape.grad(a);
    of_a *= 10;
    CHECK(tape.grad(a).to_vector() == std::vector<double>{10, 10});
    CHECK(tape.grad(b).to_vector() == std::vector<double>{1, 1});
}

TEST_CASE("stepping: wrong use") {
    Tape tape;
    const Var x = tape.input(Tensor::of({1, 2})), y = x * x;
    Backprop bp(tape, sum(y));
    CHECK(contains(failure([&] { bp.record(); }), "no step() has run a record"));
    while (bp.step()) CHECK(bp.record().name() != nullptr);
    CHECK(contains(failure([&] { bp.record(); }), "no step() has run a record"));
    CHECK(failure([&] { tape.keep_terms(x); }) == "keep_terms (HERE): backward has begun: ask for the terms before it");
    tape.clear();
    CHECK(contains(failure([&] { bp.step(); }), "the tape was cleared since"));
}

TEST_CASE("stepping: the records in reverse, those a gradient reaches; the same gradients as backward") {
    const SmallRnn rnn(3, 2, DType::f64);
    Tape whole, stepped;
    whole.backward(rnn.loss(whole));
    const Var x = stepped.input(Tensor::of({1}, DType::f64));
    const Var side = tanh(x);  // nothing flows to it
    Backprop bp(stepped, rnn.loss(stepped));
    int last = stepped.size(), steps = 0, t = 3;
    while (bp.step()) {
        CHECK(bp.index() < last);
        CHECK(bp.index() > 0);
        CHECK(&bp.record() == &stepped.record(bp.index()));
        CHECK(bp.record().step <= t);
        CHECK(bp.contributions().empty());
        last = bp.index();
        t = bp.record().step;
        steps++;
    }
    CHECK(steps == stepped.size() - 1);
    CHECK_FALSE(bp.step());
    for (const Parameter* p : {&rnn.W_xh, &rnn.W_hh, &rnn.b}) check_close(stepped.grad(*p), whole.grad(*p), 0);
}

TEST_CASE("observed: every gradient is kept, and the contributions add up to it") {
    for (DType dtype : both_types) {
        const SmallRnn rnn(5, 2, dtype);
        Tape plain, tape;
        plain.backward(rnn.loss(plain));
        const Var L = rnn.loss(tape);
        const Var x = row(tape.input(random({3, 2}, dtype)), 1);
        Backprop bp(tape, L + sum(embedding(tape.watch(rnn.W_xh), Ids({1, 1}))) + sum(x) + sum(x), {.observe = true});
        std::vector<Tensor> sums(static_cast<size_t>(tape.slots()));
        while (bp.step()) {
            Symbols symbols;
            bp.record().symbols(symbols);
            for (const Contribution& c : bp.contributions()) {
                bool is_input = false;
                for (const Symbols::Item& item : symbols.items)
                    is_input = is_input || (item.slot == c.slot && !item.output);
                CHECK(is_input);
                Tensor& s = sums[static_cast<size_t>(c.slot)];
                if (s.defined())
                    s += c.value;
                else
                    s = c.value.clone();
            }
        }
        int checked = 0;
        for (int i = 0; i < tape.size(); i++) {
            Symbols symbols;
            tape.record(i).symbols(symbols);
            for (const Symbols::Item& item : symbols.items) {
                const Tensor* g = tape.gradient(Edge{item.slot});
                if (item.output || item.slot < 0) continue;
                REQUIRE(g != nullptr);
                check_close(sums[static_cast<size_t>(item.slot)], *g, rounding(dtype));
                checked++;
            }
        }
        CHECK(checked > 40);
        check_close(tape.grad(rnn.W_hh), plain.grad(rnn.W_hh), 10 * rounding(dtype));
        check_close(tape.grad(rnn.b), plain.grad(rnn.b), 10 * rounding(dtype));
    }
}

TEST_CASE("terms of the sum over t: one a step, and they add up to the gradient") {
    for (DType dtype : both_types) {
        const SmallRnn rnn(6, 2, dtype);
        Tape plain, tape;
        plain.backward(rnn.loss(plain));
        const Var E = tape.input(random({3, 2}, dtype));
        Var extra = sum(E) * 0;
        for (int t : tape.steps(4)) extra = extra + sum(row(E, t % 3));
        tape.keep_terms(rnn.W_hh);
        tape.keep_terms(rnn.b);
        tape.keep_terms(E);
        tape.backward(rnn.loss(tape) + extra);
        for (const Parameter* p : {&rnn.W_hh, &rnn.b}) {
            const std::vector<Term> terms = tape.terms(*p);
            REQUIRE(terms.size() == 6);
            Tensor s = Tensor::zeros(p->value.shape(), dtype);
            for (size_t i = 0; i < terms.size(); i++) {
                CHECK(terms[i].step == 5 - static_cast<int>(i));
                CHECK(terms[i].record->step == terms[i].step);
                s += terms[i].value;
            }
            check_close(s, tape.grad(*p), 10 * rounding(dtype));
            check_close(tape.grad(*p), plain.grad(*p), 10 * rounding(dtype));
        }
        CHECK(tape.terms(E).size() == 5);
        CHECK(tape.terms(E)[4].step == -1);
        check_close(tape.grad(E), {3, 2}, {2, 2, 1, 1, 1, 1}, rounding(dtype));
        CHECK(failure([&] { tape.terms(rnn.W_xh); }).find("nothing was kept") != std::string::npos);
    }
}

TEST_CASE("products of a parameter wait: their sum is that of plain ones") {
    for (DType dtype : both_types) {
        for (int rows : {1, 511, 512, 513, 1000}) {
            for (int pieces : {1, 3}) {
                if (rows < pieces) continue;
                CAPTURE(rows);
                CAPTURE(pieces);
                const Parameter W("W", random({3, 5}, dtype)), V("V", random({5, 3}, dtype, 2));
                const Tensor x = random({rows, 5}, dtype, 3), g = random({rows, 3}, dtype, 4);
                Tape tape;
                const Var X = tape.input(x);
                Var L;
                for (int i = 0; i < pieces; i++) {
                    const int begin = rows * i / pieces, end = rows * (i + 1) / pieces;
                    const Var part = slice(X, begin, end);
                    const Var a = matmul(part, transposed(W));
                    const Var b = matmul(part, V);
                    const Var l = sum((a + b) * g.slice(begin, end));
                    L = i == 0 ? l : L + l;
                }
                tape.backward(L);
                const Tensor dW = matmul(transposed(g), x), dV = matmul(transposed(x), g);
                check_close(tape.grad(W), dW, 30 * rounding(dtype));
                check_close(tape.grad(V), dV, 30 * rounding(dtype));
                check_close(tape.grad(X), matmul(g, W.value) + matmul(g, transposed(V.value)), 10 * rounding(dtype));
            }
        }
    }
}

TEST_CASE("a parameter that is used as a matrix, looked up and added all at once") {
    const Parameter W("W", random({3, 3}));
    const Tensor x = random({2, 3}, DType::f64, 2);
    Tape tape;
    const Var y = matmul(tape.input(x), W);
    const Var e = embedding(tape.watch(W), Ids({2, 2}));
    const Var s = row(tape.watch(W), 0);
    tape.backward(sum(y) + sum(e * 10) + sum(s * 100));
    Tensor expected = Tensor::zeros({3, 3}, DType::f64);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            expected.set({i, j}, x.at({0, i}) + x.at({1, i}) + (i == 2 ? 20 : 0) + (i == 0 ? 100 : 0));
    check_close(tape.grad(W), expected, 1e-14);
}

TEST_CASE("a chain of 100,000 operations runs backward") {
    Tape tape;
    const Var x = tape.input(Tensor::of({0.5, -1}, DType::f64));
    Var h = x;
    for (int t : tape.steps(50000)) {
        h = h * 1.00001;
        h = h + (t % 2 == 0 ? 0.5 : -0.5);
    }
    CHECK(tape.size() == 100000);
    tape.backward(sum(h));
    CHECK(tape.grad(x).at({0}) == doctest::Approx(std::pow(1.00001, 50000)).epsilon(1e-12));
}

TEST_CASE("T steps that take a row each cost T, not T squared") {
    const int T = 20000;
    Tape tape;
    const Var x = tape.input(random({T, 2}));
    Var s = sum(row(x, 0));
    for (int t : tape.steps(T - 1)) s = s + sum(row(x, t + 1));
    tape.backward(s);
    CHECK(tape.grad(x).to_vector() == std::vector<double>(2 * T, 1.0));
}
