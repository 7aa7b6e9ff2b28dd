#pragma once
#include <string>

#include "nn/rnn.hpp"

/// Weights under PyTorch's names and in its layouts, as safetensors.
///
///     here                        torch.nn.RNN
///     layer1.W_xh [H, D]          weight_ih_l1
///     layer1.W_hh [H, H]          weight_hh_l1
///     layer1.b_h  [H]             bias_ih_l1 + bias_hh_l1: read as their sum, written as b_h and zeros
///     layer1_reverse.*            *_l1_reverse
namespace unroll {

/// Copies the weights of a torch.nn.RNN of the same sizes into the module; names in the file begin with `prefix`
/// ("rnn." for a member of that name). Throws Error, with nothing changed, naming each tensor that is missing, of
/// another shape, or more than the module has. f32 and f64 are converted.
void load_pytorch(const std::string& path, Rnn& rnn, const std::string& prefix = "");
void save_pytorch(const std::string& path, Rnn& rnn, const std::string& prefix = "");

}  // namespace unroll
