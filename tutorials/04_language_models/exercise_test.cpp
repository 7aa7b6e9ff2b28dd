#include "tutorials/04_language_models/exercise.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tutorials/grader/exam.hpp"

using namespace unroll;
using namespace unroll::exercise;
using grader::Exam;

MAY_CALL("matmul", "exp", "log", "sum", "mean", "stack", "concat", "row", "slice", "reshape");

namespace {

Tensor numbers(const Ids& ids) {
    Tensor t = Tensor::zeros(ids.shape(), DType::f64);
    for (int64_t i = 0; i < ids.size(); i++) t.set_flat(i, ids[i]);
    return t;
}

/// Some of them padding: each third one from `first` on.
Ids with_padding(const Ids& ids, int first, int padding) {
    Ids some = ids.clone();
    for (int64_t i = first; i < some.size(); i += 3) some.mutable_data()[i] = padding;
    return some;
}

}  // namespace

EXERCISE("4.1 cross_entropy_padded (15 points)") {
    struct Size {
        const char* name;
        int64_t N, V;
        int first;
        double scale;
    };
    for (const Size& s : {Size{"N=6, V=5", 6, 5, 1, 2}, Size{"N=1, V=4", 1, 4, 1, 1}, Size{"N=3, V=1", 3, 1, 0, 1},
                          Size{"N=5, V=3, no padding", 5, 3, 9, 1}, Size{"N=4, V=3, scores of 1000", 4, 3, 2, 1000}})
        for (int padding : {-100, 0}) {
            if (padding == 0 && (s.V == 1 || s.scale == 1000)) continue;
            exam.begin_case(fmt::format("{}, padding {}", s.name, padding));
            const Tensor scores = exam.input("scores", {{s.N, 'N'}, {s.V, 'V'}}, -s.scale, s.scale);
            const Ids targets = with_padding(exam.ids("targets", {{s.N, 'N'}}, s.V), s.first, padding);
            const Loss loss = cross_entropy_padded(scores, targets, padding);
            exam.answer("L", loss.L);
            exam.answer("counted", loss.counted);
            exam.answer("dscores", loss.dscores);
        }
    exam.begin_case("padding alone");
    const Loss none = cross_entropy_padded(exam.input("scores", {2, 3}), Ids({7, 7}), 7);
    std::vector<double> all = none.dscores.to_vector();
    all.insert(all.end(), {none.L, static_cast<double>(none.counted)});
    for (double& x : all) x++;
    exam.answer("L, N_c and dscores, plus 1, of padding alone", all);
}

EXERCISE("4.2 perplexity (10 points)") {
    const auto batches = [&](const std::vector<int>& words) {
        const Tensor means = exam.input("means", {static_cast<int64_t>(words.size())}, 1, 6);
        std::vector<BatchLoss> all;
        for (size_t i = 0; i < words.size(); i++)
            all.push_back({words[i] == 0 ? std::nan("") : means.flat(static_cast<int64_t>(i)), words[i]});
        return all;
    };
    for (const std::vector<int>& words : {std::vector<int>{100, 100, 7}, {5}, {1, 300, 2, 41}}) {
        exam.begin_case(fmt::format("{} batches of unequal size", words.size()));
        exam.answer("perplexity", perplexity(batches(words)));
    }
    exam.begin_case("equal batches");
    exam.answer("perplexity of equal batches", perplexity(batches({20, 20, 20})));
    exam.begin_case("one without a word");
    exam.answer("perplexity where a batch has no words", perplexity(batches({12, 0, 30})));
}

EXERCISE("4.3 stream_batch (10 points)") {
    struct Size {
        int n, B, T, k;
    };
    for (const Size& s : {Size{23, 2, 3, 0}, Size{23, 2, 3, 2}, Size{41, 3, 4, 1}, Size{12, 1, 5, 1}, Size{9, 4, 1, 0},
                          Size{24, 2, 4, 1}, Size{26, 2, 4, 2}}) {
        exam.begin_case(fmt::format("n={}, B={}, T={}, k={}", s.n, s.B, s.T, s.k));
        const StreamBatch batch = stream_batch(exam.ids("text", {s.n}, 1000), s.B, s.T, s.k);
        exam.answer("inputs", numbers(batch.inputs));
        exam.answer("targets", numbers(batch.targets));
        exam.answer("batches", batch.batches);
    }
}

EXERCISE("4.4 tied_backward (15 points)") {
    struct Size {
        int64_t N, V, D;
    };
    for (const Size& s : {Size{7, 4, 3}, Size{1, 1, 1}, Size{5, 9, 2}, Size{6, 2, 4}}) {
        exam.begin_case(fmt::format("N={}, V={}, D={}", s.N, s.V, s.D));
        const Tensor dx = exam.input("dx", {{s.N, 'N'}, {s.D, 'D'}}), h = exam.input("h", {{s.N, 'N'}, {s.D, 'D'}});
        const Tensor dscores = exam.input("dscores", {{s.N, 'N'}, {s.V, 'V'}});
        const Tensor E = exam.input("E", {{s.V, 'V'}, {s.D, 'D'}});
        const TiedGradients d = tied_backward(dx, dscores, exam.ids("words", {{s.N, 'N'}}, s.V), h, E);
        exam.answer("dE", d.dE);
        exam.answer("db", d.db);
        exam.answer("dh", d.dh);
    }
}

