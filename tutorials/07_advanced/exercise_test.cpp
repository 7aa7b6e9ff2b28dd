#include "tutorials/07_advanced/exercise.hpp"

#include "tutorials/grader/exam.hpp"

using namespace unroll;
using namespace unroll::exercise;
using grader::Exam;

MAY_CALL(TENSOR_OPERATIONS);

namespace {

struct Size {
    const char* name;
    int64_t T, B, D, H;
    std::vector<int32_t> lengths;
};
const Size sizes[] = {{"T=5, B=4, D=2, H=3, lengths 3 5 1 4", 5, 4, 2, 3, {3, 5, 1, 4}},
                      {"T=1, B=1, D=1, H=1, length 1", 1, 1, 1, 1, {1}},
                      {"T=4, B=1, D=3, H=2, length 4", 4, 1, 3, 2, {4}},
                      {"T=4, B=2, D=2, H=4, lengths 2 3", 4, 2, 2, 4, {2, 3}},
                      {"T=3, B=3, D=4, H=4, lengths 3 1 2", 3, 3, 4, 4, {3, 1, 2}}};

struct Depth {
    const char* name;
    int64_t L, T, B, D, H;
};
const Depth depths[] = {{"L=3, T=4, B=2, D=3, H=3", 3, 4, 2, 3, 3},
                        {"L=2, T=5, B=3, D=2, H=4", 2, 5, 3, 2, 4},
                        {"L=1, T=3, B=2, D=3, H=2", 1, 3, 2, 3, 2},
                        {"L=2, T=1, B=1, D=1, H=1", 2, 1, 1, 1, 1},
                        {"L=4, T=3, B=1, D=5, H=2", 4, 3, 1, 5, 2}};

struct Memory {
    const char* name;
    int64_t N, B, H, A;
    std::vector<int32_t> lengths;
};
const Memory memories[] = {{"N=4, B=3, H=4, lengths 4 2 3", 4, 3, 4, 5, {4, 2, 3}},
                           {"N=1, B=1, H=2, length 1", 1, 1, 2, 1, {1}},
                           {"N=5, B=2, H=3, lengths 1 4", 5, 2, 3, 2, {1, 4}},
                           {"N=3, B=3, H=2, lengths 3 3 3", 3, 3, 2, 2, {3, 3, 3}}};

/// Of the direction or layer `of`: "W_hh f".
Weights weights(Exam& exam, const std::string& of, int64_t D, int64_t H) {
    return {exam.input("W_hh" + of, {{H, 'H'}, {H, 'H'}}), exam.input("W_xh" + of, {{H, 'H'}, {D, 'D'}}),
            exam.input("b_h" + of, {{H, 'H'}})};
}

std::vector<Weights> layers(Exam& exam, const Depth& s) {
    std::vector<Weights> list;
    for (int64_t l = 0; l < s.L; l++)
        list.push_back(weights(exam, " layer " + std::to_string(l + 1), l == 0 ? s.D : s.H, s.H));
    return list;
}

void answer(Exam& exam, const WeightGradients& d, const std::string& of) {
    exam.answer("dW_hh" + of, d.dW_hh);
    exam.answer("dW_xh" + of, d.dW_xh);
    exam.answer("db_h" + of, d.db_h);
}

ScoreWeights score_weights(Exam& exam, Score kind, const Memory& s) {
    switch (kind) {
        case Score::general:
            return {kind, exam.input("W_a", {{s.H, 'H'}, {s.H, 'H'}}), {}};
        case Score::concat:
            return {kind, exam.input("W_a", {{s.A, 'A'}, {2 * s.H, 'H'}}), exam.input("v_a", {{s.A, 'A'}})};
        default:
            return {kind, {}, {}};
    }
}

/// What 7.8 gets, so that it needs no 7.6: the general score.
Attended general(const Tensor& q, const Tensor& states, const Tensor& W_a) {
    if (!q.defined() || q.rank() != 2 || q.dim(1) != W_a.dim(0) || !states.defined() || states.rank() != 3 ||
        states.dim(1) != q.dim(0) || states.dim(2) != q.dim(1))
        throw Error("attention: q is " + q.shape().str() + ", states are " + states.shape().str() +
                    ", expected [B, H] and [N, B, H]");
    std::vector<Tensor> e;
    for (int64_t i = 0; i < states.dim(0); i++)
        e.push_back(sum(q * matmul(states[i], transposed(W_a)), 1).reshape({q.dim(0), 1}));
    const Tensor alpha = softmax(concat(e, 1));
    Tensor c = Tensor::zeros(q.shape(), DType::f64);
    for (int64_t i = 0; i < states.dim(0); i++) c += states[i] * columns(alpha, i, i + 1);
    return {alpha, c};
}

}  // namespace

