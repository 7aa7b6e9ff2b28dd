#include "tutorials/06_seq2seq/exercise.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "tutorials/grader/exam.hpp"

using namespace unroll;
using namespace unroll::exercise;
using grader::Exam;

MAY_CALL(TENSOR_OPERATIONS);

namespace {

struct Size {
    const char* name;
    int64_t S, B, H, A;
    std::vector<int32_t> lengths;
};
const Size sizes[] = {{"S=4, B=3, H=4, lengths 4 2 3", 4, 3, 4, 5, {4, 2, 3}},
                      {"S=1, B=1, H=2, length 1", 1, 1, 2, 1, {1}},
                      {"S=5, B=2, H=3, lengths 1 4", 5, 2, 3, 2, {1, 4}},
                      {"S=3, B=3, H=3, lengths 3 3 3", 3, 3, 3, 3, {3, 3, 3}}};

const std::pair<Score, const char*> kinds[] = {
    {Score::dot, "dot"}, {Score::general, "general"}, {Score::concat, "concat"}};

ScoreWeights weights(Exam& exam, Score kind, const Size& s) {
    if (kind == Score::general) return {kind, exam.input("W_a", {{s.H, 'H'}, {s.H, 'H'}}), {}};
    if (kind == Score::concat)
        return {kind, exam.input("W_a", {{s.A, 'A'}, {2 * s.H, 'H'}}), exam.input("v_a", {{s.A, 'A'}})};
    return {kind, {}, {}};
}

void answer(Exam& exam, const std::string& name, const Ids& ids) {
    Tensor t = Tensor::full(ids.shape(), -1, DType::f64);
    for (int64_t i = 0; ids.defined() && i < ids.size(); i++) t.set_flat(i, ids[i]);
    exam.answer(name, t);
}

std::vector<double> numbers(const std::vector<int>& list) { return {list.begin(), list.end()}; }

/// log P of V words after each of K hypotheses.
Tensor log_probabilities(const Tensor& x) {
    const Tensor odds = exp(x);
    return log(odds / sum(odds, 1).reshape({x.dim(0), 1}));
}

}  // namespace

EXERCISE("6.1 teacher_forcing (8 points)") {
    struct Batch {
        const char* name;
        int64_t T, B;
        std::vector<int32_t> lengths;
    };
    for (const Batch& s :
         {Batch{"T=4, B=3, lengths 4 2 3", 4, 3, {4, 2, 3}}, Batch{"T=1, B=1, length 1", 1, 1, {1}},
          Batch{"T=3, B=2, lengths 0 3", 3, 2, {0, 3}}, Batch{"T=5, B=2, lengths 2 4", 5, 2, {2, 4}}}) {
        exam.begin_case(s.name);
        const Ids words = exam.ids("words", {{s.T, 'T'}, {s.B, 'B'}}, 40);
        Ids marked = words.clone();
        for (int64_t i = 0; i < words.size(); i++) marked.mutable_data()[i] += 10;
        const Forced f = teacher_forcing(marked, s.lengths, 1, 2, 0);
        answer(exam, "inputs", f.inputs);
        answer(exam, "targets", f.targets);
    }
}

EXERCISE("6.2 scores (15 points)") {
    for (const auto& [kind, kind_name] : kinds)
        for (const Size& s : sizes) {
            exam.begin_case(std::string(kind_name) + ", " + s.name);
            const Tensor q = exam.input("q", {{s.B, 'B'}, {s.H, 'H'}});
            const Tensor states = exam.input("s", {{s.S, 'S'}, {s.B, 'B'}, {s.H, 'H'}});
            exam.answer(std::string("e, ") + kind_name, scores(q, states, weights(exam, kind, s)));
        }
}

EXERCISE("6.3 scores_backward (20 points)") {
    for (const auto& [kind, kind_name] : kinds)
        for (const Size& s : sizes) {
            exam.begin_case(std::string(kind_name) + ", " + s.name);
            const Tensor q = exam.input("q", {{s.B, 'B'}, {s.H, 'H'}});
            const Tensor states = exam.input("s", {{s.S, 'S'}, {s.B, 'B'}, {s.H, 'H'}});
            const Tensor de = exam.input("de", {{s.B, 'B'}, {s.S, 'S'}});
            const ScoreGradients d = scores_backward(de, q, states, weights(exam, kind, s));
            exam.answer(std::string("dq, ") + kind_name, d.dq);
            exam.answer(std::string("ds, ") + kind_name, d.ds);
            if (kind != Score::dot) exam.answer(std::string("dW_a, ") + kind_name, d.dW_a);
            if (kind == Score::concat) exam.answer("dv_a", d.dv_a);
        }
}

EXERCISE("6.4 attention (10 points)") {
    for (const Size& s : sizes) {
        exam.begin_case(s.name);
        const Tensor e = exam.input("e", {{s.B, 'B'}, {s.S, 'S'}}, -2, 2);
        const Tensor states = exam.input("s", {{s.S, 'S'}, {s.B, 'B'}, {s.H, 'H'}});
        const Attended a = attention(e, states, s.lengths);
        exam.answer("alpha", a.alpha);
        exam.answer("c", a.c);
    }
    exam.begin_case("scores of 1000 and -1000, 1000 in the padding");
    Tensor e = exam.input("e", {{2, 'B'}, {4, 'S'}}).clone();
    for (int64_t b = 0; b < 2; b++)
        for (int64_t i = 0; i < 4; i++) e.set({b, i}, e.at({b, i}) + (b == 0 || i >= 2 ? 1000 : -1000));
    const Attended a = attention(exam.given("e", e), exam.input("s", {{4, 'S'}, {2, 'B'}, {3, 'H'}}), Ids({4, 2}));
    exam.answer("alpha far out", a.alpha);
    exam.answer("c far out", a.c);
}

