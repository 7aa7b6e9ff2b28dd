#pragma once
#include <string>

#include "core/safetensors.hpp"
#include "nn/module.hpp"

/// Weights under PyTorch's names and in its layouts, as safetensors.
///
///     PyTorch                           here
///     Linear      weight, bias          W [out, in], b [out]
///     Embedding   weight                E [V, D]
///     LayerNorm   weight, bias          weight [H], bias [H]
///     Conv2d      weight, bias          W [out, in, height, width], b [out]
///     BatchNorm*  weight, bias, running_mean, running_var: the same; num_batches_tracked is not read, nor written
///     RNN, LSTM, GRU, layer 1; its other direction is *_l1_reverse, here layer1_reverse.*
///                 weight_ih_l1          layer1.W_xh [GH, D]      the gates' rows in another order:
///                 weight_hh_l1          layer1.W_hh [GH, H]        LSTM   i f g o   here f i C̃ o
///                 bias_ih_l1            layer1.b [GH] (b_h)        GRU    r z n     here z r h̃, rows of z negated
///                 bias_hh_l1            added to b when read, zeros when written; rows n of a GRU are layer1.b_hh [H]
///
/// PyTorch's z weights the old state, the book's z the candidate: one is 1 minus the other, and 1 - σ(a) = σ(-a).
/// Modules inside a module have the names that it gives them: `out.weight`. What PyTorch doesn't have (peepholes,
/// coupled gates, reset before the matrix, layer normalisation within, a logistic RNN) is refused. That a torch.nn.RNN
/// is a relu's, no file tells.
namespace unroll {

/// Copies the weights into the module; f32 and f64 are converted. The file's names begin with `prefix` ("decoder." for
/// a member of that name). Throws Error, with nothing changed, naming each tensor that is missing, of another shape, or
/// more than the module has.
void load_pytorch(const std::string& path, Module& module, const std::string& prefix = "", Where at = {});
void save_pytorch(const std::string& path, Module& module, const std::string& prefix = "", Where at = {});

/// The same in memory: what a file holds, and a state_dict.
void from_pytorch(const SafeTensors& file, Module& module, const std::string& prefix = "", Where at = {});
SafeTensors to_pytorch(Module& module, const std::string& prefix = "", Where at = {});

}  // namespace unroll
