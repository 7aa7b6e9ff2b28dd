// The tape: recorded forward, replayed backward, one record at a time.
#include "core/tape.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/backprop.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/losses.hpp"
#include "core/ops/reductions.hpp"
#include "tutorials/00_tape/chapter.hpp"

namespace unroll {
namespace {

Tensor number(double value) { return Tensor::full({}, value, DType::f64); }

std::string text_of(double value) { return fmt::format("{:g}", value); }

/// L = (w x + c)², recorded with a name for every value.
struct Square {
    Tape tape;
    Var w, x, c, L;
    Square() {
        tape.keep_values();
        w = tape.input(number(3), "w");
        x = tape.input(number(2), "x");
        c = tape.input(number(-4), "c");
        const Var p = w * x;
        tape.name(p, "p");
        const Var s = p + c;
        tape.name(s, "s");
        L = s * s;
        tape.name(L, "L");
    }
};

/// A row a record: "y = a ⊙ b", "a is w, b is x, y is p", and what y is.
lesson::Table records(const Tape& tape) {
    lesson::Table table{.caption = "The tape after the forward pass",
                        .header = {"record", "operation", "here", "result"}};
    for (int i = 0; i < tape.size(); i++) {
        Symbols symbols;
        tape.record(i).symbols(symbols);
        std::string here;
        double result = 0;
        for (const Symbols::Item& item : symbols.items) {
            here += fmt::format("{}{} is {}", here.empty() ? "" : ", ", item.name, tape.name_of(item.slot));
            if (item.output) result = tape.value_of(item.slot)->item();
        }
        table.rows.push_back({i, tape.record(i).equation(), here, result});
    }
    return table;
}

/// A row a record, in the order of the backward pass: the gradient that arrives, and what is added to which gradient.
lesson::Table contributions(Tape& tape, const Var& loss) {
    lesson::Table table{.caption = "The tape, read backward", .header = {"record", "rule", "dy", "what it adds"}};
    Backprop bp(tape, loss, {.observe = true});
    while (bp.step()) {
        std::string adds;
        for (const Contribution& c : bp.contributions())
            adds +=
                fmt::format("{}dL/d{} += {}", adds.empty() ? "" : ", ", tape.name_of(c.slot), text_of(c.value.item()));
        table.rows.push_back({bp.index(), bp.record().gradient(), text_of(bp.record().dy->item()), adds});
    }
    return table;
}

void three_records(Lesson& lesson) {
    lesson.section("The tape");
    lesson.text(
        R"(A tape writes down what is calculated with its values: one record an operation, in the order in which they
happened. Each keeps what its derivative will need. Here $w = 3$, $x = 2$, $c = -4$:)");
    lesson.equation("L = (w x + c)^2", "L = (w x + c)²");
    Square forward;
    lesson.table(records(forward.tape));
    lesson.forward("Forward, record by record", forward.tape);

    lesson.section("Backward, one record at a time");
    lesson.text(
        R"(Now the list is read from its end. The gradient of L with respect to itself is 1. Each record is handed
`dy`, the gradient of its result, which is complete by then: everything that used the result stands further
down the list and has had its turn. It multiplies `dy` by its own derivative and adds the product to the
gradient of each of its operands.)");
    lesson.table(contributions(forward.tape, forward.L));
    Square again;  // a tape serves one backward pass
    lesson.backward("Backward, record by record", again.tape, again.L);
    const auto grad = [&](const Var& v) { return again.tape.grad(v).item(); };
    const double by_hand = 2 * (3 * 2 - 4);  // dL/ds = 2s
    lesson.table({.caption = "The gradients, and what a pencil says",
                  .header = {"", "tape", "by hand", "rule"},
                  .rows = {{"$\\partial L/\\partial w$", grad(again.w), by_hand * 2, "$2 (w x + c) \\cdot x$"},
                           {"$\\partial L/\\partial x$", grad(again.x), by_hand * 3, "$2 (w x + c) \\cdot w$"},
                           {"$\\partial L/\\partial c$", grad(again.c), by_hand, "$2 (w x + c)$"}}});
    lesson.check("tape and pencil agree",
                 grad(again.w) == by_hand * 2 && grad(again.x) == by_hand * 3 && grad(again.c) == by_hand);
}

void reused_value(Lesson& lesson) {
    lesson.section("A value that is used twice");
    lesson.text(
        R"(In $L = s \cdot s$ the record gave two contributions to $s$, one for each factor. This is the rule that
matters most where one weight is used at every time step: contributions are added up, never
written over each other. The smallest example there is, at $a = 3$:)");
    lesson.equation(R"(b = a + a, \qquad c = b + b)", "b = a + a,  c = b + b");
    Tape tape;
    const Var a = tape.input(number(3), "a");
    const Var b = a + a;
    tape.name(b, "b");
    const Var c = b + b;
    lesson::Table table{.caption = "Contributions added up, and written over each other as a careless tape would",
                        .header = {"gradient of", "contributions", "added up", "careless: the last alone"}};
    double careful = 1, careless = 1;  // gradient of the record's result
    Backprop bp(tape, c, {.observe = true});
    while (bp.step()) {
        double sum = 0, last = 0;
        std::string terms;
        for (const Contribution& part : bp.contributions()) {
            last = part.value.item();
            sum += last;
            terms += (terms.empty() ? "" : " and ") + text_of(last);
        }
        careless *= last / careful;  // the same derivative, of a gradient that was wrong already
        careful = sum;
        table.rows.push_back({tape.name_of(bp.contributions()[0].slot), terms, careful, careless});
    }
    lesson.table(table);
    lesson.check("$\\partial c / \\partial a = 4$, as $c = 4a$", tape.grad(a).item() == 4);
    lesson.text(
        R"(There are four ways back from $c$ to $a$, and nobody walked them one by one: two additions were enough. A
chain of $n$ doublings has $2^n$ ways back; the tape still reads each of its $n$ records once, and needs no
recursion for it.)");
    lesson::Table chain{.caption = "A chain of doublings", .header = {"records read", "gradient = ways back"}};
    bool exact = true;
    for (int n : {1, 2, 10, 50}) {
        Tape doublings;
        const Var start = doublings.input(number(1));
        Var v = start;
        for (int i = 0; i < n; i++) v = v + v;
        doublings.backward(v);
        const double gradient = doublings.grad(start).item();
        chain.rows.push_back({doublings.size(), fmt::format("{:.0f}", gradient)});
        exact = exact && gradient == std::ldexp(1.0, n);
    }
    lesson.table(chain);
    lesson.check("the gradient is $2^n$", exact);
}

void layer_and_loss(Lesson& lesson) {
    lesson.section("A layer and its loss");
    lesson.text(
        R"(Two examples, three classes. The softmax turns the scores (logits) of a row into probabilities, and the loss
is the mean of -log p of the right classes, here 0 and 2.)");
    lesson.equation(
        R"(p_{r,v} = \frac{e^{z_{r,v}}}{\sum_u e^{z_{r,u}}}, \qquad L = -\frac{1}{R} \sum_r \log p_{r,\mathrm{target}_r})",
        "p[r, v] = exp(z[r, v]) / Σ_u exp(z[r, u]),  L = -1/R Σ_r log p[r, target_r]");
    const Parameter W("W", Tensor::of({{1, 0}, {0, 1}, {-1, 1}}, DType::f64).named("VK"));
    const Parameter b("b", Tensor::of({0, 0.5, 0}, DType::f64).named("V"));
    const Tensor x = Tensor::of({{1, 0}, {1, 2}}, DType::f64).named("RK");
    const Ids targets({0, 2});
    Tape tape;
    tape.keep_values();
    const Var product = matmul(tape.input(x, "x"), transposed(W));
    tape.name(product, "xWᵀ");
    const Var z = product + b;
    tape.name(z, "z");
    tape.keep_grad(z);
    const Var L = cross_entropy(z, targets);
    tape.name(L, "L");
    lesson.show("z = x Wᵀ + b", z);
    const Tensor p = softmax(z.value());
    lesson.show("p = softmax(z)", p);
    lesson.show("L", L);
    lesson.backward("Backward through loss, bias and product", tape, L);

    lesson.text(
        "The loss's own gradient is the simplest there is: predicted minus true, divided by the number of rows.");
    lesson.equation(
        R"(\frac{\partial L}{\partial z_{r,v}} = \frac{1}{R} \left( p_{r,v} - [v = \mathrm{target}_r] \right))",
        "dL/dz[r, v] = (p[r, v] - [v = target_r]) / R");
    Tensor dz = p.clone();
    for (int64_t r = 0; r < 2; r++) dz.set({r, targets[r]}, dz.at({r, targets[r]}) - 1);
    dz *= 0.5;
    const auto largest_difference = [](const Tensor& s, const Tensor& t) {
        double largest = 0;
        for (int64_t i = 0; i < s.size(); i++) largest = std::max(largest, std::abs(s.flat(i) - t.flat(i)));
        return largest;
    };
    lesson.check("dL/dz by the equation and by the tape", largest_difference(dz, tape.grad(z)), 1e-15);
    lesson.check("dL/dW = dzᵀ x", largest_difference(matmul(transposed(dz), x), tape.grad(W)), 1e-15);
    lesson.check("dL/db: b was repeated over the rows, so its gradient is their sum",
                 largest_difference(sum(dz, 0), tape.grad(b)), 1e-15);

    lesson.text(
        R"(In the computer the equation for p breaks at large logits, although p itself is harmless. Subtracting the
row's largest logit first changes nothing on paper and everything in the machine:)");
    const Tensor large = Tensor::of({{1000, 1001, 1002}}, DType::f64);
    const Tensor naive = exp(large) / sum(exp(large));
    lesson.show("exp(z) / Σ exp(z) of 1000, 1001, 1002", naive);
    lesson.show("the same with the largest subtracted first", softmax(large));
    lesson.check("the equation as it stands gives NaN, softmax does not",
                 has_nonfinite(naive) && !has_nonfinite(softmax(large)));
}

}  // namespace

void tell_tape(Lesson& lesson) {
    three_records(lesson);
    reused_value(lesson);
    layer_and_loss(lesson);
}

}  // namespace unroll
