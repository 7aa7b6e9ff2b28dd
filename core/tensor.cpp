#include "core/tensor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/kernels/parallel.hpp"

namespace unroll {

const char* to_string(DType dtype) { return dtype == DType::f32 ? "f32" : "f64"; }

Tensor Tensor::empty(const Shape& shape, DType dtype) {
    Tensor t;
    t.storage_ = Storage::acquire(static_cast<size_t>(shape.size() * bytes_of(dtype)));
    t.begin_ = static_cast<char*>(t.storage_->data());
    t.shape_ = shape;
    t.dtype_ = dtype;
    return t;
}

Tensor Tensor::zeros(const Shape& shape, DType dtype) {
    Tensor t = empty(shape, dtype);
    std::memset(t.begin_, 0, static_cast<size_t>(shape.size() * bytes_of(dtype)));
    return t;
}

Tensor Tensor::full(const Shape& shape, double value, DType dtype) {
    Tensor t = empty(shape, dtype);
    t.fill(value);
    return t;
}

Tensor Tensor::from(const std::vector<double>& values, const Shape& shape, DType dtype, Where at) {
    if (static_cast<int64_t>(values.size()) != shape.size())
        fail("Tensor::from", at, fmt::format("{} numbers for the shape {}", values.size(), shape.str()));
    Tensor t = empty(shape, dtype);
    for (size_t i = 0; i < values.size(); i++) t.set_flat(static_cast<int64_t>(i), values[i]);
    return t;
}

static void flatten(const Literal& literal, int depth, const std::vector<int64_t>& sizes, std::vector<double>& out,
                    Where at) {
    if (depth == static_cast<int>(sizes.size()) && !literal.list) return out.push_back(literal.value);
    if (depth == static_cast<int>(sizes.size()) || !literal.list ||
        literal.items.size() != static_cast<size_t>(sizes[depth]))
        fail("Tensor::of", at, "the rows are not all of one length");
    for (const Literal& item : literal.items) flatten(item, depth + 1, sizes, out, at);
}

Tensor Tensor::of(const Literal& values, DType dtype, Where at) {
    std::vector<int64_t> sizes;
    for (const Literal* l = &values; l != nullptr && l->list; l = l->items.empty() ? nullptr : &l->items[0])
        sizes.push_back(static_cast<int64_t>(l->items.size()));
    Shape shape;
    for (int64_t n : sizes) shape = shape.append(n, at);
    std::vector<double> flat;
    flatten(values, 0, sizes, flat, at);
    return from(flat, shape, dtype, at);
}

const void* Tensor::address(size_t element_size) const {
    if (storage_ == nullptr) throw Error("Tensor::data: an empty Tensor: no numbers were ever put in");
    if (static_cast<int64_t>(element_size) != bytes_of(dtype_))
        throw Error(fmt::format("Tensor::data: a tensor of {} read as {}", to_string(dtype_),
                                element_size == 4 ? "f32" : "f64"));
    return begin_;
}

static int64_t offset(const Shape& shape, std::initializer_list<int64_t> index, Where where) {
    bool inside = static_cast<int>(index.size()) == shape.rank();
    int64_t flat = 0;
    int i = 0;
    std::string shown;
    for (int64_t k : index) {
        shown += fmt::format("{}{}", i > 0 ? ", " : "", k);
        if (inside) inside = k >= 0 && k < shape[i];
        if (inside) flat = flat * shape[i] + k;
        i++;
    }
    if (!inside) fail("at", where, fmt::format("index [{}] is outside of {}", shown, shape.str()));
    return flat;
}

double Tensor::flat(int64_t i) const {
    return dtype_ == DType::f32 ? static_cast<double>(data<float>()[i]) : data<double>()[i];
}

void Tensor::set_flat(int64_t i, double value) {
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
        fail("item", at,
             fmt::format("the tensor {} has {} elements, expected one", shape_.str(), defined() ? size() : 0));
    return flat(0);
}

std::vector<double> Tensor::to_vector() const {
    std::vector<double> v(static_cast<size_t>(size()));
    for (size_t i = 0; i < v.size(); i++) v[i] = flat(static_cast<int64_t>(i));
    return v;
}

Tensor Tensor::reshape(const Shape& shape, Where at) const {
    if (shape.size() != size())
        fail("reshape", at,
             fmt::format("{} has {} elements, {} has {}", shape_.str(), size(), shape.str(), shape.size()));
    Tensor t = *this;
    t.shape_ = shape;
    return t;
}

Tensor Tensor::reshape(std::initializer_list<int64_t> sizes, Where at) const {
    int64_t known = 1;
    int unknown = 0;
    for (int64_t n : sizes) {
        if (n < -1) fail("reshape", at, fmt::format("a size is {}", n));
        n == -1 ? unknown++ : known *= n;
    }
    if (unknown > 1) fail("reshape", at, "more than one size is -1");
    if (unknown == 1 && (known == 0 || size() % known != 0))
        fail("reshape", at, fmt::format("{} doesn't divide into rows of {}", shape_.str(), known));
    Shape shape;
    for (int64_t n : sizes) shape = shape.append(n == -1 ? size() / known : n, at);
    return reshape(shape, at);
}

Tensor Tensor::slice(int64_t begin, int64_t end, Where at) const {
    if (rank() == 0) fail("slice", at, "a scalar has no rows");
    if (begin < 0 || end < begin || end > dim(0))
        fail("slice", at, fmt::format("rows {} to {} of {}", begin, end, shape_.str()));
    Tensor t = *this;
    t.begin_ += begin * (dim(0) > 0 ? size() / dim(0) : 0) * bytes_of(dtype_);
    t.shape_ = shape_.with(0, {end - begin, shape_.axis(0)});
    return t;
}

Tensor Tensor::row(int64_t i, Where at) const {
    if (rank() == 0 || i < 0 || i >= dim(0)) fail("row", at, fmt::format("row {} of {}", i, shape_.str()));
    Tensor t = slice(i, i + 1, at);
    t.shape_ = shape_.without(0);
    return t;
}

Tensor Tensor::named(const char* axes) const {
    Tensor t = *this;
    t.shape_ = shape_.named(axes);
    return t;
}

Tensor Tensor::clone() const {
    if (!defined()) return {};
    Tensor t = empty(shape_, dtype_);
    std::memcpy(t.begin_, begin_, static_cast<size_t>(size() * bytes_of(dtype_)));
    return t;
}

Tensor Tensor::to(DType dtype) const {
    if (dtype == dtype_ || !defined()) return *this;
    Tensor t = empty(shape_, dtype);
    for (int64_t i = 0, n = size(); i < n; i++) t.set_flat(i, flat(i));
    return t;
}

void Tensor::fill(double value) {
    dispatch(dtype_, [&](auto zero) {
        using T = decltype(zero);
        T* p = mutable_data<T>();
        for (int64_t i = 0, n = size(); i < n; i++) p[i] = static_cast<T>(value);
    });
}

void Tensor::copy_from(const Tensor& source, Where at) {
    if (!(source.shape_ == shape_) || source.dtype_ != dtype_)
        fail("copy_from", at,
             fmt::format("{} {} into {} {}", source.shape_.str(), to_string(source.dtype_), shape_.str(),
                         to_string(dtype_)));
    changed();
    std::memmove(begin_, source.begin_, static_cast<size_t>(size() * bytes_of(dtype_)));
}

Tensor& Tensor::operator+=(const Tensor& other) {
    if (!(other.shape_ == shape_) || other.dtype_ != dtype_)
        throw Error(fmt::format("+=: {} {} to {} {}", other.shape_.str(), to_string(other.dtype_), shape_.str(),
                                to_string(dtype_)));
    dispatch(dtype_, [&](auto zero) {
        using T = decltype(zero);
        T* p = mutable_data<T>();
        const T* q = other.data<T>();
        const int64_t n = size(), chunk = 16384;
        if (n <= chunk) {
            for (int64_t i = 0; i < n; i++) p[i] += q[i];
            return;
        }
        kernels::parallel((n + chunk - 1) / chunk, [&](int64_t c) {
            for (int64_t i = c * chunk, end = std::min(n, i + chunk); i < end; i++) p[i] += q[i];
        });
    });
    return *this;
}

Tensor& Tensor::operator*=(double factor) {
    dispatch(dtype_, [&](auto zero) {
        using T = decltype(zero);
        T* p = mutable_data<T>();
        for (int64_t i = 0, n = size(); i < n; i++) p[i] *= static_cast<T>(factor);
    });
    return *this;
}

DType common_dtype(const char* operation, const Tensor& a, const Tensor& b, Where at) {
    if (!a.defined() || !b.defined()) fail(operation, at, "an operand is an empty Tensor");
    if (a.dtype() != b.dtype())
        fail(operation, at,
             fmt::format("{} {} with {} {}: both must be of one type (convert with .to)", a.shape().str(),
                         to_string(a.dtype()), b.shape().str(), to_string(b.dtype())));
    return a.dtype();
}

bool has_nonfinite(const Tensor& t) {
    for (int64_t i = 0, n = t.size(); i < n; i++)
        if (!std::isfinite(t.flat(i))) return true;
    return false;
}

}  // namespace unroll
