// Convolution and pooling: against plain loops.
#include "core/kernels/parallel.hpp"
#include "core/ops/convolution.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/pooling.hpp"
#include "core/ops/reductions.hpp"
#include "tests/core/numbers.hpp"
#include "tests/failure.hpp"

using namespace unroll;

namespace {

/// x at a place that may be in the padding.
double padded(const Tensor& x, int64_t b, int64_t c, int64_t i, int64_t j) {
    return i < 0 || j < 0 || i >= x.dim(2) || j >= x.dim(3) ? 0 : x.at({b, c, i, j});
}

struct Case {
    Shape x, W;
    Pair stride, padding;
};
// Channels on both sides of a vector's width; strides that skip; pictures of more than one band (the last two).
const Case cases[] = {{{1, 1, 1, 1}, {1, 1, 1, 1}, 1, 0},       {{3, 2, 5, 7}, {4, 2, 3, 3}, 1, 1},
                      {{2, 16, 6, 5}, {17, 16, 3, 3}, 1, 1},    {{1, 17, 9, 8}, {16, 17, 2, 4}, 2, {1, 2}},
                      {{20, 3, 4, 4}, {5, 3, 1, 1}, 1, 0},      {{2, 3, 1, 1}, {2, 3, 5, 5}, 1, 2},
                      {{1, 2, 8, 11}, {3, 2, 2, 3}, {3, 4}, 0}, {{2, 1, 3, 3}, {2, 1, 2, 2}, 2, 5},
                      {{1, 1, 40, 1500}, {4, 1, 3, 3}, 1, 1},   {{1, 1, 60, 1500}, {4, 1, 3, 2}, {2, 1}, {1, 0}}};

}  // namespace

TEST_CASE("conv2d: against the equation, values and gradients") {
    for (DType dtype : both_types)
        for (const Case& one : cases) {
            const auto& [shape, W_shape, stride, padding] = one;
            CAPTURE(one.x.str());
            CAPTURE(one.W.str());
            const Tensor x = random(shape, dtype), W = random(W_shape, dtype, 2), b = random({W_shape[0]}, dtype, 3);
            const ConvolutionOptions options{stride, padding};
            const Tensor y = conv2d(x, W, b, options);
            const int64_t OH = (shape[2] + 2 * padding.height - W_shape[2]) / stride.height + 1;
            const int64_t OW = (shape[3] + 2 * padding.width - W_shape[3]) / stride.width + 1;
            REQUIRE(y.shape() == Shape{shape[0], W_shape[0], OH, OW});
            const Tensor g = random(y.shape(), dtype, 4);
            std::vector<double> expected, db(static_cast<size_t>(W_shape[0]));
            Tensor dx = Tensor::zeros(shape, DType::f64), dW = Tensor::zeros(W_shape, DType::f64);
            double* dxs = dx.mutable_data<double>();
            double* dWs = dW.mutable_data<double>();
            for (int64_t n = 0; n < y.size(); n++) {
                const int64_t j = n % OW, i = n / OW % OH, o = n / (OH * OW) % W_shape[0],
                              n_b = n / (OH * OW * W_shape[0]);
                double sum = b.flat(o);
                db[static_cast<size_t>(o)] += g.flat(n);
                for (int64_t c = 0; c < shape[1]; c++)
                    for (int64_t k = 0; k < W_shape[2]; k++)
                        for (int64_t l = 0; l < W_shape[3]; l++) {
                            const int64_t at_i = i * stride.height + k - padding.height;
                            const int64_t at_j = j * stride.width + l - padding.width;
                            const int64_t w = ((o * shape[1] + c) * W_shape[2] + k) * W_shape[3] + l;
                            sum += W.flat(w) * padded(x, n_b, c, at_i, at_j);
                            dWs[w] += g.flat(n) * padded(x, n_b, c, at_i, at_j);
                            if (at_i >= 0 && at_j >= 0 && at_i < shape[2] && at_j < shape[3])
                                dxs[((n_b * shape[1] + c) * shape[2] + at_i) * shape[3] + at_j] +=
                                    g.flat(n) * W.flat(w);
                        }
                expected.push_back(sum);
            }
            const double tolerance = 10 * rounding(dtype);
            check_close(y, y.shape(), expected, tolerance);
            Tape tape;
            const Var v = tape.input(x);
            const Parameter weight("W", W.clone()), bias("b", b.clone());
            const Var out = conv2d(v, weight, bias, options);
            CHECK(out.value().to_vector() == y.to_vector());
            tape.backward(sum(out * g));
            check_close(tape.grad(v), dx, tolerance);
            const double places = std::sqrt(static_cast<double>(shape[0] * OH * OW));  // sums of so many
            check_close(tape.grad(weight), W_shape, dW.to_vector(), places * tolerance);
            check_close(tape.grad(bias), {W_shape[0]}, db, places * tolerance);
            Tape forward(Tape::Mode::forward_only);
            CHECK(conv2d(forward.input(x), weight, options).value().to_vector() == conv2d(x, W, options).to_vector());
        }
}

