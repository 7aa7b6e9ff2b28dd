#include "core/bptt/scan.hpp"

#include "core/kernels/gemm.hpp"

namespace unroll {

void Scan::check(const char* operation, Where at) const {
    if (lengths.defined()) check_lengths(operation, lengths, B, 0, {T, 'T'}, at);
}

Tensor Scan::outputs(const Tensor& states) const {
    const Tensor after = states_after(states);
    if (!lengths.defined()) return after;
    Tensor y = after.clone();
    dispatch(y.dtype(), [&](auto zero) {
        using T_ = decltype(zero);
        const int64_t H = y.dim(2);
        T_* p = y.mutable_data<T_>();
        for (int64_t t = 0; t < T; t++) pass_through<T_>(t, 0, B, H, nullptr, p + t * B * H);
    });
    return y;
}

Packed::Packed(const Tensor& W, bool transposed, Tape* tape)
    : form_(tape != nullptr ? tape->packed(W, transposed) : nullptr) {
    if (form_ != nullptr) return;
    const int64_t K = W.dim(transposed ? 1 : 0), N = W.dim(transposed ? 0 : 1);
    dispatch(W.dtype(), [&](auto zero) {
        using T = decltype(zero);
        own_ = Tensor::empty({kernels::packed_size<T>(K, N)}, W.dtype());
        kernels::pack<T>(transposed, K, N, W.data<T>(), W.dim(1), own_.mutable_data<T>());
        form_ = own_.data<T>();
    });
}

Tensor project(const Tensor& x, const Packed& W, int64_t N) {
    Tensor y = Tensor::empty(x.shape().with(-1, N), x.dtype());
    const int64_t K = x.dim(-1);
    dispatch(x.dtype(), [&](auto zero) {
        using T = decltype(zero);
        kernels::gemm_packed_parallel<T>(x.shape().rows(), N, K, x.data<T>(), K, W.data<T>(), y.mutable_data<T>(), N,
                                         false);
    });
    return y;
}

}  // namespace unroll
