#include "nn/layer_norm.hpp"

#include "core/ops/normalise.hpp"

namespace unroll {

LayerNorm::LayerNorm(const LayerNormOptions& options, Where at) : eps_(options.eps) {
    if (options.size.size < 1 || !(options.eps >= 0))
        fail("LayerNorm", at, "size {}, eps {}: expected 1 or more, and 0 or more", options.size.size, options.eps);
    weight = Parameter("weight", Tensor::full({options.size}, 1, options.dtype));
    bias = Parameter("bias", Tensor::zeros({options.size}, options.dtype));
}

Var LayerNorm::operator()(const Operand& x) const { return layer_norm(x, weight, bias, eps_); }

void LayerNorm::visit(Visitor& v) {
    v("weight", weight);
    v("bias", bias);
}

std::string LayerNorm::pretty() const { return fmt::format("LayerNorm({}, eps={})", weight.value.dim(0), eps_); }

}  // namespace unroll
