#pragma once
#include "core/ops/rows.hpp"
#include "core/tensor.hpp"

namespace unroll {

/// Elements begin .. end-1 of a tensor along one of its axes: moved between it and a tensor of that part alone. They
/// lie in `rows` blocks of `width` numbers, one every `stride`.
struct Part {
    int64_t rows = 1, width = 1, stride, offset;

    Part(const Shape& whole, int axis, int64_t begin, int64_t end) {
        for (int i = 0; i < axis; i++) rows *= whole[i];
        for (int i = axis + 1; i < whole.rank(); i++) width *= whole[i];
        stride = width * whole[axis];
        offset = width * begin;
        width *= end - begin;
    }
    /// part = that part of whole
    void get(const Tensor& whole, Tensor& part) const {
        dispatch(whole.dtype(), [&](auto zero) {
            using T = decltype(zero);
            move(whole.data<T>() + offset, stride, part.mutable_data<T>(), width, [](T p, T& q) { q = p; });
        });
    }
    /// That part of whole = part.
    void put(const Tensor& part, Tensor& whole) const {
        dispatch(whole.dtype(), [&](auto zero) {
            using T = decltype(zero);
            move(part.data<T>(), width, whole.mutable_data<T>() + offset, stride, [](T p, T& q) { q = p; });
        });
    }
    /// That part of whole += part.
    void add(const Tensor& part, Tensor& whole) const {
        dispatch(whole.dtype(), [&](auto zero) {
            using T = decltype(zero);
            move(part.data<T>(), width, whole.mutable_data<T>() + offset, stride, [](T p, T& q) { q += p; });
        });
    }

  private:
    template <class T, class F>
    void move(const T* from, int64_t from_stride, T* to, int64_t to_stride, F f) const {
        each_row(rows, width, [&](int64_t r) {
            for (int64_t i = 0; i < width; i++) f(from[r * from_stride + i], to[r * to_stride + i]);
        });
    }
};

inline Tensor cut(const Tensor& x, int axis, int64_t begin, int64_t end) {
    Tensor y = Tensor::empty(x.shape().with(axis, {end - begin, x.shape().axis(axis)}), x.dtype());
    Part(x.shape(), axis, begin, end).get(x, y);
    return y;
}

}  // namespace unroll
