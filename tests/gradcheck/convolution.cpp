// Rows for pictures and sound: convolution, pooling, batch normalisation, spatial attention, CTC.
#include "core/ops/convolution.hpp"

#include <fmt/format.h>

#include "core/ops/batch_norm.hpp"
#include "core/ops/ctc.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/pooling.hpp"
#include "core/ops/reductions.hpp"
#include "core/ops/shape.hpp"
#include "nn/spatial_attention.hpp"
#include "tests/gradcheck/table.hpp"

namespace unroll {
namespace {

using Vars = std::vector<Var>;

/// " 3x2 /2x1 +0x0": kernel, stride, padding.
std::string window(Pair kernel, Pair stride, Pair padding) {
    return fmt::format(" {}x{} /{}x{} +{}x{}", kernel.height, kernel.width, stride.height, stride.width, padding.height,
                       padding.width);
}

void convolution(Table& table) {
    table.section("convolution");
    struct Sizes {
        Shape x, W;
        ConvolutionOptions options;
    };
    for (const auto& [x, W, options] :
         {Sizes{{1, 1, 1, 1}, {1, 1, 1, 1}, {}}, Sizes{{2, 3, 5, 4}, {2, 3, 3, 3}, {.padding = 1}},
          Sizes{{1, 2, 1, 1}, {3, 2, 3, 3}, {.padding = 1}}, Sizes{{2, 1, 7, 5}, {3, 1, 3, 2}, {.stride = 2}},
          Sizes{{1, 3, 6, 7}, {2, 3, 2, 2}, {.stride = 3, .padding = 1}}, Sizes{{2, 2, 4, 6}, {2, 2, 4, 6}, {}},
          Sizes{{1, 2, 5, 6}, {3, 2, 1, 1}, {.stride = {2, 1}}},
          Sizes{{2, 2, 3, 2}, {2, 2, 3, 5}, {.stride = {1, 2}, .padding = {0, 3}}}}) {
        const std::string name = x.str() + window({W[2], W[3]}, options.stride, options.padding);
        table.check("conv2d " + name, {{"x", x}, {"W", W}, {"b", {W[0]}}}, [options = options](const Vars& v) {
            return Vars{conv2d(v[0], v[1], v[2], options), conv2d(tanh(v[0]), tanh(v[1]), options)};
        });
    }
    table.check("conv2d [40, 19, 6, 7] 3x3 /1x1 +1x1", {{"x", {40, 19, 6, 7}}, {"W", {17, 19, 3, 3}}, {"b", {17}}},
                [](const Vars& v) { return Vars{conv2d(v[0], v[1], v[2], {.padding = 1})}; }, {.directions = 3});
    const Tensor x = random_input("fixed x", {2, 2, 4, 3}).value.clone();
    const Tensor W = random_input("fixed W", {3, 2, 2, 2}).value.clone(), b = Tensor::zeros({3}, DType::f64);
    table.check("conv2d, one operand a constant", {{"x", {2, 2, 4, 3}}, {"W", {3, 2, 2, 2}}, {"b", {3}}},
                [=](const Vars& v) {
                    return Vars{conv2d(v[0], W, b), conv2d(x, v[1]), conv2d(x, W, v[2])};
                });
    table.check("permute", {{"x", {2, 3, 1, 4}}, {"m", {3, 5}}, {"z", {}}}, [](const Vars& v) {
        return Vars{permute(v[0], {2, 3, 0, 1}), permute(tanh(v[0]), {3, 0, 2, 1}), permute(v[1], {1, 0}),
                    permute(v[2], {})};
    });
}

void pooling(Table& table) {
    table.section("pooling");
    struct Sizes {
        Shape x;
        PoolOptions options;
    };
    for (const auto& [x, options] :
         {Sizes{{1, 1, 1, 1}, {.kernel = 1}}, Sizes{{2, 3, 6, 4}, {.kernel = 2}},
          Sizes{{1, 2, 7, 5}, {.kernel = 3, .stride = 1}},
          Sizes{{2, 1, 5, 6}, {.kernel = {3, 2}, .stride = 2, .padding = 1}},
          Sizes{{1, 3, 8, 7}, {.kernel = 2, .stride = 3}}, Sizes{{2, 2, 5, 3}, {.kernel = {5, 3}}}}) {
        const std::string name = x.str() + window(options.kernel, options.stride, options.padding);
        table.check("max_pool2d " + name, {{"x", x}},
                    [options = options](const Vars& v) { return Vars{max_pool2d(v[0], options)}; });
        table.check("avg_pool2d " + name, {{"x", x}}, [options = options](const Vars& v) {
            return Vars{avg_pool2d(v[0], options), avg_pool2d(tanh(v[0]), options)};
        });
    }
}

void batch_normalisation(Table& table) {
    table.section("batch normalisation");
    for (const Shape& shape : {Shape{3, 2, 5, 4}, Shape{7, 1}, Shape{2, 17}, Shape{1, 3, 2}, Shape{5, 4, 1, 1}}) {
        const std::vector<Input> inputs = {{"x", shape, 3, 2}, {"weight", {shape[1]}, 1}, {"bias", {shape[1]}}};
        for (double eps : {1e-5, 0.5})
            table.check(fmt::format("batch_norm {} eps={}", shape.str(), eps), inputs,
                        [eps](const Vars& v) { return Vars{batch_norm(v[0], v[1], v[2], eps)}; });
        const ChannelStatistics fixed{random_input("mean", {shape[1]}).value,
                                      random_input("variance", {shape[1]}, 2, 0.3).value};
        table.check(fmt::format("batch_norm {}, fixed", shape.str()), inputs,
                    [fixed](const Vars& v) { return Vars{batch_norm(tanh(v[0]), v[1], v[2], fixed)}; });
    }
}

void spatial_attention(Table& table) {
    table.section("SpatialAttention");
    for (const auto& [B, K, H, Dv, A] : {std::array{1, 1, 1, 1, 1}, {3, 9, 4, 5, 6}, {2, 4, 3, 17, 2}}) {
        Generator gen(5);
        const SpatialAttention attention(
            {.hidden_size = H, .feature_size = Dv, .attention_size = A, .dtype = DType::f64}, gen);
        SpatialAttention owned = attention;
        const Parameter h = random_input("h", {B, H}), all = random_input("all", {4, B, H});
        const Parameter V = random_input("V", {K, B, Dv});
        std::vector<Parameter> inputs = parameters(owned);
        inputs.insert(inputs.end(), {h, all, V});
        table.check_owned(fmt::format("B={} K={} H={} Dv={} A={}", B, K, H, Dv, A), inputs, [=](Tape& tape) {
            const auto regions = attention.prepare(tape.watch(V));
            const auto one = attention(tape.watch(h), regions);
            const auto every = attention(tape.watch(all), regions);
            return Vars{one.context, one.weights, every.context, every.weights};
        });
    }
}

void connectionist(Table& table) {
    table.section("CTC");
    struct Sizes {
        int T, C, S;
        std::vector<int32_t> labels, inputs, targets;
        int32_t blank = 0;
        double scale = 1;
    };
    for (const auto& [T, C, S, labels, inputs, targets, blank, scale] :
         {Sizes{1, 2, 1, {1}, {1}, {1}}, Sizes{6, 4, 3, {1, 1, 2, 3, 2, 3, 1, 0, 0}, {6, 5, 3}, {3, 3, 1}},
          Sizes{5, 3, 2, {0, 0, 1, 0}, {5, 4}, {2, 0}, 2}, Sizes{4, 3, 0, {}, {4, 0}, {0, 0}},
          Sizes{3, 5, 2, {4, 4}, {3}, {2}}, Sizes{9, 6, 4, {1, 2, 2, 5, 3, 3, 3, 4}, {9, 8}, {4, 3}, 0, 8}}) {
        const int64_t B = static_cast<int64_t>(inputs.size());
        const CtcTargets all{Ids(labels, {B, S}), Ids(inputs), Ids(targets)};
        table.check(fmt::format("ctc T={} B={} C={} S={} blank={} x{}", T, B, C, S, blank, scale),
                    {{"x", {T, B, C}, 0, scale}}, [all, blank = blank](const Vars& v) {
                        const CtcOptions options{.blank = blank};
                        return Vars{ctc_losses(v[0], all, options), ctc_loss(tanh(v[0]), all, options),
                                    ctc_loss(v[0], all, options, Reduction::sum)};
                    });
    }
    table.check("ctc, zero_infinity", {{"x", {3, 2, 4}}}, [](const Vars& v) {
        return Vars{ctc_losses(v[0], {Ids({2, 2, 1, 3}, {2, 2}), Ids({2, 3}), Ids({2, 2})}, {.zero_infinity = true})};
    });
}

}  // namespace

void add_convolution(Table& table) {
    convolution(table);
    pooling(table);
    batch_normalisation(table);
    spatial_attention(table);
    connectionist(table);
}

}  // namespace unroll
