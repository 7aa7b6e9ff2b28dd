// A band of a picture's rows is taken channels last, [rows, width, C], with the padding around it. There the KW C
// numbers under one row of the kernel are neighbours, so a row of results [OW, O] is the sum over the kernel's rows of
// products x [OW, KW C] W_kᵀ, whose left operand's rows overlap: no number is copied KH KW times, as im2col does. A
// band stays in the L2 cache; threads own whole bands.
#include "core/ops/convolution.hpp"

#include "core/kernels/gemm.hpp"
#include "core/kernels/parallel.hpp"
#include "core/kernels/reduce.hpp"
#include "core/kernels/transpose.hpp"
#include "core/ops/reductions.hpp"

namespace unroll {
namespace {

using kernels::chunk_begin;

/// x [B, C, H, W], weights [O, C, KH, KW], y [B, O, OH, OW].
struct Sizes {
    int64_t B, C, H, W, O, KH, KW, OH, OW, PW;  // PW: the width of x with its padding
    Pair stride, padding;
    int64_t kernel() const { return KH * KW * C; }
};

/// The rows of all pictures, `total` each, in bands of about 768 KB; chunks of bands and bands depend on sizes alone.
struct Bands {
    int64_t total, a_picture, count, chunks;

    Bands(int64_t pictures, int64_t total, int64_t row_numbers, DType dtype, int64_t most_chunks = 16) : total(total) {
        const int64_t rows = std::max<int64_t>(1, (768 << 10) / bytes_of(dtype) / row_numbers);
        a_picture = (total + rows - 1) / rows;
        count = pictures * a_picture;
        chunks = std::min(most_chunks, count);
    }
    /// The tallest band's.
    int64_t rows() const { return (total + a_picture - 1) / a_picture; }
    /// Calls f(chunk, picture, first row, rows) for each band, on all threads; those of a chunk one after the other.
    template <class F>
    void each(F f) const {
        kernels::parallel(chunks, [&](int64_t chunk) {
            for (int64_t i = chunk_begin(count, chunks, chunk); i < chunk_begin(count, chunks, chunk + 1); i++) {
                const int64_t first = chunk_begin(total, a_picture, i % a_picture);
                f(chunk, i / a_picture, first, chunk_begin(total, a_picture, i % a_picture + 1) - first);
            }
        });
    }
};

/// Calls f(c, n) for channels c .. c+n-1, a vector's width of them: planes lie far apart, and are better read and
/// written few at a time.
template <class T, class F>
void each_block(int64_t C, F f) {
    constexpr int64_t width = kernels::Simd<T>::width;
    for (int64_t c = 0; c < C; c += width) f(c, std::min(width, C - c));
}

/// Rows first, first + 1, ... of x [C, H, W], zeros where there are none, channels last: to [rows, pitch, C], `left`
/// zeros before each row and zeros behind it.
template <class T>
void channels_last(int64_t C, int64_t H, int64_t W, const T* x, int64_t first, int64_t rows, int64_t left,
                   int64_t pitch, T* to) {
    const int64_t begin = std::clamp<int64_t>(-first, 0, rows), end = std::clamp<int64_t>(H - first, begin, rows);
    std::fill(to, to + begin * pitch * C, T(0));
    std::fill(to + end * pitch * C, to + rows * pitch * C, T(0));
    for (int64_t i = begin; i < end; i++) {
        std::fill_n(to + i * pitch * C, left * C, T(0));
        std::fill_n(to + (i * pitch + left + W) * C, (pitch - left - W) * C, T(0));
    }
    each_block<T>(C, [&](int64_t c, int64_t n) {
        for (int64_t i = begin; i < end; i++)
            kernels::transpose(n, W, x + (c * H + first + i) * W, H * W, to + (i * pitch + left) * C + c, C);
    });
}

/// The way back: rows first, first + 1, ... of x [C, H, W] from [rows, pitch, C].
template <class T>
void channels_first(int64_t C, int64_t H, int64_t W, const T* from, int64_t first, int64_t rows, int64_t left,
                    int64_t pitch, T* x) {
    each_block<T>(C, [&](int64_t c, int64_t n) {
        for (int64_t i = 0; i < rows; i++)
            kernels::transpose(W, n, from + (i * pitch + left) * C + c, C, x + (c * H + first + i) * W, H * W);
    });
}

/// Weights [O, C, KH, KW] as [O, KH, KW, C], or back.
template <class T>
void turn(const Sizes& z, bool back, const T* from, T* to) {
    const int64_t K = z.KH * z.KW, n = z.kernel();
    for (int64_t o = 0; o < z.O; o++)
        kernels::transpose(back ? K : z.C, back ? z.C : K, from + o * n, back ? z.C : K, to + o * n, back ? K : z.C);
}

Tensor channels_last(const Sizes& z, const Tensor& W) {
    Tensor turned = Tensor::empty({z.O, z.kernel()}, W.dtype());
    dispatch(W.dtype(), [&]<class T>(T) { turn(z, false, W.data<T>(), turned.mutable_data<T>()); });
    return turned;
}

Tensor forward(const Sizes& z, const Tensor& x, const Tensor& W, const Tensor* bias) {
    const Tensor turned = channels_last(z, W);
    Tensor y = Tensor::empty({x.shape().dim(0), {z.O, x.shape().axis(1)}, z.OH, z.OW}, x.dtype());
    const Bands bands(z.B, z.OH, z.stride.height * z.PW * z.C + z.OW * z.O, x.dtype());
    const int64_t x_band = ((bands.rows() - 1) * z.stride.height + z.KH) * z.PW * z.C;
    const int64_t y_band = bands.rows() * z.OW * z.O;
    dispatch(x.dtype(), [&]<class T>(T) {
        const int64_t K = z.KW * z.C, row = z.PW * z.C, panels = kernels::packed_size<T>(K, z.O);
        Tensor packed = Tensor::empty({z.KH, panels}, x.dtype());
        T* const W_k = packed.mutable_data<T>();
        for (int64_t k = 0; k < z.KH; k++)
            kernels::pack(true, K, z.O, turned.data<T>() + k * K, z.kernel(), W_k + k * panels);
        Tensor scratch = Tensor::empty({bands.chunks, x_band + y_band}, x.dtype());
        const T *from = x.data<T>(), *b = bias != nullptr ? bias->data<T>() : nullptr;
        T *to = y.mutable_data<T>(), *memory = scratch.mutable_data<T>();
        bands.each([&](int64_t chunk, int64_t picture, int64_t first, int64_t rows) {
            T *xs = memory + chunk * (x_band + y_band), *ys = xs + x_band;
            channels_last(z.C, z.H, z.W, from + picture * z.C * z.H * z.W, first * z.stride.height - z.padding.height,
                          (rows - 1) * z.stride.height + z.KH, z.padding.width, z.PW, xs);
            for (int64_t i = 0; i < rows; i++)
                for (int64_t k = 0; k < z.KH; k++)
                    kernels::gemm_packed(z.OW, z.O, K, xs + (i * z.stride.height + k) * row, z.stride.width * z.C,
                                         W_k + k * panels, ys + i * z.OW * z.O, z.O, k > 0, k == 0 ? b : nullptr);
            channels_first(z.O, z.OH, z.OW, ys, first, rows, 0, z.OW, to + picture * z.O * z.OH * z.OW);
        });
    });
    return y;
}

/// dx, gathered in bands of its rows from the rows of dy that saw them: dx[.., i stride + k, j stride + l] += dy_ij
/// W_kl
Tensor x_gradient(const Sizes& z, const Tensor& dy, const Tensor& W, const Shape& shape) {
    Tensor dx = Tensor::empty(shape, dy.dtype());
    if (dx.size() == 0) return dx;
    const Tensor turned = channels_last(z, W);
    const int64_t step = z.stride.height;
    const Bands bands(z.B, z.H, z.PW * z.C + (z.OW * z.O + step - 1) / step, dy.dtype());
    const int64_t x_band = bands.rows() * z.PW * z.C;
    const int64_t y_band = ((bands.rows() + z.KH - 2) / step + 1) * z.OW * z.O;
    dispatch(dy.dtype(), [&]<class T>(T) {
        const int64_t places = z.KH * z.KW, panels = kernels::packed_size<T>(z.O, z.C);
        Tensor packed = Tensor::empty({places, panels}, dy.dtype());
        T* const W_kl = packed.mutable_data<T>();
        for (int64_t k = 0; k < places; k++)
            kernels::pack(false, z.O, z.C, turned.data<T>() + k * z.C, z.kernel(), W_kl + k * panels);
        Tensor scratch = Tensor::empty({bands.chunks, x_band + y_band}, dy.dtype());
        const T* from = dy.data<T>();
        T *to = dx.mutable_data<T>(), *memory = scratch.mutable_data<T>();
        bands.each([&](int64_t chunk, int64_t picture, int64_t first, int64_t rows) {
            T *xs = memory + chunk * (x_band + y_band), *ys = xs + x_band;
            std::fill_n(xs, rows * z.PW * z.C, T(0));
            const int64_t top = first + z.padding.height;  // in the padded picture
            const int64_t begin = std::max<int64_t>(0, (top - z.KH + step) / step);
            const int64_t end = std::min(z.OH, (top + rows - 1) / step + 1);
            if (begin < end)
                channels_last(z.O, z.OH, z.OW, from + picture * z.O * z.OH * z.OW, begin, end - begin, 0, z.OW, ys);
            for (int64_t i = begin; i < end; i++)
                for (int64_t k = std::max<int64_t>(0, top - i * step); k < std::min(z.KH, top + rows - i * step); k++)
                    for (int64_t l = 0; l < z.KW; l++)
                        kernels::gemm_packed(z.OW, z.C, z.O, ys + (i - begin) * z.OW * z.O, z.O,
                                             W_kl + (k * z.KW + l) * panels,
                                             xs + ((i * step + k - top) * z.PW + l) * z.C, z.stride.width * z.C, true);
            channels_first(z.C, z.H, z.W, xs, first, rows, z.padding.width, z.PW, to + picture * z.C * z.H * z.W);
        });
    });
    return dx;
}

/// dW_k = Σ dyᵀ x over all places. With a stride of 1 those of a whole band are one product: dy has zeros where the
/// padding separates two rows. Each chunk of bands has its own sum.
Tensor W_gradient(const Sizes& z, const Tensor& dy, const Tensor& x, const Shape& shape) {
    const bool whole = z.stride.height == 1 && z.stride.width == 1;
    const int64_t pitch = whole ? z.PW : z.OW;
    const Bands bands(z.B, z.OH, z.stride.height * z.PW * z.C + pitch * z.O, dy.dtype(),
                      std::clamp<int64_t>((8 << 20) / (z.O * z.kernel()), 2, 16));  // sums of 8 million numbers in all
    const int64_t x_band = ((bands.rows() - 1) * z.stride.height + z.KH) * z.PW * z.C;
    const int64_t y_band = bands.rows() * pitch * z.O;
    Tensor sums = Tensor::zeros({bands.chunks, z.O * z.kernel()}, dy.dtype()), dW = Tensor::empty(shape, dy.dtype());
    Tensor scratch = Tensor::empty({bands.chunks, x_band + y_band}, dy.dtype());
    dispatch(dy.dtype(), [&]<class T>(T) {
        const T *dys = dy.data<T>(), *xs = x.data<T>();
        T *all = sums.mutable_data<T>(), *memory = scratch.mutable_data<T>();
        bands.each([&](int64_t chunk, int64_t picture, int64_t first, int64_t rows) {
            T *x_rows = memory + chunk * (x_band + y_band), *y_rows = x_rows + x_band;
            channels_last(z.C, z.H, z.W, xs + picture * z.C * z.H * z.W, first * z.stride.height - z.padding.height,
                          (rows - 1) * z.stride.height + z.KH, z.padding.width, z.PW, x_rows);
            channels_last(z.O, z.OH, z.OW, dys + picture * z.O * z.OH * z.OW, first, rows, 0, pitch, y_rows);
            for (int64_t i = 0; i < (whole ? 1 : rows); i++)
                for (int64_t k = 0; k < z.KH; k++)
                    kernels::gemm(true, false, z.O, z.KW * z.C, whole ? (rows - 1) * pitch + z.OW : z.OW,
                                  y_rows + i * pitch * z.O, z.O, x_rows + (i * z.stride.height + k) * z.PW * z.C,
                                  z.stride.width * z.C, all + chunk * z.O * z.kernel() + k * z.KW * z.C, z.kernel(),
                                  true);
        });
        turn(z, true, sum(sums, 0).template data<T>(), dW.mutable_data<T>());
    });
    return dW;
}

Tensor bias_gradient(const Sizes& z, const Tensor& dy) {
    Tensor of_picture = Tensor::empty({z.B, z.O}, dy.dtype());
    dispatch(dy.dtype(), [&]<class T>(T) {
        const T* from = dy.data<T>();
        T* to = of_picture.mutable_data<T>();
        kernels::parallel(z.B, [&](int64_t b) {
            for (int64_t i = b * z.O; i < (b + 1) * z.O; i++)
                to[i] = T(kernels::sum(z.OH * z.OW, from + i * z.OH * z.OW));
        });
    });
    return sum(of_picture, 0);
}

Sizes check(const Operand& x, const Operand& W, const Operand* bias, const ConvolutionOptions& options) {
    const Shape& w = W.shape();
    common_dtype("conv2d", x.value(), W.value(), x.at);
    if (w.rank() != 4 || x.shape().rank() != 4 || w[0] < 1 || w[1] < 1 || w[1] != x.shape()[1])
        fail("conv2d", x.at, "{} with {}: expected [B, C, H, W] and [O, C, height, width]", x.label("x"), W.label("W"));
    if (bias != nullptr) common_dtype("conv2d", x.value(), bias->value(), x.at);
    if (bias != nullptr && !(bias->shape() == Shape{w[0]}))
        fail("conv2d", x.at, "{}, expected {} for {}", bias->label("bias"), Shape{{w[0], 'O'}}.str(), W.label("W"));
    const Pair y = Window{{w[2], w[3]}, options.stride, options.padding}.places("conv2d", x);
    const Shape& s = x.shape();
    return {s[0],           s[1],           s[2],     s[3],    w[0],
            w[2],           w[3],           y.height, y.width, s[3] + 2 * options.padding.width,
            options.stride, options.padding};
}

}  // namespace

Tensor conv2d(const Tensor& x, const Tensor& W, const Tensor& bias, const ConvolutionOptions& options, Where at) {
    const Operand b(bias, at);
    return forward(check({x, at}, {W, at}, &b, options), x, W, &bias);
}
Tensor conv2d(const Tensor& x, const Tensor& W, const ConvolutionOptions& options, Where at) {
    return forward(check({x, at}, {W, at}, nullptr, options), x, W, nullptr);
}

namespace ops {

struct Conv2d final : Record {
    Saved x, W;
    Edge bias, y;
    Sizes sizes;
    Conv2d(Recording& r, const Operand& x, const Operand& W, const Operand* bias, const Sizes& z)
        : x(r.saved(x)),
          W(r.saved(W)),
          bias(bias != nullptr ? r.input(*bias) : Edge{}),
          y(r.output(forward(z, x.value(), W.value(), bias != nullptr ? &bias->value() : nullptr))),
          sizes(z) {}
    void backward(Tape& tape) override {
        if (tape.wants(x)) tape.add(x, x_gradient(sizes, *dy, W, x.value.shape()));
        if (tape.wants(W)) tape.add(W, W_gradient(sizes, *dy, x, W.value.shape()));
        if (tape.wants(bias)) tape.add(bias, bias_gradient(sizes, *dy));
    }
    Text text() const override {
        return {
            "conv2d", "y_ij = b + Σ_kl W_kl x_{i s + k - p, j s + l - p}",
            "dx_{i s + k - p, j s + l - p} += W_klᵀ dy_ij, dW_kl += Σ_ij dy_ij xᵀ_{i s + k - p, j s + l - p}, db += "
            "Σ_ij dy_ij"};
    }
    void symbols(Symbols& list) const override { list.in("x", x).in("W", W).in("b", bias).out("y", y); }
};

}  // namespace ops

Var conv2d(const Operand& x, const Operand& W, const Operand& bias, const ConvolutionOptions& options) {
    const Operand* b = &bias;
    return tape_of("conv2d", {&x, &W, &bias}).record<ops::Conv2d>(x.at, x, W, b, check(x, W, b, options));
}
Var conv2d(const Operand& x, const Operand& W, const ConvolutionOptions& options) {
    const Operand* none = nullptr;
    return tape_of("conv2d", {&x, &W}).record<ops::Conv2d>(x.at, x, W, none, check(x, W, none, options));
}

}  // namespace unroll
