#include "tutorials/09_applications/exercise.hpp"

#include <fmt/format.h>

#include "tutorials/grader/exam.hpp"

using namespace unroll;
using namespace unroll::exercise;
using grader::Exam;

MAY_CALL("exp", "log", "sigmoid", "softmax", "log_softmax", "sum", "mean");

namespace {

struct Size {
    const char* name;
    int64_t B, V, S, W;
};
const Size sizes[] = {{"B=2, V=4, S=5", 2, 4, 5, 6},
                      {"B=1, V=1, S=1", 1, 1, 1, 2},
                      {"B=3, V=3, S=9", 3, 3, 9, 4},
                      {"B=1, V=6, S=2", 1, 6, 2, 8}};

/// Two dimensions of equal size would hide a transposed index: none here.
struct Parts {
    Tensor generated, alpha, p_gen;
    Ids source;
    Parts(Exam& exam, const Size& s)
        : generated(exam.given("generated", softmax(exam.input("x", {{s.B, 'B'}, {s.V, 'V'}}, -2, 2)))),
          alpha(exam.given("alpha", softmax(exam.input("e", {{s.B, 'B'}, {s.S, 'S'}}, -2, 2)))),
          p_gen(exam.input("p_gen", {{s.B, 'B'}}, 0.1, 0.9)),
          source(exam.ids("source", {{s.S, 'S'}, {s.B, 'B'}}, s.W)) {}
};

/// Scores and targets; by turns a target is copied (or both), and generated (or both).
struct Scores {
    Tensor x, g, e;
    Ids source, lengths, targets;
    Scores(Exam& exam, const Size& s, double size)
        : x(exam.input("x", {{s.B, 'B'}, {s.V, 'V'}}, -size, size)),
          g(exam.input("g", {{s.B, 'B'}}, -size, size)),
          e(exam.input("e", {{s.B, 'B'}, {s.S, 'S'}}, -size, size)),
          source(exam.ids("source", {{s.S, 'S'}, {s.B, 'B'}}, s.W)),
          lengths(Ids::empty({{s.B, 'B'}})),
          targets(Ids::empty({{s.B, 'B'}})) {
        const Ids draws = exam.ids("draws", {{s.B, 'B'}}, 1000);
        for (int64_t b = 0; b < s.B; b++) {
            lengths.mutable_data()[b] = static_cast<int32_t>(s.S - b * s.S / (s.B + 1));
            const int32_t place = draws[b] % lengths[b];
            targets.mutable_data()[b] = b % 2 == 0 ? source[place * s.B + b] : draws[b] % static_cast<int32_t>(s.V);
        }
    }
};

void answer(Exam& exam, const Mixture& m) {
    exam.answer("loss", m.loss);
    exam.answer("reason", m.reason);
}

/// n words 0 .. 49, of which some are replaced.
Ids sentence(Exam& exam, int64_t n, const std::vector<std::pair<int64_t, int32_t>>& planted) {
    Ids words = exam.ids("sentence", {{n, 'T'}}, 50);
    for (const auto& [place, word] : planted) words.mutable_data()[place] = word;
    return words;
}

const Ids verbs({60, 61, 62}), articles({70, 71});

}  // namespace

EXERCISE("9.1 copy_distribution (6 points)") {
    for (const Size& s : sizes) {
        exam.begin_case(s.name);
        const Parts p(exam, s);
        exam.answer("P", copy_distribution(p.generated, p.alpha, p.p_gen, p.source, s.W));
    }
}

EXERCISE("9.2 copy_backward (9 points)") {
    for (const Size& s : sizes) {
        exam.begin_case(s.name);
        const Parts p(exam, s);
        const Tensor dP = exam.input("dP", {{s.B, 'B'}, {s.W, 'W'}});
        const CopyGradients d = copy_backward(dP, p.generated, p.alpha, p.p_gen, p.source);
        exam.answer("dgenerated", d.dgenerated);
        exam.answer("dalpha", d.dalpha);
        exam.answer("dp_gen", d.dp_gen);
    }
}

EXERCISE("9.3 mixture_loss (9 points)") {
    for (const auto& [kind, size] : {std::pair{"", 2.0}, std::pair{", far apart", 900.0}})
        for (const Size& s : sizes) {
            exam.begin_case(fmt::format("{}{}", s.name, kind));
            const Scores c(exam, s, size);
            answer(exam, mixture_loss(c.x, c.g, c.e, c.source, c.lengths, c.targets));
        }
}

