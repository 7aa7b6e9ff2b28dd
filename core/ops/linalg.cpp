#include "core/ops/linalg.hpp"

#include "core/kernels/gemm.hpp"
#include "core/ops/elementwise.hpp"

namespace unroll {
namespace {

/// Which operands are read transposed.
struct Form {
    bool x, W;
};

void check(const Operand& x, const Operand& W, Form form) {
    const Shape &a = x.shape(), &b = W.shape();
    common_dtype("matmul", x.value(), W.value(), x.at);
    if (b.rank() != 2 || a.rank() == 0 || (form.x && a.rank() != 2))
        fail("matmul", x.at, "{} times {}: the right operand must be a matrix{}", x.label("x"), W.label("W"),
             form.x ? ", and a transposed left one too" : " and the left one have a dimension");
    const int64_t inner = form.x ? a[0] : a[-1], W_in = b[form.W ? 1 : 0], W_out = b[form.W ? 0 : 1];
    if (inner == W_in) return;
    std::string message = fmt::format("inner sizes differ: {}{} times {}{}", x.label("x"), form.x ? " transposed" : "",
                                      W.label("W"), form.W ? " transposed" : "");
    const char* name = W.parameter() != nullptr ? W.parameter()->name.c_str() : "W";
    if (inner == W_out && !form.W) message += fmt::format("; it would fit as transposed({})", name);
    if (inner == W_out && form.W) message += fmt::format("; {} would fit without transposed()", name);
    fail("matmul", x.at, message);
}

void check_linear(const Operand& x, const Operand& W, const Operand& b) {
    check(x, W, {false, true});
    common_dtype("linear", W.value(), b.value(), x.at);
    if (!(b.shape() == Shape{W.shape()[0]}))
        fail("linear", x.at, "{}, expected {} for {}", b.label("b"), Shape{W.shape().dim(0)}.str(), W.label("W"));
}

/// y = op(x) op(W), plus a bias [out] where given; W packed where the tape keeps its packed form.
Tensor product(const Tensor& x, const Tensor& W, Form form, Tape* tape, const Tensor* bias = nullptr) {
    const int64_t K = form.x ? x.dim(0) : x.dim(-1), N = W.dim(form.W ? 0 : 1);
    const int64_t M = form.x ? x.dim(1) : x.shape().rows();
    const Dim columns{N, W.shape().axis(form.W ? 0 : 1)};
    Tensor y = Tensor::empty(form.x ? Shape{x.shape().dim(1), columns} : x.shape().with(-1, columns), x.dtype());
    const void* packed = tape != nullptr && !form.x ? tape->packed(W, form.W) : nullptr;
    dispatch(x.dtype(), [&]<class T>(T) {
        const T *a = x.data<T>(), *b = W.data<T>(), *row = bias != nullptr ? bias->data<T>() : nullptr;
        T* c = y.mutable_data<T>();
        if (packed != nullptr)
            kernels::gemm_packed_parallel<T>(M, N, K, a, K, static_cast<const T*>(packed), c, N, false, row);
        else
            kernels::gemm<T>(form.x, form.W, M, N, K, a, x.dim(-1), b, W.dim(1), c, N, false, row);
    });
    return y;
}

/// A gradient, or an operand, with its leading dimensions folded into rows.
Tensor matrix(const Tensor& x) { return x.rank() == 2 ? x : x.reshape(Shape{x.shape().rows(), x.shape().dim(-1)}); }

Tensor checked(const Tensor& x, const Tensor& W, Form form, Where at) {
    check(Operand(x, at), Operand(W, at), form);
    return product(x, W, form, nullptr);
}

}  // namespace

Tensor matmul(const Tensor& x, const Tensor& W, Where at) { return checked(x, W, {false, false}, at); }
Tensor matmul(const Tensor& x, const TransposedTensor& W, Where at) { return checked(x, W.x, {false, true}, at); }
Tensor matmul(const TransposedTensor& x, const Tensor& W, Where at) { return checked(x.x, W, {true, false}, at); }
Tensor linear(const Tensor& x, const Tensor& W, const Tensor& b, Where at) {
    check_linear({x, at}, {W, at}, {b, at});
    return product(x, W, {false, true}, nullptr, &b);
}

namespace ops {

struct MatMul final : Record {
    Saved x, W;
    Edge y;
    Form form;
    MatMul(Recording& r, const Operand& x, const Operand& W, Form form)
        : x(r.saved(x)), W(r.saved(W)), y(r.output(product(x.value(), W.value(), form, &r.tape))), form(form) {}
    void backward(Tape& tape) override {
        if (tape.wants(x) && form.x) tape.add(x, product(W, *dy, {false, true}, nullptr));
        if (tape.wants(x) && !form.x) tape.add(x, product(*dy, W, {false, !form.W}, &tape));
        if (!tape.wants(W)) return;
        if (form.x)
            tape.add(W, product(x, *dy, {false, false}, nullptr));
        else if (form.W)
            tape.add_product(W, matrix(*dy), matrix(x));
        else
            tape.add_product(W, matrix(x), matrix(*dy));
    }
    Text text() const override {
        if (form.W) return {"matmul", "y = x Wᵀ", "dx += dy W, dW += dyᵀ x"};
        if (form.x) return {"matmul", "y = xᵀ W", "dx += W dyᵀ, dW += x dy"};
        return {"matmul", "y = x W", "dx += dy Wᵀ, dW += xᵀ dy"};
    }
    void symbols(Symbols& list) const override { list.in("x", x).in("W", W).out("y", y); }
};

struct Linear final : Record {
    Saved x, W;
    Edge b, y;
    Linear(Recording& r, const Operand& x, const Operand& W, const Operand& b)
        : x(r.saved(x)),
          W(r.saved(W)),
          b(r.input(b)),
          y(r.output(product(x.value(), W.value(), {false, true}, &r.tape, &b.value()))) {}
    void backward(Tape& tape) override {
        if (tape.wants(x)) tape.add(x, product(*dy, W, {false, false}, &tape));
        if (tape.wants(W)) tape.add_product(W, matrix(*dy), matrix(x));
        if (tape.wants(b)) tape.add(b, sum_to(*dy, Shape{W.value.shape().dim(0)}));
    }
    Text text() const override { return {"linear", "y = x Wᵀ + b", "dx += dy W, dW += dyᵀ x, db += Σ dy"}; }
    void symbols(Symbols& list) const override { list.in("x", x).in("W", W).in("b", b).out("y", y); }
};

}  // namespace ops

static Var record(const Operand& x, const Operand& W, Form form) {
    check(x, W, form);
    return tape_of("matmul", {&x, &W}).record<ops::MatMul>(x.at, x, W, form);
}
Var matmul(const Operand& x, const Operand& W) { return record(x, W, {false, false}); }
Var matmul(const Operand& x, const TransposedOperand& W) { return record(x, W.x, {false, true}); }
Var matmul(const TransposedOperand& x, const Operand& W) { return record(x.x, W, {true, false}); }

Var linear(const Operand& x, const Operand& W, const Operand& b) {
    check_linear(x, W, b);
    return tape_of("linear", {&x, &W, &b}).record<ops::Linear>(x.at, x, W, b);
}

}  // namespace unroll
