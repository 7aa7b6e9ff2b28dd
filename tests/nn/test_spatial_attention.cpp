#include "core/ops/shape.hpp"
#include "nn/spatial_attention.hpp"
#include "tests/core/numbers.hpp"
#include "tests/failure.hpp"

using namespace unroll;

TEST_CASE("SpatialAttention: the book's equations, one step and all at once") {
    struct Sizes {
        int64_t T, B, K, H, Dv, A;
    };
    for (const auto& [T, B, K, H, Dv, A] : {Sizes{1, 1, 1, 1, 1, 1}, {3, 2, 9, 4, 5, 6}, {2, 3, 4, 3, 17, 2}}) {
        Generator gen(3);
        const SpatialAttention a({.hidden_size = H, .feature_size = Dv, .attention_size = A, .dtype = DType::f64}, gen);
        const Tensor h = random({T, B, H}), features = random({B, Dv, 1, K}, DType::f64, 2);
        Tape tape;
        const Var V = reshape(permute(tape.input(features), {2, 3, 0, 1}), {K, B, Dv});
        const auto regions = a.prepare(V);
        const auto all = a(tape.input(h), regions);
        for (int64_t t = 0; t < T; t++)
            for (int64_t b = 0; b < B; b++) {
                std::vector<double> alpha, context;
                double total = 0;
                for (int64_t k = 0; k < K; k++) {
                    double e = 0;
                    for (int64_t n = 0; n < A; n++) {
                        double sum = a.b_a.value.flat(n);
                        for (int64_t i = 0; i < H; i++) sum += a.W_h.value.at({n, i}) * h.at({t, b, i});
                        for (int64_t i = 0; i < Dv; i++) sum += a.W_v.value.at({n, i}) * features.at({b, i, 0, k});
                        e += a.w_a.value.flat(n) * std::tanh(sum);
                    }
                    alpha.push_back(std::exp(e));
                    total += alpha.back();
                }
                for (double& x : alpha) x /= total;
                for (int64_t i = 0; i < Dv; i++) {
                    context.push_back(0);
                    for (int64_t k = 0; k < K; k++)
                        context.back() += alpha[static_cast<size_t>(k)] * features.at({b, i, 0, k});
                }
                check_close(all.weights.value().row(t).row(b), {K}, alpha, 1e-14);
                check_close(all.context.value().row(t).row(b), {Dv}, context, 1e-14);
            }
        const auto last = a(tape.input(h.row(T - 1)), regions);
        check_close(last.weights.value(), all.weights.value().row(T - 1), 1e-14);
        check_close(last.context.value(), all.context.value().row(T - 1), 1e-14);
    }
}

TEST_CASE("SpatialAttention: parameters, and wrong use") {
    Generator gen(1);
    SpatialAttention a({.hidden_size = 4, .feature_size = 5, .attention_size = 3}, gen);
    CHECK(parameter_count(a) == 3 * 4 + 3 * 5 + 3 + 3);
    CHECK(a.pretty() == "SpatialAttention(hidden=4, feature=5, attention=3)");
    CHECK(failure([&] { SpatialAttention({.hidden_size = 4, .feature_size = 5}, gen); }) ==
          "SpatialAttention (HERE): hidden_size 4, feature_size 5, attention_size 0: each must be 1 or more");
    Tape tape;
    const Var V = tape.input(Tensor::zeros({9, 2, 5}).named("KBD"));
    CHECK(failure([&] {
              a.prepare(tape.input(Tensor::zeros({9, 2, 4})));
          }) == "SpatialAttention (HERE): V is [9, 2, 4], expected [K, B, Dv=5] with K of 1 or more");
    CHECK(failure([&] {
              a.prepare(tape.input(Tensor::zeros({0, 2, 5})));
          }).find("K of 1 or more") != std::string::npos);
    CHECK(failure([&] { a.prepare(Var()); }) != "");
    const auto regions = a.prepare(V);
    CHECK(failure([&] {
              a(tape.input(Tensor::zeros({3, 4})), regions);
          }) == "SpatialAttention (HERE): h is [3, 4], expected [B=2, H=4], or [T, B, H], for V [K=9, B=2, D=5]");
    CHECK(failure([&] { a(Var(), regions); }) != "");
}
