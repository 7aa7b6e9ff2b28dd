#pragma once
#include "nn/module.hpp"

namespace unroll {

struct BatchNormOptions {
    int64_t channels = 0;   // C
    double eps = 1e-5;      // inside the root
    double momentum = 0.1;  // the share of a batch in the running statistics
    DType dtype = DType::f32;
};

/// batch_norm of x [B, C, ..] with a weight [C] of ones and a bias [C] of zeros to start with. In training by the
/// batch's own statistics, which flow, where they are finite, into the running ones,
///     running = (1 - momentum) running + momentum batch        (with the variance divided by n - 1, as PyTorch's)
/// and else by those. They start as 0 and 1, are saved with the weights, and no optimiser changes them.
class BatchNorm : public Module {
  public:
    BatchNorm() = default;
    explicit BatchNorm(const BatchNormOptions& options, Where at = {});
    Var operator()(const Operand& x, bool training) const;

    void visit(Visitor& v) override;
    std::string pretty() const override;

    Parameter weight, bias;
    Tensor running_mean, running_var;  // [C]

  private:
    double eps_ = 1e-5, momentum_ = 0.1;
};

}  // namespace unroll
