#include <doctest/doctest.h>

#include <cmath>

#include "core/gradcheck.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/reductions.hpp"
#include "core/random.hpp"

using namespace unroll;
using Tensors = std::vector<Tensor>;
using Vars = std::vector<Var>;

static Parameter draw(const std::string& name, const Shape& shape, uint64_t seed = 1, double std = 1) {
    return random_input(name, shape, 0, std, seed);
}

static std::string message_of(const std::function<void()>& f) {
    try {
        f();
    } catch (const Error& e) {
        return e.what();
    }
    return "";
}

// --- the book's RNN by hand, with mistakes ---------------------------------------------------------------------------

enum class Bug {
    none,
    term_missing,      // nothing flows from step t+1 back to step t
    wrong_sign,        // of dW_xh
    overwrites,        // dW_hh is that of the last step visited, not the sum
    one_entry,         // dW_hh[last, last] is off
    factor,            // dW_hh times 1.005
    ignores_last,      // dL/dh_T
    transposed_dW,     // dW_hh as its transpose
    forgets_first,     // dW_hh without step t = 0
    forgets_first_dx,  // dx_0 stays zero
    no_bias_gradient,  // db_h
    no_initial_state,  // dh_0
    derivative_at_a,   // tanh'(h_t) in place of tanh'(a_t)
    row_of_bias_only,  // db_h of the first sequence of the batch
};

// inputs x [T, B, D], h_0 [B, H], W_xh [H, D], W_hh [H, H], b_h [H]; outputs y [T, B, H] and h_T
static std::vector<Parameter> rnn_inputs(int T, int B, int D, int H, uint64_t seed = 1) {
    return {draw("x", {T, B, D}, seed), draw("h_0", {B, H}, seed), draw("W_xh", {H, D}, seed, 0.5),
            draw("W_hh", {H, H}, seed, 0.5), draw("b_h", {H}, seed)};
}

static Tensors rnn_forward(const Tensors& in) {
    const Tensor &x = in[0], &W_xh = in[2], &W_hh = in[3], &b_h = in[4];
    Tensor h = in[1], y = Tensor::empty({x.dim(0), x.dim(1), h.dim(1)}, DType::f64);
    for (int64_t t = 0; t < x.dim(0); t++) {
        h = tanh(matmul(x[t], transposed(W_xh)) + matmul(h, transposed(W_hh)) + b_h);
        y[t].copy_from(h);
    }
    return {y, h};
}

static Tensor transpose(const Tensor& m) {
    Tensor y = Tensor::empty({m.dim(1), m.dim(0)}, m.dtype());
    for (int64_t i = 0; i < m.dim(0); i++)
        for (int64_t j = 0; j < m.dim(1); j++) y.set({j, i}, m.at({i, j}));
    return y;
}

static Tensors rnn_backward(const Tensors& in, const Tensors& d_out, Bug bug) {
    const Tensor &x = in[0], &h_0 = in[1], &W_xh = in[2], &W_hh = in[3], &b_h = in[4];
    const Tensor y = rnn_forward(in)[0];
    Tensor dx = Tensor::zeros(x.shape(), DType::f64), dW_xh = Tensor::zeros(W_xh.shape(), DType::f64);
    Tensor dW_hh = Tensor::zeros(W_hh.shape(), DType::f64), db_h = Tensor::zeros(b_h.shape(), DType::f64);
    Tensor dh = bug == Bug::ignores_last ? Tensor::zeros(h_0.shape(), DType::f64) : d_out[1].clone();
    for (int64_t t = x.dim(0) - 1; t >= 0; t--) {
        const Tensor h = y[t], before = t > 0 ? y[t - 1] : h_0, v = bug == Bug::derivative_at_a ? tanh(h) : h;
        const Tensor da = (dh + d_out[0][t]) * (1 - v * v);
        if (t > 0 || bug != Bug::forgets_first_dx) dx[t].copy_from(matmul(da, W_xh));
        dW_xh += matmul(transposed(da), x[t]) * (bug == Bug::wrong_sign ? -1 : 1);
        if (bug == Bug::overwrites) dW_hh.fill(0);
        if (t > 0 || bug != Bug::forgets_first) dW_hh += matmul(transposed(da), before);
        db_h += sum_to(bug == Bug::row_of_bias_only ? da.slice(0, 1) : da, b_h.shape());
        dh = bug == Bug::term_missing ? Tensor::zeros(dh.shape(), DType::f64) : matmul(da, W_hh);
    }
    if (bug == Bug::one_entry) {
        const int64_t last = dW_hh.size() - 1;
        dW_hh.set_flat(last, dW_hh.flat(last) + 1e-6);
    }
    if (bug == Bug::factor) dW_hh *= 1.005;
    if (bug == Bug::transposed_dW) dW_hh = transpose(dW_hh);
    if (bug == Bug::no_bias_gradient) db_h.fill(0);
    if (bug == Bug::no_initial_state) dh = Tensor::zeros(dh.shape(), DType::f64);
    return {dx, dh, dW_xh, dW_hh, db_h};
}

