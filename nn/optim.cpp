#include "nn/optim.hpp"

#include <algorithm>
#include <cmath>

namespace unroll {

// Each update is one pass: g' = ±g + λ θ is never stored. The pieces' arrays don't overlap.

Sgd::Sgd(std::vector<Parameter> parameters, const SgdOptions& options, Where at)
    : Optimizer("sgd", std::move(parameters), options.lr, {options.momentum != 0 ? "b" : nullptr}, at),
      options_(options) {
    require_not_negative("momentum", options.momentum, at);
    require_not_negative("weight_decay", options.weight_decay, at);
    require(std::isfinite(options.dampening), "dampening", options.dampening, "a finite number", at);
    if (!options.nesterov) return;
    require(options.momentum > 0, "momentum", options.momentum, "more than 0 with nesterov", at);
    require(options.dampening == 0, "dampening", options.dampening, "0 with nesterov", at);
}

void Sgd::update(size_t i, const Tensor& gradient, double t) {
    const SgdOptions& o = options_;
    const double rate = lr(), old = t == 1 ? 0 : o.momentum, fresh = t == 1 ? 1 : 1 - o.dampening;
    pieces(i, gradient, [&]<class T>(const Piece<T>& piece) {
        const T sign = o.maximize ? -1 : 1, lambda = T(o.weight_decay), lr = T(rate);
        const T mu = T(o.momentum), keep = T(old), take = T(fresh);
        const bool nesterov = o.nesterov;
        T* __restrict p = piece.p, * __restrict b = piece.state[0];
        const T* __restrict g = piece.g;
        if (b == nullptr)
            for (int64_t k = 0; k < piece.n; k++) p[k] -= lr * (sign * g[k] + lambda * p[k]);
        else
            for (int64_t k = 0; k < piece.n; k++) {
                const T d = sign * g[k] + lambda * p[k];
                b[k] = keep * b[k] + take * d;
                p[k] -= lr * (nesterov ? d + mu * b[k] : b[k]);
            }
    });
}

Adam::Adam(std::vector<Parameter> parameters, const AdamOptions& options, Where at)
    : Adam("adam", std::move(parameters), options, false, at) {}

Adam::Adam(const char* name, std::vector<Parameter> parameters, const AdamOptions& options, bool decoupled, Where at)
    : Optimizer(name, std::move(parameters), options.lr, {"m", "v", options.amsgrad ? "v_max" : nullptr}, at),
      options_(options),
      decoupled_(decoupled) {
    for (double beta : options.betas) require(beta >= 0 && beta < 1, "one of betas", beta, "0 <= beta < 1", at);
    require_not_negative("eps", options.eps, at);
    require_not_negative("weight_decay", options.weight_decay, at);
}

void Adam::update(size_t i, const Tensor& gradient, double t) {
    const AdamOptions& o = options_;
    const double rate = lr() / (1 - std::pow(o.betas[0], t));           // of m: lr m̂ = rate m
    const double v_scale = 1 / std::sqrt(1 - std::pow(o.betas[1], t));  // √v̂ = v_scale √v
    const double shrink = decoupled_ ? 1 - lr() * o.weight_decay : 1, lambda_in_g = decoupled_ ? 0 : o.weight_decay;
    pieces(i, gradient, [&]<class T>(const Piece<T>& piece) {
        const T sign = o.maximize ? -1 : 1, lambda = T(lambda_in_g), keep = T(shrink), lr = T(rate), eps = T(o.eps);
        const T beta_1 = T(o.betas[0]), take_1 = T(1 - o.betas[0]), beta_2 = T(o.betas[1]), take_2 = T(1 - o.betas[1]);
        const T scale = T(v_scale);
        T* __restrict p = piece.p, * __restrict m = piece.state[0], * __restrict v = piece.state[1];
        T* __restrict v_max = piece.state[2];
        const T* __restrict g = piece.g;
        for (int64_t k = 0; k < piece.n; k++) {
            const T d = sign * g[k] + lambda * p[k];
            m[k] = beta_1 * m[k] + take_1 * d;
            v[k] = beta_2 * v[k] + take_2 * d * d;
            T size = v[k];
            if (v_max != nullptr) size = v_max[k] = std::max(v_max[k], size);
            p[k] = keep * p[k] - lr * m[k] / (scale * std::sqrt(size) + eps);
        }
    });
}

AdamW::AdamW(std::vector<Parameter> parameters, const AdamWOptions& o, Where at)
    : Adam("adamw", std::move(parameters),
           {.lr = o.lr,
            .betas = o.betas,
            .eps = o.eps,
            .weight_decay = o.weight_decay,
            .amsgrad = o.amsgrad,
            .maximize = o.maximize},
           true, at) {}

RmsProp::RmsProp(std::vector<Parameter> parameters, const RmsPropOptions& options, Where at)
    : Optimizer("rmsprop", std::move(parameters), options.lr,
                {"v", options.centered ? "a" : nullptr, options.momentum != 0 ? "b" : nullptr}, at),
      options_(options) {
    require(options.alpha >= 0 && options.alpha <= 1, "alpha", options.alpha, "0 <= alpha <= 1", at);
    require_not_negative("eps", options.eps, at);
    require_not_negative("weight_decay", options.weight_decay, at);
    require_not_negative("momentum", options.momentum, at);
}

void RmsProp::update(size_t i, const Tensor& gradient, double) {
    const RmsPropOptions& o = options_;
    const double rate = lr();
    pieces(i, gradient, [&]<class T>(const Piece<T>& piece) {
        const T sign = o.maximize ? -1 : 1, lambda = T(o.weight_decay), lr = T(rate), eps = T(o.eps),
                mu = T(o.momentum);
        const T alpha = T(o.alpha), take = T(1 - o.alpha);
        T* __restrict p = piece.p, * __restrict v = piece.state[0];
        T* __restrict a = piece.state[1], * __restrict b = piece.state[2];
        const T* __restrict g = piece.g;
        for (int64_t k = 0; k < piece.n; k++) {
            const T d = sign * g[k] + lambda * p[k];
            v[k] = alpha * v[k] + take * d * d;
            T size = v[k];
            if (a != nullptr) {
                a[k] = alpha * a[k] + take * d;
                size = std::max(T(0), size - a[k] * a[k]);  // rounding alone can take it below 0
            }
            T step = d / (std::sqrt(size) + eps);
            if (b != nullptr) step = b[k] = mu * b[k] + step;
            p[k] -= lr * step;
        }
    });
}

Adagrad::Adagrad(std::vector<Parameter> parameters, const AdagradOptions& options, Where at)
    : Optimizer("adagrad", std::move(parameters), options.lr, {"s"}, at), options_(options) {
    require_not_negative("lr_decay", options.lr_decay, at);
    require_not_negative("weight_decay", options.weight_decay, at);
    require_not_negative("initial_accumulator_value", options.initial_accumulator_value, at);
    require_not_negative("eps", options.eps, at);
    for (auto& state : state_) state[0].fill(options.initial_accumulator_value);
}

void Adagrad::update(size_t i, const Tensor& gradient, double t) {
    const AdagradOptions& o = options_;
    const double rate = lr() / (1 + (t - 1) * o.lr_decay);
    pieces(i, gradient, [&]<class T>(const Piece<T>& piece) {
        const T sign = o.maximize ? -1 : 1, lambda = T(o.weight_decay), lr = T(rate), eps = T(o.eps);
        T* __restrict p = piece.p, * __restrict s = piece.state[0];
        const T* __restrict g = piece.g;
        for (int64_t k = 0; k < piece.n; k++) {
            const T d = sign * g[k] + lambda * p[k];
            s[k] += d * d;
            p[k] -= lr * d / (std::sqrt(s[k]) + eps);
        }
    });
}

}  // namespace unroll
