#pragma once
#include "core/random.hpp"
#include "nn/module.hpp"

namespace unroll {

struct LinearOptions {
    Dim in = 0, out = 0;  // sizes, and letters for messages where you like: `.out = {80, 'V'}`
    bool bias = true;
    DType dtype = DType::f32;
};

/// y = x Wᵀ + b,  x [.., in] to y [.., out], W [out, in], b [out]. Both start uniform in ±1/√in, as PyTorch's.
class Linear : public Module {
  public:
    Linear() = default;
    Linear(const LinearOptions& options, Generator& gen, Where at = {});
    Var operator()(const Operand& x) const;

    void visit(Visitor& v) override;
    std::string pretty() const override;

    Parameter W, b;  // b has no value where there is no bias
};

}  // namespace unroll
