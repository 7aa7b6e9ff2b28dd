#pragma once
#include <map>
#include <string>

#include "core/tensor.hpp"

/// Separate and concatenated weights are the same numbers in two layouts.
///
///     a cell's                                             the book's, for each gate
///     W_hh [GH, H] and W_xh [GH, D]: the gates' rows       W_f [H, H+D] on [h, x]; W_i, W_C, W_o; of a GRU W_z, W_r,
///     W_h above each other in the cell's order, with           W_f, W_i, W_o [H, H+D+H] on [h, x, C], where there are
///     P_f, P_i, P_o [H, H]                                 full peepholes
///     b [GH]                                               b_f [H], b_i, ...
///     P_f, P_i, P_o [H] (diagonal), b_hh [H]               the same: the book doesn't have them
///
/// As a layout it serves gradients as well as weights.
namespace unroll {

using Weights = std::map<std::string, Tensor>;

/// `gates` is the cell's gates(): "fiCo", "iCo" (coupled) or "zrh", a letter a gate. The results are new tensors, those
/// the book doesn't have excepted. Both throw Error naming what is missing, too many, or of a shape that doesn't fit.
Weights to_book(const std::string& gates, const Weights& cell, Where at = {});
Weights from_book(const std::string& gates, const Weights& book, Where at = {});

}  // namespace unroll
