#include "core/bptt/scan.hpp"

#include "core/kernels/reduce.hpp"
#include "core/ops/lookup.hpp"

namespace unroll {

Scan::Scan(const Shape& x, const SequenceOptions& options)
    : T((options.words.defined() ? options.words.shape() : x)[0]),
      B((options.words.defined() ? options.words.shape() : x)[1]),
      reverse(options.reverse),
      lengths(options.lengths.clone()),  // a record keeps them, whatever becomes of the caller's
      words(options.words.clone()) {}

void Scan::check(const char* operation, Where at) const {
    if (lengths.defined()) check_lengths(operation, lengths, B, 0, {T, 'T'}, at);
}

Tensor Scan::projection(const Tensor& x, const Tensor& W_xh, Tape& tape) const {
    if (!has_table()) return project(x, Packed(W_xh, true, &tape));
    return Tensor::empty({words.shape().dim(0), words.shape().dim(1), x.shape().dim(1)}, x.dtype());
}

void Scan::projection_backward(Tape& tape, const Tensor& da, const Saved& x, const Saved& W_xh) const {
    if (tape.wants(W_xh)) tape.add_product(W_xh, da, x);
    if (!tape.wants(x)) return;
    if (has_table())
        scatter_add(da, words, tape.sum(x));
    else
        tape.add(x, project(da, Packed(W_xh, false, &tape)));
}

Tensor Scan::states_from(const Tensor& h_0) const {
    Tensor states = Tensor::empty({{T + 1, 'T'}, {B, 'B'}, {h_0.dim(1), 'H'}}, h_0.dtype());
    states.slice(first_slot(), first_slot() + 1).copy_from(h_0.reshape({1, B, h_0.dim(1)}));
    return states;
}

Tensor Scan::outputs(const Tensor& states) const {
    const Tensor after = states_after(states);
    if (!lengths.defined()) return after;
    Tensor y = after.clone();
    dispatch(y.dtype(), [&]<class T_>(T_) {
        const int64_t H = y.dim(2);
        T_* p = y.mutable_data<T_>();
        for (int64_t t = 0; t < T; t++) pass_through<T_>(t, 0, B, H, nullptr, p + t * B * H);
    });
    return y;
}

void expect_shape(const char* operation, const Operand& x, const Operand& operand, const char* role,
                  const Shape& shape) {
    if (!(operand.shape() == shape)) fail(operation, x.at, "{}, expected {}", operand.label(role), shape.str());
    common_dtype(operation, x.value(), operand.value(), x.at);
}

void expect_input(const char* operation, const Operand& x, const Operand& W_xh, Dim GH, const Ids& words) {
    if (!words.defined()) {
        if (x.shape().rank() != 3) fail(operation, x.at, "{}, expected [T, B, D]", x.label("x"));
        return expect_shape(operation, x, W_xh, "W_xh", {GH, {x.shape()[2], 'D'}});
    }
    if (words.shape().rank() != 2) fail(operation, x.at, "words {}, expected [T, B]", words.shape().str());
    if (x.shape().rank() != 2) fail(operation, x.at, "{}, expected a table [V, {}]", x.label("x"), GH.size);
    expect_shape(operation, x, x, "the table x", {x.shape().dim(0), GH});
    check_rows(operation, words, x.shape()[0], x.label("x"), x.at);
}

Packed::Packed(const Tensor& W, bool transposed, Tape* tape)
    : K(W.dim(transposed ? 1 : 0)),
      N(W.dim(transposed ? 0 : 1)),
      form_(tape != nullptr ? tape->packed(W, transposed) : nullptr) {
    if (form_ != nullptr) return;
    dispatch(W.dtype(), [&]<class T>(T) {
        own_ = Tensor::empty({kernels::packed_size<T>(K, N)}, W.dtype());
        kernels::pack<T>(transposed, K, N, W.data<T>(), W.dim(1), own_.mutable_data<T>());
        form_ = own_.data<T>();
    });
}

Tensor project(const Tensor& x, const Packed& W) {
    Tensor y = Tensor::empty(x.shape().with(-1, W.N), x.dtype());
    dispatch(x.dtype(),
             [&]<class T>(T) { W.multiply<T>(x.shape().rows(), x.data<T>(), W.K, y.mutable_data<T>(), W.N, false); });
    return y;
}

Tensor sum_of_rows(const Tensor& A, int64_t column, const Tensor& C) {
    Tensor sum = Tensor::empty({C.dim(-1)}, C.dtype());
    dispatch(C.dtype(), [&]<class T>(T) {
        kernels::column_dots<T>(C.shape().rows(), C.dim(-1), A.data<T>() + column, A.dim(-1), C.data<T>(),
                                sum.mutable_data<T>());
    });
    return sum;
}

void add_products(Tensor& dW, int64_t first, int64_t M, const Tensor& A, int64_t column, const Tensor& b) {
    const int64_t N = b.dim(-1), lda = A.dim(-1);
    dispatch(b.dtype(), [&]<class T>(T) {
        kernels::gemm<T>(true, false, M, N, b.shape().rows(), A.data<T>() + column, lda, b.data<T>(), N,
                         dW.mutable_data<T>() + first * N, N, true);
    });
}

}  // namespace unroll
