#include "core/shape.hpp"

namespace unroll {

Shape::Shape(std::initializer_list<Dim> dims, Where at) {
    if (dims.size() > max_rank) fail("Shape", at, "{} dimensions, at most 4 are supported", dims.size());
    for (Dim d : dims) {
        sizes_[rank_] = d.size;
        axes_[rank_++] = d.axis;
    }
    check(at);
}

void Shape::check(Where at) const {
    constexpr int64_t limit = int64_t{1} << 48;
    int64_t elements = 1;
    for (int i = 0; i < rank_; i++) {
        if (sizes_[i] < 0) fail("Shape", at, "dimension {} is {}, sizes are 0 or more", i, sizes_[i]);
        if (sizes_[i] > limit || (elements != 0 && sizes_[i] > limit / elements))
            fail("Shape", at, "{} has more than 2^48 elements", str());
        elements *= sizes_[i];
    }
}

void Shape::refuse(int i) const { throw Error("Shape: dimension {} of {}", i, str()); }

int64_t Shape::rows() const {
    int64_t n = 1;
    for (int i = 0; i + 1 < rank_; i++) n *= sizes_[i];
    return n;
}

Shape Shape::without(int i) const {
    Shape s;
    for (int k = 0; k < rank_; k++) {
        if (k == (i < 0 ? i + rank_ : i)) continue;
        s.sizes_[s.rank_] = sizes_[k];
        s.axes_[s.rank_++] = axes_[k];
    }
    return s;
}

Shape Shape::with(int i, Dim d) const {
    if (i < -rank_ || i >= rank_) refuse(i);
    Shape s = *this;
    s.sizes_[i < 0 ? i + rank_ : i] = d.size;
    s.axes_[i < 0 ? i + rank_ : i] = d.axis;
    s.check({});
    return s;
}

Shape Shape::insert(int i, Dim d, Where at) const {
    if (rank_ == max_rank) fail("Shape", at, "{} has 4 dimensions already", str());
    Shape s;
    s.rank_ = rank_ + 1;
    for (int k = 0; k < s.rank_; k++) {
        const Dim dim = k == i ? d : this->dim(k < i ? k : k - 1);
        s.sizes_[k] = dim.size;
        s.axes_[k] = dim.axis;
    }
    s.check(at);
    return s;
}

Shape Shape::named(const char* axes) const {
    Shape s = *this;
    for (int i = 0; i < rank_ && axes[i] != 0; i++) s.axes_[i] = axes[i];
    return s;
}

std::string Shape::str() const {
    std::string s = "[";
    for (int i = 0; i < rank_; i++) {
        if (i > 0) s += ", ";
        if (axes_[i] != 0) s += fmt::format("{}=", axes_[i]);
        s += fmt::format("{}", sizes_[i]);
    }
    return s + "]";
}

std::string Shape::place(int64_t i) const {
    std::string s = "]";
    for (int k = rank_ - 1; k >= 0; k--) {
        s = fmt::format("{}{}{}", k > 0 ? ", " : "", i % sizes_[k], s);
        i /= sizes_[k];
    }
    return "[" + s;
}

int checked_axis(const char* operation, const Shape& s, int axis, Where at) {
    if (s.rank() == 0) fail(operation, at, "a scalar has no axis");
    if (axis < -s.rank() || axis >= s.rank())
        fail(operation, at, "axis {} of {}, expected {} to {}", axis, s.str(), -s.rank(), s.rank() - 1);
    return axis < 0 ? axis + s.rank() : axis;
}

}  // namespace unroll
