#include "core/kernels/parallel.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/reductions.hpp"
#include "core/ops/shape.hpp"
#include "nn/attention.hpp"
#include "tests/core/numbers.hpp"
#include "tests/failure.hpp"

using namespace unroll;

namespace {

const Score scores[] = {Score::dot, Score::general, Score::concat};

Attention make(Score score, int64_t Hd = 4, int64_t He = 6, int64_t A = 3, DType dtype = DType::f64) {
    Generator gen(3);
    return Attention({.query_size = Hd,
                      .key_size = score == Score::dot ? Hd : He,
                      .score = score,
                      .attention_size = A,
                      .dtype = dtype},
                     gen);
}

/// The book's score of one query and one key, number by number.
double score_of(const Attention& a, const std::vector<double>& q, const std::vector<double>& k) {
    const size_t Hd = q.size(), He = k.size();
    double e = 0;
    const auto W = [&](size_t i, size_t j) {
        return a.W_a.value.at({static_cast<int64_t>(i), static_cast<int64_t>(j)});
    };
    if (a.options().score == Score::dot)
        for (size_t i = 0; i < Hd; i++) e += q[i] * k[i];
    if (a.options().score == Score::general)
        for (size_t i = 0; i < Hd; i++)
            for (size_t j = 0; j < He; j++) e += q[i] * W(i, j) * k[j];
    if (a.options().score == Score::concat)
        for (size_t n = 0; n < static_cast<size_t>(a.options().attention_size); n++) {
            double sum = 0;
            for (size_t i = 0; i < Hd; i++) sum += W(n, i) * q[i];
            for (size_t j = 0; j < He; j++) sum += W(n, Hd + j) * k[j];
            e += a.v_a.value.flat(static_cast<int64_t>(n)) * std::tanh(sum);
        }
    return e;
}

std::vector<double> numbers(const Tensor& rows, int64_t r) {
    const int64_t n = rows.dim(-1);
    std::vector<double> row;
    for (int64_t i = 0; i < n; i++) row.push_back(rows.flat(r * n + i));
    return row;
}

}  // namespace

TEST_CASE("Attention: the book's equations, with and without lengths, all steps at once and one by one") {
    const int64_t T = 5, B = 3, S = 7;
    for (Score score : scores)
        for (const Ids& lengths : {Ids(), Ids({7, 1, 4})}) {
            CAPTURE(static_cast<int>(score));
            Attention attention = make(score);
            const int64_t He = attention.options().key_size;
            const Tensor q = random({T, B, 4}), k = random({S, B, He}, DType::f64, 2);
            Tape tape;
            const auto source = attention.prepare(tape.input(k), lengths);
            const auto all = attention(tape.input(q), source);
            CHECK(all.weights.shape() == Shape{T, B, S});
            CHECK(all.context.shape() == Shape{T, B, He});
            for (int64_t t = 0; t < T; t++) {
                const auto one = attention(tape.input(q.row(t)), source);
                check_close(one.weights.value(), all.weights.value().row(t), 1e-14);
                check_close(one.context.value(), all.context.value().row(t), 1e-14);
                for (int64_t b = 0; b < B; b++) {
                    const int64_t n = lengths.defined() ? lengths[b] : S;
                    double total = 0;
                    std::vector<double> alpha(static_cast<size_t>(S)), c(static_cast<size_t>(He));
                    for (int64_t s = 0; s < n; s++)
                        total += alpha[static_cast<size_t>(s)] =
                            std::exp(score_of(attention, numbers(q, t * B + b), numbers(k, s * B + b)));
                    for (int64_t s = 0; s < n; s++)
                        for (int64_t h = 0; h < He; h++)
                            c[static_cast<size_t>(h)] += alpha[static_cast<size_t>(s)] / total * k.at({s, b, h});
                    for (double& a : alpha) a /= total;
                    check_close(all.weights.value().row(t).row(b), {S}, alpha, 1e-14);
                    check_close(all.context.value().row(t).row(b), {He}, c, 1e-14);
                }
            }
        }
}

TEST_CASE("Attention: what stands past a source's length changes nothing") {
    for (Score score : scores) {
        Attention attention = make(score);
        Tensor k = random({7, 2, attention.options().key_size}, DType::f64, 2);
        const Ids lengths({3, 7});
        std::vector<std::vector<double>> results;
        for (double padding : {0.0, 1e6}) {
            for (int64_t s = 3; s < 7; s++)
                for (int64_t h = 0; h < k.dim(2); h++) k.set({s, 0, h}, padding);
            Tape tape;
            const Var keys = tape.input(k.clone()), q = tape.input(random({2, 4}));
            const auto out = attention(q, attention.prepare(keys, lengths));
            tape.backward(sum(out.context * out.context));
            results.push_back(out.context.value().to_vector());
            for (double g : tape.grad(q).to_vector()) results.back().push_back(g);
            for (int64_t s = 3; s < 7; s++) {
                CHECK(out.weights.value().at({0, s}) == 0);
                for (int64_t h = 0; h < k.dim(2); h++) CHECK(tape.grad(keys).at({s, 0, h}) == 0);
            }
        }
        CHECK(results[0] == results[1]);
    }
}