static GradCheck check_rnn(Bug bug, const std::vector<Parameter>& inputs, const GradCheckOptions& options = {}) {
    return gradcheck_pair(
        inputs, rnn_forward, [bug](const Tensors& in, const Tensors& d_out) { return rnn_backward(in, d_out, bug); },
        options);
}

struct Planted {
    Bug bug;
    const char* input;  // where it shows
};
static const Planted planted[] = {
    {Bug::term_missing, ""},        {Bug::wrong_sign, "W_xh"},      {Bug::overwrites, "W_hh"},
    {Bug::one_entry, "W_hh"},       {Bug::factor, "W_hh"},          {Bug::ignores_last, ""},
    {Bug::transposed_dW, "W_hh"},   {Bug::forgets_first, "W_hh"},   {Bug::forgets_first_dx, "x"},
    {Bug::no_bias_gradient, "b_h"}, {Bug::no_initial_state, "h_0"}, {Bug::derivative_at_a, ""},
    {Bug::row_of_bias_only, "b_h"},
};

TEST_CASE("gradcheck_pair: a right backward through time passes") {
    for (uint64_t seed = 1; seed <= 5; seed++) {
        const GradCheck c = check_rnn(Bug::none, rnn_inputs(7, 3, 4, 5, seed), {.seed = seed});
        INFO(c.row("rnn"));
        CHECK(c.passed());
        CHECK(c.error < 1e-11);
        CHECK(c.entries == 7 * 3 * 4 + 3 * 5 + 5 * 4 + 5 * 5 + 5);
    }
    CHECK(check_rnn(Bug::none, rnn_inputs(1, 1, 1, 1)).passed());
}

TEST_CASE("gradcheck_pair: each planted mistake is caught, whatever the seed, and shown where it is") {
    for (const Planted& p : planted)
        for (uint64_t seed = 1; seed <= 20; seed++) {
            const GradCheck c = check_rnn(p.bug, rnn_inputs(3, 2, 3, 4, seed), {.seed = seed});
            INFO(static_cast<int>(p.bug), "  ", c.row("rnn"));
            CHECK(!c.passed());
            if (*p.input != 0) CHECK(c.input == p.input);
            for (const GradEntry& e : c.inputs)
                if (*p.input != 0 && e.input != p.input) CHECK(e.error <= c.tolerance);
        }
}

TEST_CASE("gradcheck_pair: the worst entry is the wrong one") {
    const GradCheck c = check_rnn(Bug::one_entry, rnn_inputs(3, 2, 3, 4));
    CHECK(c.where() == "W_hh[3, 3]");
    CHECK(c.index == std::vector<int64_t>{3, 3});
    CHECK(c.analytic - c.numeric == doctest::Approx(1e-6).epsilon(1e-3));
    CHECK(c.inputs.size() == 5);
    CHECK(c.inputs[3].error == c.error);
    CHECK(c.inputs[3].entries == 16);
    CHECK(c.row("rnn").find("WRONG") != std::string::npos);
}

