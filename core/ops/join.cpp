// concat and stack: several tensors become one.

#include "core/ops/part.hpp"
#include "core/ops/shape.hpp"

namespace unroll {
namespace {

using Operands = std::vector<Operand, PoolAllocator<Operand>>;

template <class X>
Operands operands(std::span<const X> list, Where at) {
    Operands all;
    all.reserve(list.size());
    for (const X& x : list) all.emplace_back(x, at);
    return all;
}

Tape& tape_of_all(const char* operation, const Operands& list) {
    for (const Operand& x : list)
        if (x.var() != nullptr) {
            for (const Operand& other : list) tape_of(operation, {&x, &other});
            return *x.var()->tape();
        }
    return tape_of(operation, {&list[0]});  // which says that there is none
}

/// Throws unless the list has one type and, `axis` aside, one shape; returns the axis counted from the first.
int check(const char* operation, const Operands& list, int axis, bool any_length, Where at) {
    if (list.empty()) fail(operation, at, "the list is empty");
    for (const Operand& x : list) common_dtype(operation, list[0].value(), x.value(), at);
    const Shape& first = list[0].shape();
    if (any_length) axis = checked_axis(operation, first, axis, at);
    for (const Operand& x : list) {
        const bool fits = any_length && x.shape().rank() == first.rank() ? x.shape().with(axis, first[axis]) == first
                                                                         : x.shape() == first;
        if (!fits)
            fail(operation, at, "shapes differ{}: {} and {}", any_length ? fmt::format(" beside axis {}", axis) : "",
                 list[0].label("x"), x.label("x"));
    }
    return axis;
}

Tensor concat_values(const Operands& list, int axis) {
    Dim along{0, list[0].shape().axis(axis)};
    for (const Operand& x : list) {
        along.size += x.shape()[axis];
        if (x.shape().axis(axis) != along.axis) along.axis = 0;
    }
    Tensor y = Tensor::empty(list[0].shape().with(axis, along), list[0].value().dtype());
    int64_t begin = 0;
    for (const Operand& x : list) {
        const int64_t end = begin + x.shape()[axis];
        Part(y.shape(), axis, begin, end).put(x.value(), y);
        begin = end;
    }
    return y;
}

Tensor stack_values(const Operands& list, char axis, Where at) {
    Tensor y = Tensor::empty(list[0].shape().prepend({int64_t(list.size()), axis}, at), list[0].value().dtype());
    for (size_t i = 0; i < list.size(); i++) {
        Tensor row = y.row(int64_t(i));
        row.copy_from(list[i].value());
    }
    return y;
}

}  // namespace

static Tensor checked_concat(const Operands& list, int axis, Where at) {
    return concat_values(list, check("concat", list, axis, true, at));
}
Tensor concat(std::span<const Tensor> list, int axis, Where at) { return checked_concat(operands(list, at), axis, at); }
Tensor concat(std::initializer_list<Tensor> list, int axis, Where at) {
    return concat(std::span(list.begin(), list.size()), axis, at);
}
Tensor concat(const Tensor& a, const Tensor& b, Where at) {
    return checked_concat(Operands{Operand(a, at), Operand(b, at)}, -1, at);
}

Tensor stack(std::span<const Tensor> list, char axis, Where at) {
    const Operands all = operands(list, at);
    check("stack", all, 0, false, at);
    return stack_values(all, axis, at);
}
Tensor stack(std::initializer_list<Tensor> list, char axis, Where at) {
    return stack(std::span(list.begin(), list.size()), axis, at);
}

namespace ops {

struct Concat final : Record {
    int n;
    Edge* x;        // [n]
    int64_t* ends;  // [n], of each along the axis
    Edge y;
    int axis;
    Concat(Recording& r, const Operands& list, int axis)
        : n(int(list.size())), x(r.array<Edge>(n)), ends(r.array<int64_t>(n)), axis(axis) {
        for (int i = 0; i < n; i++) {
            const Operand& operand = list[size_t(i)];
            x[i] = r.input(operand);
            ends[i] = operand.shape()[axis] + (i > 0 ? ends[i - 1] : 0);
        }
        y = r.output(concat_values(list, axis));
    }
    void backward(Tape& tape) override {
        for (int i = 0; i < n; i++)
            if (tape.wants(x[i])) tape.add(x[i], cut(*dy, axis, i > 0 ? ends[i - 1] : 0, ends[i]));
    }
    Text text() const override { return {"concat", "y = [x_1, x_2, ..]", "dx_i += its part of dy"}; }
    void symbols(Symbols& list) const override {
        for (int i = 0; i < n; i++) list.in("x", x[i]);
        list.out("y", y);
    }
};

struct Stack final : Record {
    int n;
    Edge* x;  // [n]
    Edge y;
    Stack(Recording& r, const Operands& list, char axis) : n(int(list.size())), x(r.array<Edge>(n)) {
        for (int i = 0; i < n; i++) x[i] = r.input(list[size_t(i)]);
        y = r.output(stack_values(list, axis, r.at));
    }
    void backward(Tape& tape) override {
        for (int i = 0; i < n; i++)
            if (tape.wants(x[i])) tape.add(x[i], dy->row(i));
    }
    Text text() const override { return {"stack", "y_t = x_t", "dx_t += dy_t"}; }
    void symbols(Symbols& list) const override {
        for (int i = 0; i < n; i++) list.in("x", x[i]);
        list.out("y", y);
    }
};

}  // namespace ops

static Var record_concat(const Operands& list, int axis, Where at) {
    axis = check("concat", list, axis, true, at);
    return tape_of_all("concat", list).record<ops::Concat>(at, list, axis);
}
Var concat(std::span<const Var> list, int axis, Where at) { return record_concat(operands(list, at), axis, at); }
Var concat(std::initializer_list<Var> list, int axis, Where at) {
    return concat(std::span(list.begin(), list.size()), axis, at);
}
Var concat(const Operand& a, const Operand& b) { return record_concat(Operands{a, b}, -1, a.at); }

Var stack(std::span<const Var> list, char axis, Where at) {
    const Operands all = operands(list, at);
    check("stack", all, 0, false, at);
    return tape_of_all("stack", all).record<ops::Stack>(at, all, axis);
}
Var stack(std::initializer_list<Var> list, char axis, Where at) {
    return stack(std::span(list.begin(), list.size()), axis, at);
}

}  // namespace unroll
