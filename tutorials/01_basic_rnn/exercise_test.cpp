#include "tutorials/01_basic_rnn/exercise.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/bptt/rnn.hpp"
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

Weights weights(Exam& exam, const Size& s) {
    return {exam.input("W_hh", {{s.H, 'H'}, {s.H, 'H'}}), exam.input("W_xh", {{s.H, 'H'}, {s.D, 'D'}}),
            exam.input("b_h", {{s.H, 'H'}})};
}
Tensor states(Exam& exam, const char* name, const Size& s) { return exam.input(name, {{s.B, 'B'}, {s.H, 'H'}}); }
Tensor inputs(Exam& exam, const Size& s) { return exam.input("x", {{s.T, 'T'}, {s.B, 'B'}, {s.D, 'D'}}); }
Tensor outputs(Exam& exam, const char* name, const Size& s) {
    return exam.input(name, {{s.T, 'T'}, {s.B, 'B'}, {s.H, 'H'}});
}

void expect(const char* what, const Tensor& t, const Shape& shape) {
    const std::string got = t.defined() ? t.shape().str() : "an empty Tensor";
    if (!t.defined() || !(t.shape() == shape))
        throw Error(fmt::format("{} is {}, expected {}", what, got, shape.str()));
}

/// The library's own layer and its backward on a tape, so that 1.8 needs neither 1.3 nor 1.4.
Layer library_layer(const Weights& w) {
    const auto forward = [w](const Tensor& x, const Tensor& h_0) {
        return rnn_sequence(x, h_0, w.W_xh, w.W_hh, w.b_h).y;
    };
    const auto backward = [w](const Tensor& dy, const Tensor& dh_T, const Tensor& x, const Tensor& h_0,
                              const Tensor& h) {
        Tape tape;
        const Var in = tape.watch({"x", x.clone()}), before = tape.watch({"h_0", h_0.clone()});
        const Var W_hh = tape.watch({"W_hh", w.W_hh.clone()}), W_xh = tape.watch({"W_xh", w.W_xh.clone()});
        const Var b_h = tape.watch({"b_h", w.b_h.clone()});
        const RnnVars states = rnn_sequence(in, before, W_xh, W_hh, b_h);
        expect("layer.backward: dy", dy, states.y.shape());
        expect("layer.backward: dh_T", dh_T, states.h_T.shape());
        expect("layer.backward: h", h, states.y.shape());
        for (int64_t i = 0; i < h.size(); i++)
            if (!(std::abs(h.flat(i) - states.y.value().flat(i)) < 1e-9))
                throw Error("layer.backward: h is not what layer.forward gives for this x and h_0");
        tape.backward(sum(states.y * dy) + sum(states.h_T * dh_T));
        return Gradients{tape.grad(in), tape.grad(before), tape.grad(W_hh), tape.grad(W_xh), tape.grad(b_h)};
    };
    return {forward, backward};
}

}  // namespace

EXERCISE("1.1 rnn_step_forward (10 points)") {
    for (const Size& s : sizes) {
        exam.begin_case(s.name);
        const Tensor x_t = exam.input("x_t", {{s.B, 'B'}, {s.D, 'D'}}), h_before = states(exam, "h_before", s);
        exam.answer("h_t", rnn_step_forward(x_t, h_before, weights(exam, s)));
    }
}

EXERCISE("1.2 rnn_step_backward (15 points)") {
    for (const Size& s : sizes) {
        exam.begin_case(s.name);
        const Tensor x_t = exam.input("x_t", {{s.B, 'B'}, {s.D, 'D'}}), h_before = states(exam, "h_before", s);
        const Weights w = weights(exam, s);
        const Tensor h_t = exam.recorded("h_t", [&] { return rnn_step_forward(x_t, h_before, w); });
        const StepGradients d = rnn_step_backward(states(exam, "dh_t", s), x_t, h_before, h_t, w);
        exam.answer("dx_t", d.dx_t);
        exam.answer("dh_before", d.dh_before);
        exam.answer("dW_hh", d.dW_hh);
        exam.answer("dW_xh", d.dW_xh);
        exam.answer("db_h", d.db_h);
    }
}

EXERCISE("1.3 rnn_forward (10 points)") {
    for (const Size& s : sizes) {
        exam.begin_case(s.name);
        exam.answer("h", rnn_forward(inputs(exam, s), states(exam, "h_0", s), weights(exam, s)));
    }
}

EXERCISE("1.4 rnn_backward (20 points)") {
    for (const Size& s : sizes) {
        exam.begin_case(s.name);
        const Tensor x = inputs(exam, s), h_0 = states(exam, "h_0", s);
        const Weights w = weights(exam, s);
        const Tensor h = exam.recorded("h", [&] { return rnn_forward(x, h_0, w); });
        const Gradients g = rnn_backward(outputs(exam, "dy", s), states(exam, "dh_T", s), x, h_0, h, w);
        exam.answer("dx", g.dx);
        exam.answer("dh_0", g.dh_0);
        exam.answer("dW_hh", g.dW_hh);
        exam.answer("dW_xh", g.dW_xh);
        exam.answer("db_h", g.db_h);
    }
}

