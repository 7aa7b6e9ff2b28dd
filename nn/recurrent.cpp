#include "nn/recurrent.hpp"

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

}  // namespace unroll
