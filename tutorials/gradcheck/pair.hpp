#pragma once
#include <vector>

#include "core/gradcheck.hpp"
#include "core/ops/dropout.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/lookup.hpp"
#include "core/ops/losses.hpp"
#include "core/ops/reductions.hpp"
#include "core/ops/shape.hpp"

// What `tutorials/start gradcheck FILE.cpp` wants of FILE.cpp: that it includes this file and defines these three
// functions. example.cpp shows a whole one.

/// Names and values to check at: inputs, weights and initial states alike, f64. `unroll::random_input("W", {4, 3})`
/// draws one.
std::vector<unroll::Parameter> inputs();

/// All outputs for these inputs (in the order of inputs()): of a sequence h_1 .. h_T, and the last state too where
/// somebody may go on from it.
std::vector<unroll::Tensor> forward(const std::vector<unroll::Tensor>& in);

/// The gradient of each input, in its shape, given the gradient d_out of each output:
/// dL/d in[k] = Σ over outputs of d_out ⊙ d out / d in[k]. `in` and `d_out` must stay as they are.
std::vector<unroll::Tensor> backward(const std::vector<unroll::Tensor>& in, const std::vector<unroll::Tensor>& d_out);