EXERCISE("1.5 sequence_loss (15 points)") {
    struct Scores {
        const char* name;
        int64_t T, B, V;
    };
    for (const Scores& s : {Scores{"T=4, B=3, V=5", 4, 3, 5}, Scores{"T=1, B=1, V=1", 1, 1, 1},
                            Scores{"T=5, B=1, V=2", 5, 1, 2}, Scores{"T=1, B=3, V=4", 1, 3, 4}}) {
        exam.begin_case(s.name);
        const Tensor scores = exam.input("scores", {{s.T, 'T'}, {s.B, 'B'}, {s.V, 'V'}}, -3, 3);
        const SequenceLoss loss = sequence_loss(scores, exam.ids("targets", {{s.T, 'T'}, {s.B, 'B'}}, s.V));
        exam.answer("L", loss.L);
        exam.answer("dscores", loss.dscores);
    }
    exam.begin_case("scores of 1000 and -1000");
    const Ids targets = exam.ids("targets", {{3, 'T'}, {2, 'B'}}, 5);
    Tensor scores = exam.input("scores", {{3, 'T'}, {2, 'B'}, {5, 'V'}}).clone();
    for (int64_t v = 0; v < 5; v++)
        for (int64_t b = 0; b < 2; b++) {
            scores.set({0, b, v}, scores.at({0, b, v}) + 1000);
            scores.set({1, b, v}, scores.at({1, b, v}) - 1000);
        }
    scores.set({2, 1, targets[5]}, -1000);  // a target whose p is too small for a double
    const SequenceLoss loss = sequence_loss(exam.given("scores", scores), targets);
    exam.answer("L far out", loss.L);
    exam.answer("dscores far out", loss.dscores);
}

EXERCISE("1.6 jacobian (10 points)") {
    struct Steps {
        const char* name;
        int64_t T, H;
        int k, t;
    };
    for (const Steps& s :
         {Steps{"H=4, k=1, t=4", 5, 4, 1, 4}, Steps{"H=3, k=0, t=2", 2, 3, 0, 2}, Steps{"H=1, k=0, t=3", 4, 1, 0, 3},
          Steps{"H=3, k=2, t=3", 3, 3, 2, 3}, Steps{"H=2, k=2, t=2", 4, 2, 2, 2}}) {
        exam.begin_case(s.name);
        const Tensor W_hh = exam.input("W_hh", {{s.H, 'H'}, {s.H, 'H'}});
        const double norm = std::sqrt(sum(W_hh * W_hh).item());  // Frobenius
        const Tensor h = exam.input("states", {{s.T + 1, 'T'}, {s.H, 'H'}}, -0.9, 0.9);
        const Jacobian j = jacobian(h, W_hh, norm, s.k, s.t);
        exam.answer("J", j.J);
        exam.answer("bound", j.bound);
    }
}

EXERCISE("1.7 word_vectors (10 points)") {
    struct Words {
        const char* name;
        int64_t T, B, D;
        int V;
    };
    const Words sizes[] = {{"T=6, B=3, D=2, V=4", 6, 3, 2, 4},
                           {"T=1, B=1, D=1, V=1", 1, 1, 1, 1},
                           {"T=5, B=1, D=3, V=6", 5, 1, 3, 6},
                           {"T=1, B=4, D=2, V=3", 1, 4, 2, 3}};
    // Not word 0, where there is another.
    const auto start = [](Exam& exam, int V) { return V == 1 ? 0 : 1 + exam.ids("start", {}, V - 1)[0]; };
    for (const Words& s : sizes) {
        exam.begin_case(s.name);
        const Tensor E = exam.input("E", {{s.V, 'V'}, {s.D, 'D'}});
        const Ids words = exam.ids("words", {{s.T, 'T'}, {s.B, 'B'}}, s.V);
        exam.answer("x", word_vectors(E, words, start(exam, s.V)));
    }
    for (const Words& s : sizes) {
        exam.begin_case(s.name);
        const Tensor dx = exam.input("dx", {{s.T, 'T'}, {s.B, 'B'}, {s.D, 'D'}});
        const Ids words = exam.ids("words", {{s.T, 'T'}, {s.B, 'B'}}, s.V);
        exam.answer("dE", word_vectors_backward(dx, words, start(exam, s.V), s.V));
    }
}

EXERCISE("1.8 truncated_bptt (10 points)") {
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
        const Truncated r = truncated_bptt(layer, x, dy, states(exam, "h_0", s), n);
        exam.answer("h", r.h);
        exam.answer("dW_hh", r.dW_hh);
        exam.answer("dW_xh", r.dW_xh);
        exam.answer("db_h", r.db_h);
    }
}
