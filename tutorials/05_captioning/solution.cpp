// One solution of the exercises of chapter 05; exercise.hpp has the equations.
#include <algorithm>
#include <cmath>

#include "tutorials/05_captioning/exercise.hpp"

namespace unroll::exercise {

// --- 5.1, 5.2: convolution

Tensor conv2d(const Tensor& x, const Tensor& W, const Tensor& bias, int s, int p) {
    const int64_t B = x.dim(0), C = x.dim(1), O = W.dim(0), n = W.dim(2);
    const int64_t high = (x.dim(2) + 2 * p - n) / s + 1, wide = (x.dim(3) + 2 * p - n) / s + 1;
    Tensor y = Tensor::zeros({B, O, high, wide}, DType::f64);
    for (int64_t b = 0; b < B; b++)
        for (int64_t o = 0; o < O; o++)
            for (int64_t i = 0; i < high; i++)
                for (int64_t j = 0; j < wide; j++) {
                    double sum = bias.at({o});
                    for (int64_t c = 0; c < C; c++)
                        for (int64_t k = 0; k < n; k++)
                            for (int64_t l = 0; l < n; l++) {
                                const int64_t row = i * s + k - p, column = j * s + l - p;
                                if (row < 0 || column < 0 || row >= x.dim(2) || column >= x.dim(3)) continue;
                                sum += W.at({o, c, k, l}) * x.at({b, c, row, column});
                            }
                    y.set({b, o, i, j}, sum);
                }
    return y;
}

ConvGradients conv2d_backward(const Tensor& dy, const Tensor& x, const Tensor& W, int s, int p) {
    ConvGradients d{Tensor::zeros(x.shape(), DType::f64), Tensor::zeros(W.shape(), DType::f64),
                    Tensor::zeros({W.dim(0)}, DType::f64)};
    for (int64_t b = 0; b < dy.dim(0); b++)
        for (int64_t o = 0; o < dy.dim(1); o++)
            for (int64_t i = 0; i < dy.dim(2); i++)
                for (int64_t j = 0; j < dy.dim(3); j++) {
                    const double g = dy.at({b, o, i, j});
                    d.dbias.set({o}, d.dbias.at({o}) + g);
                    for (int64_t c = 0; c < x.dim(1); c++)
                        for (int64_t k = 0; k < W.dim(2); k++)
                            for (int64_t l = 0; l < W.dim(3); l++) {
                                const int64_t u = i * s + k - p, v = j * s + l - p;
                                if (u < 0 || v < 0 || u >= x.dim(2) || v >= x.dim(3)) continue;
                                d.dW.set({o, c, k, l}, d.dW.at({o, c, k, l}) + g * x.at({b, c, u, v}));
                                d.dx.set({b, c, u, v}, d.dx.at({b, c, u, v}) + g * W.at({o, c, k, l}));
                            }
                }
    return d;
}

// --- 5.3, 5.4: pooling, batch normalisation

Pooled max_pool(const Tensor& x, const Tensor& dy, int n) {
    Pooled pooled{Tensor::zeros({x.dim(0), x.dim(1), x.dim(2) / n, x.dim(3) / n}, DType::f64),
                  Tensor::zeros(x.shape(), DType::f64)};
    for (int64_t b = 0; b < x.dim(0); b++)
        for (int64_t c = 0; c < x.dim(1); c++)
            for (int64_t i = 0; i < x.dim(2) / n; i++)
                for (int64_t j = 0; j < x.dim(3) / n; j++) {
                    int64_t row = i * n, column = j * n;
                    for (int64_t u = i * n; u < (i + 1) * n; u++)
                        for (int64_t v = j * n; v < (j + 1) * n; v++)
                            if (x.at({b, c, u, v}) > x.at({b, c, row, column})) row = u, column = v;
                    pooled.y.set({b, c, i, j}, x.at({b, c, row, column}));
                    pooled.dx.set({b, c, row, column}, dy.at({b, c, i, j}));
                }
    return pooled;
}

Normed batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& running_mean,
                  const Tensor& running_var, double eps, double m) {
    Normed normed{Tensor::zeros(x.shape(), DType::f64), running_mean.clone(), running_var.clone()};
    const int64_t pixels = x.dim(2) * x.dim(3);
    const double N = static_cast<double>(x.dim(0) * pixels);
    for (int64_t c = 0; c < x.dim(1); c++) {
        double mean = 0, variance = 0;
        for (int64_t b = 0; b < x.dim(0); b++)
            for (int64_t i = 0; i < pixels; i++) mean += x[b][c].flat(i) / N;
        for (int64_t b = 0; b < x.dim(0); b++)
            for (int64_t i = 0; i < pixels; i++) variance += std::pow(x[b][c].flat(i) - mean, 2) / N;
        for (int64_t b = 0; b < x.dim(0); b++)
            for (int64_t i = 0; i < pixels; i++) {
                const double standard = (x[b][c].flat(i) - mean) / std::sqrt(variance + eps);
                normed.y.set({b, c, i / x.dim(3), i % x.dim(3)}, weight.at({c}) * standard + bias.at({c}));
            }
        normed.running_mean.set({c}, (1 - m) * running_mean.at({c}) + m * mean);
        normed.running_var.set({c}, (1 - m) * running_var.at({c}) + m * variance * N / (N - 1));
    }
    return normed;
}

