#pragma once
#include <functional>

#include "core/tape.hpp"

/// Is a backward pass the derivative of its forward pass? Every entry of every input is moved a little, and what the
/// outputs do is compared with the gradient.
///
/// A random upstream gradient enters at every output (h_T and c_T too): with L = Σ outputs ⊙ upstream, dL/dx by the
/// backward pass must be the central difference D(h) = (L(x + h) - L(x - h)) / 2h after one Richardson extrapolation,
/// (4 D(h/2) - D(h)) / 3, whose error falls as h⁴. All in f64: f32 rounds to 1e-7, which hides most mistakes.
namespace unroll {

struct GradCheckOptions {
    double tolerance = 1e-9;
    /// 0: every entry. k: instead the derivatives along k random directions in each input, for whole models and big
    /// sizes: four forward passes each, whatever the size.
    int directions = 0;
    uint64_t seed = 1;
};

/// Where a gradient and the differences disagree most.
struct GradEntry {
    std::string input;           // its name; empty where there was nothing to compare
    std::vector<int64_t> index;  // in the input
    int direction = -1;          // or the direction in it, counted from 0
    double analytic = 0, numeric = 0;
    /// |analytic - numeric| relative to the largest number of the whole gradient, all inputs together. Where that is
    /// under a thousandth of L's typical size, relative to this thousandth: smaller ones drown in L's rounding.
    double error = 0;
    double tolerance = 0;
    int64_t entries = 0;  // compared
    /// Of these, judged again with smaller steps: a kink (relu, max) lay inside the first step, or the function bends
    /// too sharply for it. Where even the smallest step met a kink, at inputs drawn again nearby.
    int64_t rejudged = 0;

    bool passed() const { return error <= tolerance; }  // also where an input is empty
    std::string where() const;                          // "W_hh[3, 2]"
    /// A line under header(): what was checked, how many entries, the worst of them, and the verdict.
    std::string row(const std::string& name) const;
    static std::string header();
};

/// The worst entry of all, and that of each input in the order given.
struct GradCheck : GradEntry {
    std::vector<GradEntry> inputs;
};

/// An input to check at: f64, normal, its numbers a function of the name and the seed.
Parameter random_input(const std::string& name, const Shape& shape, double mean = 0, double std = 1, uint64_t seed = 0);

/// Checks what a tape does backward. f computes all outputs from the inputs (inputs, parameters and initial states
/// alike), which it enters by `tape.watch(x)` or simply uses, the same at each call. Throws Error where f changes an
/// input, gives two results for the same inputs, or leaves one of the inputs out.
GradCheck gradcheck(const std::vector<Parameter>& inputs, const std::function<std::vector<Var>(Tape&)>& f,
                    const GradCheckOptions& options = {}, Where at = {});

/// Checks a forward and backward written by hand. forward: inputs to outputs; backward: inputs and the gradients of
/// all outputs to the gradients of all inputs. Throws Error as above, and where the gradients are not one an input, of
/// its shape.
GradCheck gradcheck_pair(
    const std::vector<Parameter>& inputs, const std::function<std::vector<Tensor>(const std::vector<Tensor>&)>& forward,
    const std::function<std::vector<Tensor>(const std::vector<Tensor>&, const std::vector<Tensor>&)>& backward,
    const GradCheckOptions& options = {}, Where at = {});

}  // namespace unroll
