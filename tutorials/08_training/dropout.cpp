// Dropout: what stays in expectation, which mask goes where, and what evaluation must not do.
#include "core/ops/dropout.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/ops/reductions.hpp"
#include "core/ops/shape.hpp"
#include "nn/lstm.hpp"
#include "tutorials/08_training/chapter.hpp"

namespace unroll {
namespace {

double share_of_zeros(const Tensor& x) {
    double zeros = 0;
    for (int64_t i = 0; i < x.size(); i++) zeros += x.flat(i) == 0 ? 1 : 0;
    return zeros / static_cast<double>(x.size());
}

}  // namespace

void tell_dropout(Lesson& lesson) {
    lesson.section("Dropout", "Dropout");
    lesson.equation(
        R"(h_t = \mathrm{dropout}(h_t, p): \quad m_j = \begin{cases} 0 & \text{with probability } p \\ 1/(1-p) & \text{else} \end{cases}, \quad h_t \leftarrow m \odot h_t)",
        "m_j = 0 with probability p, else 1/(1-p);  h_t ← m ⊙ h_t");
    lesson.text(
        "$p$ is the probability of *dropping*. What is kept is divided by $1 - p$, so that the expectation of every "
        "number stays what it was, and evaluation, which drops nothing, needs no correction.");
    Generator gen(lesson.seed());
    const double p = 0.25;
    Tensor h = Tensor::empty(Shape{3, 1, 6}.named("TBH"), DType::f64);
    gen.fill_uniform(h, 0.5, 1.5);
    lesson.show("h, three steps of one sequence", h);
    lesson.show("dropout(h, 0.25): every step has a mask of its own", dropout(h, p, gen));
    const Tensor shared = variational_dropout(h, p, gen);
    lesson.show("variational_dropout(h, 0.25): one mask for all steps", shared);
    bool same = true;
    for (int64_t t = 0; t < 3; t++)
        for (int64_t j = 0; j < 6; j++) same &= (shared.at({t, 0, j}) == 0) == (shared.at({0, 0, j}) == 0);
    lesson.check("what the variational mask drops it drops at every step", same);

    Tensor ones = Tensor::full({1000, 100}, 1, DType::f64);
    const Tensor dropped = dropout(ones, p, gen);
    const double expectation = mean(dropped).item(), zeros = share_of_zeros(dropped);
    lesson.table({.caption = "100,000 ones after dropout with p = 0.25",
                  .header = {"mean", "share of zeros", "what is kept"},
                  .rows = {{expectation, zeros, 1 / (1 - p)}}});
    lesson.check("the mean stays 1, within five standard deviations", expectation - 1,
                 5 * std::sqrt(p / (1 - p) / 100000));

    lesson.text(
        "Backward multiplies by the same mask. A gradient check must see one function, so it draws the mask from a "
        "generator that starts anew at each call; a check that draws on would compare two different networks.");
    const Parameter x = random_input("x", Shape{3, 2, 4}.named("TBH"));
    lesson.gradcheck("dropout and variational dropout, every entry", gradcheck({x}, [&](Tape& tape) {
                         Generator again(lesson.seed());
                         const Var v = tape.watch(x);
                         Var each_step = dropout(v, p, again);
                         Var all_steps = variational_dropout(v, p, again);
                         return std::vector<Var>{each_step, all_steps};
                     }));

    lesson.section("The mistakes", "Dropout");
    lesson.text(
        "*A mask kept at evaluation* makes a model answer at random. A layer here drops only where its call is given a "
        "generator, so forgetting is safe and dropping is visible. Two layers of an LSTM on the same input, three "
        "times:");
    Lstm lstm({.input_size = 4, .hidden_size = 5, .dtype = DType::f64, .num_layers = 2, .dropout = 0.5}, gen);
    Tensor input = Tensor::empty(Shape{6, 1, 4}.named("TBD"), DType::f64);
    gen.fill_normal(input, 0, 1);
    const auto score = [&](Generator* draws) {
        Tape tape(Tape::Mode::forward_only);
        return sum(lstm(tape.constant(input), {.dropout = draws}).y).item();
    };
    lesson::Table table{.caption = "Σ y of the same input, called three times", .header = {"", "1st", "2nd", "3rd"}};
    const double quiet = score(nullptr), noisy = score(&gen), noisier = score(&gen);
    table.rows.push_back({"evaluation: no generator", quiet, score(nullptr), score(nullptr)});
    table.rows.push_back({"training: dropout draws from one", noisy, noisier, score(&gen)});
    lesson.table(table);
    lesson.check("evaluation gives the same at each call", quiet == score(nullptr));
    lesson.check("training does not", noisy != noisier);
    lesson.text(
        "*A fresh mask where one was meant.* Inside the recurrence, from $h_{t-1}$ to $h_t$, a fresh mask at every "
        "step lets next to nothing through: after $n$ steps a unit has survived with probability $(1-p)^n$. That is "
        "why "
        "dropout stands between the layers here, and why Gal and Ghahramani, who drop there too, keep one mask.");
    table = {.caption = "The share of units never dropped in n steps, p = 0.25",
             .header = {"n", "fresh masks", "(1-p)ⁿ", "one mask"}};
    for (int n : {1, 4, 16, 64}) {
        Tensor every = Tensor::full({n, 1, 2000}, 1, DType::f64);
        const auto survivors = [&](const Tensor& y) {
            double alive = 0;
            for (int64_t j = 0; j < 2000; j++) {
                bool kept = true;
                for (int64_t t = 0; t < n; t++) kept &= y.at({t, 0, j}) != 0;
                alive += kept ? 1 : 0;
            }
            return alive / 2000;
        };
        table.rows.push_back({static_cast<double>(n), survivors(dropout(every, p, gen)), std::pow(1 - p, n),
                              survivors(variational_dropout(every, p, gen))});
    }
    lesson.table(table);
}

}  // namespace unroll