EXERCISE("7.1 reverse_by_lengths (5 points)") {
    for (const Size& s : sizes) {
        exam.begin_case(s.name);
        const Tensor x = exam.input("x", {{s.T, 'T'}, {s.B, 'B'}, {s.D, 'F'}});
        exam.answer("y", reverse_by_lengths(x, s.lengths));
    }
}

EXERCISE("7.2 bidirectional_forward (15 points)") {
    for (const Size& s : sizes) {
        exam.begin_case(s.name);
        const Tensor x = exam.input("x", {{s.T, 'T'}, {s.B, 'B'}, {s.D, 'D'}});
        const Tensor h_0 = exam.input("h_0", {{2, 'L'}, {s.B, 'B'}, {s.H, 'H'}});
        const Weights f = weights(exam, " f", s.D, s.H), b = weights(exam, " b", s.D, s.H);
        const Bidirectional r = bidirectional_forward(x, s.lengths, h_0, f, b);
        exam.answer("y", r.y);
        exam.answer("last", r.last);
    }
}

EXERCISE("7.3 bidirectional_backward (20 points)") {
    for (const Size& s : sizes) {
        exam.begin_case(s.name);
        const Tensor x = exam.input("x", {{s.T, 'T'}, {s.B, 'B'}, {s.D, 'D'}});
        const Tensor h_0 = exam.input("h_0", {{2, 'L'}, {s.B, 'B'}, {s.H, 'H'}});
        const Weights f = weights(exam, " f", s.D, s.H), b = weights(exam, " b", s.D, s.H);
        const Tensor y = exam.recorded("y", [&] { return bidirectional_forward(x, s.lengths, h_0, f, b).y; });
        const Tensor dy = exam.input("dy", {{s.T, 'T'}, {s.B, 'B'}, {2 * s.H, 'H'}});
        const Tensor dlast = exam.input("dlast", {{2, 'L'}, {s.B, 'B'}, {s.H, 'H'}});
        const BidirectionalGradients g = bidirectional_backward(dy, dlast, x, s.lengths, h_0, y, f, b);
        exam.answer("dx", g.dx);
        exam.answer("dh_0", g.dh_0);
        answer(exam, g.f, " f");
        answer(exam, g.b, " b");
    }
}

EXERCISE("7.4 deep_forward (10 points)") {
    for (const Depth& s : depths) {
        exam.begin_case(s.name);
        const Tensor x = exam.input("x", {{s.T, 'T'}, {s.B, 'B'}, {s.D, 'D'}});
        const Tensor h_0 = exam.input("h_0", {{s.L, 'L'}, {s.B, 'B'}, {s.H, 'H'}});
        const Tensor h = deep_forward(x, h_0, layers(exam, s));
        exam.answer("h", h);
    }
}