TEST_CASE("gradcheck_pair: random directions find the mistakes too") {
    const GradCheckOptions options{.directions = 3};
    const GradCheck right = check_rnn(Bug::none, rnn_inputs(7, 3, 9, 8), options);
    INFO(right.row("rnn"));
    CHECK(right.passed());
    CHECK(right.entries == 5 * 3);
    for (const Planted& p : planted) {
        const GradCheck c = check_rnn(p.bug, rnn_inputs(7, 3, 9, 8), options);
        INFO(static_cast<int>(p.bug), "  ", c.row("rnn"));
        CHECK(!c.passed());
        if (*p.input != 0) CHECK(c.input == p.input);
        CHECK(c.where() == c.input + " along " + std::to_string(c.direction));
    }
}

TEST_CASE("gradcheck_pair: what backward returns must fit the inputs") {
    const Parameter x = draw("x", {2, 3}), W = draw("W", {4, 3});
    const auto forward = [](const Tensors& in) { return Tensors{matmul(in[0], transposed(in[1]))}; };
    const auto with = [&](std::function<Tensors(const Tensors&, const Tensors&)> backward) {
        return message_of([&] { gradcheck_pair({x, W}, forward, backward); });
    };
    const auto dx = [](const Tensors& in, const Tensors& d) { return matmul(d[0], in[1]); };
    CHECK(with([&](auto& in, auto& d) {
              return Tensors{dx(in, d)};
          }).find("backward returns 1 gradients, expected 2") != std::string::npos);
    CHECK(with([&](auto& in, auto& d) {
              return Tensors{dx(in, d), matmul(transposed(in[0]), d[0])};
          }).find("the gradient of W is [3, 4] f64, expected [4, 3] f64") != std::string::npos);
    CHECK(with([&](auto& in, auto& d) {
              return Tensors{dx(in, d), Tensor()};
          }).find("the gradient of W is not defined") != std::string::npos);
    CHECK(with([&](auto& in, auto& d) {
              return Tensors{dx(in, d), Tensor::zeros({4, 3})};
          }).find("the gradient of W is [4, 3] f32, expected [4, 3] f64") != std::string::npos);
    CHECK(with([&](auto& in, auto& d) { return Tensors{dx(in, d), matmul(transposed(d[0]), in[0])}; }) == "");
}

TEST_CASE("gradcheck_pair: changed inputs, changed upstream gradients, kept sums and randomness are errors") {
    const Parameter x = draw("x", {2, 3});
    const std::vector<double> before = x.value.to_vector();
    const auto forward = [](const Tensors& in) { return Tensors{in[0] * in[0]}; };
    const auto backward = [](const Tensors& in, const Tensors& d) { return Tensors{2 * in[0] * d[0]}; };
    CHECK(gradcheck_pair({x}, forward, backward).passed());

    const auto in_place = [](const Tensors& in) {
        Tensor y = in[0];
        y *= 1.5;
        return Tensors{y};
    };
    CHECK(message_of([&] { gradcheck_pair({x}, in_place, backward); }).find("the forward pass changed its input x") !=
          std::string::npos);
    CHECK(x.value.to_vector() == before);
    const auto clobbers_input = [](const Tensors& in, const Tensors& d) {
        Tensor dx = in[0];
        dx *= 2;
        return Tensors{dx * d[0]};
    };
    CHECK(message_of([&] {
              gradcheck_pair({x}, forward, clobbers_input);
          }).find("the backward pass changed its input x") != std::string::npos);
    CHECK(x.value.to_vector() == before);
    const auto clobbers_upstream = [](const Tensors& in, const Tensors& d) {
        Tensor dh = d[0];
        dh *= 2;
        return Tensors{in[0] * dh};
    };
    CHECK(message_of([&] {
              gradcheck_pair({x}, forward, clobbers_upstream);
          }).find("changed the gradients it was given") != std::string::npos);
    Tensor kept = Tensor::zeros(x.value.shape(), DType::f64);
    const auto adds_up = [&](const Tensors& in, const Tensors& d) {
        kept += 2 * in[0] * d[0];
        return Tensors{kept};
    };
    CHECK(message_of([&] { gradcheck_pair({x}, forward, adds_up); }).find("backward called twice") !=
          std::string::npos);
    Generator random(1);
    const auto dropout = [&](const Tensors& in) { return Tensors{in[0] * random.normal()}; };
    CHECK(message_of([&] { gradcheck_pair({x}, dropout, backward); }).find("two different results") !=
          std::string::npos);
}

