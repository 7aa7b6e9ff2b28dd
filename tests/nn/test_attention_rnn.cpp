// The book's attention RNN equals its equations in elementary operations: over the states so far and over a given set.
#include "core/kernels/parallel.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/reductions.hpp"
#include "nn/attention_rnn.hpp"
#include "nn/gru.hpp"
#include "nn/lstm.hpp"
#include "nn/rnn.hpp"
#include "tests/core/numbers.hpp"
#include "tests/failure.hpp"

using namespace unroll;

namespace {

const Score scores[] = {Score::dot, Score::general, Score::concat};

template <class Cell>
AttentionRnn<Cell> make(Score score, int64_t D, int64_t H, int64_t He = 0, DType dtype = DType::f64) {
    Generator gen(3);
    typename AttentionRnn<Cell>::Options options{.score = score, .attention_size = H + 1, .key_size = He};
    options.cell.input_size = D;
    options.cell.hidden_size = H;
    options.cell.dtype = dtype;
    return AttentionRnn<Cell>(options, gen);
}

/// c = Σ_s α_s k_s with α = softmax(score(q, k_1), score(q, k_2), ..), from elementary operations.
Var attend(const Attention& a, const Var& q, const std::vector<Var>& keys) {
    std::vector<Var> e;
    for (const Var& k : keys) {
        Var term;
        switch (a.options().score) {
            case Score::dot:
                term = q * k;
                break;
            case Score::general:
                term = matmul(q, a.W_a) * k;
                break;
            case Score::concat:
                term = tanh(matmul(concat(q, k), transposed(a.W_a))) * a.v_a;
        }
        e.push_back(reshape(sum(term, -1), {q.dim(0), 1}));
    }
    const Var alpha = softmax(concat(e));
    Var c = keys[0] * columns(alpha, 0, 1);
    for (size_t s = 1; s < keys.size(); s++)
        c = c + keys[s] * columns(alpha, static_cast<int64_t>(s), static_cast<int64_t>(s) + 1);
    return c;
}

/// Outputs, the last state, and the gradients of all inputs and parameters.
template <class Cell>
std::vector<Tensor> run(AttentionRnn<Cell>& layer, int64_t T, int64_t B, bool from_set, bool elementary) {
    const int64_t H = layer.attention.options().query_size, He = layer.attention.options().key_size;
    const DType dtype = layer.attention.options().dtype;
    const int64_t D = parameters(layer.cell)[1].value.dim(1) - He;  // W_xh
    Tape tape;
    const Var x = tape.input(random({T, B, D}, dtype)), h_0 = tape.input(random({B, H}, dtype, 2));
    const Var C_0 = Cell::has_cell_state ? tape.input(random({B, H}, dtype, 3)) : Var();
    const Var set = tape.input(random({4, B, He}, dtype, 4));
    std::vector<Var> y;
    States s{h_0, C_0};
    if (elementary) {
        std::vector<Var> keys = {h_0};
        if (from_set) keys = {row(set, 0), row(set, 1), row(set, 2), row(set, 3)};
        for (int64_t t = 0; t < T; t++) {
            s = layer.cell.step(concat(row(x, t), attend(layer.attention, s.h, keys)), s);
            y.push_back(s.h);
            if (!from_set) keys = y;
        }
    } else {
        const auto out = layer(x, {.initial = s, .set = from_set ? set : Var()});
        CHECK(out.weights.size() == static_cast<size_t>(T));
        for (int64_t t = 0; t < T; t++) {
            const int64_t S = from_set ? 4 : std::max<int64_t>(1, t);
            CHECK(out.weights[static_cast<size_t>(t)].shape() == Shape{B, S});
            y.push_back(row(out.y, t));
        }
        s = out.last;
    }
    const Var all = stack(y);
    Var L = sum(all * random(all.shape(), dtype, 5)) + sum(s.h * random(s.h.shape(), dtype, 6));
    if (Cell::has_cell_state) L = L + sum(s.C * random(s.C.shape(), dtype, 7));
    tape.backward(L);
    std::vector<Tensor> results = {all.value(), s.h.value(), tape.grad(x), tape.grad(h_0)};
    if (Cell::has_cell_state) results.push_back(tape.grad(C_0));
    if (from_set) results.push_back(tape.grad(set));
    for (const Parameter& p : parameters(layer)) results.push_back(tape.grad(p));
    return results;
}

template <class Cell>
void compare() {
    struct Sizes {
        int64_t T, B, D, H;
    };
    for (Score score : scores)
        for (bool from_set : {false, true})
            for (const Sizes& z : {Sizes{1, 1, 1, 1}, Sizes{1, 3, 2, 5}, Sizes{2, 1, 3, 17}, Sizes{7, 3, 5, 4}}) {
                CAPTURE(static_cast<int>(score));
                CAPTURE(from_set);
                CAPTURE(z.T);
                AttentionRnn<Cell> layer = make<Cell>(score, z.D, z.H, from_set && score != Score::dot ? z.H + 2 : 0);
                const auto got = run(layer, z.T, z.B, from_set, false), expected = run(layer, z.T, z.B, from_set, true);
                REQUIRE(got.size() == expected.size());
                for (size_t i = 0; i < got.size(); i++) {
                    CAPTURE(i);
                    check_close(got[i], expected[i], 2e-14);
                }
            }
}

}  // namespace

