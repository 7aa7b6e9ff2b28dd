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

struct Reshape final : Record {
    Edge x, y;
    Shape x_shape;
    Reshape(Recording& r, const Operand& x, const Tensor& y) : x(r.input(x)), y(r.output(y)), x_shape(x.shape()) {}
    void backward(Tape& tape) override { tape.add(x, dy->reshape(x_shape)); }
    const char* name() const override { return "reshape"; }
    const char* equation() const override { return "y = x in another shape"; }
    const char* gradient() const override { return "dx += dy in the shape of x"; }
    void symbols(Symbols& list) const override { list.in("x", x).out("y", y); }
};

struct Slice final : Record {
    Edge x, y;
    int64_t begin, end;
    Slice(Recording& r, const Operand& x, int64_t begin, int64_t end)
        : x(r.input(x)), y(r.output(x.value().slice(begin, end, x.at))), begin(begin), end(end) {}
    void backward(Tape& tape) override { tape.sum(x).slice(begin, end) += *dy; }
    const char* name() const override { return "slice"; }
    const char* equation() const override { return "y = rows begin .. end-1 of x"; }
    const char* gradient() const override { return "these rows of dx += dy"; }
    void symbols(Symbols& list) const override { list.in("x", x).out("y", y); }
};

struct Row final : Record {
    Edge x, y;
    int64_t t;
    Row(Recording& r, const Operand& x, int64_t t) : x(r.input(x)), y(r.output(x.value().row(t, x.at))), t(t) {}
    void backward(Tape& tape) override { tape.sum(x).row(t) += *dy; }
    const char* name() const override { return "row"; }
    const char* equation() const override { return "y = x_t"; }
    const char* gradient() const override { return "dx_t += dy"; }
    void symbols(Symbols& list) const override { list.in("x", x).out("y", y); }
};

struct Columns final : Record {
    Edge x, y;
    Part part;
    Columns(Recording& r, const Operand& x, int64_t begin, int64_t end)
        : x(r.input(x)),
          y(r.output(columns(x.value(), begin, end, x.at))),
          part(x.shape(), x.shape().rank() - 1, begin, end) {}
    void backward(Tape& tape) override { part.add(*dy, tape.sum(x)); }
    const char* name() const override { return "columns"; }
    const char* equation() const override { return "y = columns begin .. end-1 of x"; }
    const char* gradient() const override { return "these columns of dx += dy"; }
    void symbols(Symbols& list) const override { list.in("x", x).out("y", y); }
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
