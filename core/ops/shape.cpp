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

namespace ops {

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

}  // namespace unroll
