#include "core/ops/pooling.hpp"

#include <limits>

#include "core/ids.hpp"
#include "core/ops/rows.hpp"

namespace unroll {
namespace {

/// Planes (a picture's channel) [H, W] under a kernel, results [OH, OW].
struct Pool {
    int64_t planes, H, W, OH, OW;
    Window window;

    /// Calls f(row, begin, end, first) for each place of the kernel over each row of the results: columns begin ..
    /// end-1 of it see the numbers first + j stride.width of x's plane, j = begin .. end-1. A place of the kernel moves
    /// over the whole row before the next one does: many columns at a time, and no branches.
    template <class F>
    void each_row_of(F f) const {
        const auto& [kernel, s, p] = window;
        for (int64_t i = 0; i < OH; i++)
            for (int64_t k = std::max<int64_t>(0, p.height - i * s.height);
                 k < std::min(kernel.height, H + p.height - i * s.height); k++)
                for (int64_t l = 0; l < kernel.width; l++) {
                    const int64_t begin = l >= p.width ? 0 : (p.width - l + s.width - 1) / s.width;
                    const int64_t end = std::min(OW, W + p.width > l ? (W - 1 + p.width - l) / s.width + 1 : 0);
                    f(i * OW, begin, end, (i * s.height + k - p.height) * W + l - p.width);
                }
    }
    /// Calls f with every plane of x and y, on all threads.
    template <class X, class Y, class F>
    void each_plane(X* x, Y* y, F f) const {
        each_row(planes, H * W, [&](int64_t c) { f(x + c * H * W, y + c * OH * OW); });
    }
    bool in_squares_of_two() const {
        const auto& [kernel, s, p] = window;
        return kernel.height == 2 && kernel.width == 2 && s.height == 2 && s.width == 2 && p.height + p.width == 0;
    }
    Shape results_of(const Shape& x) const { return x.with(2, OH).with(3, OW); }
    Tensor results(const Tensor& x) const { return Tensor::empty(results_of(x.shape()), x.dtype()); }
};

Pool check(const char* operation, const Operand& x, const PoolOptions& options) {
    const auto& [kernel, stride, padding] = options;
    check_not_empty(operation, x.value(), x.at);
    const Window window{kernel, stride.height == 0 && stride.width == 0 ? kernel : stride, padding};
    const Pair y = window.places(operation, x);
    if (2 * padding.height > kernel.height || 2 * padding.width > kernel.width)
        fail(operation, x.at, "padding {} for a kernel {}: expected at most half of it", padding.str(), kernel.str());
    const Shape& s = x.shape();
    if (s[2] * s[3] == 0 || s[2] * s[3] > std::numeric_limits<int32_t>::max())
        fail(operation, x.at, "{}: a picture has {} places, expected 1 to 2^31 - 1", x.label("x"), s[2] * s[3]);
    return {s[0] * s[1], s[2], s[3], y.height, y.width, window};
}

/// A row of results meets numbers `step` apart, whose first is at `first` of its plane. In a form that compilers turn
/// into vectors: no branches, and the step a constant where it is usual.
template <class T, class Step>
void take_larger(int32_t n, Step step, const T* __restrict x, int32_t first, T* __restrict most,
                 int32_t* __restrict places) {
    for (int32_t j = 0; j < n; j++) {
        const T v = x[j * step];
        const bool take = (v > most[j]) | (v != v) | (places[j] < 0);
        most[j] = take ? v : most[j];
        places[j] = take ? first + j * step : places[j];
    }
}

/// The usual case, squares of 2 x 2 that don't overlap: a row of results from two of x [.., W], each number read once.
template <class T>
void largest_of_four(int32_t n, int32_t W, const T* __restrict x, int32_t first, T* __restrict most,
                     int32_t* __restrict places) {
    for (int32_t j = 0; j < n; j++) {
        T v = x[2 * j];
        int32_t place = 0;
        for (int32_t other : {1, W, W + 1}) {
            const T u = x[2 * j + other];
            const bool take = (u > v) | (u != u);
            v = take ? u : v;
            place = take ? other : place;
        }
        most[j] = v;
        places[j] = first + 2 * j + place;
    }
}

/// chosen gets the place of each maximum in its plane.
Tensor largest(const Pool& pool, const Tensor& x, Ids chosen) {
    Tensor y = pool.results(x);
    dispatch(x.dtype(), [&]<class T>(T) {
        int32_t* all_places = chosen.mutable_data();
        T* ys = y.mutable_data<T>();
        pool.each_plane(x.data<T>(), ys, [&](const T* x, T* y) {
            int32_t* places = all_places + (y - ys);
            if (pool.in_squares_of_two()) {
                for (int64_t i = 0; i < pool.OH; i++)
                    largest_of_four(int32_t(pool.OW), int32_t(pool.W), x + 2 * i * pool.W, int32_t(2 * i * pool.W),
                                    y + i * pool.OW, places + i * pool.OW);
                return;
            }
            std::fill_n(y, pool.OH * pool.OW, -std::numeric_limits<T>::infinity());
            std::fill_n(places, pool.OH * pool.OW, -1);
            pool.each_row_of([&](int64_t row, int64_t begin, int64_t end, int64_t first) {
                const auto take = [&](auto step) {
                    first += begin * step;
                    take_larger(int32_t(end - begin), step, x + first, int32_t(first), y + row + begin,
                                places + row + begin);
                };
                const auto step = int32_t(pool.window.stride.width);
                step == 1   ? take(std::integral_constant<int32_t, 1>())
                : step == 2 ? take(std::integral_constant<int32_t, 2>())
                            : take(step);
            });
        });
    });
    return y;
}

/// dx at the place chosen += dy
Tensor largest_gradient(const Pool& pool, const Tensor& dy, const Ids& chosen, const Shape& shape) {
    Tensor dx = Tensor::zeros(shape, dy.dtype());
    dispatch(dy.dtype(), [&]<class T>(T) {
        const T* dys = dy.data<T>();
        pool.each_plane(dx.mutable_data<T>(), dys, [&](T* dx, const T* dy) {
            const int32_t* places = chosen.data() + (dy - dys);
            for (int64_t i = 0; i < pool.OH * pool.OW; i++) dx[places[i]] += dy[i];
        });
    });
    return dx;
}

Tensor means(const Pool& pool, const Tensor& x) {
    Tensor y = pool.results(x);
    const int64_t step = pool.window.stride.width;
    dispatch(x.dtype(), [&]<class T>(T) {
        const T count = T(pool.window.kernel.height * pool.window.kernel.width);
        pool.each_plane(x.data<T>(), y.mutable_data<T>(), [&](const T* x, T* y) {
            std::fill_n(y, pool.OH * pool.OW, T(0));
            pool.each_row_of([&](int64_t row, int64_t begin, int64_t end, int64_t first) {
                for (int64_t j = begin; j < end; j++) y[row + j] += x[first + j * step];
            });
            for (int64_t i = 0; i < pool.OH * pool.OW; i++) y[i] /= count;
        });
    });
    return y;
}

Tensor means_gradient(const Pool& pool, const Tensor& dy, const Shape& shape) {
    Tensor dx = Tensor::zeros(shape, dy.dtype());
    const int64_t step = pool.window.stride.width;
    dispatch(dy.dtype(), [&]<class T>(T) {
        const T count = T(pool.window.kernel.height * pool.window.kernel.width);
        pool.each_plane(dx.mutable_data<T>(), dy.data<T>(), [&](T* dx, const T* dy) {
            pool.each_row_of([&](int64_t row, int64_t begin, int64_t end, int64_t first) {
                for (int64_t j = begin; j < end; j++) dx[first + j * step] += dy[row + j] / count;
            });
        });
    });
    return dx;
}

}  // namespace

Tensor max_pool2d(const Tensor& x, const PoolOptions& options, Where at) {
    const Pool pool = check("max_pool2d", {x, at}, options);
    return largest(pool, x, Ids::empty(pool.results_of(x.shape())));
}
Tensor avg_pool2d(const Tensor& x, const PoolOptions& options, Where at) {
    return means(check("avg_pool2d", {x, at}, options), x);
}

namespace ops {

struct MaxPool2d final : OneToOne {
    Pool pool;
    Shape x_shape;
    Ids chosen;  // for each result the place of its number in x's plane
    MaxPool2d(Recording& r, const Operand& x, const Pool& pool, const Ids& chosen)
        : OneToOne(r, x, largest(pool, x.value(), chosen)), pool(pool), x_shape(x.shape()), chosen(chosen) {}
    void backward(Tape& tape) override { tape.add(x, largest_gradient(pool, *dy, chosen, x_shape)); }
    Text text() const override { return {"max_pool2d", "y = max of x under the kernel, at n(y)", "dx_{n(y)} += dy"}; }
};

struct AvgPool2d final : OneToOne {
    Pool pool;
    Shape x_shape;
    AvgPool2d(Recording& r, const Operand& x, const Pool& pool)
        : OneToOne(r, x, means(pool, x.value())), pool(pool), x_shape(x.shape()) {}
    void backward(Tape& tape) override { tape.add(x, means_gradient(pool, *dy, x_shape)); }
    Text text() const override {
        return {"avg_pool2d", "y = 1/k² Σ x under the kernel", "dx under the kernel += dy / k²"};
    }
};

}  // namespace ops

Var max_pool2d(const Operand& x, const PoolOptions& options) {
    const Pool pool = check("max_pool2d", x, options);
    return tape_of("max_pool2d", {&x}).record<ops::MaxPool2d>(x.at, x, pool, Ids::empty(pool.results_of(x.shape())));
}
Var avg_pool2d(const Operand& x, const PoolOptions& options) {
    const Pool pool = check("avg_pool2d", x, options);
    return tape_of("avg_pool2d", {&x}).record<ops::AvgPool2d>(x.at, x, pool);
}

}  // namespace unroll
