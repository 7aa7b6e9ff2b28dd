// Scores, softmax with lengths, weighted sums: against plain loops.
#include <functional>

#include "core/kernels/parallel.hpp"
#include "core/ops/attention.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/reductions.hpp"
#include "tests/core/numbers.hpp"
#include "tests/failure.hpp"

using namespace unroll;

namespace {

struct Sizes {
    int64_t T, B, S, H;  // T = 0: the queries of one step
};
// On both sides of every vector's width, and of the number of steps from which on matrices are packed.
const Sizes sizes[] = {{0, 1, 1, 1}, {0, 3, 5, 17}, {1, 2, 7, 16},  {2, 1, 3, 5},
                       {3, 5, 4, 8}, {4, 2, 3, 33}, {7, 3, 20, 64}, {20, 2, 9, 15}};

using Vector = std::vector<double>;

/// Calls f(r, b, s) for row r = t B + b of the queries and place s.
void for_all(const Sizes& z, const std::function<void(int64_t, int64_t, int64_t)>& f) {
    for (int64_t r = 0; r < std::max<int64_t>(1, z.T) * z.B; r++)
        for (int64_t s = 0; s < z.S; s++) f(r, r % z.B, s);
}
Vector zeros(const Tensor& like) { return Vector(static_cast<size_t>(like.size())); }

/// The tensors of one case.
struct Case {
    Sizes z;
    Tensor q, k, v, alpha, c;  // [.., B, H], [S, B, H], [H], [.., B, S], [.., B, H]
    Case(const Sizes& z, DType dtype) : z(z) {
        const Shape queries = z.T == 0 ? Shape{z.B, z.H} : Shape{z.T, z.B, z.H};
        q = random(queries, dtype, 1), k = random({z.S, z.B, z.H}, dtype, 2), v = random({z.H}, dtype, 3);
        alpha = random(queries.with(-1, z.S), dtype, 4), c = random(queries, dtype, 5);
    }
    int64_t key(int64_t s, int64_t b) const { return (s * z.B + b) * z.H; }
};

}  // namespace

TEST_CASE("dot_scores and weighted_sum: against plain loops, values and gradients") {
    for (DType dtype : both_types)
        for (const Sizes& z : sizes) {
            CAPTURE(z.T);
            CAPTURE(z.H);
            const Case x(z, dtype);
            const Tensor de = x.alpha, dc = x.c;  // upstream gradients
            Vector e = zeros(x.alpha), dq = zeros(x.q), dk = zeros(x.k), c = zeros(x.c), dalpha = zeros(x.alpha),
                   dV = zeros(x.k);
            for_all(z, [&](int64_t r, int64_t b, int64_t s) {
                const size_t place = static_cast<size_t>(r * z.S + s);
                for (int64_t h = 0; h < z.H; h++) {
                    const int64_t row = r * z.H + h, key = x.key(s, b) + h;
                    e[place] += x.q.flat(row) * x.k.flat(key);
                    dq[static_cast<size_t>(row)] += de.flat(r * z.S + s) * x.k.flat(key);
                    dk[static_cast<size_t>(key)] += de.flat(r * z.S + s) * x.q.flat(row);
                    c[static_cast<size_t>(row)] += x.alpha.flat(r * z.S + s) * x.k.flat(key);
                    dalpha[place] += dc.flat(row) * x.k.flat(key);
                    dV[static_cast<size_t>(key)] += x.alpha.flat(r * z.S + s) * dc.flat(row);
                }
            });
            const double tolerance = 10 * rounding(dtype);
            check_close(dot_scores(x.q, x.k), x.alpha.shape(), e, tolerance);
            check_close(weighted_sum(x.alpha, x.k), x.c.shape(), c, tolerance);
            Tape tape;
            const Var q = tape.input(x.q), k = tape.input(x.k), alpha = tape.input(x.alpha), V = tape.input(x.k);
            tape.backward(sum(dot_scores(q, k) * de) + sum(weighted_sum(alpha, V) * dc));
            check_close(tape.grad(q), x.q.shape(), dq, tolerance);
            check_close(tape.grad(k), x.k.shape(), dk, tolerance);
            check_close(tape.grad(alpha), x.alpha.shape(), dalpha, tolerance);
            check_close(tape.grad(V), x.k.shape(), dV, tolerance);
        }
}