TEST_CASE("gradcheck_pair: outputs and gradients may share storage with inputs and upstream gradients") {
    const Parameter x = draw("x", {2, 3});
    CHECK(gradcheck_pair(
              {x},
              [](const Tensors& in) {
                  return Tensors{in[0], in[0].reshape({6})};
              },
              [](const Tensors&, const Tensors& d) {
                  return Tensors{d[0] + d[1].reshape({2, 3})};
              })
              .passed());
    CHECK(gradcheck_pair(
              {x}, [](const Tensors& in) { return in; }, [](const Tensors&, const Tensors& d) { return d; })
              .passed());
    CHECK(!gradcheck_pair(
               {x}, [](const Tensors& in) { return in; }, [](const Tensors& in, const Tensors&) { return in; })
               .passed());
}

TEST_CASE("gradcheck_pair: NaN in a gradient is no pass") {
    const Parameter x = draw("x", {5});
    const GradCheck c = gradcheck_pair(
        {x}, [](const Tensors& in) { return Tensors{in[0] * 2}; },
        [](const Tensors&, const Tensors& d) {
            Tensor dx = d[0] * 2;
            dx.set({3}, NAN);
            return Tensors{dx};
        });
    CHECK(!c.passed());
    CHECK(c.where() == "x[3]");
}

// --- records on a tape -----------------------------------------------------------------------------------------------

namespace {

struct WrongTanh final : Record {
    Edge x;
    Saved y;
    double factor, missing;
    WrongTanh(Recording& r, const Operand& x, double factor, double missing)
        : x(r.input(x)), y(r.saved_output(unroll::tanh(x.value()))), factor(factor), missing(missing) {}
    void backward(Tape& tape) override { tape.add(x, *dy * (1 - missing * (y.value * y.value)) * factor); }
    Text text() const override { return {"wrong tanh", "y = tanh(x)", ""}; }
    void symbols(Symbols& list) const override { list.in("x", x).out("y", y); }
};

Var wrong_tanh(const Operand& x, double factor, double missing = 1) {
    return tape_of("tanh", {&x}).record<WrongTanh>(x.at, x, factor, missing);
}

struct LeakyRelu final : Record {  // y = relu(x) whose backward lets some through where x < 0
    Saved x;
    Edge y;
    double leak;
    LeakyRelu(Recording& r, const Operand& x, double leak)
        : x(r.saved(x)), y(r.output(unroll::relu(x.value()))), leak(leak) {}
    void backward(Tape& tape) override {
        Tensor dx = dy->clone();
        for (int64_t i = 0; i < dx.size(); i++)
            if (x.value.flat(i) < 0) dx.set_flat(i, leak * dx.flat(i));
        tape.add(x, dx);
    }
    Text text() const override { return {"leaky relu", "y = relu(x)", ""}; }
    void symbols(Symbols& list) const override { list.in("x", x).out("y", y); }
};

Var leaky_relu(const Operand& x, double leak) { return tape_of("relu", {&x}).record<LeakyRelu>(x.at, x, leak); }

}  // namespace

TEST_CASE("gradcheck: a wrong record is caught") {
    const Parameter x = draw("x", {3, 5});
    const auto with = [&](double factor, double missing) {
        return gradcheck({x}, [&](Tape& tape) { return Vars{wrong_tanh(tape.watch(x), factor, missing)}; });
    };
    CHECK(with(1, 1).passed());
    CHECK(with(1, 1).error < 1e-11);
    CHECK(!with(-1, 1).passed());
    CHECK(!with(1.005, 1).passed());
    CHECK(with(1.005, 1).error == doctest::Approx(0.005).epsilon(0.01));
    CHECK(!with(1 + 1e-8, 1).passed());
    CHECK(!with(0, 1).passed());
    CHECK(!with(1, 0).passed());
}

