#include "tutorials/03_gru/exercise.hpp"

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
const Size sizes[] = {{"T=4, B=3, D=2, H=4", 4, 3, 2, 4},
                      {"T=1, B=1, D=1, H=1", 1, 1, 1, 1},
                      {"T=5, B=1, D=3, H=2", 5, 1, 3, 2},
                      {"T=3, B=2, D=3, H=3", 3, 2, 3, 3}};

Tensor state(Exam& exam, const char* name, const Size& s) { return exam.input(name, {{s.B, 'B'}, {s.H, 'H'}}); }
Tensor input(Exam& exam, const Size& s) { return exam.input("x_t", {{s.B, 'B'}, {s.D, 'D'}}); }
Tensor inputs(Exam& exam, const Size& s) { return exam.input("x", {{s.T, 'T'}, {s.B, 'B'}, {s.D, 'D'}}); }

Weights weights(Exam& exam, const Size& s) {
    const Shape W{{s.H, 'H'}, s.H + s.D}, b{{s.H, 'H'}};
    return {exam.input("W_z", W), exam.input("W_r", W), exam.input("W_h", W),
            exam.input("b_z", b), exam.input("b_r", b), exam.input("b_h", b)};
}

StackedWeights stacked_weights(Exam& exam, const Size& s) {
    return {exam.input("W_xh", {3 * s.H, {s.D, 'D'}}), exam.input("W_hh", {3 * s.H, {s.H, 'H'}}),
            exam.input("b", {3 * s.H}), exam.input("b_hh", {{s.H, 'H'}})};
}

}  // namespace

EXERCISE("3.1 gru_step_forward (10 points)") {
    for (const Size& s : sizes) {
        exam.begin_case(s.name);
        const Step step = gru_step_forward(input(exam, s), state(exam, "h_before", s), weights(exam, s));
        exam.answer("z_t", step.z);
        exam.answer("r_t", step.r);
        exam.answer("h_tilde_t", step.h_tilde);
        exam.answer("h_t", step.h);
    }
}

EXERCISE("3.2 gru_step_backward (20 points)") {
    for (const Size& s : sizes) {
        exam.begin_case(s.name);
        const Tensor x_t = input(exam, s), h_before = state(exam, "h_before", s);
        const Weights w = weights(exam, s);
        const auto forward = [&] { return gru_step_forward(x_t, h_before, w); };
        Step step;
        step.z = exam.recorded("z_t", [&] { return forward().z; });
        step.r = exam.recorded("r_t", [&] { return forward().r; });
        step.h_tilde = exam.recorded("h_tilde_t", [&] { return forward().h_tilde; });
        step.h = exam.recorded("h_t", [&] { return forward().h; });
        const StepGradients d = gru_step_backward(state(exam, "dh_t", s), x_t, h_before, step, w);
        exam.answer("dx_t", d.dx_t);
        exam.answer("dh_before", d.dh_before);
        exam.answer("dW_z", d.dW_z);
        exam.answer("dW_r", d.dW_r);
        exam.answer("dW_h", d.dW_h);
        exam.answer("db_z", d.db_z);
        exam.answer("db_r", d.db_r);
        exam.answer("db_h", d.db_h);
    }
}

EXERCISE("3.3 gru_forward (10 points)") {
    for (const Size& s : sizes) {
        exam.begin_case(s.name);
        const Sequence sequence = gru_forward(inputs(exam, s), state(exam, "h_0", s), weights(exam, s));
        exam.answer("z", sequence.z);
        exam.answer("r", sequence.r);
        exam.answer("h_tilde", sequence.h_tilde);
        exam.answer("h", sequence.h);
    }
}

EXERCISE("3.4 gru_backward (15 points)") {
    for (const Size& s : sizes) {
        exam.begin_case(s.name);
        const Tensor x = inputs(exam, s), h_0 = state(exam, "h_0", s);
        const Weights w = weights(exam, s);
        const auto forward = [&] { return gru_forward(x, h_0, w); };
        Sequence sequence;
        sequence.z = exam.recorded("z", [&] { return forward().z; });
        sequence.r = exam.recorded("r", [&] { return forward().r; });
        sequence.h_tilde = exam.recorded("h_tilde", [&] { return forward().h_tilde; });
        sequence.h = exam.recorded("h", [&] { return forward().h; });
        const Tensor dy = exam.input("dy", {{s.T, 'T'}, {s.B, 'B'}, {s.H, 'H'}});
        const Gradients g = gru_backward(dy, state(exam, "dh_T", s), x, h_0, sequence, w);
        exam.answer("dx", g.dx);
        exam.answer("dh_0", g.dh_0);
        exam.answer("dW_z", g.dW_z);
        exam.answer("dW_r", g.dW_r);
        exam.answer("dW_h", g.dW_h);
        exam.answer("db_z", g.db_z);
        exam.answer("db_r", g.db_r);
        exam.answer("db_h", g.db_h);
    }
}