TEST_CASE("AttentionRnn: the book's equations, over any cell: values and every gradient") {
    compare<RnnCell>();
    compare<LstmCell>();
    compare<GruCell>();
}

TEST_CASE("AttentionRnn: each sequence of a batch is what it is alone, cut to its lengths") {
    for (Score score : scores)
        for (bool from_set : {false, true}) {
            auto layer = make<LstmCell>(score, 2, 4);
            const Tensor x = random({5, 3, 2}), set = random({6, 3, 4}, DType::f64, 2);
            const Ids lengths({5, 0, 3}), set_lengths({2, 6, 4});
            Tape tape;
            const Var v = tape.input(x), keys = tape.input(set);
            const auto all = from_set ? layer(v, {.lengths = lengths, .set = keys, .set_lengths = set_lengths})
                                      : layer(v, {.lengths = lengths});
            tape.backward(sum(all.y * all.y) + sum(all.last.C));
            for (int64_t b = 0; b < 3; b++) {
                const auto of_b = [&](const Tensor& t, int64_t n) {
                    Tensor one = Tensor::empty({n, 1, t.dim(2)}, DType::f64);
                    for (int64_t i = 0; i < n; i++)
                        for (int64_t d = 0; d < t.dim(2); d++) one.set({i, 0, d}, t.at({i, b, d}));
                    return one;
                };
                const int64_t n = lengths[b];
                for (int64_t t = n; t < 5; t++)
                    for (int64_t h = 0; h < 4; h++) CHECK(all.y.value().at({t, b, h}) == 0);
                for (int64_t t = n; t < 5; t++)
                    for (int64_t d = 0; d < 2; d++) CHECK(tape.grad(v).at({t, b, d}) == 0);
                if (n == 0) {
                    for (int64_t h = 0; h < 4; h++) CHECK(all.last.h.value().at({b, h}) == 0);
                    continue;
                }
                Tape own;
                const Var cut = own.input(of_b(x, n));
                const auto alone = from_set ? layer(cut, {.set = own.input(of_b(set, set_lengths[b]))}) : layer(cut);
                own.backward(sum(alone.y * alone.y) + sum(alone.last.C));
                check_close(of_b(all.y.value(), n), alone.y.value(), 1e-14);
                check_close(of_b(tape.grad(v), n), own.grad(cut), 1e-13);
                check_close(all.last.C.value().row(b), alone.last.C.value().row(0), 1e-14);
            }
        }
}

