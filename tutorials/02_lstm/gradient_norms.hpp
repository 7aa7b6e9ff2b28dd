#pragma once
#include <vector>

#include "core/ops/reductions.hpp"
#include "nn/clip.hpp"
#include "nn/recurrent.hpp"

namespace unroll {

/// How much of dL_T/dh_T arrives at the states n = T - k steps earlier: norms of dL_T/dh_k and dL_T/dC_k over n = 0 ..
/// T, relative to that of dL_T/dh_T.
struct GradientNorms {
    std::vector<double> n, h, C;  // C empty for a cell without a cell state
    /// Along the cell's memory: C where there is one.
    const std::vector<double>& memory() const { return C.empty() ? h : C; }
    double after(int steps) const { return memory()[static_cast<size_t>(steps)]; }
};

/// Runs the cell over x [T, B, D] from zeros, with L_T = Σ upstream ⊙ h_T, upstream [B, H] or [H].
template <class Cell>
GradientNorms gradient_norms(const Cell& cell, const Tensor& x, const Tensor& upstream) {
    Tape tape;
    const int T = static_cast<int>(x.dim(0));
    const Shape shape{x.shape().dim(1), upstream.dim(-1)};
    States s{tape.input(Tensor::zeros(shape, x.dtype())), {}};
    if (Cell::has_cell_state) s.C = tape.input(Tensor::zeros(shape, x.dtype()));
    std::vector<States> states{s};
    const Var inputs = tape.constant(x);
    for (int t : tape.steps(T)) {
        s = cell.step(row(inputs, t), s);
        tape.keep_grad(s.h);
        if (Cell::has_cell_state) tape.keep_grad(s.C);
        states.push_back(s);
    }
    tape.backward(sum(s.h * upstream));
    GradientNorms norms;
    const auto norm = [&](const Var& v) { return global_norm({tape.grad(v)}); };
    for (int n = 0; n <= T; n++) {
        const States& at = states[static_cast<size_t>(T - n)];
        norms.n.push_back(n);
        norms.h.push_back(norm(at.h) / norm(s.h));
        if (Cell::has_cell_state) norms.C.push_back(norm(at.C) / norm(s.C));
    }
    return norms;
}

}  // namespace unroll