TEST_CASE("conv2d: no picture, and pictures of nothing but padding") {
    const Tensor W = random({2, 3, 3, 3}), b = random({2});
    CHECK(conv2d(Tensor::zeros({0, 3, 4, 4}, DType::f64), W, b).shape() == Shape{0, 2, 2, 2});
    Tape tape;
    const Var x = tape.input(Tensor::zeros({2, 3, 0, 5}, DType::f64)), v = tape.input(W);
    const Var y = conv2d(x, v, b, {.padding = 2});
    CHECK(y.shape() == Shape{2, 2, 2, 7});
    for (int64_t i = 0; i < y.value().size(); i++) CHECK(y.value().flat(i) == b.flat(i / 14 % 2));
    tape.backward(sum(y));
    CHECK(tape.grad(x).shape() == Shape{2, 3, 0, 5});
    for (double g : tape.grad(v).to_vector()) CHECK(g == 0);
    Tape none;
    const Var w = none.input(W);
    none.backward(sum(conv2d(none.input(Tensor::zeros({0, 3, 4, 4}, DType::f64)), w, none.input(b))));
    for (double g : none.grad(w).to_vector()) CHECK(g == 0);
}

TEST_CASE("conv2d, pooling: the bits don't depend on threads") {
    const int before = kernels::threads();
    std::vector<std::vector<double>> results;
    for (int threads : {1, 2, 3, 5}) {
        kernels::set_threads(threads);
        Tape tape;
        const Var x = tape.input(random({19, 5, 12, 11}, DType::f32)),
                  W = tape.input(random({33, 5, 3, 3}, DType::f32, 2));
        const Var b = tape.input(random({33}, DType::f32, 3));
        const Var y = conv2d(x, W, b, {.padding = 1});
        const Var z = max_pool2d(y, {.kernel = 2}), m = avg_pool2d(y, {.kernel = 3, .stride = 2});
        tape.backward(sum(z * z) + sum(m * m * m));
        std::vector<double> all;
        for (const Tensor& t : {z.value(), m.value(), tape.grad(x), tape.grad(W), tape.grad(b)})
            for (double v : t.to_vector()) all.push_back(v);
        results.push_back(all);
    }
    kernels::set_threads(before);
    for (const auto& r : results) CHECK(r == results[0]);
}

