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
    if (!given(table)) return layer(embedding(Operand(E, at), words), call, at);
    call.words = words;
    return layer(table, call, at);
}

void check_call(const char* layer, const Var& x, int64_t D, const States& initial, const Shape& state,
                bool has_cell_state, const Ids& lengths, Where at, const Ids& words) {
    if (words.defined()) {
        if (words.shape().rank() != 2 || words.shape()[0] < 1)
            fail(layer, at, "words {}, expected [T, B] with at least one time step", words.shape().str());
        check_rows(layer, words, x.shape().rank() == 2 ? x.dim(0) : 0, "the table " + x.shape().str(), at);
    } else if (!given(x) || x.shape().rank() != 3 || x.dim(2) != D || x.dim(0) < 1) {
        fail(layer, at, "x is {}, expected [T, B, D={}] with at least one time step", x.shape().str(), D);
    }
    for (const Var* s : {&initial.h, &initial.C})
        if (given(*s) && (!(s->shape() == state) || s->dtype() != x.dtype()))
            fail(layer, at, "an initial state is {} {}, expected {} {}{}", s->shape().str(), to_string(s->dtype()),
                 state.str(), to_string(x.dtype()), state.rank() == 3 ? " (layers times directions first)" : "");
    if (given(initial.C) && !has_cell_state)
        fail(layer, at, "an initial cell state C is given, but this cell has none");
    Scan(x.shape(), {.lengths = lengths, .words = words}).check(layer, at);
}

}  // namespace unroll