TEST_CASE("gradcheck: an LSTM, line for line the book's, to 1e-11") {
    const int T = 7, B = 3, D = 4, H = 5;
    std::vector<Parameter> in{draw("h_0", {B, H}), draw("c_0", {B, H})};
    for (const char* gate : {"f", "i", "C", "o"})
        in.push_back(draw(std::string("W_") + gate, {H, H}, 1, 0.5)),
            in.push_back(draw(std::string("U_") + gate, {H, D}, 1, 0.5)),
            in.push_back(draw(std::string("b_") + gate, {H}));
    for (int t = 0; t < T; t++) in.push_back(draw("x_" + std::to_string(t), {B, D}));
    const auto lstm = [&](Tape& tape) {
        Var h = tape.watch(in[0]), c = tape.watch(in[1]);
        Vars out;
        for (int t : tape.steps(T)) {
            const Parameter& x = in[14 + size_t(t)];
            const auto a = [&](size_t k) {
                return matmul(h, transposed(in[k])) + matmul(tape.watch(x), transposed(in[k + 1])) + in[k + 2];
            };
            const Var f = sigmoid(a(2)), i = sigmoid(a(5)), g = tanh(a(8)), o = sigmoid(a(11));
            c = f * c + i * g;
            h = o * tanh(c);
            out.push_back(h);
        }
        out.push_back(c);
        return out;
    };
    const GradCheck every = gradcheck(in, lstm), some = gradcheck(in, lstm, {.directions = 3});
    INFO(every.row("lstm"), "\n", some.row("lstm"));
    CHECK(every.passed());
    CHECK(every.error < 1e-11);
    CHECK(every.rejudged == 0);
    CHECK(some.passed());
    CHECK(some.entries == 3 * int64_t(in.size()));
}

// --- kinks, saturation, zero, sizes ----------------------------------------------------------------------------------

TEST_CASE("gradcheck: relu near its kinks is judged again, and a wrong one still caught") {
    Parameter x = draw("x", {30, 30});
    for (int64_t i = 0; i < 4; i++) x.value.set({i, 3}, i % 2 == 0 ? 1e-4 : -1e-5);
    const GradCheck right = gradcheck({x}, [&](Tape& tape) { return Vars{relu(tape.watch(x))}; });
    INFO(right.row("relu"));
    CHECK(right.passed());
    CHECK(right.rejudged >= 4);
    CHECK(right.rejudged < 10);
    CHECK(right.row("relu").find("judged again") != std::string::npos);
    for (const double leak : {1e-6, 0.01, 1.0}) {
        const GradCheck c = gradcheck({x}, [&](Tape& tape) { return Vars{leaky_relu(tape.watch(x), leak)}; });
        CHECK(!c.passed());
    }
}

TEST_CASE("gradcheck: inputs on a kink are drawn again nearby, and put back") {
    Parameter x("x", Tensor::zeros({3, 4}, DType::f64));  // every entry is on the kink
    x.value.set({2, 3}, 1e-9);
    const std::vector<double> before = x.value.to_vector();
    const GradCheck right = gradcheck({x}, [&](Tape& tape) { return Vars{relu(tape.watch(x))}; });
    INFO(right.row("relu"));
    CHECK(right.passed());
    CHECK(right.rejudged == 12);
    CHECK(x.value.to_vector() == before);
    CHECK(!gradcheck({x}, [&](Tape& tape) { return Vars{leaky_relu(tape.watch(x), 0.01)}; }).passed());
    CHECK(x.value.to_vector() == before);
    // The largest of several, as a pooling layer has it.
    const Parameter a = draw("a", {5, 4});
    const Parameter b("b", a.value.clone());
    CHECK(gradcheck({a, b}, [&](Tape& tape) {
              const Var u = tape.watch(a);
              return Vars{u + relu(b - u)};
          }).passed());
}

