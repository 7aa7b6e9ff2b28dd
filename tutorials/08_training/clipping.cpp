// Gradient clipping: by norm, by value, and a training that does not survive without it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/ops/elementwise.hpp"
#include "core/ops/reductions.hpp"
#include "nn/clip.hpp"
#include "nn/init.hpp"
#include "nn/linear.hpp"
#include "nn/optim.hpp"
#include "nn/rnn.hpp"
#include "tutorials/08_training/chapter.hpp"
#include "tutorials/tasks/adding.hpp"

namespace unroll {
namespace {

/// The cosine of the angle between two vectors.
double cosine(const Tensor& a, const Tensor& b) {
    return sum(a * b).item() / std::sqrt(sum(a * a).item() * sum(b * b).item());
}

void by_hand(Lesson& lesson) {
    lesson.section("Clipping by norm", "Gradient Clipping");
    lesson.equation(R"(\text{if } \|\nabla L\| > \tau: \quad \nabla L \leftarrow \frac{\tau}{\|\nabla L\|} \nabla L)",
                    "if ‖g‖ > τ:  g ← g τ / ‖g‖");
    lesson.text(
        "The norm is that of *all* gradients taken as one long vector. Two parameters with gradients of three numbers "
        "in all, and three ways to shorten them:");
    const Tensor a = Tensor::of({3.0, 0.4}, DType::f64), b = Tensor::of({-4.0}, DType::f64);
    const Tensor before = Tensor::of({3.0, 0.4, -4.0}, DType::f64);
    const double norm = global_norm({a, b}), tau = 1;
    lesson.show("gradient of a", a);
    lesson.show("gradient of b", b);
    lesson::Table table{.caption =
                            "τ = 1, or a limit of 1 for each value. The cosine is that of the angle between the "
                            "gradient before and after: 1 where the direction is kept",
                        .header = {"", "a[0]", "a[1]", "b[0]", "norm", "cosine"}};
    const auto add = [&](const char* name, const Tensor& g) {
        table.rows.push_back({name, g.flat(0), g.flat(1), g.flat(2), global_norm({g}), cosine(before, g)});
        return cosine(before, g);
    };
    add("before", before);
    const std::vector<Tensor> by_norm = {a.clone(), b.clone()};
    clip_grad_norm(by_norm, tau);
    const double kept =
        add("by norm", Tensor::of({by_norm[0].flat(0), by_norm[0].flat(1), by_norm[1].item()}, DType::f64));
    const std::vector<Tensor> by_value = {a.clone(), b.clone()};
    clip_grad_value(by_value, tau);
    const double turned =
        add("by value", Tensor::of({by_value[0].flat(0), by_value[0].flat(1), by_value[1].item()}, DType::f64));
    const Tensor own_a = a * (tau / global_norm({a})), own_b = b * (tau / global_norm({b}));
    const double split =
        add("each tensor by its own norm", Tensor::of({own_a.flat(0), own_a.flat(1), own_b.item()}, DType::f64));
    lesson.table(table);
    lesson.check("clipping by norm keeps the direction", 1 - kept, 1e-15);
    lesson.check("clipping by value, or each tensor by itself, turns it", turned < 0.999 && split < 0.999);
    lesson.check("the norm is the root of the sum of all squares", norm - std::sqrt(3.0 * 3.0 + 0.4 * 0.4 + 16), 1e-15);

    lesson.text(
        "*A mistake that readers make.* Where a batch is too big for memory its gradient is added up from several "
        "small "
        "ones. Clip the sum, once: parts that are clipped first and added then are another gradient, with another "
        "direction.");
    const Tensor first = Tensor::of({6.0, 0.0}, DType::f64), second = Tensor::of({0.0, 0.5}, DType::f64);
    const Tensor sum_then_clip = (first + second).clone();
    clip_grad_norm({sum_then_clip}, tau);
    const Tensor clipped = first.clone();
    clip_grad_norm({clipped}, tau);
    const Tensor clip_then_sum = clipped + second;
    lesson.table(
        {.caption = "Two micro-batches with gradients (6, 0) and (0, 0.5), τ = 1",
         .header = {"", "g[0]", "g[1]", "norm"},
         .rows = {
             {"added, then clipped", sum_then_clip.flat(0), sum_then_clip.flat(1), global_norm({sum_then_clip})},
             {"clipped, then added", clip_then_sum.flat(0), clip_then_sum.flat(1), global_norm({clip_then_sum})}}});
    lesson.check("clipping before accumulation gives another direction", cosine(sum_then_clip, clip_then_sum) < 0.95);
}

struct Run {
    lesson::Series loss, norm;
    bool finite = true;
    double last = INFINITY;  // mean loss of the last tenth
};

/// A relu RNN that starts as a memory (W_hh = identity), on the adding problem, by plain gradient descent. `clip` is
/// clip_grad_norm or clip_grad_value, with the limit.
template <class Clip>
Run train(Clip clip, int steps, uint64_t seed) {
    Generator gen(seed);
    Rnn rnn({.input_size = 2, .hidden_size = 32, .activation = Activation::relu}, gen);
    init::identity(rnn.cell(0).W_hh.value);
    init::zeros(rnn.cell(0).b_h.value);
    Linear out({.in = 32, .out = 1}, gen);
    std::vector<Parameter> all = parameters(rnn);
    for (const Parameter& p : parameters(out)) all.push_back(p);
    Sgd sgd(all, {.lr = 0.03});
    tasks::Adding task(40, seed);
    Run run;
    double tail = 0;
    Tape tape;
    for (int step = 0; step < steps; step++) {
        const tasks::Adding::Batch batch = task.next(32);
        tape.clear();
        const Var h = rnn(tape.constant(batch.x)).last.h;
        const Var error = out(reshape(h, {32, 32})) - batch.target;
        const Var L = mean(error * error);
        if (!std::isfinite(L.item())) {
            run.finite = false;
            break;
        }
        tape.backward(L);
        std::vector<Tensor> gradients;
        for (const Parameter& p : all) gradients.push_back(tape.grad(p));
        const double norm = global_norm(gradients);
        run.loss.x.push_back(step);
        run.loss.y.push_back(L.item());
        run.norm.x.push_back(step);
        run.norm.y.push_back(norm);
        if (!std::isfinite(norm)) {
            run.finite = false;
            break;
        }
        clip(tape, all);
        sgd.step(tape);
        if (step >= steps - steps / 10) tail += L.item() / (steps / 10);
    }
    if (run.finite) run.last = tail;
    return run;
}

}  // namespace

void tell_clipping(Lesson& lesson) {
    by_hand(lesson);

    lesson.section("A training on the cliff", "Gradient Clipping");
    const int steps = lesson.steps(6000, 60);
    lesson.text(
        "The loss of a recurrent network has cliffs: where a product of many Jacobians tips over from shrinking to "
        "growing, the gradient is suddenly thousands of times longer, and one step along it throws the weights far "
        "away. A relu network that starts as a memory, $W_{hh}$ = identity, learns the adding problem (two of 40 "
        "numbers are marked; say their sum) by plain gradient descent, from the same start and on the same batches, "
        "without clipping, with the norm clipped at $\\tau = 1$, and with every entry clipped at $c = 0.03$, which "
        "lets the norm of all of them be 1 as well.");
    using Parameters = std::vector<Parameter>;
    Run free = train([](Tape&, const Parameters&) {}, steps, lesson.seed());
    Run clipped = train([](Tape& tape, const Parameters& all) { clip_grad_norm(tape, all, 1); }, steps, lesson.seed());
    Run by_value =
        train([](Tape& tape, const Parameters& all) { clip_grad_value(tape, all, 0.03); }, steps, lesson.seed());
    free.loss.name = free.norm.name = "without clipping";
    clipped.loss.name = clipped.norm.name = "norm clipped at 1";
    by_value.loss.name = by_value.norm.name = "entries clipped at 0.03";
    lesson.plot({.title = "Loss with and without clipping",
                 .x = "step",
                 .y = "mean square error",
                 .series = {free.loss, clipped.loss, by_value.loss},
                 .log_y = true,
                 .caption = fmt::format(
                     "A network that always says 1 scores {:.3f}. A curve that ends early ended in infinity.",
                     tasks::adding_baseline)});
    lesson.plot({.title = "The norm of the gradient, before clipping",
                 .x = "step",
                 .y = "‖g‖",
                 .series = {free.norm, clipped.norm, by_value.norm},
                 .log_y = true,
                 .caption = "Keep this history: it says where τ belongs (a little above the usual), and shows an "
                            "explosion before the loss does."});
    lesson::Table runs{.caption = "The three runs",
                       .header = {"", "survived", "steps", "mean loss of the last tenth", "largest norm"}};
    for (const Run* run : {&free, &clipped, &by_value})
        runs.rows.push_back({run->loss.name, run->finite, static_cast<double>(run->loss.x.size()), run->last,
                             *std::max_element(run->norm.y.begin(), run->norm.y.end())});
    lesson.table(std::move(runs));
    lesson.text(
        by_value.finite
            ? "Clipped entry by entry it survived too, though its steps do not go where the gradient points."
            : fmt::format("Clipped entry by entry it ended in infinity all the same, after {} steps: they are as "
                          "short as the others', but they do not go where the gradient points.",
                          by_value.loss.x.size()));
    lesson.check("the training with the norm clipped stays finite", clipped.finite);
    if (!lesson.quick()) lesson.check("without clipping it does worse, or breaks off", !(free.last <= clipped.last));
    lesson.result("clipping_adding_loss", clipped.last);
    lesson.result("clipping_by_value_steps", static_cast<double>(by_value.loss.x.size()));
}

}  // namespace unroll
