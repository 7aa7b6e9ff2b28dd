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
    void get(const Tensor& whole, Tensor& part) const { move(whole, offset, stride, part, 0, width, false); }
    /// That part of whole = part.
    void put(const Tensor& part, Tensor& whole) const { move(part, 0, width, whole, offset, stride, false); }
    /// That part of whole += part.
    void add(const Tensor& part, Tensor& whole) const { move(part, 0, width, whole, offset, stride, true); }

  private:
    void move(const Tensor& from, int64_t first, int64_t from_stride, Tensor& to, int64_t to_first, int64_t to_stride,
              bool accumulate) const {
        dispatch(from.dtype(), [&]<class T>(T) {
            const T* p = from.data<T>() + first;
            T* q = to.mutable_data<T>() + to_first;
            each_row(rows, width, [&](int64_t r) {
                const T* x = p + r * from_stride;
                T* y = q + r * to_stride;
                for (int64_t i = 0; i < width; i++) y[i] = accumulate ? y[i] + x[i] : x[i];
            });
        });
    }
};

inline Tensor cut(const Tensor& x, int axis, int64_t begin, int64_t end) {
    Tensor y = Tensor::empty(x.shape().with(axis, {end - begin, x.shape().axis(axis)}), x.dtype());
    Part(x.shape(), axis, begin, end).get(x, y);
    return y;
}

}  // namespace unroll
