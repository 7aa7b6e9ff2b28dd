#include "tutorials/10_evaluation/exercise.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tutorials/grader/exam.hpp"

using namespace unroll;
using namespace unroll::exercise;
using grader::Exam;

MAY_CALL("exp", "log", "sum", "mean");

namespace {

/// Texts over few words, so that n-grams come again.
Ids text(Exam& exam, const std::string& name, int64_t length, int64_t words = 3) {
    return exam.ids(name, {{length, 'T'}}, words);
}

std::vector<Ids> texts(Exam& exam, const std::string& name, const std::vector<int64_t>& lengths, int64_t words = 3) {
    std::vector<Ids> all;
    for (size_t i = 0; i < lengths.size(); i++)
        all.push_back(text(exam, fmt::format("{} {}", name, i), lengths[i], words));
    return all;
}

Ids with(const Ids& ids, const std::vector<int32_t>& replacement) {
    Ids changed = ids.clone();
    for (size_t i = 0; i < replacement.size(); i++) changed.mutable_data()[i] = replacement[i];
    return changed;
}

struct Texts {
    const char* name;
    int64_t hypothesis;
    std::vector<int64_t> references;
};
const Texts some_texts[] = {{"one reference", 9, {8}},
                            {"three references", 12, {10, 13, 4}},
                            {"one word each", 1, {1, 1}},
                            {"a reference of one word", 7, {1, 6}},
                            {"as long as n", 3, {3}}};

/// Matches [S, N] and totals of segments of these lengths.
struct Counted {
    Tensor matches, totals;
};
Counted counted(Exam& exam, const std::vector<int64_t>& lengths, int64_t N, bool no_words = false) {
    const auto S = static_cast<int64_t>(lengths.size());
    const Ids draws = exam.ids("matches", {S, N}, 1000);
    Tensor matches = Tensor::zeros({{S, 'S'}, {N, 'N'}}, DType::f64),
           totals = Tensor::zeros({{S, 'S'}, {N, 'N'}}, DType::f64);
    for (int64_t s = 0; s < S; s++)
        for (int64_t n = 0; n < N; n++) {
            const int64_t total = std::max<int64_t>(0, lengths[static_cast<size_t>(s)] - n);
            totals.set({s, n}, static_cast<double>(total));
            matches.set({s, n}, static_cast<double>(no_words && n == 0 ? 0 : draws[s * N + n] % (total + 1)));
        }
    return {exam.given("matches", matches), exam.given("totals", totals)};
}

void answer(Exam& exam, const Rouge& rouge, const std::string& name = "") {
    exam.answer(name + "precision", rouge.precision);
    exam.answer(name + "recall", rouge.recall);
    exam.answer(name + "F", rouge.f);
}

}  // namespace

EXERCISE("10.1 clipped_matches (15 points)") {
    for (const Texts& t : some_texts)
        for (int n : {1, 2, 3}) {
            exam.begin_case(fmt::format("{}, n={}", t.name, n));
            const Matches m =
                clipped_matches(text(exam, "hypothesis", t.hypothesis), texts(exam, "reference", t.references), n);
            exam.answer("matches", m.matches);
            exam.answer("total", m.total);
        }
    exam.begin_case("the the the the the the the");
    const Ids many = with(text(exam, "hypothesis", 7), {1, 1, 1, 1, 1, 1, 1});
    const Matches m = clipped_matches(many, {Ids({1, 2, 3, 4, 1, 5}), Ids({6, 3, 7, 2, 4, 1, 5})}, 1);
    exam.answer("matches", m.matches);
    exam.answer("total", m.total);
}

EXERCISE("10.2 brevity_penalty (10 points)") {
    struct Case {
        const char* name;
        std::vector<int64_t> hypotheses;
        std::vector<std::vector<int64_t>> references;
    };
    for (const Case& k :
         {Case{"short", {5, 3, 8}, {{7}, {6}, {9}}}, Case{"long", {9, 4}, {{7}, {4}}},
          Case{"the closest of three", {6, 10}, {{3, 8, 12}, {20, 11, 2}}},
          Case{"the shorter of two as close", {6, 6, 6}, {{8, 4}, {4, 8}, {7, 9}}},
          Case{"one too long, one too short", {12, 2}, {{8}, {8}}}, Case{"nothing said", {0, 0}, {{3}, {4}}}}) {
        exam.begin_case(k.name);
        std::vector<std::vector<Ids>> references;
        for (size_t s = 0; s < k.references.size(); s++)
            references.push_back(texts(exam, fmt::format("reference of {}, ", s), k.references[s]));
        const Brevity b = brevity_penalty(texts(exam, "hypothesis", k.hypotheses), references);
        exam.answer("c", b.c);
        exam.answer("r", b.r);
        exam.answer("penalty", b.penalty);
    }
}

