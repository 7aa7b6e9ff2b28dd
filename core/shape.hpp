#pragma once
#include <cstdint>
#include <initializer_list>
#include <string>

#include "core/error.hpp"

namespace unroll {

/// One dimension: its size, and a letter for messages and printing (T time, B batch, H hidden, D input, V vocabulary).
struct Dim {
    int64_t size;
    char axis;
    constexpr Dim(int64_t size, char axis = 0) : size(size), axis(axis) {}
};

/// Sizes of up to 4 dimensions, row-major. Axis letters are shown and never compared.
/// `Shape{{7, 'T'}, {3, 'B'}, 5}` is [T=7, B=3, 5]; `Shape{}` is a scalar.
class Shape {
  public:
    static constexpr int max_rank = 4;

    Shape() = default;
    /// Throws Error on a negative size, more than 4 dimensions, or a number of elements above 2^48.
    Shape(std::initializer_list<Dim> dims, Where at = {});

    int rank() const { return rank_; }
    /// Size of dimension i; negative i counts from the last (-1 is the last). Throws Error where there is none such.
    int64_t operator[](int i) const {
        if (i < -rank_ || i >= rank_) refuse(i);
        return sizes_[i < 0 ? i + rank_ : i];
    }
    Dim dim(int i) const { return {(*this)[i], axes_[i < 0 ? i + rank_ : i]}; }
    char axis(int i) const { return dim(i).axis; }
    /// Number of elements; 1 for a scalar.
    int64_t size() const {
        int64_t n = 1;
        for (int i = 0; i < rank_; i++) n *= sizes_[i];
        return n;
    }
    /// Number of rows when everything but the last dimension is folded into one; 1 for a scalar.
    int64_t rows() const;

    // Errors as the constructor's.
    Shape without(int i) const;                       // dimension i dropped
    Shape with(int i, Dim d) const;                   // dimension i replaced
    Shape insert(int i, Dim d, Where at = {}) const;  // one more, that will be dimension i
    Shape append(Dim d, Where at = {}) const { return insert(rank_, d, at); }
    Shape prepend(Dim d, Where at = {}) const { return insert(0, d, at); }
    /// The same sizes with these letters, one a dimension: `named("TBH")`.
    Shape named(const char* axes) const;

    bool operator==(const Shape& other) const {
        bool equal = rank_ == other.rank_;
        for (int i = 0; i < max_rank; i++) equal &= sizes_[i] == other.sizes_[i];  // unused sizes are 0
        return equal;
    }
    /// "[T=7, B=3, 5]"
    std::string str() const;
    /// Where element i of the row-major order stands: "[6, 2, 0]".
    std::string place(int64_t i) const;

  private:
    void check(Where at) const;
    [[noreturn]] void refuse(int i) const;

    int64_t sizes_[max_rank] = {};
    char axes_[max_rank] = {};
    int rank_ = 0;
};

/// The axis, given from -rank to rank-1, counted from the first; throws for any other.
int checked_axis(const char* operation, const Shape& s, int axis, Where at);

}  // namespace unroll
