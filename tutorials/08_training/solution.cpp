// One solution of the exercises of chapter 08; exercise.hpp has the equations.
#include <algorithm>
#include <cmath>

#include "tutorials/08_training/exercise.hpp"

namespace unroll::exercise {

// --- 8.1, 8.2, 8.3: clipping

double global_norm(const Gradients& gradients) {
    double largest = 0, squares = 0;
    for (const Tensor& g : gradients)
        for (int64_t i = 0; i < g.size(); i++) largest = std::max(largest, std::abs(g.flat(i)));
    if (largest == 0) return 0;
    for (const Tensor& g : gradients)
        for (int64_t i = 0; i < g.size(); i++) squares += g.flat(i) / largest * (g.flat(i) / largest);
    return largest * std::sqrt(squares);
}

Clipped clip_by_norm(const Gradients& gradients, double tau) {
    double squares = 0;
    for (const Tensor& g : gradients) squares += sum(g * g).item();
    const double norm = std::sqrt(squares), factor = norm > tau ? tau / norm : 1;
    Clipped clipped{{}, norm};
    for (const Tensor& g : gradients) clipped.gradients.push_back(g * factor);
    return clipped;
}

ClippedValues clip_by_value(const Gradients& gradients, double limit) {
    ClippedValues clipped{{}, 0};
    double product = 0, before = 0, after = 0;
    for (const Tensor& g : gradients) {
        Tensor c = g.clone();
        for (int64_t i = 0; i < g.size(); i++) {
            const double value = std::clamp(g.flat(i), -limit, limit);
            c.set_flat(i, value);
            product += g.flat(i) * value;
            before += g.flat(i) * g.flat(i);
            after += value * value;
        }
        clipped.gradients.push_back(c);
    }
    clipped.cosine = product / std::sqrt(before * after);
    return clipped;
}

// --- 8.4, 8.5: dropout

Dropped dropout_forward(const Tensor& x, const Tensor& draws, double p, bool training) {
    Tensor mask = Tensor::full(x.shape(), 1, DType::f64);
    for (int64_t i = 0; training && i < x.size(); i++) mask.set_flat(i, draws.flat(i) < p ? 0 : 1 / (1 - p));
    return {x * mask, mask};
}

Tensor dropout_backward(const Tensor& dy, const Tensor& mask) { return dy * mask; }

Dropped variational_forward(const Tensor& x, const Tensor& draws, double p, bool training) {
    Tensor mask = Tensor::full(draws.shape(), 1, DType::f64);
    for (int64_t i = 0; training && i < mask.size(); i++) mask.set_flat(i, draws.flat(i) >= p ? 1 / (1 - p) : 0);
    std::vector<Tensor> steps;
    for (int64_t t = 0; t < x.dim(0); t++) steps.push_back(x[t] * mask);
    return {stack(steps), mask};
}

Tensor variational_backward(const Tensor& dy, const Tensor& mask) {
    std::vector<Tensor> dx;
    for (int64_t t = 0; t < dy.dim(0); t++) dx.push_back(dy[t] * mask);
    return stack(dx);
}

// --- 8.6, 8.7: layer normalisation

Normalised layer_norm_forward(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
    const int64_t B = x.dim(0);
    const Tensor centred = x - mean(x, 1).reshape({B, 1});
    const Tensor variance = mean(centred * centred, 1);
    const Tensor inverse = Tensor::full({B}, 1, DType::f64) / sqrt(variance + eps);
    const Tensor x_hat = centred * inverse.reshape({B, 1});
    return {x_hat * weight + bias, x_hat, inverse};
}

NormGradients layer_norm_backward(const Tensor& dy, const Tensor& x_hat, const Tensor& inverse, const Tensor& weight) {
    const int64_t B = dy.dim(0);
    const Tensor g = dy * weight;
    const Tensor along = mean(g * x_hat, 1).reshape({B, 1});
    const Tensor inner = g - mean(g, 1).reshape({B, 1}) - x_hat * along;
    return {inner * inverse.reshape({B, 1}), sum(dy * x_hat, 0), sum(dy, 0)};
}

// --- 8.8: in which order

std::vector<Tensor> accumulated_step(const std::vector<Tensor>& parameters, const std::vector<Gradients>& micro,
                                     const std::vector<double>& sizes, double tau, double rate) {
    double total = 0, squares = 0;
    for (double size : sizes) total += size;
    Gradients g;
    for (size_t i = 0; i < parameters.size(); i++) {
        Tensor added = Tensor::zeros(parameters[i].shape(), DType::f64);
        for (size_t m = 0; m < micro.size(); m++) added += micro[m][i] * (sizes[m] / total);
        squares += sum(added * added).item();
        g.push_back(added);
    }
    const double norm = std::sqrt(squares), factor = norm > tau ? tau / norm : 1;
    std::vector<Tensor> stepped;
    for (size_t i = 0; i < parameters.size(); i++) stepped.push_back(parameters[i] - g[i] * (rate * factor));
    return stepped;
}

}  // namespace unroll::exercise