EXERCISE("7.5 deep_backward (15 points)") {
    for (const Depth& s : depths) {
        exam.begin_case(s.name);
        const Tensor x = exam.input("x", {{s.T, 'T'}, {s.B, 'B'}, {s.D, 'D'}});
        const Tensor h_0 = exam.input("h_0", {{s.L, 'L'}, {s.B, 'B'}, {s.H, 'H'}});
        const std::vector<Weights> w = layers(exam, s);
        const Tensor h = exam.recorded("h", [&] { return deep_forward(x, h_0, w); });
        const Tensor dy = exam.input("dy", {{s.T, 'T'}, {s.B, 'B'}, {s.H, 'H'}});
        const Tensor dlast = exam.input("dlast", {{s.L, 'L'}, {s.B, 'B'}, {s.H, 'H'}});
        const DeepGradients g = deep_backward(dy, dlast, x, h_0, h, w);
        exam.answer("dx", g.dx);
        exam.answer("dh_0", g.dh_0);
        for (size_t l = 0; l < g.layers.size(); l++) {
            const bool top = l + 1 == w.size();
            answer(exam, g.layers[l], top ? " of the top layer" : " of layer " + std::to_string(l + 1));
        }
    }
}

EXERCISE("7.6 attention (15 points)") {
    const std::pair<Score, const char*> scores[] = {
        {Score::dot, "dot"}, {Score::general, "general"}, {Score::concat, "concat"}};
    for (const auto& [kind, kind_name] : scores)
        for (const Memory& s : memories) {
            exam.begin_case(std::string(kind_name) + ", " + s.name);
            const Tensor q = exam.input("q", {{s.B, 'B'}, {s.H, 'H'}});
            const Tensor states = exam.input("states", {{s.N, 'N'}, {s.B, 'B'}, {s.H, 'H'}});
            const Attended r = attention(q, states, s.lengths, score_weights(exam, kind, s));
            exam.answer(std::string("alpha, ") + kind_name, r.alpha);
            exam.answer(std::string("c, ") + kind_name, r.c);
        }
    // Scores of about 1000 in the first sequence; in the second -1000, and 1000 in the padding behind it.
    exam.begin_case("dot, scores of 1000 and -1000");
    Tensor q = exam.input("q", {{2, 'B'}, {3, 'H'}}).clone();
    Tensor states = exam.input("states", {{4, 'N'}, {2, 'B'}, {3, 'H'}}).clone();
    for (int64_t b = 0; b < 2; b++) {
        q.set({b, 0}, 1000);
        for (int64_t i = 0; i < 4; i++) states.set({i, b, 0}, b == 0 || i >= 2 ? 1 : -1);
    }
    const Attended r = attention(exam.given("q", q), exam.given("states", states), Ids({4, 2}), {Score::dot, {}, {}});
    exam.answer("alpha far out", r.alpha);
    exam.answer("c far out", r.c);
}

EXERCISE("7.7 attention_backward (10 points)") {
    for (const Memory& s : memories) {
        exam.begin_case(s.name);
        const Tensor q = exam.input("q", {{s.B, 'B'}, {s.H, 'H'}});
        const Tensor states = exam.input("states", {{s.N, 'N'}, {s.B, 'B'}, {s.H, 'H'}});
        const Tensor alpha = exam.recorded("alpha", [&] {
            return attention(q, states, s.lengths, {Score::dot, {}, {}}).alpha;
        });
        const AttentionGradients g = attention_backward(exam.input("dc", {{s.B, 'B'}, {s.H, 'H'}}), q, states, alpha);
        exam.answer("dq", g.dq);
        exam.answer("dstates", g.dstates);
    }
}

EXERCISE("7.8 attention_rnn (10 points)") {
    for (const Size& s : sizes) {
        exam.begin_case(s.name);
        const Tensor x = exam.input("x", {{s.T, 'T'}, {s.B, 'B'}, {s.D, 'D'}});
        const Tensor h_0 = exam.input("h_0", {{s.B, 'B'}, {s.H, 'H'}});
        const Tensor W_a = exam.input("W_a", {{s.H, 'H'}, {s.H, 'H'}}, -2, 2);
        const Attention look = [&](const Tensor& q, const Tensor& states) { return general(q, states, W_a); };
        const AttentionStates r = attention_rnn(look, x, h_0, weights(exam, "", s.D + s.H, s.H));
        exam.answer("h", r.h);
        exam.answer("c", r.c);
    }
}