EXERCISE("9.4 mixture_gradient (12 points)") {
    for (const Size& s : sizes) {
        exam.begin_case(s.name);
        const Scores c(exam, s, 2);
        const Tensor reason =
            exam.recorded("reason", [&] { return mixture_loss(c.x, c.g, c.e, c.source, c.lengths, c.targets).reason; });
        const MixtureGradients d = mixture_gradient(c.x, c.g, c.e, c.source, c.lengths, c.targets, reason);
        exam.answer("dx", d.dx);
        exam.answer("dg", d.dg);
        exam.answer("de", d.de);
    }
}

EXERCISE("9.5 score_pair (6 points)") {
    for (const auto& [T, V, end_at] : {std::array<int64_t, 3>{6, 5, 3}, {1, 4, 0}, {4, 3, 3}}) {
        exam.begin_case(fmt::format("T={}, V={}, the end at {}", T, V, end_at));
        Ids targets = exam.ids("targets", {{T, 'T'}}, V - 2);
        for (int64_t t = 0; t < T; t++)  // word 1 is the end, 0 fills up
            targets.mutable_data()[t] = t < end_at ? targets[t] + 2 : t == end_at ? 1 : 0;
        const PairScore score = score_pair(exam.input("logits", {{T, 'T'}, {V, 'V'}}, -3, 3), targets, 1);
        exam.answer("words", score.words);
        exam.answer("total", score.total);
    }
}

EXERCISE("9.6 choose (6 points)") {
    struct Case {
        const char* name;
        std::vector<double> log_probs;
        std::vector<int32_t> lengths;
        double exponent;
    };
    for (const Case& c :
         {Case{"three, exponent 1", {-3, -4, -9}, {1, 3, 6}, 1},
          Case{"three, exponent 0.5", {-3, -3.4, -9}, {2, 3, 7}, 0.5},
          Case{"three, exponent 0", {-3.2, -3, -9}, {5, 4, 9}, 0}, Case{"the short one", {-8, -2, -1.5}, {4, 0, 0}, 1},
          Case{"equals", {-7, -4, -2, -2}, {3, 3, 1, 1}, 1}, Case{"one", {-2.5}, {4}, 0.8}}) {
        exam.begin_case(c.name);
        Tensor log_probs = Tensor::zeros({{int64_t(c.log_probs.size()), 'N'}}, DType::f64);
        for (size_t n = 0; n < c.log_probs.size(); n++)
            log_probs.set({int64_t(n)}, c.log_probs[n] * (1 + 1e-3 * exam.input("jitter", {1}, 0, 1).item()));
        const Choice choice = choose(exam.given("log_probs", log_probs), Ids(c.lengths), c.exponent);
        exam.answer("index, from 1", double(choice.index + 1));
        exam.answer("score", choice.score);
    }
}

EXERCISE("9.7 what_it_is (6 points)") {
    struct Case {
        const char* name;
        int64_t n;
        std::vector<std::pair<int64_t, int32_t>> planted;
    };
    for (const Case& c : {Case{"a verb and an article", 12, {{2, 61}, {3, 70}, {6, 62}}},
                          Case{"a verb, no article", 9, {{1, 60}, {4, 71}}}, Case{"no verb", 15, {}},
                          Case{"no verb, an article first", 6, {{0, 70}}}, Case{"a late verb", 14, {{8, 60}}},
                          Case{"the eighth word", 25, {{7, 62}, {8, 71}}}, Case{"a verb first", 3, {{0, 60}}}}) {
        exam.begin_case(c.name);
        exam.answer("summary", what_it_is(sentence(exam, c.n, c.planted), verbs, articles));
    }
}

EXERCISE("9.8 rouge_1 (6 points)") {
    for (const auto& [name, p, r, words] :
         {std::tuple{"unequal lengths", 9, 5, 4}, std::tuple{"a long reference", 4, 11, 5},
          std::tuple{"one word each", 1, 1, 1}, std::tuple{"few words, often", 8, 6, 2}}) {
        exam.begin_case(name);
        const Rouge rouge =
            rouge_1(exam.ids("prediction", {{p, 'T'}}, words), exam.ids("reference", {{r, 'T'}}, words));
        exam.answer("precision", rouge.precision);
        exam.answer("recall", rouge.recall);
        exam.answer("f", rouge.f);
    }
    exam.begin_case("nothing in common");
    exam.answer("f", rouge_1(Ids({1, 2}), Ids({3})).f);
}