TEST_CASE("additive_scores: against plain loops, values and gradients") {
    for (DType dtype : both_types)
        for (const Sizes& z : sizes) {
            CAPTURE(z.T);
            CAPTURE(z.H);
            const Case x(z, dtype);
            Vector e = zeros(x.alpha), dq = zeros(x.q), dk = zeros(x.k), dv = zeros(x.v);
            for_all(z, [&](int64_t r, int64_t b, int64_t s) {
                const double de = x.alpha.flat(r * z.S + s);
                for (int64_t h = 0; h < z.H; h++) {
                    const double u = std::tanh(x.q.flat(r * z.H + h) + x.k.flat(x.key(s, b) + h));
                    const double g = de * x.v.flat(h) * (1 - u * u);
                    e[static_cast<size_t>(r * z.S + s)] += x.v.flat(h) * u;
                    dq[static_cast<size_t>(r * z.H + h)] += g;
                    dk[static_cast<size_t>(x.key(s, b) + h)] += g;
                    dv[static_cast<size_t>(h)] += de * u;
                }
            });
            const double tolerance = 20 * rounding(dtype);
            check_close(additive_scores(x.q, x.k, x.v), x.alpha.shape(), e, tolerance);
            Tape tape;
            const Var q = tape.input(x.q), k = tape.input(x.k), v = tape.input(x.v);
            tape.backward(sum(additive_scores(q, k, v) * x.alpha));
            check_close(tape.grad(q), x.q.shape(), dq, tolerance);
            check_close(tape.grad(k), x.k.shape(), dk, tolerance);
            check_close(tape.grad(v), x.v.shape(), dv, tolerance);
        }
}

TEST_CASE("softmax with lengths: that of the places alone, exactly 0 behind, whatever stands there") {
    for (DType dtype : both_types) {
        Tensor x = random({4, 3, 20}, dtype);
        const Tensor g = random({4, 3, 20}, dtype, 2);
        const Ids lengths({20, 1, 13});
        for (int64_t t = 0; t < 4; t++)
            for (int64_t s = 13; s < 20; s++) x.set({t, 2, s}, s % 2 == 0 ? NAN : INFINITY);
        Tape tape;
        const Var v = tape.input(x);
        const Var y = softmax(v, lengths);
        CHECK(y.value().to_vector() == softmax(x, lengths).to_vector());
        tape.backward(sum(y * g));
        for (int64_t r = 0; r < 12; r++) {
            const int64_t n = lengths[r % 3];
            double total = 0, along = 0;
            Vector p, dx;
            for (int64_t s = 0; s < n; s++) p.push_back(std::exp(x.flat(r * 20 + s))), total += p.back();
            for (int64_t s = 0; s < n; s++)
                p[static_cast<size_t>(s)] /= total, along += p[static_cast<size_t>(s)] * g.flat(r * 20 + s);
            for (int64_t s = 0; s < n; s++) dx.push_back(p[static_cast<size_t>(s)] * (g.flat(r * 20 + s) - along));
            p.resize(20), dx.resize(20);
            check_close(y.value().reshape({12, 20}).row(r), {20}, p, rounding(dtype));
            check_close(tape.grad(v).reshape({12, 20}).row(r), {20}, dx, rounding(dtype));
            for (int64_t s = n; s < 20; s++) CHECK(y.value().flat(r * 20 + s) == 0);
        }
        const Tensor one_step = x.row(1);
        CHECK(softmax(one_step, lengths).to_vector() == softmax(x, lengths).row(1).to_vector());
        CHECK(softmax(g, Ids()).to_vector() == softmax(g).to_vector());
        CHECK(softmax(g, Ids({20, 20, 20})).to_vector() == softmax(g).to_vector());
    }
    Tape tape;
    const Tensor e = Tensor::zeros({2, 5});
    const Var v = tape.input(e);
    CHECK(failure([&] { softmax(e, Ids({5, 0})); }) == "softmax (HERE): length 0 of sequence 1: expected 1 to S = 5");
    CHECK(failure([&] { softmax(v, Ids({6, 1})); }) == "softmax (HERE): length 6 of sequence 0: expected 1 to S = 5");
    CHECK(failure([&] { softmax(v, Ids({5, -3})); }).find("length -3 of sequence 1") != std::string::npos);
    CHECK(failure([&] { softmax(v, Ids({5})); }) == "softmax (HERE): 1 lengths for a batch of 2");
    CHECK(failure([&] { softmax(Tensor::zeros({5}), Ids({5})); }) == "softmax (HERE): x [5], expected [.., B, S]");
}

