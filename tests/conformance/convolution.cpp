#include "core/ops/convolution.hpp"

#include "core/ops/pooling.hpp"
#include "tests/conformance/case.hpp"

namespace unroll::conformance {

/// A number, "(2, 1)", or where it is absent or "None" the other.
static Pair pair(const Case& c, const std::string& setting, Pair otherwise) {
    if (!c.has_setting(setting) || c.word(setting) == "None") return otherwise;
    if (c.word(setting).compare(0, 1, "(") != 0) return c.whole(setting, 0);
    const std::vector<double> both = c.tuple(setting, {0, 0});
    return {static_cast<int64_t>(both[0]), static_cast<int64_t>(both[1])};
}

void conv2d(Case& c) {
    const Var x = c.input("x");
    const Parameter W = c.parameter("weight");
    const ConvolutionOptions options{.stride = pair(c, "stride", 1), .padding = pair(c, "padding", 0)};
    c.output("y",
             c.has("param.bias") ? unroll::conv2d(x, W, c.parameter("bias"), options) : unroll::conv2d(x, W, options));
    c.backward();
}

void max_pool2d(Case& c) {
    const Pair kernel = pair(c, "kernel_size", 0);
    c.output("y", unroll::max_pool2d(
                      c.input("x"),
                      {.kernel = kernel, .stride = pair(c, "stride", kernel), .padding = pair(c, "padding", 0)}));
    c.backward();
}

}  // namespace unroll::conformance
