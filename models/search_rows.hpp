#pragma once
#include <algorithm>
#include <numeric>

#include "nn/decode.hpp"
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
/// 0 .. n-1
inline Ids counted(int64_t n) {
    Ids ids = Ids::empty({n});
    std::iota(ids.mutable_data(), ids.mutable_data() + n, 0);
    return ids;
}

/// What the rows of a search go on from (nn/decode.hpp): the encoded source of each, and a state. Both list their parts
/// [.., B, X], or as Ids [.., B], by each(f).
template <class Encoded, class State>
struct SearchRows {
    Encoded all = {}, source = {};  // of all sources; of each row's
    State state = {};
    Ids rows = {}, every = {};  // which source each row has; 0 .. N-1

    void begin(Encoded encoded, State first, int64_t sources) {
        all = source = std::move(encoded), state = std::move(first), rows = every = counted(sources);
    }
    /// Row n takes the place of row parents[n].
    void follow(const Ids& parents) {
        if (!equal(parents, every)) {  // else all go on in their places
            state.each([&](auto& part) { part = picked(part, parents); });
            every = counted(parents.size());
        }
        const Ids now = picked(rows, parents);
        if (!equal(now, rows)) {
            source = all;
            source.each([&](auto& part) { part = picked(part, now); });
        }
        rows = now;
    }
};

/// The step of a search over encoded sources. next(source, before [1, N], state) scores what follows, [N, V], and moves
/// the state on.
template <class Encoded, class State, class Next>
DecoderStep search_step(Encoded x, State first, int64_t sources, Next next) {
    SearchRows<Encoded, State> rows;
    rows.begin(std::move(x), std::move(first), sources);
    return [rows = std::move(rows), next](const Ids& words, const Ids& parents) mutable {
        rows.follow(parents);
        return next(rows.source, words.reshape({{1, 'T'}, {words.size(), 'B'}}), rows.state);
    };
}

}  // namespace unroll
