#include "core/differences.hpp"

#include <algorithm>
#include <cstring>

#include "core/ops/elementwise.hpp"
#include "core/random.hpp"

namespace unroll::differences {
namespace {

// The first is good to some 1e-12 where derivatives are of order 1; the others are for kinks and sharp bends, until
// rounding, eps / h, comes near the tolerance. Powers of two, so that x + h is nearly exact.
constexpr double steps[] = {0x1p-11, 0x1p-15, 0x1p-18};
constexpr int most_draws = 3;

double dot(const Tensor& a, const Tensor& b) {
    double sum = 0;
    for (int64_t i = 0; i < a.size(); i++) sum += a.data<double>()[i] * b.data<double>()[i];
    return sum;
}

bool same(const Tensor& a, const Tensor& b) {
    return a.shape() == b.shape() && std::memcmp(a.data<double>(), b.data<double>(), size_t(a.size()) * 8) == 0;
}
bool same(const Tensors& a, const Tensors& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](auto& x, auto& y) { return same(x, y); });
}

struct Checker {
    const Subject& subject;
    const GradCheckOptions& options;
    Where at;
    std::vector<Parameter> inputs = subject.inputs;
    Tensors point = {};     // the inputs' values
    Tensors y = {};         // the outputs there
    Tensors upstream = {};  // dL/dy
    double scale = 0;       // of the gradient

    template <class... A>
    [[noreturn]] void refuse(fmt::format_string<A...> message, A&&... values) const {
        fail("gradcheck", at, fmt::format(message, std::forward<A>(values)...));
    }
    void put(const Tensors& values) {
        for (size_t k = 0; k < inputs.size(); k++) inputs[k].value.copy_from(values[k]);
    }
    Tensors evaluate() const {
        Tensors outputs = subject.forward();
        if (!y.empty() && outputs.size() != y.size()) refuse("the number of outputs changes from call to call");
        for (Tensor& t : outputs) t = t.clone();  // it may share an input's storage
        return outputs;
    }
    bool wrong(const Coordinate& c) const { return !(c.error <= options.tolerance); }
    bool on_kink(const Coordinate& c) const { return wrong(c) && std::abs(c.analytic - c.numeric) <= c.kink; }

    void check_inputs() const {
        if (inputs.empty()) refuse("there are no inputs to check");
        for (const Parameter& x : inputs)
            if (x.value.dtype() != DType::f64)
                refuse("{} {} is f32, whose rounding (1e-7) hides mistakes: check in f64, as {}.to(DType::f64)", x.name,
                       x.value.shape().str(), x.name);
    }

    void check_outputs() const {
        if (y.empty()) refuse("there are no outputs");
        for (size_t k = 0; k < y.size(); k++) {
            if (!y[k].defined() || y[k].dtype() != DType::f64)
                refuse("output {} is {}, expected f64", k, y[k].defined() ? "f32" : "not defined");
            if (has_nonfinite(y[k])) refuse("output {} {} holds NaN or infinity", k, y[k].shape().str());
        }
        if (!same(evaluate(), y))
            refuse("the same inputs give two different results: seed random numbers inside of the function");
    }

    void check_unchanged(const char* pass) const {
        for (size_t k = 0; k < inputs.size(); k++)
            if (!same(inputs[k].value, point[k]))
                refuse("the {} pass changed its input {} {}: compute into a new tensor or a clone()", pass,
                       inputs[k].name, point[k].shape().str());
    }

    void draw_upstream(Generator& random) {
        double squares = 0;
        for (const Tensor& t : y) {
            random.fill_normal(upstream.emplace_back(Tensor::empty(t.shape(), DType::f64)), 0, 1);
            squares += dot(upstream.back() * upstream.back(), t * t);
        }
        scale = 1e-3 * std::sqrt(squares);
    }

    void draw_near(Generator& random) {
        for (Tensor& x : point) {
            x = x.clone();  // the first point is still needed
            for (int64_t i = 0; i < x.size(); i++) {
                const double v = x.flat(i);
                x.set_flat(i, v + 0.01 * std::max(0.1, std::abs(v)) * random.normal());
            }
        }
        put(point);
        y = evaluate();
    }

