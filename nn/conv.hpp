#pragma once
#include "core/ops/convolution.hpp"
#include "core/random.hpp"
#include "nn/module.hpp"

namespace unroll {

struct Conv2dOptions {
    int64_t in = 0, out = 0;  // channels
    Pair kernel = 3;
    Pair stride = 1;
    Pair padding = 0;
    bool bias = true;
    DType dtype = DType::f32;
};

/// conv2d of pictures [B, in, H, W] with W [out, in, height, width] and b [out], to [B, out, ..]. Both start uniform in
/// ±1/√(in height width), as PyTorch's.
class Conv2d : public Module {
  public:
    Conv2d() = default;
    Conv2d(const Conv2dOptions& options, Generator& gen, Where at = {});
    Var operator()(const Operand& x) const;

    void visit(Visitor& v) override;
    std::string pretty() const override;

    Parameter W, b;  // b has no value where there is no bias

  private:
    ConvolutionOptions options_;
};

}  // namespace unroll
