#pragma once
#include <initializer_list>
#include <utility>
#include <vector>

#include "core/shape.hpp"
#include "core/storage.hpp"

namespace unroll {

enum class DType : uint8_t { f32, f64 };
const char* to_string(DType dtype);
inline int64_t bytes_of(DType dtype) { return dtype == DType::f32 ? 4 : 8; }

/// Nested braces of numbers: {{1, 2}, {3, 4}}.
struct Literal {
    Literal(double value) : value(value) {}
    Literal(std::initializer_list<Literal> items) : list(true), items(items) {}
    double value = 0;
    bool list = false;
    std::vector<Literal> items;
};

/// Numbers in memory: a handle {storage, shape, dtype}. Always contiguous and row-major. Copying a Tensor shares its
/// storage, as NumPy and PyTorch do; clone() copies the numbers. Views are reshape() and slices of the leading
/// dimension.
class Tensor {
  public:
    Tensor() = default;  // no storage: defined() is false
    Tensor(const Tensor& other)
        : storage_(other.storage_), begin_(other.begin_), shape_(other.shape_), dtype_(other.dtype_) {
        if (storage_ != nullptr) storage_->references++;
    }
    Tensor(Tensor&& other) noexcept
        : storage_(std::exchange(other.storage_, nullptr)),
          begin_(std::exchange(other.begin_, nullptr)),
          shape_(other.shape_),
          dtype_(other.dtype_) {}
    Tensor& operator=(Tensor other) noexcept {
        std::swap(storage_, other.storage_);
        std::swap(begin_, other.begin_);
        shape_ = other.shape_;
        dtype_ = other.dtype_;
        return *this;
    }
    ~Tensor() {
        if (storage_ != nullptr) Storage::release(storage_);
    }

    /// Not initialised: every element is to be written before it is read.
    static Tensor empty(const Shape& shape, DType dtype = DType::f32);
    static Tensor zeros(const Shape& shape, DType dtype = DType::f32);
    static Tensor full(const Shape& shape, double value, DType dtype = DType::f32);
    /// `Tensor::of({{1, 2}, {3, 4}})`; rows of unequal length are an error.
    static Tensor of(const Literal& values, DType dtype = DType::f32, Where at = {});
    /// Copies shape.size() numbers.
    static Tensor from(const std::vector<double>& values, const Shape& shape, DType dtype = DType::f32, Where at = {});

    bool defined() const { return storage_ != nullptr; }
    const Shape& shape() const { return shape_; }
    int rank() const { return shape_.rank(); }
    /// Size of dimension i; negative i counts from the last.
    int64_t dim(int i) const { return shape_[i]; }
    int64_t size() const { return shape_.size(); }
    DType dtype() const { return dtype_; }

    /// The elements, row-major. T must be float for f32 and double for f64. The pointer to write through counts as a
    /// change of the storage: what a tape has saved of it is stale from then on.
    template <class T>
    const T* data() const {
        return static_cast<const T*>(address(sizeof(T)));
    }
    template <class T>
    T* mutable_data() {
        changed();
        return const_cast<T*>(data<T>());
    }

    /// One element as a double: at({t, b, h}). Slow; for tests, printing and small examples.
    double at(std::initializer_list<int64_t> index, Where where = {}) const;
    void set(std::initializer_list<int64_t> index, double value, Where where = {});
    /// Element i in row-major order; as slow.
    double flat(int64_t i) const;
    void set_flat(int64_t i, double value);
    /// The only element of a tensor of size 1.
    double item(Where at = {}) const;
    std::vector<double> to_vector() const;

    /// A view of the same numbers in another shape; one size may be -1 (worked out from the others).
    Tensor reshape(std::initializer_list<int64_t> sizes, Where at = {}) const;
    Tensor reshape(const Shape& shape, Where at = {}) const;
    /// Views: rows begin .. end-1 of the leading dimension; row i with the dimension dropped.
    Tensor slice(int64_t begin, int64_t end, Where at = {}) const;
    Tensor row(int64_t i, Where at = {}) const;
    Tensor operator[](int64_t i) const { return row(i); }
    /// A view with other axis letters.
    Tensor named(const char* axes) const;

    Tensor clone() const;
    /// The same numbers in the other type; shares the storage when it is of that type already.
    Tensor to(DType dtype) const;
    void fill(double value);
    /// Overwrites the numbers with those of a tensor of the same shape and dtype.
    void copy_from(const Tensor& source, Where at = {});
    /// In place, same shape and dtype.
    Tensor& operator+=(const Tensor& other);
    Tensor& operator*=(double factor);

    bool same_storage(const Tensor& other) const { return storage_ == other.storage_; }
    /// Whether both are the same numbers in memory, in whatever shape.
    bool same_numbers(const Tensor& other) const { return begin_ == other.begin_ && size() == other.size(); }
    /// Whether this handle alone holds the storage.
    bool sole_owner() const { return storage_ != nullptr && storage_->references == 1; }
    const Storage* storage() const { return storage_; }
    uint32_t version() const { return storage_ != nullptr ? storage_->version : 0; }
    void mark_parameter() { storage_->parameter = true; }

  private:
    const void* address(size_t element_size) const;
    void changed() {
        if (storage_ != nullptr) storage_->version++;
    }

    Storage* storage_ = nullptr;
    char* begin_ = nullptr;  // first element, inside the storage
    Shape shape_;
    DType dtype_ = DType::f32;
};

/// Calls f(float{}) or f(double{}): the one place where the runtime type becomes a C++ type.
template <class F>
decltype(auto) dispatch(DType dtype, F&& f) {
    return dtype == DType::f32 ? f(float{}) : f(double{});
}

/// Throws unless a and b are not empty and have one dtype; returns it.
DType common_dtype(const char* operation, const Tensor& a, const Tensor& b, Where at);

/// Whether any element is NaN or infinite.
bool has_nonfinite(const Tensor& t);

}  // namespace unroll
