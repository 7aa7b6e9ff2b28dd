// Gradients by differences: how good they can be, and four ways in which a check lies.
#include <fmt/format.h>

#include <cmath>

#include "core/gradcheck.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/losses.hpp"
#include "core/ops/reductions.hpp"
#include "core/random.hpp"
#include "tutorials/00_tape/chapter.hpp"

namespace unroll {
namespace {

Tensor uniform(Generator& rng, const Shape& shape) {
    Tensor t = Tensor::empty(shape, DType::f64);
    rng.fill_uniform(t, -1, 1);
    return t;
}

/// Two layers and a loss: small, curved everywhere, and every entry of W matters.
struct Network {
    Tensor x;
    Parameter W, V;
    Ids targets{{0, 3, 1, 2}};

    explicit Network(Generator& rng)
        : x(uniform(rng, {{4, 'R'}, {5, 'K'}})),
          W("W", uniform(rng, {{6, 'H'}, {5, 'K'}})),
          V("V", uniform(rng, {{4, 'V'}, {6, 'H'}})) {}

    Var loss(Tape& tape) const {
        const Var h = tanh(matmul(tape.input(x, "x"), transposed(W)));
        return cross_entropy(matmul(h, transposed(V)), targets);
    }
    /// The same calculated in the type of W.
    double loss(const Tensor& W) const {
        const Tensor h = tanh(matmul(x.to(W.dtype()), transposed(W)));
        return cross_entropy(matmul(h, transposed(V.value.to(W.dtype()))), targets).item();
    }
};

enum class Difference { one_sided, central, richardson };

/// dL/dW by differences, every entry, calculated in `dtype`.
Tensor numeric(const Network& net, double h, Difference kind, DType dtype) {
    Tensor W = net.W.value.to(dtype).clone();
    Tensor gradient = Tensor::empty(W.shape(), DType::f64);
    const double here = net.loss(W);
    for (int64_t i = 0; i < W.size(); i++) {
        const double original = W.flat(i);
        const auto at = [&](double step) {
            W.set_flat(i, original + step);
            return net.loss(W);
        };
        const auto central = [&](double step) { return (at(step) - at(-step)) / (2 * step); };
        switch (kind) {
            case Difference::one_sided:
                gradient.set_flat(i, (at(h) - here) / h);
                break;
            case Difference::central:
                gradient.set_flat(i, central(h));
                break;
            case Difference::richardson:
                gradient.set_flat(i, (4 * central(h / 2) - central(h)) / 3);
                break;
        }
        W.set_flat(i, original);
    }
    return gradient;
}

/// The largest difference of two gradients, relative to the largest entry of `a`.
double error(const Tensor& a, const Tensor& b) {
    double difference = 0, largest = 0;
    for (int64_t i = 0; i < a.size(); i++) {
        difference = std::max(difference, std::abs(a.flat(i) - b.flat(i)));
        largest = std::max(largest, std::abs(a.flat(i)));
    }
    return difference / largest;
}

struct Best {
    double h = 0, error = INFINITY;
};

/// The error of each kind of difference against the step h, and the best step of each.
std::vector<Best> step_sizes(Lesson& lesson, const Network& net, const Tensor& right) {
    lesson.section("Gradients by differences");
    lesson.text(
        R"(A derivative can be had without any calculus: move one number by $h$, look at what the loss does. Moving it
both ways (the central difference) is better than moving it one way:)");
    lesson.equation(R"(\frac{L(w + h) - L(w - h)}{2h} = L'(w) + \frac{h^2}{6} L'''(w) + \ldots)",
                    "(L(w + h) - L(w - h)) / 2h = L'(w) + h²/6 L'''(w) + ...");
    lesson.text(
        R"(How small should $h$ be? On paper: as small as you like. In the machine $L$ is rounded, and the difference of
two nearly equal numbers, divided by a tiny $h$, is mostly rounding error. So the error falls with $h$, turns,
and rises again: a V. The network here has two layers and a softmax loss; the error is the largest over all
entries of W, relative to the largest entry of the gradient.)");
    struct Method {
        const char* name;
        Difference kind;
        DType dtype;
    };
    const Method methods[] = {{"f64, one-sided", Difference::one_sided, DType::f64},
                              {"f64, central", Difference::central, DType::f64},
                              {"f64, central, extrapolated", Difference::richardson, DType::f64},
                              {"f32, central", Difference::central, DType::f32}};
    lesson::Plot plot{.title = "Error of a numeric gradient against its step",
                      .x = "step h",
                      .y = "largest relative error",
                      .log_x = true,
                      .log_y = true,
                      .caption =
                          "To the right of each minimum the equation is wrong, to its left the arithmetic. An error of "
                          "1: the step is "
                          "so small that the loss does not move at all."};
    lesson::Table table{.caption = "The best step of each", .header = {"difference", "best h", "error there"}};
    std::vector<Best> best;
    for (const Method& m : methods) {
        lesson::Series series{.name = m.name};
        best.emplace_back();
        for (int i = 0; i <= 48; i++) {
            const double h = std::pow(10.0, -i / 4.0);
            series.x.push_back(h);
            series.y.push_back(error(right, numeric(net, h, m.kind, m.dtype)));
            if (series.y.back() < best.back().error) best.back() = {h, series.y.back()};
        }
        plot.series.push_back(series);
        table.rows.push_back({m.name, fmt::format("{:.1e}", best.back().h), fmt::format("{:.1e}", best.back().error)});
    }
    lesson.plot(plot);
    lesson.table(table);
    lesson.text(
        R"(Extrapolated: two central differences, at $h$ and $h/2$, combined so that the $h^2$ cancels (Richardson). It is
what `gradcheck` uses: a good error at a large h, far from the rounding.)");
    lesson.check("in f64 the central difference beats the one-sided", best[1].error < best[0].error);
    lesson.check("the extrapolated one beats both", best[2].error < best[1].error);
    lesson.check("in f32 no step does what f64 does", best[3].error > 1000 * best[1].error);
    return best;
}

void lies_single_precision(Lesson& lesson, const Network& net, const Tensor& right, const std::vector<Best>& best) {
    lesson.section("How a check lies: single precision");
    const double slip = 1 + 0.3 * best[3].error;
    const Tensor wrong = right * slip;
    lesson.text(fmt::format(
        R"(A planted mistake: every entry of the gradient multiplied by 1 + {:.1e}, as a forgotten epsilon or a rounded
constant would do. Each check takes the step that suits it best.)",
        slip - 1));
    lesson::Table table{.caption = "Error that the check reports",
                        .header = {"calculated in", "right gradient", "wrong gradient"}};
    const Tensor by_f64 = numeric(net, best[1].h, Difference::central, DType::f64);
    const Tensor by_f32 = numeric(net, best[3].h, Difference::central, DType::f32);
    for (const auto& [name, by] : {std::pair("f64", by_f64), std::pair("f32", by_f32)})
        table.rows.push_back({name, fmt::format("{:.1e}", error(right, by)), fmt::format("{:.1e}", error(wrong, by))});
    lesson.table(table);
    lesson.check("f64 tells right from wrong by a factor of 100 at least",
                 error(wrong, by_f64) > 100 * error(right, by_f64));
    lesson.check("f32 can't: the two errors are within a factor of 2", error(wrong, by_f32) < 2 * error(right, by_f32));
}

void lies_one_entry(Lesson& lesson, const Network& net, const Tensor& right, double h) {
    lesson.section("How a check lies: one entry only");
    Tensor wrong = right.clone();
    wrong.set({5, 4}, 0);
    const Tensor by = numeric(net, h, Difference::central, DType::f64);
    int64_t passed = 0;
    for (int64_t i = 0; i < right.size(); i++)
        if (std::abs(wrong.flat(i) - by.flat(i)) <= 1e-6) passed++;
    lesson.text(fmt::format(
        R"(Some checks look at one random entry, to save time. A planted mistake: the entry in the last corner is 0, as
if a loop had ended one too early. Of the {} entries one could look at, {} show nothing wrong. Whoever looks
at all of them finds it at once: the error is {:.1e}.)",
        right.size(), passed, error(right, wrong)));
    lesson.check("only one entry in all tells", passed == right.size() - 1);
    lesson.result("entries_that_miss_a_wrong_corner", static_cast<double>(passed));
}

