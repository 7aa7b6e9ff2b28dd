#include "nn/init.hpp"

#include <algorithm>
#include <cmath>

#include "core/ops/linalg.hpp"

namespace unroll::init {
namespace {

struct Fan {
    double in, out;
};

Fan fan(const char* operation, const Tensor& W, Where at) {
    if (W.rank() < 2 || W.size() == 0) fail(operation, at, "{} is no weight: expected [out, in, ..]", W.shape().str());
    const int64_t places = W.size() / (W.dim(0) * W.dim(1));
    return {double(W.dim(1) * places), double(W.dim(0) * places)};
}

void check_matrix(const char* operation, const Tensor& W, Where at) {
    if (W.rank() != 2 || W.size() == 0) fail(operation, at, "{} is no matrix: expected [out, in]", W.shape().str());
}

void uniform(Tensor& W, double variance, Generator& gen) {
    const double bound = std::sqrt(3 * variance);
    gen.fill_uniform(W, -bound, bound);
}

double dot(const double* a, const double* b, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/// y += a x
void add_scaled(double a, const double* x, double* y, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] += a * x[i];
}

double norm(const Tensor& x) { return std::sqrt(dot(x.data<double>(), x.data<double>(), x.size())); }

}  // namespace

void inverse_root(Tensor& W, int64_t n, Generator& gen, Where at) {
    if (n < 1) fail("inverse_root", at, "n is {}, expected 1 or more", n);
    uniform(W, 1 / (3 * double(n)), gen);
}

Parameter parameter(const std::string& name, const Shape& shape, DType dtype, int64_t n, Generator& gen) {
    if (shape.size() == 0) throw Error("the parameter {} is {}: each size must be 1 or more", name, shape.str());
    Tensor value = Tensor::empty(shape, dtype);
    inverse_root(value, n, gen);
    return {name, value};
}

void xavier_uniform(Tensor& W, Generator& gen, Where at) {
    const Fan f = fan("xavier_uniform", W, at);
    uniform(W, 2 / (f.in + f.out), gen);
}
void xavier_normal(Tensor& W, Generator& gen, Where at) {
    const Fan f = fan("xavier_normal", W, at);
    gen.fill_normal(W, 0, std::sqrt(2 / (f.in + f.out)));
}
void he_uniform(Tensor& W, Generator& gen, Where at) { uniform(W, 2 / fan("he_uniform", W, at).in, gen); }
void he_normal(Tensor& W, Generator& gen, Where at) {
    gen.fill_normal(W, 0, std::sqrt(2 / fan("he_normal", W, at).in));
}

void orthogonal(Tensor& W, Generator& gen, double gain, Where at) {
    check_matrix("orthogonal", W, at);
    const int64_t R = W.dim(0), C = W.dim(1), count = std::min(R, C), length = std::max(R, C);
    Tensor drawn = Tensor::empty({count, length}, DType::f64);
    gen.fill_normal(drawn, 0, 1);
    double* q = drawn.mutable_data<double>();  // Gram and Schmidt: Q of the QR decomposition with R's diagonal positive
    for (int64_t i = 0; i < count; i++) {
        double* v = q + i * length;
        for (int pass = 0; pass < 2; pass++) {  // the second takes off what the first left by rounding
            for (int64_t j = 0; j < i; j++) add_scaled(-dot(q + j * length, v, length), q + j * length, v, length);
            const double size = std::sqrt(dot(v, v, length));
            for (int64_t k = 0; k < length; k++) v[k] /= size;
        }
    }
    for (int64_t r = 0; r < R; r++)
        for (int64_t c = 0; c < C; c++) W.set_flat(r * C + c, gain * (R <= C ? q[r * C + c] : q[c * R + r]));
}

void identity(Tensor& W, double scale, Where at) {
    check_matrix("identity", W, at);
    W.fill(0);
    for (int64_t i = 0; i < std::min(W.dim(0), W.dim(1)); i++) W.set_flat(i * W.dim(1) + i, scale);
}

double spectral_norm(const Tensor& W, Where at) {
    check_matrix("spectral_norm", W, at);
    if (has_nonfinite(W)) fail("spectral_norm", at, "W {} holds NaN or infinity", W.shape().str());
    const Tensor w = W.to(DType::f64);
    Tensor B = matmul(transposed(w), w);  // its largest eigenvalue is the square of W's largest singular value
    const int64_t n = B.dim(0);
    for (int doubling = 0; doubling < 40; doubling++) {  // B^(2^40): all but this eigenvalue's directions vanish
        double trace = 0;
        for (int64_t i = 0; i < n; i++) trace += B.flat(i * n + i);
        if (trace == 0) return 0;
        B *= 1 / trace;
        B = matmul(B, B);
    }
    int64_t longest = 0;
    for (int64_t i = 1; i < n; i++)
        if (B.flat(i * n + i) > B.flat(longest * n + longest)) longest = i;
    const Tensor v = B.row(longest).clone(), Wv = matmul(w, v.reshape({-1, 1}));
    return norm(Wv) / norm(v);
}

void scale_to_spectral_norm(Tensor& W, double norm, Where at) {
    if (!(norm >= 0 && std::isfinite(norm)))
        fail("scale_to_spectral_norm", at, "norm is {}, expected a finite number, 0 or more", norm);
    const double now = spectral_norm(W, at);
    if (now == 0) fail("scale_to_spectral_norm", at, "W {} is all zeros", W.shape().str());
    for (int64_t i = 0; i < W.size(); i++) W.set_flat(i, W.flat(i) * (norm / now));
}

}  // namespace unroll::init
