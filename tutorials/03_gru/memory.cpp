// "Memory: short-term" in the book's table, measured: how much of a gradient is left after n time steps.
#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "core/ops/reductions.hpp"
#include "nn/gru.hpp"
#include "nn/lstm.hpp"
#include "nn/rnn.hpp"
#include "tutorials/03_gru/chapter.hpp"

namespace unroll {
namespace {

double norm(const Tensor& t) {
    double squares = 0;
    for (double v : t.to_vector()) squares += v * v;
    return std::sqrt(squares);
}

/// Size of ∂(u·h_T)/∂s_t over its size at t = T, for n = T - t = 0 .. T-1. s is the state that is carried: C of an
/// LSTM, h of the others; u is random.
template <class Cell>
std::vector<double> left_after(const Cell& cell, const Tensor& x) {
    Tape tape;
    const int T = static_cast<int>(x.dim(0));
    const int64_t H = cell.W_hh.value.dim(1);
    const Tensor zeros = Tensor::zeros({x.dim(1), H});
    States s{tape.constant(zeros), Cell::has_cell_state ? tape.constant(zeros) : Var()};
    std::vector<Var> carried;
    for (int t : tape.steps(T)) {
        const Var x_t = row(tape.constant(x), t);
        s = cell.step(x_t, s);
        carried.push_back(Cell::has_cell_state ? s.C : s.h);
        tape.keep_grad(carried.back());
    }
    Tensor u = Tensor::empty({x.dim(1), H});
    Generator(7).fill_normal(u, 0, 1);
    tape.backward(sum(s.h * u));
    std::vector<double> left;
    for (auto c = carried.rbegin(); c != carried.rend(); ++c) left.push_back(norm(tape.grad(*c)));
    for (double last = left[0]; double& size : left) size /= last;
    return left;
}

std::vector<double> left_after(RecurrentLayer& layer, const Tensor& x) {
    if (auto* gru = dynamic_cast<Gru*>(&layer)) return left_after(gru->cell(0), x);
    if (auto* lstm = dynamic_cast<Lstm*>(&layer)) return left_after(lstm->cell(0), x);
    return left_after(dynamic_cast<Rnn&>(layer).cell(0), x);
}

}  // namespace

void tell_memory(Lesson& lesson, Comparison& comparison) {
    lesson.section("Is its memory short-term?", "Comparison with LSTM");
    const int64_t T = lesson.quick() ? 20 : 100, H = lesson.quick() ? 16 : 64;
    const Tensor x = tasks::Adding(T, lesson.seed(), 50).next(16).x;
    lesson.text(
        "The book's table says \"Long-term\" of the LSTM and \"Short-term\" of the GRU. It can be measured: a gradient "
        "enters at $h_T$, and we look at how much of it reaches the state $n$ steps earlier. Each cell twice: as it "
        "starts, and after it has been trained on the adding problem, by the first seed.");
    lesson::Plot plot{.title = "What is left of a gradient after n time steps",
                      .x = "n, time steps back from the last",
                      .y = "size, relative to the last step's",
                      .log_y = true,
                      .caption =
                          "Gradient of a random projection of $h_T$ at the state that is carried: C of the LSTM, "
                          "h of the others. Full names: after training."};
    lesson::Table table{.caption = fmt::format("Left after {} steps, relative to the last step's", T - 1),
                        .header = {"cell", "as it starts", "trained"}};
    std::vector<std::pair<std::string, double>> figures;
    bool finite = true;
    std::optional<bool> longer;  // nothing to say of a training that is only a few steps long
    for (Contestant& c : comparison.contestants) {
        if (c.key == "gru_large") continue;
        Generator gen(lesson.seed(), 100);
        const std::vector<double> fresh = left_after(*c.make(2, H, gen), x), trained = left_after(*c.trained, x);
        std::vector<double> n;
        for (size_t k = 0; k < fresh.size(); k++) n.push_back(static_cast<double>(k));
        if (c.key != "gru_before") {
            plot.series.push_back({.name = c.name, .x = n, .y = trained});
            plot.series.push_back({.name = c.name + ", at the start", .x = n, .y = fresh});
        }
        const auto digits = [](double v) { return fmt::format("{:.2g}", v); };
        table.rows.push_back({c.name, digits(fresh.back()), digits(trained.back())});
        c.left = trained.back();
        if (dynamic_cast<Gru*>(c.trained.get()) != nullptr && c.adding[0].step.back() >= 500)
            longer = longer.value_or(true) && trained.back() > fresh.back();
        finite = finite && std::isfinite(fresh.back()) && std::isfinite(trained.back());
        figures.emplace_back("gradient_left_start_" + c.key, fresh.back());
        figures.emplace_back("gradient_left_trained_" + c.key, trained.back());
    }
    lesson.plot(plot);
    lesson.table(table);
    lesson.check("every gradient is finite", finite);
    if (longer.has_value())
        lesson.check("training has made the memory of both GRUs longer than it was at the start", *longer);
    lesson.text(
        "\"Short-term\" says where a GRU starts, with gates that are half open. What it keeps is what a task teaches "
        "them: a memory as long as this task asks for. An LSTM starts further on when its forget bias is 1, which is a "
        "choice of the start and not of the cell.");
    for (const auto& [name, value] : figures) lesson.result(name, value);
}

}  // namespace unroll