    Tensors gradient() const {
        Tensors given;
        for (const Tensor& d : upstream) given.push_back(d.clone());
        Tensors g = subject.backward(given);
        if (g.size() != inputs.size())
            refuse("backward returns {} gradients, expected {}, one an input", g.size(), inputs.size());
        for (size_t k = 0; k < g.size(); k++) {
            const std::string& name = inputs[k].name;
            if (!g[k].defined()) refuse("the gradient of {} is not defined", name);
            if (!(g[k].shape() == point[k].shape()) || g[k].dtype() != DType::f64)
                refuse("the gradient of {} is {} {}, expected {} f64", name, g[k].shape().str(),
                       to_string(g[k].dtype()), point[k].shape().str());
            g[k] = g[k].clone();
        }
        check_unchanged("backward");
        if (!same(given, upstream)) refuse("the backward pass changed the gradients it was given: clone() them first");
        return g;
    }

    Tensor direction(size_t input, int64_t i) const {
        Tensor d = Tensor::zeros(point[input].shape(), DType::f64);
        if (options.directions == 0)
            d.set_flat(i, 1);
        else
            Generator(options.seed, (uint64_t{input} + 1) << 32 | uint64_t(i)).fill_normal(d, 0, 1);
        return d;
    }

    Coordinate coordinate(const Tensors& g, size_t input, int64_t i) const {
        return {input, i, options.directions == 0 ? g[input].flat(i) : dot(g[input], direction(input, i))};
    }

    /// Compares with the differences at one step, and keeps them if they come nearer than those before.
    void judge(Coordinate& c, double step) {
        const Tensor d = direction(c.input, c.i);
        Tensor x = inputs[c.input].value;
        double slope[2], bend = 0;  // D(h) and D(h/2), and by how much the slopes left and right of x differ
        for (int k : {0, 1}) {
            const double h = step / (1 + k);
            const Tensor right = point[c.input] + d * h, left = point[c.input] - d * h;
            x.copy_from(right);
            const Tensors y_right = evaluate();
            x.copy_from(left);
            const Tensors y_left = evaluate();
            const double width = dot(right - left, d) / dot(d, d);  // 2h, but for rounding
            slope[k] = bend = 0;
            for (size_t j = 0; j < y.size(); j++) {
                slope[k] += dot(upstream[j], y_right[j] - y_left[j]) / width;
                bend += dot(upstream[j], (y_right[j] - y[j]) - (y[j] - y_left[j])) * 2 / width;
            }
        }
        x.copy_from(point[c.input]);
        const double numeric = (4 * slope[1] - slope[0]) / 3, miss = std::abs(c.analytic - numeric);
        const double error = miss == 0 ? 0 : miss / scale;
        if (!(error < c.error)) return;
        c.numeric = numeric;
        c.error = error;
        c.kink = std::max(std::abs(slope[1] - slope[0]), std::abs(bend));
    }

    /// Judges with smaller and smaller steps while it's wrong.
    void settle(Coordinate& c) {
        judge(c, steps[0]);
        if (!wrong(c)) return;
        c.rejudged = true;
        judge(c, steps[1]);
        if (wrong(c)) judge(c, steps[2]);
    }

    std::vector<Coordinate> run() {
        if (options.directions < 0) fail("gradcheck", at, "{} directions, expected 0 or more", options.directions);
        check_inputs();
        for (const Parameter& x : inputs) point.push_back(x.value.clone());
        struct Restore {
            Checker* checker;
            Tensors values;
            ~Restore() { checker->put(values); }
        } restore{this, point};
        y = evaluate();
        check_unchanged("forward");
        check_outputs();
        Generator random(options.seed);
        draw_upstream(random);
        Tensors g = gradient();
        if (!same(gradient(), g))
            refuse("backward called twice gives different results: does it add into what it keeps?");

        std::vector<Coordinate> all;
        for (size_t k = 0; k < inputs.size(); k++) {
            const int64_t entries = g[k].size(), n = options.directions == 0 ? entries : options.directions;
            for (int64_t i = 0; i < (entries > 0 ? n : 0); i++) all.push_back(coordinate(g, k, i));
        }
        for (const Coordinate& c : all) scale = std::max(scale, std::abs(c.analytic));
        for (Coordinate& c : all) settle(c);
        const auto hit = [this](const Coordinate& c) { return on_kink(c); };
        for (int draw = 0; draw < most_draws && std::any_of(all.begin(), all.end(), hit); draw++) {
            draw_near(random);
            g = gradient();
            for (Coordinate& c : all) {
                if (!on_kink(c)) continue;
                c = coordinate(g, c.input, c.i);
                settle(c);
                c.rejudged = true;
            }
        }
        return all;
    }
};

}  // namespace

std::vector<Coordinate> compare(const Subject& subject, const GradCheckOptions& options, Where at) {
    return Checker{subject, options, at}.run();
}

}  // namespace unroll::differences
