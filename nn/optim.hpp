#pragma once
#include <array>
#include <vector>

#include "nn/optimizer.hpp"

/// Optimisers with the settings, defaults and arithmetic of PyTorch's of the same name.
namespace unroll {

struct SgdOptions {
    double lr = 1e-3;
    double momentum = 0, dampening = 0, weight_decay = 0;
    bool nesterov = false;
    bool maximize = false;  // climb, in this and all others
};

/// Stochastic gradient descent; b is the momentum, b_1 = g_1.                          (Sutskever et al., ICML 2013)
///   g += λ θ,  b = μ b + (1 - dampening) g,  θ -= lr b,  or with Nesterov's momentum θ -= lr (g + μ b)
class Sgd final : public Optimizer {
  public:
    explicit Sgd(std::vector<Parameter> parameters, const SgdOptions& options = {}, Where at = {});

  private:
    void update(size_t i, const Tensor& gradient, double t) override;
    SgdOptions options_;
};

struct AdamOptions {
    double lr = 1e-3;
    std::array<double, 2> betas = {0.9, 0.999};
    double eps = 1e-8, weight_decay = 0;
    bool amsgrad = false;  // v̂ from the largest v so far (Reddi, Kale and Kumar, ICLR 2018)
    bool maximize = false;
};

/// Running means m and v of g and g², freed of their bias towards 0.                        (Kingma and Ba, ICLR 2015)
///   g += λ θ,  m = β_1 m + (1 - β_1) g,  v = β_2 v + (1 - β_2) g²
///   m̂ = m / (1 - β_1ᵗ),  v̂ = v / (1 - β_2ᵗ),  θ -= lr m̂ / (√v̂ + ε)
class Adam : public Optimizer {
  public:
    explicit Adam(std::vector<Parameter> parameters, const AdamOptions& options = {}, Where at = {});

  protected:
    Adam(const char* name, std::vector<Parameter> parameters, const AdamOptions& options, bool decoupled, Where at);

  private:
    void update(size_t i, const Tensor& gradient, double t) override;
    AdamOptions options_;
    bool decoupled_;
};

struct AdamWOptions {
    double lr = 1e-3;
    std::array<double, 2> betas = {0.9, 0.999};
    double eps = 1e-8, weight_decay = 1e-2;
    bool amsgrad = false, maximize = false;
};

/// Adam with the weight decay beside it, θ *= 1 - lr λ, in place of in g.           (Loshchilov and Hutter, ICLR 2019)
class AdamW final : public Adam {
  public:
    explicit AdamW(std::vector<Parameter> parameters, const AdamWOptions& options = {}, Where at = {});
};

struct RmsPropOptions {
    double lr = 1e-2;
    double alpha = 0.99, eps = 1e-8, weight_decay = 0, momentum = 0;
    bool centered = false;  // by g's variance in place of its square
    bool maximize = false;
};

/// Divides by a running mean of the gradient's size.                        (Hinton, Coursera lectures 6e, 2012)
///   g += λ θ,  v = α v + (1 - α) g²,  θ -= lr g / (√v + ε)
///   centered: a = α a + (1 - α) g and v - a² for v (Graves 2013);  with momentum: b = μ b + g / (√v + ε),  θ -= lr b
class RmsProp final : public Optimizer {
  public:
    explicit RmsProp(std::vector<Parameter> parameters, const RmsPropOptions& options = {}, Where at = {});

  private:
    void update(size_t i, const Tensor& gradient, double t) override;
    RmsPropOptions options_;
};

struct AdagradOptions {
    double lr = 1e-2;
    double lr_decay = 0, weight_decay = 0, initial_accumulator_value = 0, eps = 1e-10;
    bool maximize = false;
};

/// Divides by the root of the sum of all squared gradients so far.           (Duchi, Hazan and Singer, JMLR 2011)
///   g += λ θ,  s += g²,  θ -= lr / (1 + (t - 1) lr_decay) g / (√s + ε)
class Adagrad final : public Optimizer {
  public:
    explicit Adagrad(std::vector<Parameter> parameters, const AdagradOptions& options = {}, Where at = {});

  private:
    void update(size_t i, const Tensor& gradient, double t) override;
    AdagradOptions options_;
};

}  // namespace unroll
