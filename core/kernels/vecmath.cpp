#include "core/kernels/vecmath.hpp"

namespace unroll::kernels {

template <class T>
void exp(int64_t n, const T* x, T* y) {
    map(n, inputs(x), outputs(y), [](auto x, auto& y) { y = vexp<T>(x); });
}
template <class T>
void log(int64_t n, const T* x, T* y) {
    map(n, inputs(x), outputs(y), [](auto x, auto& y) { y = vlog<T>(x); });
}
template <class T>
void sigmoid(int64_t n, const T* x, T* y) {
    map(n, inputs(x), outputs(y), [](auto x, auto& y) { y = vsigmoid<T>(x); });
}
template <class T>
void tanh(int64_t n, const T* x, T* y) {
    map(n, inputs(x), outputs(y), [](auto x, auto& y) { y = vtanh<T>(x); });
}

template void exp(int64_t, const float*, float*);
template void exp(int64_t, const double*, double*);
template void log(int64_t, const float*, float*);
template void log(int64_t, const double*, double*);
template void sigmoid(int64_t, const float*, float*);
template void sigmoid(int64_t, const double*, double*);
template void tanh(int64_t, const float*, float*);
template void tanh(int64_t, const double*, double*);

}  // namespace unroll::kernels
