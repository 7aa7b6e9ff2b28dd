// Single elements of a Tensor, and other views of its numbers.

#include "core/tensor.hpp"

namespace unroll {

static int64_t offset(const Shape& shape, std::initializer_list<int64_t> index, Where where) {
    bool inside = int(index.size()) == shape.rank();
    int64_t flat = 0;
    int i = 0;
    std::string shown;
    for (int64_t k : index) {
        shown += fmt::format("{}{}", i > 0 ? ", " : "", k);
        if (inside) inside = k >= 0 && k < shape[i];
        if (inside) flat = flat * shape[i] + k;
        i++;
    }
    if (!inside) fail("at", where, "index [{}] is outside of {}", shown, shape.str());
    return flat;
}

static void check_place(const Tensor& t, int64_t i) {
    if (i < 0 || i >= t.size()) throw Error("Tensor::flat: element {} of {}", i, t.shape().str());
}

double Tensor::flat(int64_t i) const {
    check_place(*this, i);
    return dtype_ == DType::f32 ? double(data<float>()[i]) : data<double>()[i];
}

void Tensor::set_flat(int64_t i, double value) {
    check_place(*this, i);
    if (dtype_ == DType::f32)
        mutable_data<float>()[i] = static_cast<float>(value);
    else
        mutable_data<double>()[i] = value;
}

double Tensor::at(std::initializer_list<int64_t> index, Where where) const {
    return flat(offset(shape_, index, where));
}

void Tensor::set(std::initializer_list<int64_t> index, double value, Where where) {
    set_flat(offset(shape_, index, where), value);
}

double Tensor::item(Where at) const {
    if (!defined() || size() != 1)
        fail("item", at, "the tensor {} has {} elements, expected one", shape_.str(), defined() ? size() : 0);
    return flat(0);
}

std::vector<double> Tensor::to_vector() const {
    std::vector<double> v(static_cast<size_t>(size()));
    for (size_t i = 0; i < v.size(); i++) v[i] = flat(int64_t(i));
    return v;
}

Tensor Tensor::reshape(const Shape& shape, Where at) const {
    if (shape.size() != size())
        fail("reshape", at, "{} has {} elements, {} has {}", shape_.str(), size(), shape.str(), shape.size());
    Tensor t = *this;
    t.shape_ = shape;
    return t;
}

Tensor Tensor::reshape(std::initializer_list<int64_t> sizes, Where at) const {
    Shape shape;
    int unknown = -1;
    for (int64_t n : sizes) {
        if (n < -1) fail("reshape", at, "a size is {}", n);
        if (n == -1 && unknown >= 0) fail("reshape", at, "more than one size is -1");
        if (n == -1) unknown = shape.rank();
        shape = shape.append(n == -1 ? 1 : n, at);
    }
    if (unknown < 0) return reshape(shape, at);
    const int64_t known = shape.size();
    if (known == 0 || size() % known != 0)
        fail("reshape", at, "{} doesn't divide into rows of {}", shape_.str(), known);
    return reshape(shape.with(unknown, size() / known), at);
}

Tensor Tensor::slice(int64_t begin, int64_t end, Where at) const {
    if (rank() == 0) fail("slice", at, "a scalar has no rows");
    if (begin < 0 || end < begin || end > dim(0)) fail("slice", at, "rows {} to {} of {}", begin, end, shape_.str());
    Tensor t = *this;
    t.begin_ += begin * (dim(0) > 0 ? size() / dim(0) : 0) * bytes_of(dtype_);
    t.shape_ = shape_.with(0, {end - begin, shape_.axis(0)});
    return t;
}

Tensor Tensor::row(int64_t i, Where at) const {
    if (rank() == 0 || i < 0 || i >= dim(0)) fail("row", at, "row {} of {}", i, shape_.str());
    Tensor t = slice(i, i + 1, at);
    t.shape_ = shape_.without(0);
    return t;
}

Tensor Tensor::named(const char* axes) const {
    Tensor t = *this;
    t.shape_ = shape_.named(axes);
    return t;
}

}  // namespace unroll
