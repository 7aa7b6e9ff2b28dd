#include "tutorials/05_captioning/exercise.hpp"

#include "tutorials/grader/exam.hpp"

using namespace unroll;
using namespace unroll::exercise;
using grader::Exam;

MAY_CALL(TENSOR_OPERATIONS);

namespace {

struct Size {
    const char* name;
    int64_t B, C, O, H, W, n;
    int stride, padding;
};
const Size sizes[] = {{"5 x 4, kernel 3, stride 1, padding 1", 2, 3, 2, 5, 4, 3, 1, 1},
                      {"one pixel, kernel 1", 1, 1, 1, 1, 1, 1, 1, 0},
                      {"6 x 7, kernel 2, stride 2, padding 1", 1, 2, 3, 6, 7, 2, 2, 1},
                      {"4 x 5, kernel 3, stride 1, no padding", 2, 2, 1, 4, 5, 3, 1, 0}};

struct Regions {
    const char* name;
    int64_t K, B, H, D, A;
};
const Regions regions[] = {
    {"K=4, B=3", 4, 3, 3, 3, 3}, {"K=1, B=1", 1, 1, 2, 1, 1}, {"K=5, B=2", 5, 2, 4, 4, 4}, {"K=2, B=2", 2, 2, 3, 5, 4}};

Tensor pictures(Exam& exam, const Size& s) { return exam.input("x", {{s.B, 'B'}, {s.C, 'C'}, s.H, s.W}); }
Tensor kernels(Exam& exam, const Size& s) { return exam.input("W", {{s.O, 'O'}, {s.C, 'C'}, s.n, s.n}); }
Tensor upstream(Exam& exam, const Size& s) {
    return exam.input("dy", {{s.B, 'B'},
                             {s.O, 'O'},
                             (s.H + 2 * s.padding - s.n) / s.stride + 1,
                             (s.W + 2 * s.padding - s.n) / s.stride + 1});
}

AttentionWeights weights(Exam& exam, const Regions& r) {
    return {exam.input("W_h", {{r.A, 'A'}, {r.H, 'H'}}), exam.input("W_v", {{r.A, 'A'}, {r.D, 'D'}}),
            exam.input("b_a", {{r.A, 'A'}}), exam.input("w_a", {{r.A, 'A'}}, -2, 2)};
}

}  // namespace

EXERCISE("5.1 conv2d (15 points)") {
    for (const Size& s : sizes) {
        exam.begin_case(s.name);
        const Tensor x = pictures(exam, s), W = kernels(exam, s), bias = exam.input("bias", {{s.O, 'O'}});
        exam.answer("y", conv2d(x, W, bias, s.stride, s.padding));
    }
}

EXERCISE("5.2 conv2d_backward (20 points)") {
    for (const Size& s : sizes) {
        exam.begin_case(s.name);
        const Tensor x = pictures(exam, s), W = kernels(exam, s);
        const ConvGradients d = conv2d_backward(upstream(exam, s), x, W, s.stride, s.padding);
        exam.answer("dx", d.dx);
        exam.answer("dW", d.dW);
        exam.answer("dbias", d.dbias);
    }
}

EXERCISE("5.3 max_pool (10 points)") {
    struct Cut {
        const char* name;
        int64_t B, C, H, W;
        int n;
    };
    for (const Cut& s :
         {Cut{"4 x 6 by 2", 2, 2, 4, 6, 2}, Cut{"one pixel", 1, 1, 1, 1, 1}, Cut{"7 x 8 by 3", 1, 3, 7, 8, 3}}) {
        exam.begin_case(s.name);
        const Tensor x = exam.input("x", {{s.B, 'B'}, {s.C, 'C'}, s.H, s.W}, -2, -1);
        const Pooled p = max_pool(x, exam.input("dy", {{s.B, 'B'}, {s.C, 'C'}, s.H / s.n, s.W / s.n}), s.n);
        exam.answer("y", p.y);
        exam.answer("dx", p.dx);
    }
    exam.begin_case("equal pixels");
    const Pooled p = max_pool(Tensor::full({1, 1, 4, 4}, 3, DType::f64), exam.input("dy", {1, 1, 2, 2}), 2);
    exam.answer("dx of equals", p.dx);
}

