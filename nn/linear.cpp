#include "nn/linear.hpp"

#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "nn/init.hpp"

namespace unroll {

Linear::Linear(const LinearOptions& options, Generator& gen, Where at) {
    if (options.in.size < 1 || options.out.size < 1)
        fail("Linear", at, "in {}, out {}: each must be 1 or more", options.in.size, options.out.size);
    W = Parameter("W", Tensor::empty({options.out, options.in}, options.dtype));
    init::inverse_root(W.value, options.in.size, gen);
    if (!options.bias) return;
    b = Parameter("b", Tensor::empty({options.out}, options.dtype));
    init::inverse_root(b.value, options.in.size, gen);
}

Var Linear::operator()(const Operand& x) const {
    const int64_t in = W.value.defined() ? W.value.dim(1) : 0;
    if (x.shape().rank() == 0 || x.shape()[-1] != in)
        fail("Linear", x.at, "x is {}, expected [.., in={}] for {}", x.shape().str(), in, Operand(W).label("W"));
    return b.value.defined() ? linear(x, W, b) : matmul(x, transposed(W));
}

void Linear::visit(Visitor& v) {
    v("W", W);
    if (b.value.defined()) v("b", b);
}

std::string Linear::pretty() const {
    return fmt::format("Linear(in={}, out={}{})", W.value.dim(1), W.value.dim(0), b.value.defined() ? "" : ", no bias");
}

}  // namespace unroll