// --- 5.5, 5.6: spatial attention

Attended spatial_attention(const Tensor& h, const Tensor& V, const AttentionWeights& w) {
    const int64_t B = h.dim(0), K = V.dim(0);
    const Tensor asked = matmul(h, transposed(w.W_h));
    std::vector<Tensor> e;
    for (int64_t i = 0; i < K; i++) {
        const Tensor u = tanh(asked + matmul(V[i], transposed(w.W_v)) + w.b_a);
        e.push_back(sum(u * w.w_a, 1).reshape({B, 1}));
    }
    const Tensor odds = exp(concat(e, 1));
    Attended a{odds / sum(odds, 1).reshape({B, 1}), Tensor::zeros({B, V.dim(2)}, DType::f64)};
    for (int64_t i = 0; i < K; i++) a.v += V[i] * columns(a.alpha, i, i + 1);
    return a;
}

AttentionGradients spatial_attention_backward(const Tensor& dv, const Tensor& h, const Tensor& V, const Tensor& alpha,
                                              const AttentionWeights& w) {
    const int64_t B = h.dim(0), K = V.dim(0);
    AttentionGradients d{Tensor::zeros(h.shape(), DType::f64),     Tensor::zeros(V.shape(), DType::f64),
                         Tensor::zeros(w.W_h.shape(), DType::f64), Tensor::zeros(w.W_v.shape(), DType::f64),
                         Tensor::zeros(w.b_a.shape(), DType::f64), Tensor::zeros(w.w_a.shape(), DType::f64)};
    std::vector<Tensor> dalpha;
    for (int64_t i = 0; i < K; i++) dalpha.push_back(sum(dv * V[i], 1).reshape({B, 1}));
    const Tensor all = concat(dalpha, 1);
    const Tensor mean = sum(alpha * all, 1).reshape({B, 1});
    const Tensor de = alpha * (all - mean);
    for (int64_t i = 0; i < K; i++) {
        const Tensor de_i = columns(de, i, i + 1);
        const Tensor u = tanh(matmul(h, transposed(w.W_h)) + matmul(V[i], transposed(w.W_v)) + w.b_a);
        const Tensor g = (1.0 - u * u) * w.w_a * de_i;
        d.dV[i].copy_from(dv * columns(alpha, i, i + 1) + matmul(g, w.W_v));
        d.dh += matmul(g, w.W_h);
        d.dW_h += matmul(transposed(g), h);
        d.dW_v += matmul(transposed(g), V[i]);
        d.db_a += sum(g, 0);
        d.dw_a += sum(u * de_i, 0);
    }
    return d;
}

// --- 5.7, 5.8: what a decoder is fed

Ids sampled_inputs(const Ids& before, const Tensor& draws, double epsilon, const Next& next) {
    const int64_t T = before.shape()[0], B = before.shape()[1];
    Ids fed = before.clone();
    for (int64_t t = 1; t < T; t++) {
        const Ids own = next(t - 1, fed.row(t - 1));
        for (int64_t b = 0; b < B; b++)
            if (draws.at({t, b}) >= epsilon) fed.mutable_data()[t * B + b] = own[b];
    }
    return fed;
}

double epsilon(Decay decay, int i, double k, double slope, double least) {
    if (decay == Decay::linear) return std::max(least, k - slope * i);
    if (decay == Decay::exponential) return std::pow(k, i);
    return k / (k + std::exp(i / k));
}

}  // namespace unroll::exercise
