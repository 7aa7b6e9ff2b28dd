#include "tutorials/02_lstm/exercise.hpp"

#include <fmt/format.h>

#include "tutorials/grader/exam.hpp"

using namespace unroll;
using namespace unroll::exercise;
using grader::Exam;

MAY_CALL(TENSOR_OPERATIONS);

namespace {

struct Size {
    const char* name;
    int64_t T, B, D, H;
};
const Size sizes[] = {{"T=4, B=3, D=2, H=5", 4, 3, 2, 5},
                      {"T=1, B=1, D=1, H=1", 1, 1, 1, 1},
                      {"T=5, B=1, D=3, H=2", 5, 1, 3, 2},
                      {"T=1, B=4, D=3, H=3", 1, 4, 3, 3},
                      {"T=3, B=2, D=4, H=4", 3, 2, 4, 4}};

/// `blocks` matrices above each other: 4, or 3 for the coupled cell.
Weights weights(Exam& exam, const Size& s, int64_t blocks = 4) {
    return {exam.input("W", {blocks * s.H, s.H + s.D}), exam.input("b", {blocks * s.H})};
}
Tensor states(Exam& exam, const char* name, const Size& s) { return exam.input(name, {{s.B, 'B'}, {s.H, 'H'}}); }
Tensor input(Exam& exam, const Size& s) { return exam.input("x_t", {{s.B, 'B'}, {s.D, 'D'}}); }
Tensor inputs(Exam& exam, const Size& s) { return exam.input("x", {{s.T, 'T'}, {s.B, 'B'}, {s.D, 'D'}}); }
Tensor outputs(Exam& exam, const char* name, const Size& s) {
    return exam.input(name, {{s.T, 'T'}, {s.B, 'B'}, {s.H, 'H'}});
}

/// What the forward exercise before this one gives, by the solution.
template <class Forward>
Step recorded(Exam& exam, const Forward& forward) {
    Step s;
    const auto one = [&](const char* name, Tensor Step::*value) {
        s.*value = exam.recorded(name, [&] { return forward().*value; });
    };
    one("f", &Step::f);
    one("i", &Step::i);
    one("candidate", &Step::candidate);
    one("o", &Step::o);
    one("C", &Step::C);
    one("h", &Step::h);
    return s;
}

void answer(Exam& exam, const Step& s) {
    exam.answer("f", s.f);
    exam.answer("i", s.i);
    exam.answer("candidate", s.candidate);
    exam.answer("o", s.o);
    exam.answer("C", s.C);
    exam.answer("h", s.h);
}
void answer(Exam& exam, const StepGradients& d) {
    exam.answer("dx_t", d.dx_t);
    exam.answer("dh_before", d.dh_before);
    exam.answer("dC_before", d.dC_before);
    exam.answer("dW", d.dW);
    exam.answer("db", d.db);
}

void expect(const char* what, const Tensor& t, const Shape& shape) {
    const std::string got = t.defined() ? t.shape().str() : "an empty Tensor";
    if (!t.defined() || !(t.shape() == shape))
        throw Error(fmt::format("{} is {}, expected {}", what, got, shape.str()));
}

/// An LSTM on a tape, so that 2.8 needs none of the other exercises.
struct OnTape {
    Tape tape;
    Var x, h_0, C_0, W, b, h, C, h_T, C_T;

