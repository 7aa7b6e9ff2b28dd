#include "nn/batch_norm.hpp"

#include <cmath>

#include "core/ops/batch_norm.hpp"

namespace unroll {

BatchNorm::BatchNorm(const BatchNormOptions& options, Where at) : eps_(options.eps), momentum_(options.momentum) {
    const auto& [C, eps, momentum, dtype] = options;
    if (C < 1 || !(eps >= 0) || !(momentum >= 0 && momentum <= 1))
        fail("BatchNorm", at, "channels {}, eps {}, momentum {}: expected 1 or more, 0 or more, and 0 to 1", C, eps,
             momentum);
    weight = Parameter("weight", Tensor::full({C}, 1, dtype));
    bias = Parameter("bias", Tensor::zeros({C}, dtype));
    running_mean = Tensor::zeros({C}, dtype);
    running_var = Tensor::full({C}, 1, dtype);
}

Var BatchNorm::operator()(const Operand& x, bool training) const {
    if (!training) return batch_norm(x, weight, bias, {running_mean, running_var}, eps_);
    ChannelStatistics batch;
    const Var y = batch_norm(x, weight, bias, eps_, &batch);
    const int64_t C = running_mean.size();
    const double n = double(x.shape().size() / C);
    const auto flow = [&](Tensor running, int64_t c, double value) {
        if (std::isfinite(value)) running.set_flat(c, (1 - momentum_) * running.flat(c) + momentum_ * value);
    };
    for (int64_t c = 0; c < C; c++) {
        flow(running_mean, c, batch.mean.flat(c));
        flow(running_var, c, batch.variance.flat(c) * n / (n - 1));
    }
    return y;
}

void BatchNorm::visit(Visitor& v) {
    v("weight", weight);
    v("bias", bias);
    v("running_mean", running_mean);
    v("running_var", running_var);
}

std::string BatchNorm::pretty() const {
    return fmt::format("BatchNorm({}, eps={}, momentum={})", weight.value.dim(0), eps_, momentum_);
}

}  // namespace unroll