TEST_CASE("Attention: a source extended key by key is the source prepared at once") {
    for (Score score : scores) {
        Attention attention = make(score);
        const int64_t He = attention.options().key_size;
        const Tensor k = random({4, 3, He}, DType::f64, 2), q = random({3, 4});
        const auto run = [&](bool at_once) {
            Tape tape;
            const Var keys = tape.input(k), query = tape.input(q);
            auto source = attention.prepare(at_once ? keys : slice(keys, 0, 1));
            for (int64_t s = 1; s < 4 && !at_once; s++) source = attention.extended(source, row(keys, s));
            const auto out = attention(query, source);
            tape.backward(sum(out.context * out.context));
            std::vector<Tensor> all = {out.context.value(), out.weights.value(), tape.grad(keys), tape.grad(query)};
            for (const Parameter& p : parameters(attention)) all.push_back(tape.grad(p));
            return all;
        };
        const auto once = run(true), extended = run(false);
        for (size_t i = 0; i < once.size(); i++) check_close(extended[i], once[i], 1e-14);
    }
}

TEST_CASE("Attention: the bits don't depend on threads") {
    const int before = kernels::threads();
    for (DType dtype : both_types)
        for (Score score : scores) {
            std::vector<std::vector<double>> results;
            for (int threads : {1, 2, 3, 5}) {
                kernels::set_threads(threads);
                Attention attention = make(score, 60, 50, 70, dtype);
                Tape tape;
                const Var k = tape.input(random({20, 33, attention.options().key_size}, dtype, 2));
                const Var q = tape.input(random({33, 60}, dtype));
                const auto out = attention(q, attention.prepare(k));
                tape.backward(sum(out.context * out.context));
                results.push_back(out.context.value().to_vector());
                for (const Tensor& t : {tape.grad(q), tape.grad(k)})
                    for (double x : t.to_vector()) results.back().push_back(x);
                for (const Parameter& p : parameters(attention))
                    for (double x : tape.grad(p).to_vector()) results.back().push_back(x);
            }
            for (const auto& r : results) CHECK(r == results[0]);
        }
    kernels::set_threads(before);
}

TEST_CASE("Attention: parameters, and wrong use at the door") {
    Attention dot = make(Score::dot), general = make(Score::general), concat = make(Score::concat);
    CHECK(parameters(dot).empty());
    CHECK(parameters(general).size() == 1);
    CHECK(general.W_a.value.shape() == Shape{4, 6});
    CHECK(concat.W_a.value.shape() == Shape{3, 10});
    CHECK(concat.v_a.value.shape() == Shape{3});
    CHECK(concat.pretty() == "Attention(query=4, key=6, concat)");

    Generator gen(1);
    CHECK(failure([&] { Attention({.query_size = 4, .key_size = 6}, gen); }) ==
          "Attention (HERE): query_size 4 and key_size 6: for the dot score they must be equal");
    CHECK(failure([&] { Attention({.query_size = 4}, gen); }).find("key_size 0") != std::string::npos);
    CHECK(failure([&] {
              Attention({.query_size = 4, .key_size = 6, .score = Score::concat}, gen);
          }).find("attention_size 0: each must be 1 or more") != std::string::npos);

    Tape tape;
    const Var keys = tape.input(Tensor::zeros({7, 3, 6}, DType::f64));
    CHECK(failure([&] {
              general.prepare(tape.input(Tensor::zeros({7, 3, 5}, DType::f64)));
          }) == "Attention (HERE): keys are [7, 3, 5], expected [S, B, He=6] with S of 1 or more");
    CHECK(failure([&] {
              general.prepare(tape.input(Tensor::zeros({3, 6}, DType::f64)));
          }).find("keys are [3, 6]") != std::string::npos);
    CHECK(failure([&] { general.prepare(Var()); }).find("keys are []") != std::string::npos);
    CHECK(failure([&] {
              general.prepare(keys, Ids({7, 0, 1}));
          }) == "Attention (HERE): length 0 of sequence 1: expected 1 to S = 7");
    CHECK(failure([&] {
              general.prepare(keys, Ids({7, 1, 8}));
          }) == "Attention (HERE): length 8 of sequence 2: expected 1 to S = 7");
    CHECK(failure([&] { general.prepare(keys, Ids({7, 1})); }) == "Attention (HERE): 2 lengths for a batch of 3");
    const auto source = general.prepare(keys);
    CHECK(failure([&] {
              general(tape.input(Tensor::zeros({3, 5}, DType::f64)), source);
          }) == "Attention (HERE): query is [3, 5], expected [B=3, Hd=4], or [T, B, Hd], for keys [7, 3, 6]");
    CHECK(failure([&] {
              general(tape.input(Tensor::zeros({2, 4}, DType::f64)), source);
          }).find("query is [2, 4]") != std::string::npos);
}
