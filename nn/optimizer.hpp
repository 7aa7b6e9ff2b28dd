#pragma once
#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "core/kernels/parallel.hpp"
#include "core/tape.hpp"

namespace unroll {

/// What all optimisers have in common: parameters θ, a learning rate, and a step that changes θ by the gradients g.
class Optimizer {
  public:
    virtual ~Optimizer() = default;
    Optimizer(const Optimizer&) = delete;
    Optimizer& operator=(const Optimizer&) = delete;

    /// One step with g = tape.grad(p) for each parameter p. Throws Error, before anything changes, where one took no
    /// part in what the tape recorded.
    void step(Tape& tape, Where at = {});
    /// One step with these gradients, one a parameter, of its shape and type; a parameter whose gradient is an
    /// undefined Tensor is left alone.
    void step(const std::vector<Tensor>& gradients, Where at = {});

    double lr() const { return lr_.flat(0); }
    void set_lr(double lr, Where at = {});
    const std::vector<Parameter>& parameters() const { return parameters_; }

    /// All that the next step depends on beside parameters, gradients and the other settings, by name: "lr", and for
    /// each parameter "W_hh:steps", "W_hh:m", ... The optimiser's own tensors: what is copied into them is its state.
    std::vector<std::pair<std::string, Tensor>> state() const;
    const char* name() const { return name_; }  // PyTorch's, in lower case

  protected:
    static constexpr size_t max_state = 3;
    /// Of these names, nullptr for none; each parameter gets tensors of zeros of its shape.
    using StateNames = std::array<const char*, max_state>;
    Optimizer(const char* name, std::vector<Parameter> parameters, double lr, const StateNames& state_names, Where at);
    /// Throws the Error of a wrong setting.
    void require(bool holds, const char* setting, double value, const char* expected, Where at) const;
    void require_not_negative(const char* setting, double value, Where at) const;

    /// n elements of θ, g and the state tensors (nullptr where there is none).
    template <class T>
    struct Piece {
        int64_t n;
        T* p;
        const T* g;
        std::array<T*, max_state> state;
    };
    /// f(piece) for all pieces of parameter i, over threads. They don't depend on the number of threads.
    template <class F>
    void pieces(size_t i, const Tensor& gradient, F f) {
        constexpr int64_t length = 16384;
        const int64_t n = gradient.size();
        dispatch(gradient.dtype(), [&]<class T>(T) {
            Piece<T> whole{n, parameters_[i].value.mutable_data<T>(), gradient.data<T>(), {}};
            for (size_t k = 0; k < max_state; k++)
                if (state_names_[k] != nullptr) whole.state[k] = state_[i][k].mutable_data<T>();
            kernels::parallel((n + length - 1) / length, [&](int64_t chunk) {
                const int64_t begin = chunk * length;
                Piece<T> piece{std::min(length, n - begin), whole.p + begin, whole.g + begin, {}};
                for (size_t k = 0; k < max_state; k++)
                    if (state_names_[k] != nullptr) piece.state[k] = whole.state[k] + begin;
                f(piece);
            });
        });
    }
    /// θ_t from θ_{t-1} and its gradient; t counts this parameter's steps from 1.
    virtual void update(size_t i, const Tensor& gradient, double t) = 0;

    std::vector<std::array<Tensor, max_state>> state_;  // of each parameter

  private:
    const char* name_;
    std::vector<Parameter> parameters_;
    StateNames state_names_;
    std::vector<Tensor> steps_;      // that each parameter has taken
    std::vector<Tensor> gradients_;  // of the step that runs
    Tensor lr_;
};

}  // namespace unroll
