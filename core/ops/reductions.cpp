#include "core/ops/reductions.hpp"

#include <algorithm>
#include <cmath>

#include "core/kernels/reduce.hpp"
#include "core/kernels/softmax.hpp"
#include "core/kernels/vecmath.hpp"
#include "core/ops/rows.hpp"

namespace unroll {
namespace {

constexpr int all = -1;  // in place of an axis

/// A tensor around one of its axes: element [o, k, i] is number (o * length + k) * inner + i.
struct Around {
    int64_t outer = 1, length = 1, inner = 1;
    Around(const Shape& s, int axis) {
        if (axis == all) {
            length = s.size();
            return;
        }
        length = s[axis];
        for (int i = 0; i < axis; i++) outer *= s[i];
        for (int i = axis + 1; i < s.rank(); i++) inner *= s[i];
    }
};

/// factor Σ x over an axis, or over all
Tensor reduce(const Tensor& x, int axis, double factor) {
    const Around a(x.shape(), axis);
    Tensor y = Tensor::empty(axis == all ? Shape{} : x.shape().without(axis), x.dtype());
    dispatch(x.dtype(), [&]<class T>(T) {
        const T* from = x.data<T>();
        T* to = y.mutable_data<T>();
        each_row(a.outer, a.length * a.inner, [&](int64_t o) {
            const T* block = from + o * a.length * a.inner;
            if (a.inner == 1) {
                to[o] = T(factor * kernels::sum(a.length, block));
                return;
            }
            kernels::column_sums(a.length, a.inner, block, to + o * a.inner, false);
            for (int64_t i = 0; i < a.inner && factor != 1; i++) to[o * a.inner + i] *= T(factor);
        });
    });
    return y;
}

/// The other way round: every x_k along the axis gets factor y.
Tensor spread(const Tensor& y, const Shape& shape, int axis, double factor) {
    if (axis == all) return Tensor::full(shape, factor * y.item(), y.dtype());
    const Around a(shape, axis);
    Tensor x = Tensor::empty(shape, y.dtype());
    dispatch(y.dtype(), [&]<class T>(T) {
        const T* from = y.data<T>();
        T* to = x.mutable_data<T>();
        const T scale = T(factor);
        if (a.inner == 1) {
            each_row(a.outer, a.length, [&](int64_t o) { std::fill_n(to + o * a.length, a.length, scale * from[o]); });
            return;
        }
        each_row(a.outer * a.length, a.inner, [&](int64_t r) {
            const T* row = from + r / a.length * a.inner;
            for (int64_t i = 0; i < a.inner; i++) to[r * a.inner + i] = scale * row[i];
        });
    });
    return x;
}

/// 1 / the number of elements averaged
double share(const Shape& s, int axis, Where at) {
    const int64_t n = Around(s, axis).length;
    if (n == 0) fail("mean", at, "there is nothing to average in {}", s.str());
    return 1 / double(n);
}

void check_rows(const char* operation, const Tensor& x, Where at) {
    if (x.rank() == 0) fail(operation, at, "a scalar has no last axis");
}

/// y = f(rows): f(V, from, to) works on one row.
template <class F>
Tensor map_rows(const Tensor& x, F f) {
    Tensor y = Tensor::empty(x.shape(), x.dtype());
    if (x.size() == 0) return y;
    dispatch(x.dtype(), [&]<class T>(T) {
        const int64_t V = x.dim(-1);
        const T* from = x.data<T>();
        T* to = y.mutable_data<T>();
        each_row(x.shape().rows(), V, [&](int64_t r) { f(V, from + r * V, to + r * V, r); });
    });
    return y;
}

/// Calls softmax's f on the places of a row that count; zeros behind.
template <class F>
Tensor map_places(const Tensor& x, const Ids& lengths, F f) {
    return map_rows(x, [&](int64_t V, const auto* from, auto* to, int64_t r) {
        const int64_t n = lengths.defined() ? lengths[r % lengths.size()] : V;
        f(n, from, to, r * V);
        std::fill(to + n, to + V, 0);
    });
}

Tensor softmax_gradient(const Tensor& dy, const Tensor& y, const Ids& lengths) {
    return map_places(dy, lengths, [&]<class T>(int64_t n, const T* d, T* dx, int64_t begin) {
        const T *p = y.data<T>() + begin, s = T(kernels::dot(n, d, p));
        for (int64_t i = 0; i < n; i++) dx[i] = p[i] * (d[i] - s);
    });
}

Tensor log_softmax_gradient(const Tensor& dy, const Tensor& y) {
    return map_rows(dy, [&]<class T>(int64_t V, const T* d, T* dx, int64_t r) {
        const T s = T(kernels::sum(V, d));
        kernels::exp(V, y.data<T>() + r * V, dx);
        for (int64_t i = 0; i < V; i++) dx[i] = d[i] - dx[i] * s;
    });
}

}  // namespace

Tensor sum(const Tensor& x, Where) { return reduce(x, all, 1); }
Tensor mean(const Tensor& x, Where at) { return reduce(x, all, share(x.shape(), all, at)); }
Tensor sum(const Tensor& x, int axis, Where at) { return reduce(x, checked_axis("sum", x.shape(), axis, at), 1); }
Tensor mean(const Tensor& x, int axis, Where at) {
    axis = checked_axis("mean", x.shape(), axis, at);
    return reduce(x, axis, share(x.shape(), axis, at));
}

Tensor softmax(const Tensor& x, Where at) { return softmax(x, {}, at); }
Tensor softmax(const Tensor& x, const Ids& lengths, Where at) {
    if (lengths.defined()) {
        if (x.rank() < 2) fail("softmax", at, "x {}, expected [.., B, S]", x.shape().str());
        check_lengths("softmax", lengths, x.dim(-2), 1, {x.dim(-1), 'S'}, at);
    }
    check_rows("softmax", x, at);
    return map_places(x, lengths, [](int64_t n, const auto* x, auto* y, int64_t) { kernels::softmax(n, x, y); });
}

Tensor log_softmax(const Tensor& x, Where at) {
    check_rows("log_softmax", x, at);
    return map_rows(x, []<class T>(int64_t V, const T* from, T* to, int64_t) {
        const kernels::Normalizer z = kernels::softmax<T>(V, from, nullptr);
        const T max = T(z.max), log_sum = T(std::log(z.sum));
        for (int64_t i = 0; i < V; i++) to[i] = (from[i] - max) - log_sum;
    });
}

namespace ops {

/// share is 1 for the sum, 1/n for the mean.
struct Sum : OneToOne {
    Shape x_shape;
    int axis;
    double share;
    Sum(Recording& r, const Operand& x, int axis, double share = 1)
        : OneToOne(r, x, reduce(x.value(), axis, share)), x_shape(x.shape()), axis(axis), share(share) {}
    void backward(Tape& tape) override { tape.add(x, spread(*dy, x_shape, axis, share)); }
    Text text() const override { return {"sum", "y = Σ_k x_k", "dx_k += dy"}; }
};

struct Mean final : Sum {
    using Sum::Sum;
    Text text() const override { return {"mean", "y = 1/n Σ_k x_k", "dx_k += dy / n"}; }
};

struct Softmax final : OfOutput {
    Ids lengths;  // undefined: of no row anything is left out
    Softmax(Recording& r, const Operand& x, const Ids& lengths)
        : OfOutput(r, x, softmax(x.value(), lengths, x.at)), lengths(lengths.clone()) {}
    void backward(Tape& tape) override { tape.add(x, softmax_gradient(*dy, y, lengths)); }
    Text text() const override {
        return {"softmax", "y_i = exp(x_i) / Σ_k exp(x_k)", "dx_i += y_i (dy_i - Σ_k dy_k y_k)"};
    }
    void symbols(Symbols& list) const override { list.in("x", x).out("y", y); }
};

struct LogSoftmax final : OfOutput {
    LogSoftmax(Recording& r, const Operand& x) : OfOutput(r, x, log_softmax(x.value(), x.at)) {}
    void backward(Tape& tape) override { tape.add(x, log_softmax_gradient(*dy, y)); }
    Text text() const override {
        return {"log_softmax", "y_i = x_i - log Σ_k exp(x_k)", "dx_i += dy_i - exp(y_i) Σ_k dy_k"};
    }
    void symbols(Symbols& list) const override { list.in("x", x).out("y", y); }
};

}  // namespace ops

static Var record_mean(const Operand& x, int axis) {
    return tape_of("mean", {&x}).record<ops::Mean>(x.at, x, axis, share(x.shape(), axis, x.at));
}
Var sum(const Operand& x) { return tape_of("sum", {&x}).record<ops::Sum>(x.at, x, all); }
Var sum(const Operand& x, int axis) {
    return tape_of("sum", {&x}).record<ops::Sum>(x.at, x, checked_axis("sum", x.shape(), axis, x.at));
}
Var mean(const Operand& x) { return record_mean(x, all); }
Var mean(const Operand& x, int axis) { return record_mean(x, checked_axis("mean", x.shape(), axis, x.at)); }
Var softmax(const Operand& x) { return softmax(x, {}); }
Var softmax(const Operand& x, const Ids& lengths) {
    return tape_of("softmax", {&x}).record<ops::Softmax>(x.at, x, lengths);
}
Var log_softmax(const Operand& x) { return tape_of("log_softmax", {&x}).record<ops::LogSoftmax>(x.at, x); }

}  // namespace unroll