void lies_upstream_of_ones(Lesson& lesson, Generator& rng) {
    lesson.section("How a check lies: a loss that can't see");
    lesson.text(
        R"(A check needs one number to differentiate, and the sum of all outputs is a tempting choice. But a softmax's
outputs add up to 1 whatever goes in: the true gradient of their sum is 0, and a backward that returns
nothing at all is found to be perfect. Weigh the outputs with random numbers instead.)");
    const Tensor z = uniform(rng, {{3, 'R'}, {4, 'V'}}), weights = uniform(rng, z.shape());
    lesson::Table table{.caption = "By how much a backward of softmax that returns zeros is wrong",
                        .header = {"loss", "largest entry of its gradient"}};
    std::vector<double> seen;
    for (const auto& [name, upstream] : {std::pair("sum of $p$", Tensor::full(z.shape(), 1, DType::f64)),
                                         std::pair("sum of $p$, weighed at random", weights)}) {
        Tape tape;
        const Var in = tape.input(z, "z");
        tape.backward(sum(softmax(in) * upstream));
        double largest = 0;
        for (double v : tape.grad(in).to_vector()) largest = std::max(largest, std::abs(v));
        seen.push_back(largest);
        table.rows.push_back({name, fmt::format("{:.1e}", largest)});
    }
    lesson.table(table);
    lesson.check("the sum of the outputs sees nothing", seen[0], 1e-15);
    lesson.check("random weights see it", seen[1] > 0.01);
}

