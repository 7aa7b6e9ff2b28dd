#include "core/tensor.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/kernels/parallel.hpp"

namespace unroll {

const char* to_string(DType dtype) { return dtype == DType::f32 ? "f32" : "f64"; }

Tensor Tensor::empty(const Shape& shape, DType dtype) {
    Tensor t;
    t.storage_ = Storage::acquire(size_t(shape.size() * bytes_of(dtype)));
    t.begin_ = static_cast<char*>(t.storage_->data());
    t.shape_ = shape;
    t.dtype_ = dtype;
    return t;
}

Tensor Tensor::zeros(const Shape& shape, DType dtype) {
    Tensor t = empty(shape, dtype);
    std::memset(t.begin_, 0, size_t(shape.size() * bytes_of(dtype)));
    return t;
}

Tensor Tensor::full(const Shape& shape, double value, DType dtype) {
    Tensor t = empty(shape, dtype);
    t.fill(value);
    return t;
}

Tensor Tensor::from(const std::vector<double>& values, const Shape& shape, DType dtype, Where at) {
    if (int64_t(values.size()) != shape.size())
        fail("Tensor::from", at, "{} numbers for the shape {}", values.size(), shape.str());
    Tensor t = empty(shape, dtype);
    for (size_t i = 0; i < values.size(); i++) t.set_flat(int64_t(i), values[i]);
    return t;
}

static void flatten(const Literal& literal, int depth, const std::vector<int64_t>& sizes, std::vector<double>& out,
                    Where at) {
    if (depth == int(sizes.size()) && !literal.list) return out.push_back(literal.value);
    if (depth == int(sizes.size()) || !literal.list || literal.items.size() != size_t(sizes[depth]))
        fail("Tensor::of", at, "the rows are not all of one length");
    for (const Literal& item : literal.items) flatten(item, depth + 1, sizes, out, at);
}

Tensor Tensor::of(const Literal& values, DType dtype, Where at) {
    std::vector<int64_t> sizes;
    for (const Literal* l = &values; l != nullptr && l->list; l = l->items.empty() ? nullptr : &l->items[0])
        sizes.push_back(int64_t(l->items.size()));
    Shape shape;
    for (int64_t n : sizes) shape = shape.append(n, at);
    std::vector<double> flat;
    flatten(values, 0, sizes, flat, at);
    return from(flat, shape, dtype, at);
}

const void* Tensor::address(size_t element_size) const {
    if (storage_ == nullptr) throw Error("Tensor::data: an empty Tensor: no numbers were ever put in");
    if (int64_t(element_size) != bytes_of(dtype_))
        throw Error("Tensor::data: a tensor of {} read as {}", to_string(dtype_), element_size == 4 ? "f32" : "f64");
    return begin_;
}

Tensor Tensor::clone() const {
    if (!defined()) return {};
    Tensor t = empty(shape_, dtype_);
    std::memcpy(t.begin_, begin_, size_t(size() * bytes_of(dtype_)));
    return t;
}

Tensor Tensor::to(DType dtype) const {
    if (dtype == dtype_ || !defined()) return *this;
    Tensor t = empty(shape_, dtype);
    for (int64_t i = 0, n = size(); i < n; i++) t.set_flat(i, flat(i));
    return t;
}

void Tensor::fill(double value) {
    dispatch(dtype_, [&]<class T>(T) {
        T* p = mutable_data<T>();
        for (int64_t i = 0, n = size(); i < n; i++) p[i] = T(value);
    });
}

void Tensor::copy_from(const Tensor& source, Where at) {
    if (!(source.shape_ == shape_) || source.dtype_ != dtype_)
        fail("copy_from", at, "{} {} into {} {}", source.shape_.str(), to_string(source.dtype_), shape_.str(),
             to_string(dtype_));
    if (!defined() || !source.defined()) fail("copy_from", at, "an empty Tensor");
    changed();
    std::memmove(begin_, source.begin_, size_t(size() * bytes_of(dtype_)));
}

Tensor& Tensor::operator+=(const Tensor& other) {
    if (!(other.shape_ == shape_) || other.dtype_ != dtype_)
        throw Error("+=: {} {} to {} {}", other.shape_.str(), to_string(other.dtype_), shape_.str(), to_string(dtype_));
    if (same_storage(other) && begin_ != other.begin_) return *this += other.clone();  // may overlap
    dispatch(dtype_, [&]<class T>(T) {
        T* p = mutable_data<T>();
        const T* q = other.data<T>();
        const int64_t n = size(), chunk = 16384;
        kernels::parallel((n + chunk - 1) / chunk, [&](int64_t c) {
            for (int64_t i = c * chunk, end = std::min(n, i + chunk); i < end; i++) p[i] += q[i];
        });
    });
    return *this;
}

Tensor& Tensor::operator*=(double factor) {
    dispatch(dtype_, [&]<class T>(T) {
        T* p = mutable_data<T>();
        for (int64_t i = 0, n = size(); i < n; i++) p[i] *= T(factor);
    });
    return *this;
}

DType common_dtype(const char* operation, const Tensor& a, const Tensor& b, Where at) {
    if (!a.defined() || !b.defined()) fail(operation, at, "an operand is an empty Tensor");
    if (a.dtype() != b.dtype())
        fail(operation, at, "{} {} with {} {}: both must be of one type (convert with .to)", a.shape().str(),
             to_string(a.dtype()), b.shape().str(), to_string(b.dtype()));
    return a.dtype();
}

bool has_nonfinite(const Tensor& t) {
    for (int64_t i = 0, n = t.size(); i < n; i++)
        if (!std::isfinite(t.flat(i))) return true;
    return false;
}

}  // namespace unroll
