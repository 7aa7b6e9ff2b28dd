#include "nn/optimizer.hpp"

#include <cmath>

namespace unroll {

Optimizer::Optimizer(const char* name, std::vector<Parameter> parameters, double lr, const StateNames& state_names,
                     Where at)
    : state_(parameters.size()),
      name_(name),
      parameters_(std::move(parameters)),
      state_names_(state_names),
      gradients_(parameters_.size()),
      lr_(Tensor::zeros({}, DType::f64)) {
    set_lr(lr, at);
    if (parameters_.empty()) fail(name_, at, "there are no parameters");
    for (size_t i = 0; i < parameters_.size(); i++) {
        const Parameter& p = parameters_[i];
        if (!p.value.defined()) fail(name_, at, "the parameter {} has no value", p.name);
        for (size_t j = 0; j < i; j++)
            if (parameters_[j].value.same_storage(p.value) || parameters_[j].name == p.name)
                fail(name_, at, "{} and {} (parameters {} and {}) are the same {}", parameters_[j].name, p.name, j, i,
                     parameters_[j].name == p.name ? "name" : "tensor");
        steps_.push_back(Tensor::zeros({}, DType::f64));
        for (size_t k = 0; k < max_state; k++)
            if (state_names_[k] != nullptr) state_[i][k] = Tensor::zeros(p.value.shape(), p.value.dtype());
    }
}

void Optimizer::require(bool holds, const char* setting, double value, const char* expected, Where at) const {
    if (!holds) fail(name_, at, "{} is {}, expected {}", setting, value, expected);
}

void Optimizer::require_not_negative(const char* setting, double value, Where at) const {
    require(value >= 0 && std::isfinite(value), setting, value, "a finite number, 0 or more", at);
}

void Optimizer::set_lr(double lr, Where at) {
    require_not_negative("lr", lr, at);
    lr_.set_flat(0, lr);
}

void Optimizer::step(Tape& tape, Where at) {
    for (size_t i = 0; i < parameters_.size(); i++) gradients_[i] = tape.grad(parameters_[i], at);
    step(gradients_, at);
    for (Tensor& g : gradients_) g = {};
}

void Optimizer::step(const std::vector<Tensor>& gradients, Where at) {
    if (gradients.size() != parameters_.size())
        fail(name_, at, "{} gradients for {} parameters", gradients.size(), parameters_.size());
    for (size_t i = 0; i < gradients.size(); i++) {
        const Tensor &g = gradients[i], &p = parameters_[i].value;
        if (g.defined() && !(g.shape() == p.shape() && g.dtype() == p.dtype()))
            fail(name_, at, "the gradient {} {} is not for {} {} {}", g.shape().str(), to_string(g.dtype()),
                 parameters_[i].name, p.shape().str(), to_string(p.dtype()));
    }
    for (size_t i = 0; i < gradients.size(); i++) {
        if (!gradients[i].defined()) continue;
        const double t = steps_[i].flat(0) + 1;
        steps_[i].set_flat(0, t);
        update(i, gradients[i], t);
    }
}

std::vector<std::pair<std::string, Tensor>> Optimizer::state() const {
    std::vector<std::pair<std::string, Tensor>> all = {{"lr", lr_}};
    for (size_t i = 0; i < parameters_.size(); i++) {
        all.emplace_back(parameters_[i].name + ":steps", steps_[i]);
        for (size_t k = 0; k < max_state; k++)
            if (state_names_[k] != nullptr) all.emplace_back(parameters_[i].name + ":" + state_names_[k], state_[i][k]);
    }
    return all;
}

}  // namespace unroll