namespace {

/// Steps, and labels of which some are equal neighbours.
struct Spoken {
    const char* name;
    int64_t T, C;
    std::vector<int32_t> labels;
};
const Spoken spoken[] = {{"T=6, labels 1 2", 6, 4, {1, 2}},
                         {"T=7, labels 2 2 1", 7, 3, {2, 2, 1}},
                         {"T=1, one label", 1, 3, {2}},
                         {"T=3, one path alone", 3, 2, {1, 1}},
                         {"T=5, labels 3 1 3", 5, 5, {3, 1, 3}}};

Tensor probabilities(Exam& exam, const char* name, const Shape& shape) {
    return exam.given(name, softmax(exam.input(std::string(name) + " scores", shape, -2, 2)));
}

}  // namespace

EXERCISE("9.9 ctc_alpha (10 points)") {
    for (const Spoken& s : spoken) {
        exam.begin_case(s.name);
        const CtcAlpha a = ctc_alpha(probabilities(exam, "y", {{s.T, 'T'}, {s.C, 'C'}}), Ids(s.labels));
        exam.answer("alpha", a.alpha);
        exam.answer("loss", a.loss);
    }
}

EXERCISE("9.10 ctc_gradient (12 points)") {
    for (const Spoken& s : spoken) {
        exam.begin_case(s.name);
        const Tensor y = probabilities(exam, "y", {{s.T, 'T'}, {s.C, 'C'}});
        const Ids labels(s.labels);
        const Tensor alpha = exam.recorded("alpha", [&] { return ctc_alpha(y, labels).alpha; });
        const CtcGradient d = ctc_gradient(y, labels, alpha);
        exam.answer("beta", d.beta);
        exam.answer("dx", d.dx);
    }
}

EXERCISE("9.11 prefix_step (9 points)") {
    struct Case {
        const char* name;
        std::vector<int32_t> last;
        int64_t C;
        std::vector<std::array<int32_t, 3>> known;  // prefix n with k added is prefix m
    };
    for (const Case& c : {Case{"N=4: nothing, 1, 1 2, 2", {0, 1, 2, 2}, 3, {{0, 1, 1}, {0, 2, 3}, {1, 2, 2}}},
                          Case{"N=3: 2, 2 2, nothing", {2, 2, 0}, 4, {{0, 2, 1}, {2, 2, 0}}},
                          Case{"N=1: nothing", {0}, 2, {}}, Case{"N=2: 1 3, 3", {3, 3}, 5, {}}}) {
        exam.begin_case(c.name);
        const auto N = int64_t(c.last.size());
        Ids known = Ids::empty({{N, 'N'}, {c.C, 'C'}});
        std::fill_n(known.mutable_data(), known.size(), -1);
        for (const auto& [n, k, m] : c.known) known.mutable_data()[n * c.C + k] = m;
        Tensor ends_label = exam.input("ends_label", {{N, 'N'}}, 0.1, 0.9).clone();
        for (int64_t n = 0; n < N; n++)  // the empty prefix has no label to end in
            if (c.last[size_t(n)] == 0) ends_label.set({n}, 0);
        const PrefixStep step = prefix_step(
            exam.input("ends_blank", {{N, 'N'}}, 0.1, 0.9), exam.given("ends_label too", ends_label), Ids(c.last),
            probabilities(exam, "y", {{c.C, 'C'}}), probabilities(exam, "language", {{N, 'N'}, {c.C, 'C'}}), known);
        exam.answer("blank", step.blank);
        exam.answer("label", step.label);
        exam.answer("longer", step.longer);
    }
}

EXERCISE("9.12 edit_distance (9 points)") {
    const auto edits = [&](const Ids& hypothesis, const Ids& reference) {
        const Edits e = edit_distance(hypothesis, reference);
        exam.answer("substitutions", e.substitutions);
        exam.answer("insertions", e.insertions);
        exam.answer("deletions", e.deletions);
    };
    for (const auto& [name, h, r] : {std::tuple{"9 words for 7", 9, 7}, {"5 words for 8", 5, 8}, {"1 for 1", 1, 1}}) {
        exam.begin_case(name);
        edits(exam.ids("hypothesis", {{h, 'T'}}, 4), exam.ids("reference", {{r, 'T'}}, 4));
    }
    exam.begin_case("one too many in front, one missing behind");
    edits(Ids({9, 1, 2, 3, 4}), Ids({1, 2, 3, 4, 5}));
    exam.begin_case("two missing in front");
    edits(Ids({5, 6, 7}), Ids({3, 4, 5, 6, 7}));
    exam.begin_case("several ways cost the same");
    edits(Ids({1, 3, 1}), Ids({3, 2, 1, 3}));
    exam.begin_case("all the same");
    edits(Ids({2, 2, 1}), Ids({2, 2, 1}));
}
