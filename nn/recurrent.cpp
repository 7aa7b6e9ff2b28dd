#include "nn/recurrent.hpp"

#include "core/ops/lookup.hpp"

namespace unroll {

Tensor within(const Ids& lengths, int64_t t, DType dtype) {
    Tensor column = Tensor::empty({lengths.size(), 1}, dtype);
    for (int64_t b = 0; b < lengths.size(); b++) column.set_flat(b, t < lengths[b] ? 1 : 0);
    return column;
}

States pass_through(const States& before, const States& next, const Tensor& inside) {
    const Tensor outside = 1.0 - inside;
    States s;
    for (Var States::*state : {&States::h, &States::C}) {
        if (!given(next.*state)) continue;
        const Var moved = next.*state * inside;
        s.*state = moved + before.*state * outside;
    }
    return s;
}

RecurrentOutput over_words(const RecurrentLayer& layer, const Var& E, const Ids& words, RecurrentCall call, Where at) {
    const Var table = words.size() > E.dim(0) && !call.composed ? layer.projection(E) : Var();
    call.projected = given(table);
    return layer(embedding(Operand(call.projected ? table : E, at), words), call, at);
}

}  // namespace unroll
