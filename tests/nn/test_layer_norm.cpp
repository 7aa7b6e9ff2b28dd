#include "core/kernels/parallel.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/reductions.hpp"
#include "nn/layer_norm_lstm.hpp"
#include "tests/core/numbers.hpp"
#include "tests/failure.hpp"

using namespace unroll;

TEST_CASE("LayerNorm: starts as mean 0 and variance 1, scaled and shifted by its parameters") {
    LayerNorm norm({.size = {8, 'H'}, .dtype = DType::f64});
    CHECK(parameter_table(norm).find("weight  [H=8]") == 0);
    CHECK(norm.pretty() == "LayerNorm(8, eps=1e-05)");
    Tape tape;
    const Tensor x = random({3, 2, 8}) * 4 + 1;
    const Tensor y = norm(tape.input(x)).value();
    for (int64_t r = 0; r < 6; r++) {
        double mean = 0, squares = 0;
        for (int64_t i = 0; i < 8; i++)
            mean += y.flat(r * 8 + i) / 8, squares += y.flat(r * 8 + i) * y.flat(r * 8 + i) / 8;
        CHECK(mean == doctest::Approx(0).epsilon(1e-12));
        CHECK(squares == doctest::Approx(1).epsilon(1e-4));
    }
    norm.weight.value.fill(3);
    norm.bias.value.fill(-1);
    const Tensor scaled = norm(tape.input(x)).value();
    for (int64_t i = 0; i < y.size(); i++) CHECK(scaled.flat(i) == doctest::Approx(3 * y.flat(i) - 1));
    // A large eps dampens.
    LayerNorm dampened({.size = 8, .eps = 1e6, .dtype = DType::f64});
    for (double v : dampened(tape.input(x)).value().to_vector()) CHECK(std::abs(v) < 0.05);
}

TEST_CASE("LayerNorm: wrong use") {
    CHECK(failure([&] { LayerNorm({.size = 0}); }) ==
          "LayerNorm (HERE): size 0, eps 1e-05: expected 1 or more, and 0 or more");
    CHECK(failure([&] { LayerNorm({.size = 3, .eps = NAN}); }).find("eps nan") != std::string::npos);
    LayerNorm norm({.size = 8});
    Tape tape;
    const Var x = tape.input(Tensor::zeros({2, 7}));
    CHECK(failure([&] { norm(x); }) == "layer_norm (HERE): weight [8], expected [7] for x [2, 7]");
}

TEST_CASE("LayerNormLstm: one step is the paper's equations, and the layer runs both ways over unequal lengths") {
    Generator gen(3);
    LayerNormLstm lstm({.input_size = 3,
                        .hidden_size = 4,
                        .forget_bias = 2,
                        .dtype = DType::f64,
                        .num_layers = 2,
                        .bidirectional = true},
                       gen);
    const LayerNormLstmCell& cell = lstm.cell(0);
    for (int64_t j = 0; j < 16; j++) CHECK(cell.norm_x.bias.value.flat(j) == (j < 4 ? 2 : 0));
    Tape tape;
    const Tensor x = random({1, 3}), h = random({1, 4}), C = random({1, 4});
    const auto normalised = [](const std::vector<double>& v, double bias_of_first) {
        double mean = 0, variance = 0;
        for (double a : v) mean += a / static_cast<double>(v.size());
        for (double a : v) variance += (a - mean) * (a - mean) / static_cast<double>(v.size());
        std::vector<double> y;
        for (size_t j = 0; j < v.size(); j++)
            y.push_back((v[j] - mean) / std::sqrt(variance + 1e-5) + (j < 4 ? bias_of_first : 0));
        return y;
    };
    const auto product = [](const Tensor& W, const Tensor& v) {
        std::vector<double> y(static_cast<size_t>(W.dim(0)));
        for (int64_t i = 0; i < W.dim(0); i++)
            for (int64_t k = 0; k < W.dim(1); k++) y[static_cast<size_t>(i)] += W.at({i, k}) * v.flat(k);
        return y;
    };
    const std::vector<double> from_h = normalised(product(cell.W_hh.value, h), 0),
                              from_x = normalised(product(cell.W_xh.value, x), 2);
    const auto a = [&](size_t j) { return from_h[j] + from_x[j]; };
    const auto logistic = [](double v) { return 1 / (1 + std::exp(-v)); };
    std::vector<double> C_t;
    for (size_t j = 0; j < 4; j++)
        C_t.push_back(logistic(a(j)) * C.flat(static_cast<int64_t>(j)) + logistic(a(4 + j)) * std::tanh(a(8 + j)));
    const std::vector<double> shown = normalised(C_t, 0);
    const States s = cell.step(tape.constant(x), {tape.constant(h), tape.constant(C)});
    for (size_t j = 0; j < 4; j++) {
        const auto i = static_cast<int64_t>(j);
        CHECK(s.C.value().flat(i) == doctest::Approx(C_t[j]).epsilon(1e-12));
        CHECK(s.h.value().flat(i) == doctest::Approx(logistic(a(12 + j)) * std::tanh(shown[j])).epsilon(1e-12));
    }
    const RecurrentOutput out = lstm(tape.constant(random({5, 2, 3})), {.lengths = Ids({5, 2})});
    CHECK(out.y.shape() == Shape{5, 2, 8});
    for (int64_t t = 2; t < 5; t++)
        for (int64_t j = 0; j < 8; j++) CHECK(out.y.value().at({t, 1, j}) == 0);
    CHECK(lstm.pretty() == "LayerNormLstm(in=3, hidden=4), 2 layers, both directions");
}

TEST_CASE("LayerNormLstm: the same bits for 1, 2, 3 and 5 threads") {
    const int before = kernels::threads();
    std::vector<std::vector<double>> one;
    for (int n : {1, 2, 3, 5}) {
        kernels::set_threads(n);
        Generator gen(3);
        LayerNormLstm lstm({.input_size = 40, .hidden_size = 67, .num_layers = 2, .bidirectional = true}, gen);
        Tensor x = Tensor::empty({5, 7, 40});
        gen.fill_normal(x, 0, 1);
        Tape tape;
        const Var y = lstm(tape.input(x), {.lengths = Ids({5, 3, 0, 5, 1, 4, 5})}).y;
        tape.backward(sum(y * y));
        std::vector<std::vector<double>> all = {y.value().to_vector()};
        for (const Parameter& p : parameters(lstm)) all.push_back(tape.grad(p).to_vector());
        if (n == 1) one = all;
        CHECK(all == one);
    }
    kernels::set_threads(before);
}

TEST_CASE("Recurrent: a cell that isn't there is told") {
    Generator gen(1);
    LayerNormLstm lstm({.input_size = 2, .hidden_size = 3, .num_layers = 2}, gen);
    CHECK(failure([&] { lstm.cell(2); }).find("cell(2, false): there are 2 layers of 1 directions") !=
          std::string::npos);
    CHECK(failure([&] { lstm.cell(0, true); }).find("cell(0, true)") != std::string::npos);
}