EXERCISE("10.3 corpus_bleu (15 points)") {
    const std::vector<std::vector<double>> weights = {{0.25, 0.25, 0.25, 0.25}, {0.6, 0.3, 0.1}, {0, 0.5, 0.5}, {1}};
    for (const std::vector<double>& w : weights)
        for (const std::vector<int64_t>& lengths : {std::vector<int64_t>{40, 25, 60}, {120}, {30, 2, 50, 1}}) {
            exam.begin_case(fmt::format("{} segments, weights {}", lengths.size(), fmt::join(w, ", ")));
            const auto N = static_cast<int64_t>(w.size());
            const Counted c = counted(exam, lengths, N, w[0] == 0);
            exam.answer("BLEU", corpus_bleu(c.matches, c.totals, 0.83,
                                            exam.given("weights", Tensor::from(w, {N}, DType::f64))));
        }
    exam.begin_case("no 3-gram in common");
    Tensor matches = counted(exam, {20, 30}, 3).matches.clone();
    for (int64_t s = 0; s < 2; s++) matches.set({s, 2}, 0);
    const Tensor totals = Tensor::full({2, 3}, 20, DType::f64), third = Tensor::full({3}, 1.0 / 3, DType::f64);
    exam.answer("BLEU", corpus_bleu(matches, totals, 1, third));
    // Sentences of two words and of one, and an order that they are too short for: of no weight, and of some.
    const Tensor few = Tensor::of({{1, 1, 0}, {1, 0, 0}}, DType::f64),
                 of = Tensor::of({{2, 1, 0}, {1, 0, 0}}, DType::f64);
    for (const Tensor& weight : {Tensor::of({0.7, 0.3, 0}, DType::f64), third}) {
        exam.begin_case(fmt::format("no 3-grams, their weight {:.1f}", weight.flat(2)));
        exam.answer("BLEU where an order has no n-grams", corpus_bleu(few, of, 0.9, weight));
    }
}

EXERCISE("10.4 sentence_bleu (10 points)") {
    struct Case {
        const char* name;
        std::vector<double> matches, totals;
    };
    for (const Case& k :
         {Case{"every order matches", {7, 5, 3, 1}, {9, 8, 7, 6}}, Case{"no 4-gram", {6, 3, 1, 0}, {8, 7, 6, 5}},
          Case{"words only", {4, 0, 0, 0}, {9, 8, 7, 6}}, Case{"two words long", {2, 1, 0, 0}, {2, 1, 0, 0}},
          Case{"three words, one right", {1, 0, 0, 0}, {3, 2, 1, 0}},
          Case{"nothing matches", {0, 0, 0, 0}, {5, 4, 3, 2}}, Case{"nothing said", {0, 0, 0, 0}, {0, 0, 0, 0}},
          Case{"all right", {5, 4, 3, 2}, {5, 4, 3, 2}}}) {
        exam.begin_case(k.name);
        exam.answer("BLEU", sentence_bleu(exam.given("matches", Tensor::from(k.matches, {4}, DType::f64)),
                                          exam.given("totals", Tensor::from(k.totals, {4}, DType::f64)), 0.9));
    }
}

