#include "core/ops/dropout.hpp"

#include <fmt/format.h>

#include "core/ops/elementwise.hpp"

namespace unroll {

static void check(double p, Where at) {
    if (!(p >= 0 && p < 1)) fail("dropout", at, fmt::format("p is {}, expected 0 <= p < 1", p));
}

/// 0 with probability p, else 1/(1-p).
static Tensor mask(const Tensor& x, double p, Generator& rng) {
    Tensor m = Tensor::empty(x.shape(), x.dtype());
    rng.fill_bernoulli(m, 1 - p, 1 / (1 - p));
    return m;
}

Tensor dropout(const Tensor& x, double p, Generator& rng, Where at) {
    check(p, at);
    return p == 0 ? x : mul(x, mask(x, p, rng), at);
}

namespace ops {

struct Dropout final : Record {
    Edge x;
    Saved mask;
    Edge y;
    Dropout(Recording& r, const Operand& x, const Tensor& mask)
        : x(r.input(x)), mask(Edge{}, mask), y(r.output(mul(x.value(), mask, x.at))) {}
    void backward(Tape& tape) override { tape.add(x, mul(*dy, mask)); }
    const char* name() const override { return "dropout"; }
    const char* equation() const override { return "y = x ⊙ mask, mask_i = 0 with probability p, else 1/(1-p)"; }
    const char* gradient() const override { return "dx += dy ⊙ mask"; }
    void symbols(Symbols& list) const override { list.in("x", x).in("mask", mask).out("y", y); }
};

}  // namespace ops

Var dropout(const Operand& x, double p, Generator& rng) {
    check(p, x.at);
    Tape& tape = tape_of("dropout", {&x});
    return p == 0 ? *x.var() : tape.record<ops::Dropout>(x.at, x, mask(x.value(), p, rng));
}

}  // namespace unroll