TEST_CASE("conv2d: wrong use") {
    const Tensor x = Tensor::zeros({{2, 'B'}, {3, 'C'}, 5, 4}), W = Tensor::zeros({7, 3, 3, 3}), b = Tensor::zeros({7});
    const Parameter named("cnn.W", Tensor::zeros({7, 2, 3, 3})), bias("cnn.b", Tensor::zeros({6}));
    Tape tape;
    const Var v = tape.input(x);
    CHECK(failure([&] { conv2d(v, named); }) ==
          "conv2d (HERE): x [B=2, C=3, 5, 4] with cnn.W [7, 2, 3, 3]: expected [B, C, H, W] and [O, C, height, width]");
    CHECK(failure([&] { conv2d(v, W, bias); }) == "conv2d (HERE): cnn.b [6], expected [O=7] for W [7, 3, 3, 3]");
    CHECK(failure([&] { conv2d(x.reshape({6, 5, 4}), W); }).find("x [6, 5, 4] with") != std::string::npos);
    CHECK(failure([&] {
              conv2d(x, Tensor::zeros({7, 3, 6, 3}));
          }) ==
          "conv2d (HERE): the kernel, 6 x 3, is larger than the pictures of x [B=2, C=3, 5, 4] with their padding, 5 x "
          "4");
    CHECK(failure([&] { conv2d(x, W, b, {.stride = 0}); }) ==
          "conv2d (HERE): kernel 3 x 3, stride 0 x 0: each must be 1 to 16777216");
    CHECK(failure([&] {
              conv2d(x, W, b, {.stride = {1, int64_t{1} << 62}});
          }).find("each must be 1 to 16777216") != std::string::npos);
    CHECK(failure([&] {
              conv2d(x, W, b, {.padding = {-1, 0}});
          }) == "conv2d (HERE): padding -1 x 0: expected 0 to 8 x 7, the picture and the kernel together");
    for (const Pair padding : {Pair{int64_t{1} << 62}, Pair{1 << 24}, Pair{9, 0}, Pair{0, 8}})
        CHECK(failure([&] { conv2d(x, W, b, {.padding = padding}); }).find(": expected 0 to 8 x 7") !=
              std::string::npos);
    CHECK(conv2d(x, W, b, {.padding = {8, 7}}).shape() == Shape{2, 7, 19, 16});
    CHECK(failure([&] { conv2d(x, Tensor::zeros({7, 3, 0, 3})); }).find("kernel 0 x 3") != std::string::npos);
    CHECK(failure([&] { conv2d(x, Tensor::zeros({0, 3, 1, 1})); }).find("W [0, 3, 1, 1]") != std::string::npos);
    CHECK(failure([&] { conv2d(x, W.to(DType::f64)); }).find("f64") != std::string::npos);
    CHECK(failure([&] { conv2d(x, W, b.to(DType::f64)); }).find("f64") != std::string::npos);
    CHECK(failure([&] { conv2d(Tensor(), W); }) != "");
    CHECK(tape.size() == 0);
}

TEST_CASE("max_pool2d: squares of 2 x 2 by their definition, rows and columns left over") {
    Generator gen(4);
    for (DType dtype : {DType::f32, DType::f64})
        for (const auto& [H, W] : {std::pair<int64_t, int64_t>{2, 2}, {5, 7}, {8, 37}, {3, 66}}) {
            Tensor x = Tensor::empty({2, 3, H, W}, dtype);
            for (int64_t i = 0; i < x.size(); i++) x.set_flat(i, double(gen.below(4)) - 3);  // many are equal
            Tape tape;
            const Var v = tape.input(x), y = max_pool2d(v, {.kernel = 2});
            Tensor most = Tensor::empty(y.shape(), dtype), dx = Tensor::zeros(x.shape(), dtype);
            const Tensor dy = y.value() * 0.5 + 7;
            for (int64_t b = 0; b < 2; b++)
                for (int64_t c = 0; c < 3; c++)
                    for (int64_t i = 0; i < H / 2; i++)
                        for (int64_t j = 0; j < W / 2; j++) {
                            int64_t best = 0;
                            const auto at = [&](int64_t k) { return x.at({b, c, 2 * i + k / 2, 2 * j + k % 2}); };
                            for (int64_t k = 1; k < 4; k++) best = at(k) > at(best) ? k : best;
                            most.set({b, c, i, j}, at(best));
                            dx.set({b, c, 2 * i + best / 2, 2 * j + best % 2}, dy.at({b, c, i, j}));
                        }
            check_close(y.value(), most, 0);
            tape.backward(sum(y * dy));
            check_close(tape.grad(v), dx, 0);
        }
}

TEST_CASE("max_pool2d: the first of equal ones gets the gradient; padding is never the largest; NaN is") {
    Tape tape;
    const Var x = tape.input(Tensor::of({{{{2, 2, -1}, {2, 2, -3}, {-5, -6, -7}}}}, DType::f64));
    const Var y = max_pool2d(x, {.kernel = 2, .stride = 2, .padding = 1});
    check_close(y.value(), {1, 1, 2, 2}, {2, 2, 2, 2}, 0);
    tape.backward(sum(y * Tensor::of({{{{1, 10}, {100, 1000}}}}, DType::f64)));
    check_close(tape.grad(x), {1, 1, 3, 3}, {1, 10, 0, 100, 1000, 0, 0, 0, 0}, 0);
    Tape ties;
    const Var z = ties.input(Tensor::of({{{{-1, 2, 2}, {2, 2, 3}, {0, 3, 3}}}}, DType::f64));
    ties.backward(sum(max_pool2d(z, {.kernel = 2, .stride = 1}) * Tensor::of({{{{1, 10}, {100, 1000}}}}, DType::f64)));
    check_close(ties.grad(z), {1, 1, 3, 3}, {0, 1, 0, 0, 0, 1010, 0, 100, 0}, 0);
    const double inf = INFINITY;
    check_close(max_pool2d(Tensor::of({{{{1, NAN}, {3, 2}}}}), {.kernel = 2}), {1, 1, 1, 1}, {NAN}, 0);
    check_close(max_pool2d(Tensor::of({{{{-inf, -inf}, {-inf, -inf}}}}), {.kernel = 2}), {1, 1, 1, 1}, {-inf}, 0);
    Tape lowest;  // the gradient has a place there too: the address sanitizer would tell
    const Var least = lowest.input(Tensor::full({1, 1, 2, 2}, -inf));
    lowest.backward(sum(sigmoid(max_pool2d(least, {.kernel = 2}))));
    CHECK(lowest.grad(least).to_vector() == std::vector<double>(4, 0.0));
}