EXERCISE("4.5 score_text (15 points)") {
    struct Size {
        int n, H, V, T;
    };
    for (const Size& s :
         {Size{11, 3, 5, 4}, Size{11, 3, 5, 1}, Size{11, 3, 5, 100}, Size{2, 2, 3, 5}, Size{9, 1, 2, 4}}) {
        exam.begin_case(fmt::format("n={}, H={}, V={}, T={}", s.n, s.H, s.V, s.T));
        const Tensor E = exam.input("E", {s.V, s.H}, -2, 2), W = exam.input("W", {s.H, s.H}, -2, 2);
        const Tensor out = exam.input("W_out", {s.V, s.H}, -4, 4), start = exam.input("start", {s.H});
        int chunks = 0;
        int64_t longest = 0;
        const Model model = [&](const Ids& words, const Tensor& state) {
            chunks++;
            longest = std::max(longest, words.size());
            std::vector<Tensor> h;
            Tensor before = state.reshape({1, s.H});
            for (int64_t i = 0; i < words.size(); i++) {
                before = before.clone();
                const Tensor a = matmul(before, transposed(W)) + E.slice(words[i], words[i] + 1);
                for (int64_t j = 0; j < s.H; j++) before.set_flat(j, std::tanh(a.flat(j)));
                h.push_back(before.clone().reshape({s.H}));
            }
            const Tensor states = stack(h);
            return Read{matmul(states, transposed(out)), h.back()};
        };
        const TextScore score = score_text(model, exam.ids("text", {s.n}, s.V), start, s.T);
        exam.answer("nats", score.nats);
        exam.answer("state", score.state);
        exam.answer("chunks", chunks);
        exam.answer("words of the longest chunk", static_cast<double>(longest));
    }
}

EXERCISE("4.6 with_temperature (10 points)") {
    for (double temperature : {1.0, 0.5, 3.0, 0.001, 0.0})
        for (int64_t V : {6, 1}) {
            exam.begin_case(fmt::format("V={}, temperature {}", V, temperature));
            exam.answer(temperature == 0       ? "p at 0"
                        : temperature == 0.001 ? "p at 0.001"
                                               : "p",
                        with_temperature(exam.input("scores", {{V, 'V'}}, -3, 3), temperature));
        }
    exam.begin_case("two largest");
    Tensor equal = exam.input("scores", {5}, -3, 3).clone();
    equal.set_flat(1, 4);
    equal.set_flat(3, 4);
    exam.answer("p at 0 of two largest scores",
                with_temperature(exam.given("scores of which two are largest", equal), 0));
}

EXERCISE("4.7 keep_probable (15 points)") {
    const auto distribution = [&](int64_t V) {
        const Tensor weights = exam.input("weights", {{V, 'V'}}, 0.05, 1);
        return weights / sum(weights).item();
    };
    for (int64_t V : {7, 12, 1})
        for (const auto& [k, top_p] : {std::pair{3, 1.0}, {0, 0.5}, {0, 0.85}, {4, 0.6}, {0, 1.0}, {100, 0.3}}) {
            exam.begin_case(fmt::format("V={}, k={}, top_p={}", V, k, top_p));
            const Tensor p = exam.given("p", distribution(V));
            exam.answer(k == 0       ? (top_p == 1 ? "nothing left out" : "nucleus")
                        : top_p == 1 ? "top-k"
                                     : "top-k and nucleus",
                        keep_probable(p, k, top_p));
        }
    exam.begin_case("one word has nearly all");
    exam.answer("nucleus of one word",
                keep_probable(exam.given("p", Tensor::of({0.02, 0.95, 0.03}, DType::f64)), 0, 0.9));
    exam.begin_case("reached exactly");
    exam.answer("nucleus reached exactly",
                keep_probable(exam.given("p", Tensor::of({0.25, 0.5, 0.125, 0.125}, DType::f64)), 0, 0.75));
    exam.begin_case("equals");
    exam.answer("equally probable words",
                keep_probable(exam.given("p", Tensor::of({0.2, 0.3, 0.2, 0.3}, DType::f64)), 3, 1));
}

EXERCISE("4.8 score_sentence (10 points)") {
    struct Size {
        const char* name;
        int64_t T, V;
        double scale;
    };
    for (const Size& s : {Size{"T=5, V=7", 5, 7, 3}, Size{"T=1, V=4", 1, 4, 2}, Size{"T=4, V=2", 4, 2, 2},
                          Size{"T=3, V=3, scores of 1000", 3, 3, 1000}}) {
        exam.begin_case(s.name);
        const Tensor scores = exam.input("scores", {{s.T, 'T'}, {s.V, 'V'}}, -s.scale, s.scale);
        const SentenceScore score = score_sentence(scores, exam.ids("words", {{s.T, 'T'}}, s.V));
        exam.answer("surprise", score.surprise);
        exam.answer("rank", score.rank);
        exam.answer("log_p", score.log_p);
    }
}