void lies_kink(Lesson& lesson) {
    lesson.section("How a check lies: a kink within the step");
    lesson.text(
        R"(The last lie accuses the innocent. max(0, x) has a corner at 0. Where the step reaches across it, the
difference is a mean of the two slopes, and a correct gradient is called wrong. `gradcheck` notices that two
step sizes disagree, and judges such entries again with a smaller step.)");
    lesson::Table table{.caption = "The slope of max(0, x) at x = 0.0004, by central differences",
                        .header = {"step h", "difference", "true"}};
    const double x = 0.0004;
    std::vector<double> slopes;
    for (double h : {1e-2, 1e-3, 1e-4}) {
        const auto at = [](double v) { return relu(Tensor::full({}, v, DType::f64)).item(); };
        slopes.push_back((at(x + h) - at(x - h)) / (2 * h));
        table.rows.push_back({fmt::format("{:g}", h), slopes.back(), 1});
    }
    lesson.table(table);
    lesson.check("with a step that stays on one side it is right", slopes[2] - 1, 1e-12);
    lesson.check("with one that does not it is not", slopes[1] < 0.9);
}

}  // namespace

void tell_differences(Lesson& lesson) {
    Generator rng(lesson.seed());
    const Network net(rng);
    Tape tape;
    tape.backward(net.loss(tape));
    const Tensor right = tape.grad(net.W);

    const std::vector<Best> best = step_sizes(lesson, net, right);
    lies_single_precision(lesson, net, right, best);
    lies_one_entry(lesson, net, right, best[1].h);
    lies_upstream_of_ones(lesson, rng);
    lies_kink(lesson);

    lesson.section("A check that does not lie");
    lesson.text(
        R"(Double precision, every entry of every input, random upstream gradients, two step sizes: this is what
`gradcheck` does, and every operation of this library passes it (`tests/run --suite gradcheck`).)");
    lesson.gradcheck("Every entry of the network's two weights",
                     gradcheck({net.W, net.V}, [&](Tape& t) { return std::vector<Var>{net.loss(t)}; }));
    lesson.result("best_step_central_f64", best[1].h);
    lesson.result("best_error_central_f64", best[1].error);
    lesson.result("best_step_central_f32", best[3].h);
    lesson.result("best_error_central_f32", best[3].error);
    lesson.result("best_error_extrapolated_f64", best[2].error);
}

}  // namespace unroll