TEST_CASE("gradcheck: a deep relu network, whose kinks are everywhere") {
    const Parameter x = draw("x", {16, 12}), h_0 = draw("h_0", {16, 24}), W = draw("W", {24, 24}, 1, 0.3),
                    U = draw("U", {24, 12}, 1, 0.3);
    const auto rnn = [&](Tape& tape) {
        Var h = tape.watch(h_0);
        for (int t : tape.steps(4)) {
            (void)t;
            h = relu(matmul(tape.watch(x), transposed(U)) + matmul(h, transposed(W)));
        }
        return Vars{h};
    };
    const GradCheck c = gradcheck({x, h_0, W, U}, rnn);
    INFO(c.row("relu rnn"));
    CHECK(c.passed());
    CHECK(c.rejudged > 0);
}

TEST_CASE("gradcheck: saturated, steep, large and tiny functions") {
    const Parameter x = draw("x", {6, 7});
    const auto check = [&](const std::function<Var(const Var&)>& f) {
        const GradCheck c = gradcheck({x}, [&](Tape& tape) { return Vars{f(tape.watch(x))}; });
        INFO(c.row(""));
        CHECK(c.passed());
    };
    check([](const Var& v) { return sigmoid(v * 50); });
    check([](const Var& v) { return tanh(v * 1e-6); });
    check([](const Var& v) { return tanh(v) * 1e6; });
    check([](const Var& v) { return tanh(v) * 1e-6; });
    check([](const Var& v) { return exp(v) + 1e3; });
    const Parameter big("x", x.value * 50);
    const GradCheck saturated = gradcheck({big}, [&](Tape& tape) { return Vars{sigmoid(tape.watch(big))}; });
    INFO(saturated.row(""));
    CHECK(saturated.passed());
    // All gradients of 1e-9 beside outputs of 1: as much as differences can tell, and enough to see a wrong factor.
    const Parameter low("x", Tensor::full({2, 3}, 10, DType::f64));
    CHECK(gradcheck({low}, [&](Tape& tape) { return Vars{wrong_tanh(tape.watch(low), 1)}; }).passed());
    CHECK(!gradcheck({low}, [&](Tape& tape) { return Vars{wrong_tanh(tape.watch(low), 1.005)}; }).passed());
    const Parameter flat("x", Tensor::full({2, 3}, 60, DType::f64));  // σ(60) rounds to 1: all gradients are 0
    CHECK(gradcheck({flat}, [&](Tape& tape) { return Vars{sigmoid(tape.watch(flat))}; }).passed());
}

TEST_CASE("gradcheck: a gradient of zero") {
    const Parameter x = draw("x", {2, 3}), y = draw("y", {2, 3});
    const GradCheck zero = gradcheck({x}, [&](Tape& tape) { return Vars{tape.watch(x) * 0.0}; });
    CHECK(zero.passed());
    CHECK(zero.error == 0);
    CHECK(zero.entries == 6);
    // One input's is zero, and wrong; the other's is not.
    const GradCheck c = gradcheck_pair(
        {x, y}, [](const Tensors& in) { return Tensors{in[0] * 0.0 + in[1]}; },
        [](const Tensors&, const Tensors& d) {
            return Tensors{d[0] * 1e-6, d[0]};
        });
    CHECK(!c.passed());
    CHECK(c.input == "x");
    // Constant, but for what backward says.
    CHECK(!gradcheck_pair(
               {x}, [](const Tensors& in) { return Tensors{in[0] * 0.0}; },
               [](const Tensors&, const Tensors& d) { return d; })
               .passed());
}

TEST_CASE("gradcheck: one element, a scalar, and nothing at all") {
    for (const Shape& shape : {Shape{1}, Shape{}, Shape{1, 1, 1, 1}}) {
        const Parameter x = draw("x", shape);
        const GradCheck c = gradcheck({x}, [&](Tape& tape) { return Vars{tanh(tape.watch(x))}; });
        CHECK(c.passed());
        CHECK(c.entries == 1);
        CHECK(c.index.size() == size_t(shape.rank()));
    }
    const Parameter none("x", Tensor::zeros({0, 5}, DType::f64)), b = draw("b", {5});
    const GradCheck c = gradcheck({none}, [&](Tape& tape) { return Vars{tanh(tape.watch(none))}; });
    CHECK(c.passed());
    CHECK(c.entries == 0);
    CHECK(c.where() == "-");
    for (const int directions : {0, 2}) {
        const GradCheck rows = gradcheck({none, b},
                                         [&](Tape& tape) {
                                             return Vars{tape.watch(none) + b, tanh(tape.watch(b))};
                                         },
                                         {.directions = directions});
        CHECK(rows.passed());
        CHECK(rows.entries == (directions == 0 ? 5 : 2));
        CHECK(rows.input == "b");
    }
}

