#include "nn/conv.hpp"

#include <algorithm>

#include "nn/init.hpp"

namespace unroll {

Conv2d::Conv2d(const Conv2dOptions& options, Generator& gen, Where at) : options_{options.stride, options.padding} {
    const auto& [in, out, kernel, stride, padding, bias, dtype] = options;
    if (std::min({in, out, kernel.height, kernel.width, stride.height, stride.width}) < 1 ||
        std::min(padding.height, padding.width) < 0)
        fail("Conv2d", at, "in {}, out {}, kernel {}, stride {}, padding {}: expected 1 or more, padding 0 or more", in,
             out, kernel.str(), stride.str(), padding.str());
    const int64_t fan_in = in * kernel.height * kernel.width;
    W = init::parameter("W", {out, in, kernel.height, kernel.width}, dtype, fan_in, gen);
    if (bias) b = init::parameter("b", {out}, dtype, fan_in, gen);
}

Var Conv2d::operator()(const Operand& x) const {
    return b.value.defined() ? conv2d(x, W, b, options_) : conv2d(x, W, options_);
}

void Conv2d::visit(Visitor& v) {
    v("W", W);
    if (b.value.defined()) v("b", b);
}

std::string Conv2d::pretty() const {
    const auto& [stride, padding] = options_;
    return fmt::format("Conv2d({}, kernel={} x {}, stride={}, padding={}{})",
                       fmt::format("in={}, out={}", W.value.dim(1), W.value.dim(0)), W.value.dim(2), W.value.dim(3),
                       stride.str(), padding.str(), b.value.defined() ? "" : ", no bias");
}

}  // namespace unroll