    OnTape(const Weights& w, const Tensor& in, const Tensor& h_before, const Tensor& C_before)
        : x(tape.input(in)),
          h_0(tape.input(h_before)),
          C_0(tape.input(C_before)),
          W(tape.input(w.W)),
          b(tape.input(w.b)) {
        const int64_t H = h_before.dim(1);
        expect("layer: C_0", C_before, h_before.shape());
        std::vector<Var> all_h, all_C;
        h_T = h_0;
        C_T = C_0;
        for (int64_t t = 0; t < in.dim(0); t++) {
            const Var a = matmul(concat(h_T, row(x, t)), transposed(W)) + b;
            const Var f = sigmoid(columns(a, 0, H)), i = sigmoid(columns(a, H, 2 * H));
            const Var candidate = tanh(columns(a, 2 * H, 3 * H)), o = sigmoid(columns(a, 3 * H, 4 * H));
            C_T = f * C_T + i * candidate;
            h_T = o * tanh(C_T);
            all_h.push_back(h_T);
            all_C.push_back(C_T);
        }
        h = stack(all_h);
        C = stack(all_C);
    }
};
Layer library_layer(const Weights& w) {
    const auto forward = [w](const Tensor& x, const Tensor& h_0, const Tensor& C_0) {
        const OnTape run(w, x, h_0, C_0);
        return States{run.h.value(), run.C.value()};
    };
    const auto backward = [w](const Tensor& dy, const Tensor& dh_T, const Tensor& dC_T, const Tensor& x,
                              const Tensor& h_0, const Tensor& C_0) {
        OnTape run(w, x, h_0, C_0);
        expect("layer.backward: dy", dy, run.h.shape());
        expect("layer.backward: dh_T", dh_T, run.h_T.shape());
        expect("layer.backward: dC_T", dC_T, run.C_T.shape());
        run.tape.backward(sum(run.h * dy) + sum(run.h_T * dh_T) + sum(run.C_T * dC_T));
        return Gradients{run.tape.grad(run.x), run.tape.grad(run.h_0), run.tape.grad(run.C_0), run.tape.grad(run.W),
                         run.tape.grad(run.b)};
    };
    return {forward, backward};
}

}  // namespace

EXERCISE("2.1 lstm_step_forward (10 points)") {
    for (const Size& s : sizes) {
        exam.begin_case(s.name);
        const Tensor x_t = input(exam, s), h_before = states(exam, "h_before", s);
        answer(exam, lstm_step_forward(x_t, h_before, states(exam, "C_before", s), weights(exam, s)));
    }
}

EXERCISE("2.2 lstm_step_backward (20 points)") {
    for (const Size& s : sizes) {
        exam.begin_case(s.name);
        const Tensor x_t = input(exam, s), h = states(exam, "h_before", s), C = states(exam, "C_before", s);
        const Weights w = weights(exam, s);
        const Step values = recorded(exam, [&] { return lstm_step_forward(x_t, h, C, w); });
        answer(exam, lstm_step_backward(states(exam, "dh_t", s), states(exam, "dC_t", s), x_t, h, C, values, w));
    }
}

EXERCISE("2.3 lstm_forward (10 points)") {
    for (const Size& s : sizes) {
        exam.begin_case(s.name);
        const Tensor h_0 = states(exam, "h_0", s), C_0 = states(exam, "C_0", s);
        answer(exam, lstm_forward(inputs(exam, s), h_0, C_0, weights(exam, s)));
    }
}

EXERCISE("2.4 lstm_backward (20 points)") {
    for (const Size& s : sizes) {
        exam.begin_case(s.name);
        const Tensor x = inputs(exam, s), h_0 = states(exam, "h_0", s), C_0 = states(exam, "C_0", s);
        const Weights w = weights(exam, s);
        const Step values = recorded(exam, [&] { return lstm_forward(x, h_0, C_0, w); });
        const Tensor dh_T = states(exam, "dh_T", s), dC_T = states(exam, "dC_T", s);
        const Gradients g = lstm_backward(outputs(exam, "dy", s), dh_T, dC_T, x, h_0, C_0, values, w);
        exam.answer("dx", g.dx);
        exam.answer("dh_0", g.dh_0);
        exam.answer("dC_0", g.dC_0);
        exam.answer("dW", g.dW);
        exam.answer("db", g.db);
    }
}

