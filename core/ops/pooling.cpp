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

    /// Calls f(place in the results, place in x of the kernel's first row and column, rows, columns) for one plane:
    /// what of the kernel is on the picture.
    template <class F>
    void each_place(F f) const {
        const auto& [k, s, p] = window;
        for (int64_t i = 0; i < OH; i++)
            for (int64_t j = 0; j < OW; j++) {
                const int64_t y = std::max<int64_t>(0, i * s.height - p.height);
                const int64_t x = std::max<int64_t>(0, j * s.width - p.width);
                f(i * OW + j, y * W + x, std::min(H, i * s.height - p.height + k.height) - y,
                  std::min(W, j * s.width - p.width + k.width) - x);
            }
    }
    /// Calls f with every plane of x and y, on all threads.
    template <class X, class Y, class F>
    void each_plane(X* x, Y* y, F f) const {
        each_row(planes, H * W, [&](int64_t c) { f(x + c * H * W, y + c * OH * OW); });
    }
    Tensor results(const Tensor& x) const { return Tensor::empty(x.shape().with(2, OH).with(3, OW), x.dtype()); }
};

Pool check(const char* operation, const Operand& x, const PoolOptions& options) {
    const auto& [kernel, stride, padding] = options;
    check_not_empty(operation, x.value(), x.at);
    const Window window{kernel, stride.height == 0 && stride.width == 0 ? kernel : stride, padding};
    const Pair y = window.places(operation, x);
    if (2 * padding.height > kernel.height || 2 * padding.width > kernel.width)
        fail(operation, x.at, "padding {} for a kernel {}: expected at most half of it", padding.str(), kernel.str());
    const Shape& s = x.shape();
    if (s[2] * s[3] > std::numeric_limits<int32_t>::max())
        fail(operation, x.at, "{}: a picture has more than 2^31 - 1 places", x.label("x"));
    return {s[0] * s[1], s[2], s[3], y.height, y.width, window};
}

/// chosen, where it is defined, gets the place of each maximum in its plane.
Tensor largest(const Pool& pool, const Tensor& x, Ids chosen) {
    Tensor y = pool.results(x);
    dispatch(x.dtype(), [&]<class T>(T) {
        const T* xs = x.data<T>();
        int32_t* places = chosen.defined() ? chosen.mutable_data() : nullptr;
        T* ys = y.mutable_data<T>();
        pool.each_plane(xs, ys, [&](const T* x, T* y) {
            pool.each_place([&](int64_t to, int64_t first, int64_t rows, int64_t columns) {
                int64_t best = first;
                for (int64_t i = 0; i < rows; i++)
                    for (int64_t p = first + i * pool.W; p < first + i * pool.W + columns; p++)
                        if (x[p] > x[best] || x[p] != x[p]) best = p;
                y[to] = x[best];
                if (places != nullptr) places[y + to - ys] = int32_t(best);
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
    dispatch(x.dtype(), [&]<class T>(T) {
        const T count = T(pool.window.kernel.height * pool.window.kernel.width);
        pool.each_plane(x.data<T>(), y.mutable_data<T>(), [&](const T* x, T* y) {
            pool.each_place([&](int64_t to, int64_t first, int64_t rows, int64_t columns) {
                T sum = 0;
                for (int64_t i = 0; i < rows; i++)
                    for (int64_t j = 0; j < columns; j++) sum += x[first + i * pool.W + j];
                y[to] = sum / count;
            });
        });
    });
    return y;
}

Tensor means_gradient(const Pool& pool, const Tensor& dy, const Shape& shape) {
    Tensor dx = Tensor::zeros(shape, dy.dtype());
    dispatch(dy.dtype(), [&]<class T>(T) {
        const T count = T(pool.window.kernel.height * pool.window.kernel.width);
        pool.each_plane(dx.mutable_data<T>(), dy.data<T>(), [&](T* dx, const T* dy) {
            pool.each_place([&](int64_t from, int64_t first, int64_t rows, int64_t columns) {
                for (int64_t i = 0; i < rows; i++)
                    for (int64_t j = 0; j < columns; j++) dx[first + i * pool.W + j] += dy[from] / count;
            });
        });
    });
    return dx;
}

}  // namespace

Tensor max_pool2d(const Tensor& x, const PoolOptions& options, Where at) {
    return largest(check("max_pool2d", {x, at}, options), x, {});
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
    Tape& tape = tape_of("max_pool2d", {&x});
    const Ids chosen = tape.recording() ? Ids::empty(x.shape().with(2, pool.OH).with(3, pool.OW)) : Ids();
    return tape.record<ops::MaxPool2d>(x.at, x, pool, chosen);
}
Var avg_pool2d(const Operand& x, const PoolOptions& options) {
    const Pool pool = check("avg_pool2d", x, options);
    return tape_of("avg_pool2d", {&x}).record<ops::AvgPool2d>(x.at, x, pool);
}

}  // namespace unroll