TEST_CASE("gradcheck: a value used twice, an output that is an input, a constant output") {
    const Parameter x = draw("x", {4});
    CHECK(gradcheck({x}, [&](Tape& tape) {
              const Var v = tape.watch(x), a = v + v, b = a * a;
              return Vars{b + b, v, a, tape.constant(x.value.clone() * 0.0)};
          }).passed());
}

// --- what is refused -------------------------------------------------------------------------------------------------

TEST_CASE("gradcheck: misuse is an error that names the caller's line") {
    const Parameter x = draw("x", {2, 3}), b = draw("b", {3});
    const auto with = [&](const std::vector<Parameter>& inputs, const std::function<Vars(Tape&)>& f) {
        const std::string message = message_of([&] { gradcheck(inputs, f); });
        CHECK(message.rfind("gradcheck (test_gradcheck.cpp:", 0) == 0);
        CHECK(message.find('\n') == std::string::npos);
        return message;
    };
    const auto holds = [](const std::string& message, const char* part) {
        INFO(message);
        CHECK(message.find(part) != std::string::npos);
    };
    const Parameter single("W", Tensor::zeros({2, 2}));
    holds(with({single}, [&](Tape& tape) { return Vars{tanh(tape.watch(single))}; }), "W [2, 2] is f32");
    holds(with({}, [&](Tape& tape) { return Vars{tanh(tape.watch(x))}; }), "no inputs");
    holds(with({x}, [&](Tape&) { return Vars{}; }), "no outputs");
    holds(with({x}, [&](Tape&) { return Vars{Var()}; }), "output 0 is not on the tape");
    holds(with({x}, [&](Tape& tape) { return Vars{log(tape.watch(x) * 0.0 - 1)}; }), "NaN");
    // An input that is left out, and one whose value is used behind the tape's back.
    holds(with({x, b}, [&](Tape& tape) { return Vars{tanh(tape.watch(x))}; }), "b [3] takes part in nothing");
    holds(with({x, b}, [&](Tape& tape) { return Vars{tape.watch(x) + b.value.clone()}; }),
          "b [3] takes part in nothing");
    Generator random(1);
    holds(with({x}, [&](Tape& tape) { return Vars{tape.watch(x) * random.normal()}; }), "two different results");
    holds(with({x},
               [&](Tape& tape) {
                   const Var y = tanh(tape.watch(x));
                   Tensor handle = x.value;
                   handle += y.value();
                   return Vars{y};
               }),
          "the forward pass changed its input x");
}

TEST_CASE("gradcheck: fewer than no directions are refused") {
    const Parameter x = random_input("x", {2});
    const auto f = [&](Tape& tape) { return std::vector<Var>{tanh(tape.watch(x))}; };
    CHECK(message_of([&] { gradcheck({x}, f, {.directions = -1}); }).find("-1 directions, expected 0 or more") !=
          std::string::npos);
}

TEST_CASE("gradcheck: inputs are put back even where f throws") {
    const Parameter x = draw("x", {2, 3});
    const std::vector<double> before = x.value.to_vector();
    int calls = 0;
    CHECK_THROWS_AS(gradcheck({x},
                              [&](Tape& tape) {
                                  if (++calls == 6) throw Error("enough");
                                  return Vars{tanh(tape.watch(x))};
                              }),
                    Error);
    CHECK(calls == 6);
    CHECK(x.value.to_vector() == before);
}

TEST_CASE("gradcheck: the tolerance is the caller's") {
    const Parameter x = draw("x", {2, 3});
    const auto f = [&](Tape& tape) { return Vars{wrong_tanh(tape.watch(x), 1 + 1e-6)}; };
    CHECK(!gradcheck({x}, f).passed());
    CHECK(gradcheck({x}, f, {.tolerance = 1e-5}).passed());
}
