#pragma once
#include "core/ids.hpp"
#include "core/tape.hpp"

namespace unroll {

/// Row ids[..] of E [V, D] for every id: ids [T, B] gives [T, B, D]. Gradients of one row that was looked up several
/// times add up, in the order of the ids. Throws Error for an id that is no row of E.
Tensor embedding(const Tensor& E, const Ids& ids, Where at = {});
Var embedding(const Operand& E, const Ids& ids);

/// Its gradient: dE[id_n] += dy_n, for dy [.., D] with a row an id, and ids that are rows of dE: nothing is checked.
void scatter_add(const Tensor& dy, const Ids& ids, Tensor& dE);

}  // namespace unroll
