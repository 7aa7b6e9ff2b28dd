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

void four_records(Lesson& lesson) {
    lesson.section("The tape");
    lesson.text(
        "A tape writes down what is calculated with its values: one record an operation, in the order in which they "
        "happened. Each keeps what its derivative will need.");
    lesson.equation(R"(L = (w x + b)^2)", "L = (w x + b)²");
    Tape tape;
    tape.keep_values();
    const Var w = tape.input(number(3), "w"), x = tape.input(number(2), "x"), b = tape.input(number(-4), "b");
    const Var p = w * x;
    tape.name(p, "p");
    const Var a = p + b;
    tape.name(a, "a");
    const Var L = a * a;
    tape.name(L, "L");
    lesson.forward("Forward: what was recorded", tape);

    lesson.section("Backward, one record at a time");
    lesson.text(
        "Now the list is read from its end. The gradient of L with respect to itself is 1. Each record knows the "
        "gradient "
        "dy = dL/dy of its result, since everything that used the result stands further down the list and has been "
        "dealt "
        "with; it multiplies dy by its own derivative and adds the product to the gradient of each of its operands.");
    lesson.backward("Backward: the same records, last first", tape, L);
    const double by_hand = 2 * (3 * 2 - 4);  // dL/da = 2a
    lesson.table({.caption = "The gradients, and what a pencil says",
                  .header = {"", "tape", "by hand", "rule"},
                  .rows = {{"dL/dw", tape.grad(w).item(), by_hand * 2, "$2 (w x + b) \\cdot x$"},
                           {"dL/dx", tape.grad(x).item(), by_hand * 3, "$2 (w x + b) \\cdot w$"},
                           {"dL/db", tape.grad(b).item(), by_hand, "$2 (w x + b)$"}}});
    lesson.check("tape and pencil agree", tape.grad(w).item() == by_hand * 2 && tape.grad(x).item() == by_hand * 3 &&
                                              tape.grad(b).item() == by_hand);
}

void reused_value(Lesson& lesson) {
    lesson.section("A value that is used twice");
    lesson.text(
        "In L = a a the record gave *two* contributions to a, one for each factor. That is the rule that matters most "
        "in "
        "this book, where one weight is used at every time step: contributions are **added**, never written over each "
        "other. The smallest example there is:");
    lesson.equation(R"(b = a + a, \qquad c = b + b)", "b = a + a,  c = b + b");
    Tape tape;
    tape.keep_values();
    const Var a = tape.input(number(3), "a");
    const Var b = a + a;
    tape.name(b, "b");
    const Var c = b + b;
    tape.name(c, "c");

    // What a tape that assigns would get: at each record the last contribution alone, passed on.
    lesson::Table table{.caption = "Contributions added, and overwritten as a careless tape would",
                        .header = {"gradient of", "contributions", "added", "overwritten"}};
    double overwritten = 1;
    std::vector<lesson::Stop> stops;
    Backprop bp(tape, c, {.observe = true});
    while (bp.step()) {
        double sum = 0;
        std::string terms;
        for (const Contribution& part : bp.contributions()) {
            sum += part.value.item();
            terms += (terms.empty() ? "" : " and ") + fmt::format("{:g}", part.value.item());
        }
        table.rows.push_back(
            {std::string("`") + tape.name_of(bp.contributions()[0].slot) + "`", terms, sum, overwritten});
    }
    lesson.table(table);
    lesson.check("$\\partial c / \\partial a = 4$, for $c = 4a$", tape.grad(a).item() == 4);
    lesson.text(
        "There are four ways back from c to a, and nobody walked them one by one: two additions were enough. A chain "
        "of n "
        "doublings has 2ⁿ ways back; the tape still reads each record once, and needs no recursion to do so.");
    lesson::Table chain{.caption = "A chain of doublings", .header = {"records", "gradient = number of ways back"}};
    for (int n : {1, 2, 10, 50}) {
        Tape doublings;
        const Var start = doublings.input(number(1));
        Var v = start;
        for (int i = 0; i < n; i++) v = v + v;
        doublings.backward(v);
        chain.rows.push_back({n, doublings.grad(start).item()});
        lesson.check(fmt::format("$2^{{{}}}$", n), doublings.grad(start).item() == std::ldexp(1.0, n));
    }
    lesson.table(chain);
}

void layer_and_loss(Lesson& lesson) {
    lesson.section("A layer and its loss");
    lesson.text(
        "Two examples, three classes. The softmax turns the scores (logits) of a row into probabilities, and the loss "
        "is the "
        "mean of -log p of the right classes, here 0 and 2.");
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
        "In the computer the equation for p breaks at large logits, although p itself is harmless. Subtracting the "
        "row's "
        "largest logit first changes nothing on paper and everything in the machine:");
    const Tensor large = Tensor::of({{1000, 1001, 1002}}, DType::f64);
    const Tensor naive = exp(large) / sum(exp(large));
    lesson.show("exp(z) / Σ exp(z) of 1000, 1001, 1002", naive);
    lesson.show("the same with the largest subtracted first", softmax(large));
    lesson.check("the equation as it stands gives NaN, softmax does not",
                 has_nonfinite(naive) && !has_nonfinite(softmax(large)));
}

}  // namespace

void tell_tape(Lesson& lesson) {
    four_records(lesson);
    reused_value(lesson);
    layer_and_loss(lesson);
}

}  // namespace unroll