TEST_CASE("pooling: against plain loops") {
    struct Pool {
        Shape x;
        PoolOptions options;
    };
    for (DType dtype : both_types)
        for (const Pool& pool :
             {Pool{{2, 3, 7, 6}, {.kernel = 2}}, Pool{{1, 2, 7, 6}, {.kernel = {3, 2}, .stride = {1, 2}, .padding = 1}},
              Pool{{3, 1, 1, 1}, {.kernel = 1}}, Pool{{1, 17, 9, 33}, {.kernel = 3, .stride = 2}},
              Pool{{0, 2, 4, 4}, {.kernel = 2}}}) {
            CAPTURE(pool.x.str());
            const auto& [shape, options] = pool;
            const auto& [k, s, p] = options;
            const Tensor x = random(shape, dtype);
            const Pair step = s.height == 0 ? k : s;
            const Shape y{shape[0], shape[1], (shape[2] + 2 * p.height - k.height) / step.height + 1,
                          (shape[3] + 2 * p.width - k.width) / step.width + 1};
            std::vector<double> largest, means;
            for (int64_t n = 0; n < y.size(); n++) {
                const int64_t i = n / y[3] % y[2] * step.height - p.height, j = n % y[3] * step.width - p.width;
                const int64_t plane = n / (y[2] * y[3]);
                double most = -INFINITY, sum = 0;
                for (int64_t a = std::max<int64_t>(0, i); a < std::min(shape[2], i + k.height); a++)
                    for (int64_t c = std::max<int64_t>(0, j); c < std::min(shape[3], j + k.width); c++) {
                        const double v = x.flat((plane * shape[2] + a) * shape[3] + c);
                        most = std::max(most, v);
                        sum += v;
                    }
                largest.push_back(most);
                means.push_back(sum / static_cast<double>(k.height * k.width));
            }
            check_close(max_pool2d(x, options), y, largest, 0);
            check_close(avg_pool2d(x, options), y, means, rounding(dtype));
            Tape forward(Tape::Mode::forward_only);
            CHECK(max_pool2d(forward.input(x), options).value().to_vector() == largest);
        }
}

TEST_CASE("pooling: wrong use") {
    const Tensor x = Tensor::zeros({{2, 'B'}, 3, 4, 5});
    CHECK(failure([&] { max_pool2d(x, {.kernel = 5}); }) ==
          "max_pool2d (HERE): the kernel, 5 x 5, is larger than the pictures of x [B=2, 3, 4, 5] with their padding, 4 "
          "x 5");
    CHECK(failure([&] { avg_pool2d(x, {.kernel = 3, .padding = 2}); }) ==
          "avg_pool2d (HERE): padding 2 x 2 for a kernel 3 x 3: expected at most half of it");
    CHECK(failure([&] { avg_pool2d(x, {.kernel = 0}); }).find("kernel 0 x 0, stride 0 x 0") != std::string::npos);
    CHECK(failure([&] { max_pool2d(x, {.kernel = 2, .stride = {0, 2}}); }).find("stride 0 x 2") != std::string::npos);
    CHECK(failure([&] { max_pool2d(x.row(0), {.kernel = 2}); }) ==
          "max_pool2d (HERE): x [3, 4, 5], expected [B, C, H, W]");
    CHECK(failure([&] { max_pool2d(Tensor(), {.kernel = 2}); }) != "");
}
