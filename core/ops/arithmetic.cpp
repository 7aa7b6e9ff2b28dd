// Sum, difference, product and quotient of two operands, one of which may be repeated over the other.

#include <algorithm>

#include "core/kernels/parallel.hpp"
#include "core/kernels/reduce.hpp"
#include "core/ops/elementwise.hpp"

namespace unroll {
namespace {

constexpr int64_t chunk = 16384;  // elements: fixed, so that no result depends on the number of threads

/// How one operand is walked while the result's rows and columns are: 0 stays, columns or 1 moves on.
struct Stride {
    int64_t row, column;
};

/// The stride of `small` over the shape `full`; false where it can't be repeated over it.
bool stride_over(const Shape& full, const Shape& small, Stride* s) {
    const int64_t columns = full.rank() > 0 ? full[-1] : 1;
    if (small == full) return *s = {columns, 1}, true;
    if (small.size() == 1 && small.rank() <= full.rank()) return *s = {0, 0}, true;
    if (small.rank() == 1 && full.rank() > 0 && small[0] == columns) return *s = {0, 1}, true;
    if (small.rank() == full.rank() && small == full.with(-1, 1)) return *s = {1, 0}, true;
    return false;
}

template <class T, class F>
void rows(int64_t first, int64_t end, int64_t columns, const T* a, Stride sa, const T* b, Stride sb, T* y, F f) {
    for (int64_t r = first; r < end; r++) {
        const T *pa = a + r * sa.row, *pb = b + r * sb.row;
        T* py = y + r * columns;
        if (sa.column == 1 && sb.column == 1)
            for (int64_t c = 0; c < columns; c++) py[c] = f(pa[c], pb[c]);
        else if (sa.column == 1)
            for (int64_t c = 0; c < columns; c++) py[c] = f(pa[c], *pb);
        else
            for (int64_t c = 0; c < columns; c++) py[c] = f(*pa, pb[c * sb.column]);
    }
}

template <class F>
Tensor combine(const char* operation, const Tensor& a, const Tensor& b, Where at, F f) {
    const DType dtype = common_dtype(operation, a, b, at);
    Stride sa{0, 1}, sb{0, 1};
    const bool b_repeats = stride_over(a.shape(), b.shape(), &sb);
    if (!b_repeats && !stride_over(b.shape(), a.shape(), &sa))
        fail(operation, at, "shapes differ: {} and {}; only a row [H], a column [.., 1] or a scalar is repeated",
             a.shape().str(), b.shape().str());
    const Shape& full = b_repeats ? a.shape() : b.shape();
    Tensor y = Tensor::empty(full, dtype);
    const int64_t size = full.size();
    if (size == 0) return y;
    int64_t columns = full.rank() > 0 ? full[-1] : 1, height = full.rows();
    (b_repeats ? sa : sb).row = columns;
    if (a.shape() == b.shape()) {  // one long row, cut anywhere
        columns = std::min(size, chunk);
        height = size / columns;
        sa.row = sb.row = columns;
    }
    dispatch(dtype, [&]<class T>(T) {
        const T *pa = a.data<T>(), *pb = b.data<T>();
        T* py = y.mutable_data<T>();
        if (size <= chunk) return rows<T>(0, height, columns, pa, sa, pb, sb, py, f);
        const int64_t block = std::max<int64_t>(1, chunk / columns);
        kernels::parallel((height + block - 1) / block, [&](int64_t i) {
            rows<T>(i * block, std::min(height, (i + 1) * block), columns, pa, sa, pb, sb, py, f);
        });
        const int64_t done = height * columns, left = size - done;
        if (left > 0) rows<T>(0, 1, left, pa + done, sa, pb + done, sb, py + done, f);
    });
    return y;
}

}  // namespace

Tensor add(const Tensor& a, const Tensor& b, Where at) {
    return combine("add", a, b, at, [](auto x, auto y) { return x + y; });
}
Tensor sub(const Tensor& a, const Tensor& b, Where at) {
    return combine("sub", a, b, at, [](auto x, auto y) { return x - y; });
}
Tensor mul(const Tensor& a, const Tensor& b, Where at) {
    return combine("mul", a, b, at, [](auto x, auto y) { return x * y; });
}
Tensor div(const Tensor& a, const Tensor& b, Where at) {
    return combine("div", a, b, at, [](auto x, auto y) { return x / y; });
}

Tensor sum_to(const Tensor& g, const Shape& shape) {
    if (g.shape() == shape) return g;
    Tensor y = Tensor::empty(shape, g.dtype());
    const int64_t R = g.shape().rows(), C = g.rank() > 0 ? g.dim(-1) : 1;
    dispatch(g.dtype(), [&]<class T>(T) {
        const T* from = g.data<T>();
        T* to = y.mutable_data<T>();
        if (shape.size() == 1)
            *to = T(kernels::sum(g.size(), from));
        else if (shape.rank() == 1)
            kernels::column_sums(R, C, from, to, false);
        else
            for (int64_t r = 0; r < R; r++) to[r] = T(kernels::sum(C, from + r * C));
    });
    return y;
}

namespace ops {

/// What sum and difference share.
struct TwoTerms : Record {
    Edge a, b, y;
    Shape a_shape, b_shape;
    TwoTerms(Recording& r, const Operand& a, const Operand& b, const Tensor& y)
        : a(r.input(a)), b(r.input(b)), y(r.output(y)), a_shape(a.shape()), b_shape(b.shape()) {}
    void symbols(Symbols& list) const override { list.in("a", a).in("b", b).out("y", y); }
};

struct Add final : TwoTerms {
    Add(Recording& r, const Operand& a, const Operand& b) : TwoTerms(r, a, b, add(a.value(), b.value(), a.at)) {}
    void backward(Tape& tape) override {
        if (tape.wants(a)) tape.add(a, sum_to(*dy, a_shape));
        if (tape.wants(b)) tape.add(b, sum_to(*dy, b_shape));
    }
    Text text() const override { return {"add", "y = a + b", "da += dy, db += dy"}; }
};

struct Sub final : TwoTerms {
    Sub(Recording& r, const Operand& a, const Operand& b) : TwoTerms(r, a, b, sub(a.value(), b.value(), a.at)) {}
    void backward(Tape& tape) override {
        if (tape.wants(a)) tape.add(a, sum_to(*dy, a_shape));
        if (tape.wants(b)) tape.add(b, sum_to(-*dy, b_shape));
    }
    Text text() const override { return {"sub", "y = a - b", "da += dy, db -= dy"}; }
};

struct Mul final : Record {
    Saved a, b;
    Edge y;
    Mul(Recording& r, const Operand& a, const Operand& b)
        : a(r.saved(a)), b(r.saved(b)), y(r.output(mul(a.value(), b.value(), a.at))) {}
    void backward(Tape& tape) override {
        if (tape.wants(a)) tape.add(a, sum_to(mul(*dy, b), a.value.shape()));
        if (tape.wants(b)) tape.add(b, sum_to(mul(*dy, a), b.value.shape()));
    }
    Text text() const override { return {"mul", "y = a ⊙ b", "da += dy ⊙ b, db += dy ⊙ a"}; }
    void symbols(Symbols& list) const override { list.in("a", a).in("b", b).out("y", y); }
};

struct Div final : Record {
    Edge a;
    Saved b, y;
    Shape a_shape;
    Div(Recording& r, const Operand& a, const Operand& b)
        : a(r.input(a)), b(r.saved(b)), y(r.saved_output(div(a.value(), b.value(), a.at))), a_shape(a.shape()) {}
    void backward(Tape& tape) override {
        const Tensor g = div(*dy, b);
        if (tape.wants(a)) tape.add(a, sum_to(g, a_shape));
        if (tape.wants(b)) tape.add(b, sum_to(-mul(g, y), b.value.shape()));
    }
    Text text() const override { return {"div", "y = a / b", "da += dy / b, db -= dy ⊙ y / b"}; }
    void symbols(Symbols& list) const override { list.in("a", a).in("b", b).out("y", y); }
};

}  // namespace ops

Var add(const Operand& a, const Operand& b) { return tape_of("add", {&a, &b}).record<ops::Add>(a.at, a, b); }
Var sub(const Operand& a, const Operand& b) { return tape_of("sub", {&a, &b}).record<ops::Sub>(a.at, a, b); }
Var mul(const Operand& a, const Operand& b) { return tape_of("mul", {&a, &b}).record<ops::Mul>(a.at, a, b); }
Var div(const Operand& a, const Operand& b) { return tape_of("div", {&a, &b}).record<ops::Div>(a.at, a, b); }

}  // namespace unroll
