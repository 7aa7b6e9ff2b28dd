#pragma once
#include <string>

#include "core/random.hpp"
#include "core/var.hpp"

/// Initial values, written into a tensor that exists: `init::orthogonal(rnn.cell(0).W_hh.value, gen)`. Weights are
/// [out, in], or [out, in, height, width] for convolutions; fan_in and fan_out count the numbers that go into and out
/// of one unit.
namespace unroll::init {

/// Uniform in ±1/√n: with n = hidden_size what PyTorch gives all parameters of its recurrent layers, with n = fan_in
/// those of Linear. (LeCun et al., "Efficient BackProp", 1998, have the idea.)
void inverse_root(Tensor& W, int64_t n, Generator& gen, Where at = {});
/// A new parameter that starts so.
Parameter parameter(const std::string& name, const Shape& shape, DType dtype, int64_t n, Generator& gen);

/// Variance 2 / (fan_in + fan_out), for tanh: uniform in ±√(6 / (fan_in + fan_out)).     (Glorot and Bengio, 2010)
void xavier_uniform(Tensor& W, Generator& gen, Where at = {});
void xavier_normal(Tensor& W, Generator& gen, Where at = {});

/// Variance 2 / fan_in, for relu.                                                         (He et al., ICCV 2015)
void he_uniform(Tensor& W, Generator& gen, Where at = {});
void he_normal(Tensor& W, Generator& gen, Where at = {});

/// Rows (or columns, where there are fewer of them) of length `gain`, orthogonal to each other; all such matrices
/// equally likely. All singular values of a square one are `gain`.              (Saxe, McClelland and Ganguli, 2014)
void orthogonal(Tensor& W, Generator& gen, double gain = 1, Where at = {});

/// `scale` on the diagonal, zeros beside it: with relu, a state that remembers.      (Le, Jaitly and Hinton, 2015)
void identity(Tensor& W, double scale = 1, Where at = {});

inline void zeros(Tensor& W) { W.fill(0); }

/// The largest singular value of a matrix, ‖W‖_2, by power iteration on WᵀW; to about 1e-14 of it.
double spectral_norm(const Tensor& W, Where at = {});

/// Multiplies W so that ‖W‖_2 = norm. Throws Error where W is all zeros.
void scale_to_spectral_norm(Tensor& W, double norm, Where at = {});

}  // namespace unroll::init
