#pragma once
#include <algorithm>

#include "core/ids.hpp"
#include "nn/recurrent.hpp"

/// What a search takes along when its rows are others than at the step before.
namespace unroll {

/// Sequences `rows` of x [.., B, X].
inline Var picked(const Var& x, const Ids& rows) {
    if (!given(x)) return x;
    const int64_t N = rows.size(), B = x.shape()[-2], width = x.dim(-1);
    Tensor y = Tensor::empty(x.shape().with(-2, {N, 'N'}), x.dtype());
    dispatch(x.dtype(), [&]<class T>(T) {
        const T* from = x.value().data<T>();
        T* to = y.mutable_data<T>();
        for (int64_t i = 0; i < y.size() / width; i++)
            std::copy_n(from + (i / N * B + rows[i % N]) * width, width, to + i * width);
    });
    return x.tape()->constant(y);
}
/// Columns `rows` of x [.., B].
inline Ids picked(const Ids& x, const Ids& rows) {
    if (!x.defined()) return x;
    const int64_t N = rows.size(), B = x.shape()[-1];
    Ids y = Ids::empty(x.shape().with(-1, N));
    for (int64_t i = 0; i < y.size(); i++) y.mutable_data()[i] = x[i / N * B + rows[i % N]];
    return y;
}

inline bool equal(const Ids& a, const Ids& b) {
    return a.size() == b.size() && std::equal(a.data(), a.data() + a.size(), b.data());
}

}  // namespace unroll
