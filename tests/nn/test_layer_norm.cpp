#include "core/ops/elementwise.hpp"
#include "nn/layer_norm.hpp"
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
