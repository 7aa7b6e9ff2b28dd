#include "core/gradcheck.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/differences.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/reductions.hpp"
#include "core/random.hpp"

namespace unroll {
namespace {

using differences::Coordinate;
using differences::Subject;
using differences::Tensors;

/// The index of element i in row-major order.
std::vector<int64_t> unravel(int64_t i, const Shape& shape) {
    std::vector<int64_t> index(size_t(shape.rank()));
    for (int k = shape.rank() - 1; k >= 0; i /= shape[k--]) index[size_t(k)] = i % shape[k];
    return index;
}

/// The worst of each input, and of all.
GradCheck check(const Subject& subject, const GradCheckOptions& options, Where at) {
    GradCheck all;
    all.tolerance = options.tolerance;
    for (const Parameter& x : subject.inputs) {
        GradEntry& e = all.inputs.emplace_back();
        e.input = x.name;
        e.tolerance = options.tolerance;
    }
    for (const Coordinate& c : compare(subject, options, at)) {
        GradEntry& e = all.inputs[c.input];
        e.rejudged += c.rejudged;
        if (e.entries++ > 0 && c.error <= e.error) continue;
        e.analytic = c.analytic, e.numeric = c.numeric, e.error = c.error;
        if (options.directions > 0)
            e.direction = int(c.i);
        else
            e.index = unravel(c.i, subject.inputs[c.input].value.shape());
    }
    for (const GradEntry& e : all.inputs) {
        const int64_t entries = all.entries + e.entries, rejudged = all.rejudged + e.rejudged;
        if (e.entries > 0 && (all.entries == 0 || e.error > all.error)) static_cast<GradEntry&>(all) = e;
        all.entries = entries, all.rejudged = rejudged;
    }
    return all;
}

/// Which slots some record takes as an input.
std::vector<bool> used_slots(const Tape& tape) {
    std::vector<bool> used(size_t(tape.slots()));
    Symbols symbols;
    for (int i = 0; i < tape.size(); i++) tape.record(i).symbols(symbols);
    for (const Symbols::Item& item : symbols.items)
        if (!item.output && item.slot >= 0) used[size_t(item.slot)] = true;
    return used;
}

Tensors values(const Tape& tape, const std::vector<Var>& outputs, Where at) {
    Tensors y;
    for (const Var& v : outputs) {
        if (v.tape() != &tape) fail("gradcheck", at, "output {} is not on the tape given", y.size());
        y.push_back(v.value());
    }
    return y;
}

}  // namespace

GradCheck gradcheck(const std::vector<Parameter>& inputs, const std::function<std::vector<Var>(Tape&)>& f,
                    const GradCheckOptions& options, Where at) {
    const auto forward = [&] {
        Tape tape(Tape::Mode::forward_only);
        return values(tape, f(tape), at);
    };
    const auto backward = [&](const Tensors& upstream) {
        Tape tape;
        std::vector<Var> x;
        for (const Parameter& p : inputs) x.push_back(tape.watch(p));
        const std::vector<Var> y = f(tape);
        Var L;
        for (size_t k = 0; k < y.size(); k++) {
            if (y[k].value().size() == 0 || y[k].slot() < 0) continue;
            const Var term = sum(mul(y[k], upstream[k]));
            L = L.tape() == nullptr ? term : L + term;
        }
        const std::vector<bool> used = used_slots(tape);
        for (size_t k = 0; k < x.size(); k++)
            if (!used[size_t(x[k].slot())])
                fail("gradcheck", at,
                     "{} {} takes part in nothing that is recorded: is it left out, or its .value or a "
                     "copy used in its place?",
                     inputs[k].name, x[k].shape().str());
        if (L.tape() != nullptr) tape.backward(L, at);
        Tensors g;
        for (const Var& v : x) g.push_back(L.tape() != nullptr ? tape.grad(v) : Tensor::zeros(v.shape(), v.dtype()));
        return g;
    };
    return check({inputs, forward, backward}, options, at);
}

GradCheck gradcheck_pair(const std::vector<Parameter>& inputs, const std::function<Tensors(const Tensors&)>& forward,
                         const std::function<Tensors(const Tensors&, const Tensors&)>& backward,
                         const GradCheckOptions& options, Where at) {
    Tensors x;
    for (const Parameter& p : inputs) x.push_back(p.value);
    return check({inputs, [&] { return forward(x); }, [&](const Tensors& d) { return backward(x, d); }}, options, at);
}

Parameter random_input(const std::string& name, const Shape& shape, double mean, double std, uint64_t seed) {
    uint64_t stream = 0;
    for (const char c : name) stream = 31 * stream + static_cast<unsigned char>(c);
    Tensor t = Tensor::empty(shape, DType::f64);
    Generator(seed, stream).fill_normal(t, mean, std);
    return {name, t};
}

std::string GradEntry::where() const {
    if (entries == 0) return "-";
    if (direction >= 0) return fmt::format("{} along {}", input, direction);
    return index.empty() ? input : fmt::format("{}[{}]", input, fmt::join(index, ", "));
}

std::string GradEntry::row(const std::string& name) const {
    return fmt::format("{:<36} {:>6}  {:<22} {:>15.8e} {:>15.8e} {:>8.1e}  {}{}", name, entries, where(), analytic,
                       numeric, error, passed() ? "ok" : "WRONG",
                       rejudged > 0 && passed() ? fmt::format(" ({} judged again)", rejudged) : "");
}

std::string GradEntry::header() {
    return fmt::format("{:<36} {:>6}  {:<22} {:>15} {:>15} {:>8}", "", "checked", "worst entry", "analytic", "numeric",
                       "error");
}

}  // namespace unroll
