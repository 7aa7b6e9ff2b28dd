// Functions of one operand; those of two are in arithmetic.cpp.
#include "core/ops/elementwise.hpp"

#include <algorithm>
#include <cmath>

#include "core/kernels/parallel.hpp"
#include "core/kernels/vecmath.hpp"

namespace unroll {
namespace {

constexpr int64_t chunk = 16384;  // elements: fixed, so that no result depends on the number of threads

const Tensor& given(const char* operation, const Tensor& x, Where at) {
    check_not_empty(operation, x, at);
    return x;
}

/// y = f(x): f(n, from, to) works on n elements, of float or double.
template <class F>
Tensor map(const Tensor& x, F f) {
    Tensor y = Tensor::empty(x.shape(), x.dtype());
    dispatch(x.dtype(), [&]<class T>(T) {
        const T* from = x.data<T>();
        T* to = y.mutable_data<T>();
        const int64_t n = x.size();
        kernels::parallel((n + chunk - 1) / chunk,
                          [&](int64_t c) { f(std::min(chunk, n - c * chunk), from + c * chunk, to + c * chunk); });
    });
    return y;
}

/// y_i = f(a_i, b_i): mostly dx_i = f(dy_i, v_i)
template <class F>
Tensor map2(const Tensor& dy, const Tensor& v, F f) {
    return map(dy, [&]<class T>(int64_t n, const T* from, T* to) {
        const T* value = v.data<T>() + (from - dy.data<T>());
        for (int64_t i = 0; i < n; i++) to[i] = f(from[i], value[i]);
    });
}

Tensor sigmoid_gradient(const Tensor& dy, const Tensor& y) {
    return map2(dy, y, [](auto d, auto v) { return d * (v * (1 - v)); });
}
Tensor tanh_gradient(const Tensor& dy, const Tensor& y) {
    return map2(dy, y, [](auto d, auto v) { return d * (1 - v * v); });
}
Tensor relu_gradient(const Tensor& dy, const Tensor& y) {
    return map2(dy, y, [](auto d, auto v) { return v > 0 ? d : decltype(d){0}; });
}
Tensor sqrt_gradient(const Tensor& dy, const Tensor& y) {
    return map2(dy, y, [](auto d, auto v) { return d / (2 * v); });
}

}  // namespace

Tensor scale(const Tensor& x, double factor, double shift) {
    return map(x, [=]<class T>(int64_t n, const T* from, T* to) {
        const T a = T(factor), b = T(shift);
        for (int64_t i = 0; i < n; i++) to[i] = a * from[i] + b;
    });
}

Tensor div(const Tensor& x, double s, Where at) {
    return map(given("div", x, at), [=]<class T>(int64_t n, const T* from, T* to) {
        for (int64_t i = 0; i < n; i++) to[i] = T(double(from[i]) / s);
    });
}

Tensor sigmoid(const Tensor& x, Where at) {
    return map(given("sigmoid", x, at), [](int64_t n, const auto* from, auto* to) { kernels::sigmoid(n, from, to); });
}
Tensor tanh(const Tensor& x, Where at) {
    return map(given("tanh", x, at), [](int64_t n, const auto* from, auto* to) { kernels::tanh(n, from, to); });
}
Tensor exp(const Tensor& x, Where at) {
    return map(given("exp", x, at), [](int64_t n, const auto* from, auto* to) { kernels::exp(n, from, to); });
}
Tensor log(const Tensor& x, Where at) {
    return map(given("log", x, at), [](int64_t n, const auto* from, auto* to) { kernels::log(n, from, to); });
}
Tensor relu(const Tensor& x, Where at) {
    return map2(given("relu", x, at), x, [](auto v, auto) { return v < 0 ? decltype(v){0} : v; });
}
Tensor sqrt(const Tensor& x, Where at) {
    return map2(given("sqrt", x, at), x, [](auto v, auto) { return std::sqrt(v); });
}

namespace ops {

struct Scale final : OneToOne {
    double a, b;
    Scale(Recording& r, const Operand& x, double a, double b) : OneToOne(r, x, scale(x.value(), a, b)), a(a), b(b) {}
    void backward(Tape& tape) override { tape.add(x, *dy * a); }
    Text text() const override { return {"scale", "y = a x + b", "dx += a dy"}; }
    void symbols(Symbols& list) const override { list.in("x", x).out("y", y); }
};

struct DivByNumber final : OneToOne {
    double s;
    DivByNumber(Recording& r, const Operand& x, double s) : OneToOne(r, x, div(x.value(), s, x.at)), s(s) {}
    void backward(Tape& tape) override { tape.add(x, div(*dy, s)); }
    Text text() const override { return {"div", "y = x / s", "dx += dy / s"}; }
    void symbols(Symbols& list) const override { list.in("x", x).out("y", y); }
};

struct Sigmoid final : OfOutput {
    Sigmoid(Recording& r, const Operand& x) : OfOutput(r, x, sigmoid(x.value(), x.at)) {}
    void backward(Tape& tape) override { tape.add(x, sigmoid_gradient(*dy, y)); }
    Text text() const override { return {"sigmoid", "y = σ(x)", "dx += dy ⊙ y ⊙ (1 - y)"}; }
    void symbols(Symbols& list) const override { list.in("x", x).out("y", y); }
};

struct Tanh final : OfOutput {
    Tanh(Recording& r, const Operand& x) : OfOutput(r, x, tanh(x.value(), x.at)) {}
    void backward(Tape& tape) override { tape.add(x, tanh_gradient(*dy, y)); }
    Text text() const override { return {"tanh", "y = tanh(x)", "dx += dy ⊙ (1 - y²)"}; }
    void symbols(Symbols& list) const override { list.in("x", x).out("y", y); }
};

struct Relu final : OfOutput {
    Relu(Recording& r, const Operand& x) : OfOutput(r, x, relu(x.value(), x.at)) {}
    void backward(Tape& tape) override { tape.add(x, relu_gradient(*dy, y)); }
    Text text() const override { return {"relu", "y = max(0, x)", "dx += dy where y > 0, else 0"}; }
    void symbols(Symbols& list) const override { list.in("x", x).out("y", y); }
};

struct Exp final : OfOutput {
    Exp(Recording& r, const Operand& x) : OfOutput(r, x, exp(x.value(), x.at)) {}
    void backward(Tape& tape) override { tape.add(x, mul(*dy, y)); }
    Text text() const override { return {"exp", "y = exp(x)", "dx += dy ⊙ y"}; }
    void symbols(Symbols& list) const override { list.in("x", x).out("y", y); }
};

struct Log final : Record {
    Saved x;
    Edge y;
    Log(Recording& r, const Operand& x) : x(r.saved(x)), y(r.output(log(x.value(), x.at))) {}
    void backward(Tape& tape) override { tape.add(x, div(*dy, x)); }
    Text text() const override { return {"log", "y = log(x)", "dx += dy / x"}; }
    void symbols(Symbols& list) const override { list.in("x", x).out("y", y); }
};

struct Sqrt final : OfOutput {
    Sqrt(Recording& r, const Operand& x) : OfOutput(r, x, sqrt(x.value(), x.at)) {}
    void backward(Tape& tape) override { tape.add(x, sqrt_gradient(*dy, y)); }
    Text text() const override { return {"sqrt", "y = sqrt(x)", "dx += dy / (2 y)"}; }
    void symbols(Symbols& list) const override { list.in("x", x).out("y", y); }
};

}  // namespace ops

Var scale(const Operand& x, double factor, double shift) {
    return tape_of("scale", {&x}).record<ops::Scale>(x.at, x, factor, shift);
}
Var div(const Operand& x, double s) { return tape_of("div", {&x}).record<ops::DivByNumber>(x.at, x, s); }
Var sigmoid(const Operand& x) { return tape_of("sigmoid", {&x}).record<ops::Sigmoid>(x.at, x); }
Var tanh(const Operand& x) { return tape_of("tanh", {&x}).record<ops::Tanh>(x.at, x); }
Var relu(const Operand& x) { return tape_of("relu", {&x}).record<ops::Relu>(x.at, x); }
Var exp(const Operand& x) { return tape_of("exp", {&x}).record<ops::Exp>(x.at, x); }
Var log(const Operand& x) { return tape_of("log", {&x}).record<ops::Log>(x.at, x); }
Var sqrt(const Operand& x) { return tape_of("sqrt", {&x}).record<ops::Sqrt>(x.at, x); }

}  // namespace unroll
