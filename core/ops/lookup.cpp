#include "core/ops/lookup.hpp"

#include <algorithm>

#include "core/ops/rows.hpp"

namespace unroll {
namespace {

void check(const Operand& E, const Ids& ids) {
    if (E.shape().rank() != 2) fail("embedding", E.at, "{} is not a matrix [V, D]", E.label("E"));
    check_rows("embedding", ids, E.shape()[0], E.label("E"), E.at);
}

/// y_n = E[id_n]
Tensor gather(const Tensor& E, const Ids& ids, Where at) {
    const int64_t N = ids.size(), D = E.dim(1);
    Tensor y = Tensor::empty(ids.shape().append(E.shape().dim(1), at), E.dtype());
    dispatch(E.dtype(), [&]<class T>(T) {
        const T* from = E.data<T>();
        T* to = y.mutable_data<T>();
        each_row(N, D, [&](int64_t n) { std::copy_n(from + ids[n] * D, D, to + n * D); });
    });
    return y;
}

}  // namespace

// Threads share out the columns, so each number of dE has one owner, who adds in the order of the ids.
void scatter_add(const Tensor& dy, const Ids& ids, Tensor& dE) {
    const int64_t N = ids.size(), D = dE.dim(1);
    const int64_t parts = N * D < 16384 ? 1 : std::clamp<int64_t>(D / 16, 1, kernels::threads());
    dispatch(dE.dtype(), [&]<class T>(T) {
        const T* from = dy.data<T>();
        T* to = dE.mutable_data<T>();
        kernels::parallel(parts, [&](int64_t i) {
            const int64_t begin = kernels::chunk_begin(D, parts, i), end = kernels::chunk_begin(D, parts, i + 1);
            for (int64_t n = 0; n < N; n++) {
                const T* p = from + n * D;
                T* q = to + ids[n] * D;
                for (int64_t d = begin; d < end; d++) q[d] += p[d];
            }
        });
    });
}

Tensor embedding(const Tensor& E, const Ids& ids, Where at) {
    check(Operand(E, at), ids);
    return gather(E, ids, at);
}

namespace ops {

struct Embedding final : Record {
    Edge E, y;
    Ids ids;
    Embedding(Recording& r, const Operand& E, const Ids& ids)
        : E(r.input(E)), y(r.output(gather(E.value(), ids, E.at))), ids(ids.clone()) {}
    void backward(Tape& tape) override { scatter_add(*dy, ids, tape.sum(E)); }
    Text text() const override { return {"embedding", "y_n = E[id_n]", "dE[id_n] += dy_n"}; }
    void symbols(Symbols& list) const override { list.in("E", E).out("y", y); }
};

}  // namespace ops

Var embedding(const Operand& E, const Ids& ids) {
    check(E, ids);
    return tape_of("embedding", {&E}).record<ops::Embedding>(E.at, E, ids);
}

}  // namespace unroll