EXERCISE("3.5 reset_after (20 points)") {
    for (const Size& s : sizes) {
        exam.begin_case(s.name);
        const StepAfter step =
            reset_after_forward(input(exam, s), state(exam, "h_before", s), stacked_weights(exam, s));
        exam.answer("z_t", step.z);
        exam.answer("r_t", step.r);
        exam.answer("q_t", step.q);
        exam.answer("h_tilde_t", step.h_tilde);
        exam.answer("h_t", step.h);
    }
    for (const Size& s : sizes) {
        exam.begin_case(s.name);
        const Tensor x_t = input(exam, s), h_before = state(exam, "h_before", s);
        const StackedWeights w = stacked_weights(exam, s);
        const auto forward = [&] { return reset_after_forward(x_t, h_before, w); };
        StepAfter step;
        step.z = exam.recorded("saved z_t", [&] { return forward().z; });
        step.r = exam.recorded("saved r_t", [&] { return forward().r; });
        step.q = exam.recorded("saved q_t", [&] { return forward().q; });
        step.h_tilde = exam.recorded("saved h_tilde_t", [&] { return forward().h_tilde; });
        step.h = exam.recorded("saved h_t", [&] { return forward().h; });
        const StackedGradients d = reset_after_backward(state(exam, "dh_t", s), x_t, h_before, step, w);
        exam.answer("dx_t", d.dx_t);
        exam.answer("dh_before", d.dh_before);
        exam.answer("dW_xh", d.dW_xh);
        exam.answer("dW_hh", d.dW_hh);
        exam.answer("db", d.db);
        exam.answer("db_hh", d.db_hh);
    }
}

EXERCISE("3.6 from_pytorch (10 points)") {
    for (const Size& s : {Size{"D=2, H=3", 0, 0, 2, 3}, Size{"D=1, H=1", 0, 0, 1, 1}, Size{"D=4, H=2", 0, 0, 4, 2},
                          Size{"D=3, H=3", 0, 0, 3, 3}}) {
        exam.begin_case(s.name);
        const PyTorchWeights p{exam.input("weight_ih", {3 * s.H, {s.D, 'D'}}),
                               exam.input("weight_hh", {3 * s.H, {s.H, 'H'}}), exam.input("bias_ih", {3 * s.H}),
                               exam.input("bias_hh", {3 * s.H})};
        const StackedWeights w = from_pytorch(p);
        exam.answer("W_xh", w.W_xh);
        exam.answer("W_hh", w.W_hh);
        exam.answer("b", w.b);
        exam.answer("b_hh", w.b_hh);
    }
}

EXERCISE("3.7 parameter_counts (5 points)") {
    struct Sizes {
        const char* name;
        int D, H, layers;
    };
    for (const Sizes& s : {Sizes{"D=64, H=128, one layer", 64, 128, 1}, Sizes{"D=5, H=7, three layers", 5, 7, 3},
                           Sizes{"D=1, H=1, two layers", 1, 1, 2}, Sizes{"D=300, H=17, two layers", 300, 17, 2}}) {
        exam.begin_case(s.name);
        const Counts counts = parameter_counts(s.D, s.H, s.layers);
        exam.answer("rnn", counts.rnn);
        exam.answer("lstm", counts.lstm);
        exam.answer("gru", counts.gru);
        exam.answer("gru_reset_after", counts.gru_reset_after);
        // What an LSTM of this size may spend, exactly what fits, and one number less.
        const double lstm = 4.0 * s.H * (s.H + s.D + 1), fits = 3.0 * s.H * (s.H + s.D + 1);
        exam.answer("largest_gru", std::vector<double>{static_cast<double>(largest_gru(lstm, s.D)),
                                                       static_cast<double>(largest_gru(fits, s.D)),
                                                       static_cast<double>(largest_gru(fits - 1, s.D))});
    }
}

EXERCISE("3.8 memory (10 points)") {
    for (const Size& s : {Size{"T=5, H=3", 5, 0, 0, 3}, Size{"T=1, H=1", 1, 0, 0, 1}, Size{"T=2, H=4", 2, 0, 0, 4}}) {
        exam.begin_case(s.name);
        const Tensor z = exam.input("z", {{s.T, 'T'}, {s.H, 'H'}}, 0.05, 0.95);
        const Tensor h_tilde = exam.input("h_tilde", {{s.T, 'T'}, {s.H, 'H'}});
        const Memory m = memory(z, h_tilde, exam.input("h_0", {{s.H, 'H'}}));
        exam.answer("weights", m.weights);
        exam.answer("h_T", m.h_T);
    }
}
