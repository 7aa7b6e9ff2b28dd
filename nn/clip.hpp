#pragma once
#include <vector>

#include "core/tape.hpp"

/// Gradient clipping (Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", ICML
/// 2013). Between backward and the optimiser's step.
namespace unroll {

/// Where the norm of all gradients taken as one vector, ‖g‖ = √(Σ g²), is above τ = max_norm, each becomes g τ / ‖g‖:
/// shorter, in the same direction. (PyTorch divides by ‖g‖ + 1e-6.) Returns the norm before; max_norm may be infinite,
/// to measure only. Throws Error where a gradient holds NaN or infinity, which scaling would spread to all parameters.
double clip_grad_norm(Tape& tape, const std::vector<Parameter>& parameters, double max_norm, Where at = {});
/// The same, in place, on plain tensors.
double clip_grad_norm(const std::vector<Tensor>& gradients, double max_norm, Where at = {});

/// Every single number of the gradients is brought between -limit and limit. That changes the direction too.
void clip_grad_value(Tape& tape, const std::vector<Parameter>& parameters, double limit, Where at = {});
void clip_grad_value(const std::vector<Tensor>& gradients, double limit, Where at = {});

/// √(Σ x²) over all tensors, in double precision, for numbers of any size, in a fixed order of addition.
double global_norm(const std::vector<Tensor>& tensors);

}  // namespace unroll
