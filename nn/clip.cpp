#include "nn/clip.hpp"

#include <algorithm>
#include <cmath>

#include "core/kernels/reduce.hpp"

namespace unroll {
namespace {

using Gradients = std::vector<Tensor, PoolAllocator<Tensor>>;

Gradients gradients_of(Tape& tape, const std::vector<Parameter>& parameters, Where at) {
    Gradients gradients;
    gradients.reserve(parameters.size());
    for (const Parameter& p : parameters) gradients.push_back(tape.grad(p, at));
    return gradients;
}

double largest_entry(const Gradients& tensors) {
    double largest = 0;
    for (const Tensor& x : tensors)
        for (int64_t i = 0; i < x.size(); i++) largest = std::max(largest, std::abs(x.flat(i)));
    return largest;
}

double norm_of(const Gradients& tensors) {
    double squares = 0;
    for (const Tensor& x : tensors)
        dispatch(x.dtype(), [&]<class T>(T) { squares += kernels::dot(x.size(), x.data<T>(), x.data<T>()); });
    if (squares > 1e-280 && squares < 1e300) return std::sqrt(squares);
    // Squares of f64 may overflow, or vanish: relative to the largest they don't.
    const double largest = largest_entry(tensors);
    if (largest == 0 || !std::isfinite(largest)) return std::sqrt(squares);
    squares = 0;
    for (const Tensor& x : tensors)
        for (int64_t i = 0; i < x.size(); i++) squares += x.flat(i) / largest * (x.flat(i) / largest);
    return largest * std::sqrt(squares);
}

/// In double precision: for the factor of an exploded gradient f32 may have few digits, or none.
void multiply(Tensor& g, double factor) {
    dispatch(g.dtype(), [&]<class T>(T) {
        T* p = g.mutable_data<T>();
        for (int64_t i = 0, n = g.size(); i < n; i++) p[i] = T(double(p[i]) * factor);
    });
}

void clamp(Tensor& g, double limit) {
    dispatch(g.dtype(), [&]<class T>(T) {
        const T most = T(limit);
        T* p = g.mutable_data<T>();
        for (int64_t i = 0, n = g.size(); i < n; i++) p[i] = p[i] < -most ? -most : p[i] > most ? most : p[i];
    });
}

void check_limit(const char* operation, const char* name, double value, Where at) {
    if (!(value >= 0)) fail(operation, at, "{} is {}, expected 0 or more", name, value);
}

/// The norm, and the factor that each gradient is to be multiplied by.
struct Clip {
    double norm, factor;
};

template <class Name>
Clip clip(const Gradients& gradients, double max_norm, Where at, Name name) {
    check_limit("clip_grad_norm", "max_norm", max_norm, at);
    for (size_t i = 0; i < gradients.size(); i++)
        for (size_t k = 0; k < i; k++)
            if (gradients[i].size() > 0 && gradients[i].same_numbers(gradients[k]))
                fail("clip_grad_norm", at, "{} and {} are one gradient", name(k), name(i));
    const double norm = norm_of(gradients);
    if (!std::isfinite(norm)) {
        for (size_t i = 0; i < gradients.size(); i++)
            if (has_nonfinite(gradients[i]))
                fail("clip_grad_norm", at, "the gradient of {} {} holds NaN or infinity", name(i),
                     gradients[i].shape().str());
        fail("clip_grad_norm", at, "the norm of the gradients is too large for a number");
    }
    return {norm, norm > max_norm ? max_norm / norm : 1};
}

}  // namespace

double clip_grad_norm(Tape& tape, const std::vector<Parameter>& parameters, double max_norm, Where at) {
    const auto name = [&](size_t i) { return parameters[i].name; };
    const Clip result = clip(gradients_of(tape, parameters, at), max_norm, at, name);
    if (result.factor != 1)
        for (const Parameter& p : parameters) multiply(tape.mutable_grad(p, at), result.factor);
    return result.norm;
}

double clip_grad_norm(const std::vector<Tensor>& gradients, double max_norm, Where at) {
    const auto name = [](size_t i) { return fmt::format("parameter {}", i); };
    const Clip result = clip(Gradients(gradients.begin(), gradients.end()), max_norm, at, name);
    if (result.factor != 1)
        for (Tensor g : gradients) multiply(g, result.factor);
    return result.norm;
}

void clip_grad_value(Tape& tape, const std::vector<Parameter>& parameters, double limit, Where at) {
    check_limit("clip_grad_value", "limit", limit, at);
    for (const Parameter& p : parameters) clamp(tape.mutable_grad(p, at), limit);
}

void clip_grad_value(const std::vector<Tensor>& gradients, double limit, Where at) {
    check_limit("clip_grad_value", "limit", limit, at);
    for (Tensor g : gradients) clamp(g, limit);
}

double global_norm(const std::vector<Tensor>& tensors) { return norm_of(Gradients(tensors.begin(), tensors.end())); }

}  // namespace unroll
