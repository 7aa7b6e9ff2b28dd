#include "tutorials/tasks/adding.hpp"

#include <fmt/format.h>

namespace unroll::tasks {

Adding::Adding(int64_t length, uint64_t seed, uint64_t stream, Where at) : length_(length), gen_(seed, stream) {
    if (length < 2) fail("Adding", at, fmt::format("length {}: two numbers are marked, expected 2 or more", length));
}

Adding::Batch Adding::next(int64_t batch, Where at) {
    if (batch < 1) fail("Adding::next", at, fmt::format("batch {}: expected 1 or more", batch));
    const int64_t T = length_, half = T / 2;
    Batch b{Tensor::zeros({{T, 'T'}, {batch, 'B'}, {2, 'D'}}), Tensor::zeros({{batch, 'B'}, 1})};
    float* x = b.x.mutable_data<float>();
    for (int64_t i = 0; i < T * batch; i++) x[2 * i] = static_cast<float>(gen_.uniform());
    for (int64_t s = 0; s < batch; s++) {
        const int64_t first = gen_.below(half);
        const int64_t second = half + gen_.below(T - half);
        for (const int64_t t : {first, second}) {
            float* at_t = x + 2 * (t * batch + s);
            at_t[1] = 1;
            b.target.mutable_data<float>()[s] += at_t[0];
        }
    }
    return b;
}

}  // namespace unroll::tasks