EXERCISE("2.5 peephole_step (15 points)") {
    const auto peephole = [&](const Size& s) {
        const Weights w = weights(exam, s);
        return PeepholeWeights{w.W, w.b, exam.input("P", {3 * s.H, s.H})};
    };
    for (const Size& s : sizes) {
        exam.begin_case(s.name);
        const Tensor x_t = input(exam, s), h_before = states(exam, "h_before", s);
        answer(exam, peephole_step_forward(x_t, h_before, states(exam, "C_before", s), peephole(s)));
    }
    for (const Size& s : sizes) {
        exam.begin_case(fmt::format("backward, {}", s.name));
        const Tensor x_t = input(exam, s), h = states(exam, "h_before", s), C = states(exam, "C_before", s);
        const PeepholeWeights w = peephole(s);
        const Step values = recorded(exam, [&] { return peephole_step_forward(x_t, h, C, w); });
        const Tensor dh_t = states(exam, "dh_t", s), dC_t = states(exam, "dC_t", s);
        const PeepholeGradients d = peephole_step_backward(dh_t, dC_t, x_t, h, C, values, w);
        answer(exam, StepGradients{d.dx_t, d.dh_before, d.dC_before, d.dW, d.db});
        exam.answer("dP", d.dP);
    }
}

EXERCISE("2.6 coupled_step (10 points)") {
    for (const Size& s : sizes) {
        exam.begin_case(s.name);
        const Tensor x_t = input(exam, s), h_before = states(exam, "h_before", s);
        answer(exam, coupled_step_forward(x_t, h_before, states(exam, "C_before", s), weights(exam, s, 3)));
    }
    for (const Size& s : sizes) {
        exam.begin_case(fmt::format("backward, {}", s.name));
        const Tensor x_t = input(exam, s), h = states(exam, "h_before", s), C = states(exam, "C_before", s);
        const Weights w = weights(exam, s, 3);
        const Step values = recorded(exam, [&] { return coupled_step_forward(x_t, h, C, w); });
        const Tensor dh_t = states(exam, "dh_t", s), dC_t = states(exam, "dC_t", s);
        answer(exam, coupled_step_backward(dh_t, dC_t, x_t, h, C, values, w));
    }
}

EXERCISE("2.7 from_pytorch (5 points)") {
    for (const Size& s : sizes) {
        exam.begin_case(fmt::format("D={}, H={}", s.D, s.H));
        const Tensor weight_ih = exam.input("weight_ih", {4 * s.H, s.D});
        const Tensor weight_hh = exam.input("weight_hh", {4 * s.H, s.H});
        const Tensor bias_ih = exam.input("bias_ih", {4 * s.H}), bias_hh = exam.input("bias_hh", {4 * s.H});
        const Weights w = from_pytorch({weight_ih, weight_hh, bias_ih, bias_hh});
        exam.answer("W", w.W);
        exam.answer("b", w.b);
    }
}

EXERCISE("2.8 truncated_bptt (10 points)") {
    struct Chunks {
        Size size;
        int n;
    };
    for (const auto& [s, n] :
         {Chunks{{"T=7, B=3, D=2, H=4, n=3", 7, 3, 2, 4}, 3}, Chunks{{"T=4, B=2, D=3, H=3, n=2", 4, 2, 3, 3}, 2},
          Chunks{{"T=3, B=1, D=2, H=2, n=1", 3, 1, 2, 2}, 1}, Chunks{{"T=1, B=1, D=1, H=1, n=1", 1, 1, 1, 1}, 1}}) {
        exam.begin_case(s.name);
        const Layer layer = library_layer(weights(exam, s));
        const Tensor x = inputs(exam, s), dy = outputs(exam, "dy", s);
        const Tensor h_0 = states(exam, "h_0", s), C_0 = states(exam, "C_0", s);
        const Truncated r = truncated_bptt(layer, x, dy, h_0, C_0, n);
        exam.answer("h", r.h);
        exam.answer("C", r.C);
        exam.answer("dW", r.dW);
        exam.answer("db", r.db);
    }
}
