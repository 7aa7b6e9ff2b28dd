#include "tutorials/07_advanced/contest.hpp"

#include <fmt/format.h>

#include <cmath>

#include "nn/clip.hpp"
#include "nn/optim.hpp"
#include "nn/schedule.hpp"

namespace unroll {

void train(std::vector<Parameter> parameters, int steps, double rate, const std::function<Var(Tape&)>& loss,
           lesson::Progress& bar, double units) {
    Adam adam(parameters, {.lr = rate});
    Tape tape;
    double mean = 0;
    for (int step = 0; step < steps; step++) {
        adam.set_lr(rate * linear_tail(step, steps));
        tape.clear();
        const Var L = loss(tape);
        tape.backward(L);
        clip_grad_norm(tape, parameters, 1);
        adam.step(tape);
        mean = step == 0 ? L.item() : 0.95 * mean + 0.05 * L.item();
        bar.add(units, fmt::format("loss {:.3f}", mean));
    }
}

std::vector<Parameter> all_parameters(std::initializer_list<Module*> modules) {
    std::vector<Parameter> all;
    for (Module* m : modules)
        for (const Parameter& p : parameters(*m)) all.push_back(p);
    return all;
}

int64_t count(const std::vector<Parameter>& parameters) {
    int64_t n = 0;
    for (const Parameter& p : parameters) n += p.value.size();
    return n;
}

std::string counted(int64_t n, const char* what) { return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s"); }

double Spread::mean() const {
    double sum = 0;
    for (double v : values) sum += v;
    return sum / static_cast<double>(values.size());
}

double Spread::deviation() const {
    if (values.size() < 2) return 0;
    double squares = 0;
    for (double v : values) squares += (v - mean()) * (v - mean());
    return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

std::string Spread::text(int digits) const {
    const std::string middle = fmt::format("{:.{}f}", mean(), digits);
    return values.size() < 2 ? middle : fmt::format("{} ± {:.{}f}", middle, deviation(), digits);
}

void spread_result(Lesson& lesson, const std::string& name, const Spread& spread) {
    lesson.result(name, spread.mean());
    lesson.result(name + "_std", spread.deviation());
}

}  // namespace unroll
