// Other views of the same numbers, and parts of them; what joins several is in join.cpp.
#include "core/ops/shape.hpp"

#include "core/ops/part.hpp"

namespace unroll {

Tensor reshape(const Tensor& x, const Shape& shape, Where at) { return x.reshape(shape, at); }
Tensor reshape(const Tensor& x, std::initializer_list<int64_t> sizes, Where at) { return x.reshape(sizes, at); }
Tensor slice(const Tensor& x, int64_t begin, int64_t end, Where at) { return x.slice(begin, end, at); }
Tensor row(const Tensor& x, int64_t i, Where at) { return x.row(i, at); }

Tensor columns(const Tensor& x, int64_t begin, int64_t end, Where at) {
    if (x.rank() == 0 || begin < 0 || end < begin || end > x.dim(-1))
        fail("columns", at, "columns {} to {} of {}", begin, end, x.shape().str());
    return cut(x, x.rank() - 1, begin, end);
}

namespace {

/// Axis i of the result is axis[i] of the operand; axes that are not there stand last, with a size of 1.
struct Order {
    int axis[Shape::max_rank] = {0, 1, 2, 3};
    Order() = default;
    Order(const Operand& x, std::initializer_list<int> order) {
        const int rank = x.shape().rank();
        unsigned seen = 0;
        for (int a : order) seen |= a >= 0 && a < rank ? 1u << a : 0;
        if (int(order.size()) != rank || seen + 1 != 1u << rank)
            fail("permute", x.at, "the order of the axes of {} must name each of them once", x.label("x"));
        std::copy(order.begin(), order.end(), axis);
    }
    Order inverse() const {
        Order back;
        for (int i = 0; i < Shape::max_rank; i++) back.axis[axis[i]] = i;
        return back;
    }
};

Tensor permuted(const Tensor& x, const Order& order) {
    int64_t size[4] = {1, 1, 1, 1}, step[4] = {0, 0, 0, 0};  // of the result, and in x
    Shape shape = x.shape();
    for (int i = 0; i < x.rank(); i++) {
        shape = shape.with(i, x.shape().dim(order.axis[i]));
        size[i] = shape[i], step[i] = 1;
        for (int a = order.axis[i] + 1; a < x.rank(); a++) step[i] *= x.dim(a);
    }
    Tensor y = Tensor::empty(shape, x.dtype());
    dispatch(x.dtype(), [&]<class T>(T) {
        const T* from = x.data<T>();
        T* to = y.mutable_data<T>();
        each_row(size[0] * size[1], size[2] * size[3], [&](int64_t r) {
            const T* p = from + r / size[1] * step[0] + r % size[1] * step[1];
            T* q = to + r * size[2] * size[3];
            for (int64_t i = 0; i < size[2]; i++)
                for (int64_t j = 0; j < size[3]; j++) *q++ = p[i * step[2] + j * step[3]];
        });
    });
    return y;
}

}  // namespace

Tensor permute(const Tensor& x, std::initializer_list<int> order, Where at) {
    return permuted(x, Order(Operand(x, at), order));
}

namespace ops {

struct Permute final : OneToOne {
    Order order;
    Permute(Recording& r, const Operand& x, const Order& order)
        : OneToOne(r, x, permuted(x.value(), order)), order(order) {}
    void backward(Tape& tape) override { tape.add(x, permuted(*dy, order.inverse())); }
    Text text() const override {
        return {"permute", "y = x with its axes in another order", "dx += dy with its axes put back"};
    }
};

struct Reshape final : OneToOne {
    Shape x_shape;
    Reshape(Recording& r, const Operand& x, const Tensor& y) : OneToOne(r, x, y), x_shape(x.shape()) {}
    void backward(Tape& tape) override { tape.add(x, dy->reshape(x_shape)); }
    Text text() const override { return {"reshape", "y = x in another shape", "dx += dy in the shape of x"}; }
};

struct Slice final : OneToOne {
    int64_t begin, end;
    Slice(Recording& r, const Operand& x, int64_t begin, int64_t end)
        : OneToOne(r, x, x.value().slice(begin, end, x.at)), begin(begin), end(end) {}
    void backward(Tape& tape) override { tape.sum(x).slice(begin, end) += *dy; }
    Text text() const override { return {"slice", "y = rows begin .. end-1 of x", "these rows of dx += dy"}; }
};

struct Row final : OneToOne {
    int64_t t;
    Row(Recording& r, const Operand& x, int64_t t) : OneToOne(r, x, x.value().row(t, x.at)), t(t) {}
    void backward(Tape& tape) override { tape.sum(x).row(t) += *dy; }
    Text text() const override { return {"row", "y = x_t", "dx_t += dy"}; }
};

struct Columns final : OneToOne {
    Part part;
    Columns(Recording& r, const Operand& x, int64_t begin, int64_t end)
        : OneToOne(r, x, columns(x.value(), begin, end, x.at)), part(x.shape(), x.shape().rank() - 1, begin, end) {}
    void backward(Tape& tape) override { part.add(*dy, tape.sum(x)); }
    Text text() const override { return {"columns", "y = columns begin .. end-1 of x", "these columns of dx += dy"}; }
};

}  // namespace ops

Var reshape(const Operand& x, const Shape& shape) {
    return tape_of("reshape", {&x}).record<ops::Reshape>(x.at, x, x.value().reshape(shape, x.at));
}
Var reshape(const Operand& x, std::initializer_list<int64_t> sizes) {
    return tape_of("reshape", {&x}).record<ops::Reshape>(x.at, x, x.value().reshape(sizes, x.at));
}
Var slice(const Operand& x, int64_t begin, int64_t end) {
    return tape_of("slice", {&x}).record<ops::Slice>(x.at, x, begin, end);
}
Var row(const Operand& x, int64_t i) { return tape_of("row", {&x}).record<ops::Row>(x.at, x, i); }
Var columns(const Operand& x, int64_t begin, int64_t end) {
    return tape_of("columns", {&x}).record<ops::Columns>(x.at, x, begin, end);
}

Var permute(const Operand& x, std::initializer_list<int> order) {
    return tape_of("permute", {&x}).record<ops::Permute>(x.at, x, Order(x, order));
}

}  // namespace unroll