TEST_CASE("attention: a record keeps its own copy of the lengths") {
    Tape tape;
    Ids lengths({2, 1});
    const Var v = tape.input(random({2, 3}));
    const Var y = softmax(v, lengths);
    lengths.mutable_data()[1] = 3;
    tape.backward(sum(y * y));
    CHECK(tape.grad(v).at({1, 2}) == 0);
}

TEST_CASE("attention: the bits don't depend on threads") {
    const int before = kernels::threads();
    for (DType dtype : both_types)
        for (const Sizes& z :
             {Sizes{0, 33, 40, 70}, Sizes{3, 7, 21, 130}, Sizes{12, 5, 64, 100}, Sizes{9, 1, 300, 260}}) {
            std::vector<Vector> results;
            for (int threads : {1, 2, 3, 5}) {
                kernels::set_threads(threads);
                const Case x(z, dtype);
                std::vector<int32_t> lengths;
                for (int64_t b = 0; b < z.B; b++) lengths.push_back(static_cast<int32_t>(1 + 7 * b % z.S));
                Tape tape;
                const Var q = tape.input(x.q), k = tape.input(x.k), v = tape.input(x.v);
                const Var alpha = softmax(dot_scores(q, k) * 0.1, Ids(lengths));
                const Var beta = softmax(additive_scores(q, k, v), Ids(lengths));
                const Var c = weighted_sum(alpha, k), d = weighted_sum(beta, k);
                tape.backward(sum(c * x.c) + sum(d * d));
                Vector all;
                for (const Tensor& t :
                     {alpha.value(), beta.value(), c.value(), tape.grad(q), tape.grad(k), tape.grad(v)})
                    for (double number : t.to_vector()) all.push_back(number);
                results.push_back(all);
            }
            for (const auto& r : results) CHECK(r == results[0]);
        }
    kernels::set_threads(before);
}

TEST_CASE("attention: wrong use") {
    Tape tape;
    const Shape key_shape{{7, 'T'}, {3, 'B'}, {5, 'H'}};
    const Tensor k = Tensor::zeros(key_shape), q = Tensor::zeros({3, 5}), v = Tensor::zeros({5});
    const Var keys = tape.input(k, "keys");
    CHECK(failure([&] {
              dot_scores(q, Tensor::zeros({7, 3, 4}));
          }) == "dot_scores (HERE): q [3, 5], expected [B=3, 4] or [T, B, ..] with as many for k [7, 3, 4]");
    CHECK(failure([&] {
              dot_scores(Tensor::zeros({2, 5}), keys);
          }).find("q [2, 5], expected [B=3, H=5]") != std::string::npos);
    CHECK(failure([&] { dot_scores(v, k); }).find("q [5], expected") != std::string::npos);
    CHECK(failure([&] { dot_scores(q, q); }) == "dot_scores (HERE): k [3, 5], expected [S, B, H] with S of 1 or more");
    CHECK(failure([&] { dot_scores(q, Tensor::zeros({0, 3, 5})); }).find("S of 1 or more") != std::string::npos);
    CHECK(failure([&] { dot_scores(q.to(DType::f64), k); }).find("f64") != std::string::npos);
    CHECK(failure([&] { additive_scores(q, keys, Tensor::zeros({4})); }) ==
          "additive_scores (HERE): v [4], expected [A=5]");
    CHECK(failure([&] { additive_scores(q, k, v.to(DType::f64)); }).find("f64") != std::string::npos);
    CHECK(failure([&] {
              additive_scores(Tensor::zeros({4, 2, 5}), k, v);
          }).find("q [4, 2, 5], expected") != std::string::npos);
    CHECK(failure([&] {
              weighted_sum(Tensor::zeros({3, 6}), k);
          }) ==
          "weighted_sum (HERE): alpha [3, 6], expected [B=3, S=7] or [T, B, ..] with as many for V [T=7, B=3, H=5]");
    CHECK(failure([&] {
              weighted_sum(Tensor::zeros({2, 7}), keys);
          }).find("alpha [2, 7], expected [B=3, S=7]") != std::string::npos);
    CHECK(tape.size() == 0);
}