EXERCISE("6.5 attention_backward (15 points)") {
    for (const Size& s : sizes) {
        exam.begin_case(s.name);
        const Tensor e = exam.input("e", {{s.B, 'B'}, {s.S, 'S'}}, -2, 2);
        const Tensor states = exam.input("s", {{s.S, 'S'}, {s.B, 'B'}, {s.H, 'H'}});
        const Tensor alpha = exam.recorded("alpha", [&] { return attention(e, states, s.lengths).alpha; });
        const AttentionGradients d = attention_backward(exam.input("dc", {{s.B, 'B'}, {s.H, 'H'}}), states, alpha);
        exam.answer("de", d.de);
        exam.answer("ds", d.ds);
    }
}

EXERCISE("6.6 decoder_step (10 points)") {
    struct Sizes {
        const char* name;
        int64_t B, E, H, V;
    };
    for (const Sizes& s : {Sizes{"B=3, E=2, H=4, V=5", 3, 2, 4, 5}, Sizes{"B=1, E=1, H=1, V=2", 1, 1, 1, 2},
                           Sizes{"B=2, E=4, H=4, V=4", 2, 4, 4, 4}}) {
        exam.begin_case(s.name);
        const Tensor y = exam.input("y", {{s.B, 'B'}, {s.E, 'E'}}), h = exam.input("h", {{s.B, 'B'}, {s.H, 'H'}});
        const DecoderWeights w{exam.input("W_hh", {{s.H, 'H'}, {s.H, 'H'}}),
                               exam.input("W_xh", {{s.H, 'H'}, {s.E + s.H, 'D'}}), exam.input("b_h", {{s.H, 'H'}}),
                               exam.input("W_out", {{s.V, 'V'}, {s.H, 'H'}}), exam.input("b_out", {{s.V, 'V'}})};
        const Tensor mix = exam.input("mix", {{s.H, 'H'}, {s.H, 'H'}});
        const Look look = [&](const Tensor& query) {
            if (!query.defined() || !(query.shape() == h.shape()))
                throw Error("look: the query is " + query.shape().str() + ", expected " + h.shape().str());
            return matmul(query, transposed(mix));
        };
        const DecoderStep d = decoder_step(look, y, h, w);
        exam.answer("c", d.c);
        exam.answer("h", d.h);
        exam.answer("p", d.p);
    }
}

EXERCISE("6.7 normalised (7 points)") {
    const std::vector<int> lengths = {9, 3, 1, 6, 2};
    for (double alpha : {1.0, 0.6, 0.0}) {
        exam.begin_case("exponent " + std::to_string(alpha).substr(0, 3));
        const Tensor x = exam.input("log_probs", {5}, -1, -0.2);
        std::vector<double> log_probs;
        for (size_t i = 0; i < 5; i++) log_probs.push_back(x.at({static_cast<int64_t>(i)}) * (1 + 0.5 * lengths[i]));
        const Normalised n = normalised(log_probs, lengths, alpha);
        exam.answer("plain", n.plain);
        exam.answer("gnmt", n.gnmt);
        exam.answer("best", n.best);
    }
    exam.begin_case("three equals");
    exam.answer("best", normalised({-2, -4, -1}, {2, 4, 1}, 1).best);
}

EXERCISE("6.8 beam_step (15 points)") {
    struct Sizes {
        const char* name;
        int K, V, k, ended, end;
    };
    for (const Sizes& s : {Sizes{"K=3, V=6, k=4, 1 ended", 3, 6, 4, 1, 2}, Sizes{"K=1, V=5, k=3", 1, 5, 3, 0, 0},
                           Sizes{"K=1, V=2, k=4", 1, 2, 4, 0, 1}, Sizes{"K=4, V=5, k=4", 4, 5, 4, 0, 1},
                           Sizes{"K=2, V=7, k=5, 3 ended", 2, 7, 5, 3, 6}}) {
        exam.begin_case(s.name);
        const Tensor before = exam.input("log_probs", {s.K}, -1.2, -0.5);
        std::vector<double> log_probs = before.to_vector();
        std::sort(log_probs.begin(), log_probs.end(), std::greater<>());
        Tensor x = exam.input("x", {{s.K, 'K'}, {s.V, 'V'}}).clone();
        for (int h = 0; h < s.K; h += 2) x.set({h, s.end}, x.at({h, s.end}) + 1);  // so that some end
        const Extended e = beam_step(log_probs, exam.given("log_p", log_probabilities(x)), s.k, s.ended, s.end);
        exam.answer("parents", numbers(e.parents));
        exam.answer("words", numbers(e.words));
        exam.answer("log_probs", e.log_probs);
        exam.answer("ended_parents", numbers(e.ended_parents));
        exam.answer("ended_log_probs", e.ended_log_probs);
    }
    exam.begin_case("equals, K=2, V=4, k=5");
    const Extended e = beam_step({-1, -1}, Tensor::full({2, 4}, std::log(0.25), DType::f64), 5, 0, 1);
    exam.answer("parents of equals", numbers(e.parents));
    exam.answer("words of equals", numbers(e.words));
}
