#include <cmath>
#include <functional>

#include "core/kernels/parallel.hpp"
#include "core/ops/linalg.hpp"
#include "nn/init.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;

namespace {

struct Moments {
    double mean, variance, largest;
};

Moments moments(const Tensor& t) {
    Moments m{};
    for (double x : t.to_vector()) {
        m.mean += x / static_cast<double>(t.size());
        m.variance += x * x / static_cast<double>(t.size());
        m.largest = std::max(m.largest, std::abs(x));
    }
    return m;
}

/// The largest distance of W Wᵀ from gain² times the identity.
double distance_from_orthogonal(const Tensor& W, double gain) {
    const Tensor P = matmul(W, transposed(W));
    double worst = 0;
    for (int64_t i = 0; i < P.dim(0); i++)
        for (int64_t j = 0; j < P.dim(0); j++)
            worst = std::max(worst, std::abs(P.at({i, j}) - (i == j ? gain * gain : 0)));
    return worst;
}

}  // namespace

TEST_CASE("init: variance and bound are those of the paper") {
    struct Row {
        const char* name;
        std::function<void(Tensor&, Generator&)> init;
        double variance;
        bool uniform;
    };
    const Row rows[] = {
        {"inverse_root", [](Tensor& W, Generator& g) { init::inverse_root(W, 64, g); }, 1 / (3 * 64.0), true},
        {"xavier_uniform", [](Tensor& W, Generator& g) { init::xavier_uniform(W, g); }, 2.0 / (400 + 200), true},
        {"xavier_normal", [](Tensor& W, Generator& g) { init::xavier_normal(W, g); }, 2.0 / (400 + 200), false},
        {"he_uniform", [](Tensor& W, Generator& g) { init::he_uniform(W, g); }, 2.0 / 200, true},
        {"he_normal", [](Tensor& W, Generator& g) { init::he_normal(W, g); }, 2.0 / 200, false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        Tensor W = Tensor::empty({400, 200});  // out 400, in 200
        Generator gen(5);
        row.init(W, gen);
        const Moments m = moments(W);
        CHECK(m.variance == doctest::Approx(row.variance).epsilon(0.02));
        CHECK(std::abs(m.mean) < 0.01 * std::sqrt(row.variance) * 3);
        const double bound = std::sqrt(3 * row.variance);
        if (row.uniform) {
            CHECK(m.largest <= bound * (1 + 1e-6));
            CHECK(m.largest > bound * 0.999);
        } else {
            CHECK(m.largest > bound * 2);
        }
    }
}

TEST_CASE("init: a convolution's fans count its places") {
    Tensor W = Tensor::empty({64, 32, 3, 3});
    Generator gen(5);
    init::he_normal(W, gen);
    CHECK(moments(W).variance == doctest::Approx(2.0 / (32 * 9)).epsilon(0.03));
    init::xavier_normal(W, gen);
    CHECK(moments(W).variance == doctest::Approx(2.0 / (32 * 9 + 64 * 9)).epsilon(0.03));
}

TEST_CASE("init: orthogonal rows or columns, whichever are fewer") {
    Generator gen(3);
    for (const Shape& size : {Shape{1, 1}, {1, 7}, {7, 1}, {5, 5}, {17, 33}, {33, 17}, {128, 128}}) {
        const int64_t R = size[0], C = size[1];
        CAPTURE(R);
        CAPTURE(C);
        Tensor W = Tensor::empty({R, C}, DType::f64);
        init::orthogonal(W, gen, 1.5);
        Tensor rows = W;
        if (R > C) {
            rows = Tensor::empty({C, R}, DType::f64);
            for (int64_t r = 0; r < R; r++)
                for (int64_t c = 0; c < C; c++) rows.set({c, r}, W.at({r, c}));
        }
        CHECK(distance_from_orthogonal(rows, 1.5) < 1e-13);
        CHECK(init::spectral_norm(W) == doctest::Approx(1.5).epsilon(1e-13));
    }
}

TEST_CASE("init: orthogonal matrices are all equally likely") {
    // Of 2 x 2 ones: the first column's angle is uniform, and half are reflections.
    Generator gen(9);
    int quadrant[4] = {}, reflections = 0;
    for (int i = 0; i < 4000; i++) {
        Tensor W = Tensor::empty({2, 2}, DType::f64);
        init::orthogonal(W, gen);
        quadrant[(W.flat(0) > 0 ? 0 : 1) + (W.flat(2) > 0 ? 0 : 2)]++;
        reflections += W.flat(0) * W.flat(3) - W.flat(1) * W.flat(2) < 0;
    }
    for (int n : quadrant) CHECK(std::abs(n - 1000) < 140);
    CHECK(std::abs(reflections - 2000) < 160);
}

TEST_CASE("init: identity and zeros") {
    Tensor W = Tensor::full({2, 3}, 7);
    init::identity(W, 0.5);
    CHECK(W.to_vector() == std::vector<double>{0.5, 0, 0, 0, 0.5, 0});
    init::zeros(W);
    CHECK(W.to_vector() == std::vector<double>(6, 0));
}

TEST_CASE("init: the numbers depend on the seed only, not on threads, and f32 has those of f64 rounded") {
    const int before = kernels::threads();
    for (int n : {1, 3}) {
        kernels::set_threads(n);
        Generator a(5), b(5);
        Tensor wide = Tensor::empty({300, 200}, DType::f64), narrow = Tensor::empty({300, 200});
        init::orthogonal(wide, a);
        init::orthogonal(narrow, b);
        CHECK(narrow.to_vector() == wide.to(DType::f32).to_vector());
        static double first = wide.flat(77);
        CHECK(wide.flat(77) == first);
        CHECK(a.state() == b.state());
    }
    kernels::set_threads(before);
}

TEST_CASE("spectral norm: known matrices") {
    CHECK(init::spectral_norm(Tensor::of({{3, 0}, {0, -4}})) == doctest::Approx(4).epsilon(1e-14));
    // A rotation by which power iteration on W itself would never come to rest; a shear of known norm (golden ratio).
    CHECK(init::spectral_norm(Tensor::of({{0, -2}, {2, 0}}, DType::f64)) == doctest::Approx(2).epsilon(1e-14));
    CHECK(init::spectral_norm(Tensor::of({{1, 1}, {0, 1}}, DType::f64)) ==
          doctest::Approx((1 + std::sqrt(5)) / 2).epsilon(1e-14));
    // Of rank 1: |a| |b|. A single row; a nilpotent one, whose eigenvalues are all 0.
    CHECK(init::spectral_norm(Tensor::of({{3, 6}, {4, 8}}, DType::f64)) == doctest::Approx(5 * std::sqrt(5)));
    CHECK(init::spectral_norm(Tensor::of({{3, 0, 4}}, DType::f64)) == doctest::Approx(5).epsilon(1e-14));
    CHECK(init::spectral_norm(Tensor::of({{0, 7}, {0, 0}}, DType::f64)) == doctest::Approx(7).epsilon(1e-14));
    CHECK(init::spectral_norm(Tensor::zeros({3, 3})) == 0);
}

TEST_CASE("spectral norm: where the two largest singular values are hard to tell apart") {
    for (double gap : {1e-1, 1e-3, 1e-6, 1e-9, 1e-12}) {
        CAPTURE(gap);
        Generator gen(1);
        Tensor U = Tensor::empty({6, 6}, DType::f64), V = U.clone(), S = Tensor::zeros({6, 6}, DType::f64);
        init::orthogonal(U, gen);
        init::orthogonal(V, gen);
        const double values[] = {2, 2 - 2 * gap, 1.5, 1, 1e-8, 0};
        for (int64_t i = 0; i < 6; i++) S.set({i, i}, values[i]);
        CHECK(init::spectral_norm(matmul(matmul(U, S), V)) == doctest::Approx(2).epsilon(1e-13));
    }
}

TEST_CASE("scale_to_spectral_norm") {
    for (DType dtype : {DType::f32, DType::f64}) {
        Generator gen(1);
        Tensor W = Tensor::empty({64, 64}, dtype);
        init::inverse_root(W, 64, gen);
        for (double norm : {0.9, 1.0, 1.1}) {
            init::scale_to_spectral_norm(W, norm);
            CHECK(init::spectral_norm(W) == doctest::Approx(norm).epsilon(dtype == DType::f32 ? 1e-6 : 1e-13));
        }
    }
}

TEST_CASE("init: wrong use is told with the reader's line") {
    Generator gen(1);
    Tensor row = Tensor::zeros({3}), cube = Tensor::zeros({2, 2, 2}), zero = Tensor::zeros({2, 2});
    CHECK(contains(error_of([&] { init::xavier_uniform(row, gen); }), "xavier_uniform (test_init.cpp"));
    CHECK(contains(error_of([&] { init::xavier_uniform(row, gen); }), "[3] is no weight"));
    CHECK(contains(error_of([&] { init::orthogonal(cube, gen); }), "orthogonal (test_init.cpp"));
    CHECK(contains(error_of([&] { init::identity(cube); }), "is no matrix"));
    CHECK(contains(error_of([&] { init::inverse_root(zero, 0, gen); }), "n is 0"));
    CHECK(contains(error_of([&] { init::scale_to_spectral_norm(zero, 1); }), "is all zeros"));
    CHECK(contains(error_of([&] { init::scale_to_spectral_norm(zero, NAN); }), "norm is nan"));
    CHECK(contains(error_of([&] { init::spectral_norm(Tensor::full({2, 2}, NAN)); }), "holds NaN"));
}
