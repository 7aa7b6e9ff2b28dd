#include "core/ops/dropout.hpp"

#include "core/ops/elementwise.hpp"

namespace unroll {

static void check(const char* operation, double p, Where at) {
    if (!(p >= 0 && p < 1)) fail(operation, at, "p is {}, expected 0 <= p < 1", p);
}

/// Of numbers 0 with probability p, else 1/(1-p): one for each number of x, or of its first row.
static Tensor mask(const Tensor& x, double p, Generator& rng, bool of_row, Where at) {
    if (of_row && (x.rank() == 0 || x.dim(0) == 0))
        fail("variational_dropout", at, "x is {}, expected [T, ..]", x.shape().str());
    Tensor m = Tensor::empty(of_row ? x.shape().without(0) : x.shape(), x.dtype());
    rng.fill_bernoulli(m, 1 - p, 1 / (1 - p));
    return m;
}

/// x ⊙ mask, at every step where the mask is of one.
static Tensor masked(const Tensor& x, const Tensor& mask) {
    if (x.shape() == mask.shape()) return mul(x, mask);
    const Shape steps{x.dim(0), mask.size()};
    return mul(x.reshape(steps), mask.reshape(Shape{mask.size()})).reshape(x.shape());
}

Tensor dropout(const Tensor& x, double p, Generator& rng, Where at) {
    check("dropout", p, at);
    return p == 0 ? x : masked(x, mask(x, p, rng, false, at));
}
Tensor variational_dropout(const Tensor& x, double p, Generator& rng, Where at) {
    check("variational_dropout", p, at);
    return p == 0 ? x : masked(x, mask(x, p, rng, true, at));
}

namespace ops {

struct Dropout final : Record {
    Edge x;
    Saved mask;
    Edge y;
    Dropout(Recording& r, const Operand& x, const Tensor& mask)
        : x(r.input(x)), mask(Edge{}, mask), y(r.output(masked(x.value(), mask))) {}
    void backward(Tape& tape) override { tape.add(x, masked(*dy, mask)); }
    Text text() const override {
        return {"dropout", "y = x ⊙ mask, mask_i = 0 with probability p, else 1/(1-p)", "dx += dy ⊙ mask"};
    }
    void symbols(Symbols& list) const override { list.in("x", x).in("mask", mask).out("y", y); }
};

}  // namespace ops

static Var record(const char* operation, const Operand& x, double p, Generator& rng, bool of_row) {
    check(operation, p, x.at);
    Tape& tape = tape_of(operation, {&x});
    return p == 0 ? *x.var() : tape.record<ops::Dropout>(x.at, x, mask(x.value(), p, rng, of_row, x.at));
}
Var dropout(const Operand& x, double p, Generator& rng) { return record("dropout", x, p, rng, false); }
Var variational_dropout(const Operand& x, double p, Generator& rng) {
    return record("variational_dropout", x, p, rng, true);
}

}  // namespace unroll