EXERCISE("5.4 batch_norm (12 points)") {
    for (const auto& [name, B, C, H, W, m] :
         {std::tuple{"B=3, 2 x 3, m=0.1", int64_t{3}, int64_t{2}, int64_t{2}, int64_t{3}, 0.1},
          {"B=2, one pixel, m=0.3", 2, 1, 1, 1, 0.3},
          {"B=1, 4 x 1, m=1", 1, 3, 4, 1, 1.0}}) {
        exam.begin_case(name);
        const auto channels = [&](const char* what, double low) { return exam.input(what, {{C, 'C'}}, low, 2); };
        const Normed n =
            batch_norm(exam.input("x", {{B, 'B'}, {C, 'C'}, H, W}, -1, 3), channels("weight", 0.5),
                       channels("bias", -1), channels("running_mean", -1), channels("running_var", 0.5), 0.01, m);
        exam.answer("y", n.y);
        exam.answer("running_mean", n.running_mean);
        exam.answer("running_var", n.running_var);
    }
}

EXERCISE("5.5 spatial_attention (13 points)") {
    for (const Regions& r : regions) {
        exam.begin_case(r.name);
        const Tensor h = exam.input("h", {{r.B, 'B'}, {r.H, 'H'}});
        const Tensor V = exam.input("V", {{r.K, 'K'}, {r.B, 'B'}, {r.D, 'D'}});
        const Attended a = spatial_attention(h, V, weights(exam, r));
        exam.answer("alpha", a.alpha);
        exam.answer("v", a.v);
    }
}

EXERCISE("5.6 spatial_attention_backward (18 points)") {
    for (const Regions& r : regions) {
        exam.begin_case(r.name);
        const Tensor h = exam.input("h", {{r.B, 'B'}, {r.H, 'H'}});
        const Tensor V = exam.input("V", {{r.K, 'K'}, {r.B, 'B'}, {r.D, 'D'}});
        const AttentionWeights w = weights(exam, r);
        const Tensor alpha = exam.recorded("alpha", [&] { return spatial_attention(h, V, w).alpha; });
        const AttentionGradients d =
            spatial_attention_backward(exam.input("dv", {{r.B, 'B'}, {r.D, 'D'}}), h, V, alpha, w);
        exam.answer("dh", d.dh);
        exam.answer("dV", d.dV);
        exam.answer("dW_h", d.dW_h);
        exam.answer("dW_v", d.dW_v);
        exam.answer("db_a", d.db_a);
        exam.answer("dw_a", d.dw_a);
    }
}

EXERCISE("5.7 sampled_inputs (7 points)") {
    for (const auto& [name, T, B, epsilon] : {std::tuple{"T=5, B=3, epsilon 0.5", int64_t{5}, int64_t{3}, 0.5},
                                              {"T=6, B=4, epsilon 0.3", 6, 4, 0.3},
                                              {"T=4, B=2, epsilon 1", 4, 2, 1.0},
                                              {"T=4, B=2, epsilon 0", 4, 2, 0.0},
                                              {"T=1, B=1", 1, 1, 0.0}}) {
        exam.begin_case(name);
        const Ids before = exam.ids("before", {{T, 'T'}, {B, 'B'}}, 20);
        const Tensor draws = exam.input("draws", {{T, 'T'}, {B, 'B'}}, 0, 1);
        double calls = 0;  // in order
        int64_t state = 0;
        const Ids fed = sampled_inputs(before, draws, epsilon, [&](int64_t t, const Ids& row) {
            calls = calls * 10 + double(t + 1);
            Ids own = Ids::empty({row.size()});
            for (int64_t b = 0; b < row.size(); b++) {
                state = (state * 7 + row[b] + t) % 30;
                own.mutable_data()[b] = int32_t(30 + state);
            }
            return own;
        });
        Tensor answer = Tensor::full(before.shape(), -1, DType::f64);
        for (int64_t i = 0; fed.defined() && i < fed.size() && i < before.size(); i++) answer.set_flat(i, fed[i]);
        exam.answer("fed", answer);
        exam.answer("calls of next", calls);
    }
}

EXERCISE("5.8 epsilon (5 points)") {
    exam.begin_case("steps 0 to 400");
    std::vector<double> linear, exponential, sigmoid;
    const double k = 0.9 + 0.05 * exam.input("k", {1}).at({0});
    for (int i : {0, 1, 7, 60, 150, 400}) {
        linear.push_back(epsilon(Decay::linear, i, k, 0.004, 0.1));
        exponential.push_back(epsilon(Decay::exponential, i, k, 0, 0));
        sigmoid.push_back(epsilon(Decay::inverse_sigmoid, i, 30 * k, 0, 0));
    }
    exam.answer("linear", linear);
    exam.answer("exponential", exponential);
    exam.answer("inverse sigmoid", sigmoid);
}