EXERCISE("10.5 rouge_n (15 points)") {
    for (const Texts& t : some_texts)
        for (int n : {1, 2}) {
            exam.begin_case(fmt::format("{}, n={}", t.name, n));
            const Ids prediction = text(exam, "prediction", t.hypothesis, 4);
            const std::vector<Ids> references = texts(exam, "reference", t.references, 4);
            exam.answer("the book's", rouge_n_book(prediction, references, n));
            answer(exam, rouge_n(prediction, references, n));
        }
    exam.begin_case("a short reference that is all there");
    const std::vector<Ids> unequal = {Ids({1}), Ids({1, 2, 3, 4, 9, 8, 7, 7, 7, 7})};
    exam.answer("the book's", rouge_n_book(Ids({1, 2, 3, 4, 5, 6}), unequal, 1));
    answer(exam, rouge_n(Ids({1, 2, 3, 4, 5, 6}), unequal, 1));
    exam.begin_case("two references of one F");
    const std::vector<Ids> equal = {Ids({1, 9}), Ids({1, 2, 7, 7, 7, 7, 7, 7})};
    exam.answer("the book's", rouge_n_book(Ids({1, 2, 3, 4}), equal, 1));
    answer(exam, rouge_n(Ids({1, 2, 3, 4}), equal, 1));
    exam.begin_case("nothing in common");
    exam.answer("the book's", rouge_n_book(Ids({1, 2}), {Ids({3, 4, 5}), Ids({6})}, 1));
    answer(exam, rouge_n(Ids({1, 2}), {Ids({3, 4, 5}), Ids({6})}, 1));
    exam.begin_case("no n-grams");
    exam.answer("the book's", rouge_n_book(Ids({1, 2}), {Ids({1, 2})}, 3));
    answer(exam, rouge_n(Ids({1, 2}), {Ids({1, 2})}, 3));
}

EXERCISE("10.6 rouge_l (15 points)") {
    for (const auto& [m, n] : {std::pair<int64_t, int64_t>{6, 8}, {8, 5}, {1, 1}, {1, 6}, {7, 1}, {0, 3}, {4, 0}}) {
        exam.begin_case(fmt::format("m={}, n={}", m, n));
        const Ids a = text(exam, "a", m), b = text(exam, "b", n);
        exam.answer("table", lcs_table(a, b));
        const Tensor table = exam.recorded("table", [&, &a = a, &b = b] { return lcs_table(a, b); });
        answer(exam, rouge_l(table));
    }
}

EXERCISE("10.7 perplexity (10 points)") {
    struct Case {
        const char* name;
        std::vector<std::vector<int32_t>> lengths;
    };
    for (const Case& k :
         {Case{"one batch, nothing padded", {{4, 4, 4}}}, Case{"two batches of unequal size", {{6, 6, 6}, {2}}},
          Case{"padded", {{5, 1, 3}, {2, 0}}}, Case{"one token", {{1}}}}) {
        exam.begin_case(k.name);
        std::vector<Tensor> log_p;
        std::vector<Ids> lengths;
        for (size_t b = 0; b < k.lengths.size(); b++) {
            lengths.push_back(Ids(k.lengths[b]));
            const int64_t T = *std::max_element(k.lengths[b].begin(), k.lengths[b].end());
            log_p.push_back(
                exam.input(fmt::format("log_p of batch {}", b), {{T, 'T'}, {lengths[b].size(), 'B'}}, -5, -0.1));
        }
        const Perplexity p = perplexity(log_p, lengths);
        exam.answer("tokens", p.tokens);
        exam.answer("nats", p.nats);
        exam.answer("perplexity", p.perplexity);
    }
}

EXERCISE("10.8 paired_interval (10 points)") {
    struct Case {
        const char* name;
        int64_t S, K;
        double confidence;
    };
    for (const Case& k : {Case{"95 %", 12, 200, 0.95},
                          Case{"80 %", 7, 51, 0.8},
                          Case{"90 %", 5, 30, 0.9},
                          {"one segment", 1, 3, 0.9}}) {
        exam.begin_case(k.name);
        // Segments of unequal length, of which different shares are right.
        Tensor systems[2];
        for (int i = 0; i < 2; i++) {
            systems[i] = exam.input(i == 0 ? "a" : "b", {{k.S, 'S'}, 2}, 0, 1).clone();
            for (int64_t s = 0; s < k.S; s++) systems[i].set({s, 1}, 1 + 9 * systems[i].at({s, 1}));
            systems[i] = exam.given(i == 0 ? "a's counts" : "b's counts", systems[i]);
        }
        const Interval interval =
            paired_interval(systems[0], systems[1], exam.ids("draws", {{k.K, 'K'}, {k.S, 'S'}}, k.S), k.confidence);
        exam.answer("low", interval.low);
        exam.answer("high", interval.high);
        exam.answer("better", interval.better);
    }
}