TEST_CASE("AttentionRnn: the same bits for 1, 2, 3 and 5 threads") {
    const int before = kernels::threads();
    for (DType dtype : both_types)
        for (Score score : scores)
            for (bool from_set : {false, true}) {
                auto layer = make<GruCell>(score, 20, 50, 0, dtype);
                std::vector<std::vector<double>> results;
                for (int threads : {1, 2, 3, 5}) {
                    kernels::set_threads(threads);
                    std::vector<double> all;
                    for (const Tensor& t : run(layer, 6, 33, from_set, false))
                        for (double number : t.to_vector()) all.push_back(number);
                    results.push_back(all);
                }
                for (const auto& r : results) CHECK(r == results[0]);
            }
    kernels::set_threads(before);
}

TEST_CASE("AttentionRnn: parameters, zeros where no state is given, wrong use at the door") {
    auto layer = make<RnnCell>(Score::concat, 2, 3);
    std::vector<std::string> names;
    for (const Parameter& p : parameters(layer)) names.push_back(p.name);
    CHECK(names == std::vector<std::string>{"attention.W_a", "attention.v_a", "cell.W_hh", "cell.W_xh", "cell.b_h"});
    CHECK(layer.cell.W_xh.value.shape() == Shape{3, 5});
    CHECK(layer.pretty() == "Rnn(in=5, hidden=3, tanh) with Attention(query=3, key=3, concat)");

    Tape tape;
    const Var x = tape.input(random({4, 2, 2})), h = tape.input(Tensor::zeros({2, 3}, DType::f64));
    CHECK(layer(x).y.value().to_vector() == layer(x, {.initial = {h, {}}}).y.value().to_vector());
    CHECK(failure([&] {
              layer(tape.input(random({4, 2, 5})));
          }) == "AttentionRnn (HERE): x is [4, 2, 5], expected [T, B, D=2] with at least one time step");
    CHECK(failure([&] {
              layer(tape.input(Tensor::zeros({0, 2, 2}, DType::f64)));
          }).find("at least one") != std::string::npos);
    CHECK(failure([&] { layer(Var()); }).find("x is []") != std::string::npos);
    CHECK(failure([&] {
              layer(x, {.initial = {tape.input(random({3, 3})), {}}});
          }) == "AttentionRnn (HERE): an initial state is [3, 3] f64, expected [2, H=3] f64");
    CHECK(failure([&] { layer(x, {.initial = {h, h}}); }).find("this cell has none") != std::string::npos);
    CHECK(failure([&] {
              layer(x, {.lengths = Ids({4, 5})});
          }) == "AttentionRnn (HERE): length 5 of sequence 1: expected 0 to T = 4");
    CHECK(failure([&] { layer(x, {.lengths = Ids({4})}); }).find("1 lengths for a batch of 2") != std::string::npos);
    CHECK(failure([&] {
              layer(x, {.set_lengths = Ids({4, 4})});
          }) == "AttentionRnn (HERE): lengths of a set are given, but no set");
    CHECK(failure([&] {
              layer(x, {.set = tape.input(random({4, 2, 4}))});
          }) == "Attention (HERE): keys are [4, 2, 4], expected [S, B, He=3] with S of 1 or more");
    CHECK(failure([&] {
              layer(x, {.set = tape.input(random({4, 3, 3}))});
          }) == "Attention (HERE): query is [2, H=3], expected [B=3, Hd=3], or [T, B, Hd], for keys [4, 3, 3]");
    CHECK(failure([&] {
              layer(x, {.set = tape.input(random({4, 2, 3})), .set_lengths = Ids({4, 0})});
          }) == "Attention (HERE): length 0 of sequence 1: expected 1 to S = 4");
    CHECK(failure([&] { make<RnnCell>(Score::dot, 0, 3); }).find("input_size 0: expected 1 or more") !=
          std::string::npos);
    CHECK(failure([&] { make<RnnCell>(Score::dot, 2, 0); }).find("query_size 0") != std::string::npos);
    CHECK(failure([&] { make<RnnCell>(Score::dot, 2, 3, 4); }).find("for the dot score they must be equal") !=
          std::string::npos);
    Generator gen(1);
    CHECK(failure([&] {
              AttentionRnn<RnnCell>({.cell = {.input_size = 2, .hidden_size = 3, .num_layers = 2}}, gen);
          }).find("it runs one cell forward") != std::string::npos);
}
