#include "core/kernels/reduce.hpp"

namespace unroll::kernels {

template <class T>
double sum(int64_t n, const T* x) {
    double s = 0;
    for (int64_t i = 0; i < n; i++) s += x[i];
    return s;
}

template <class T>
double dot(int64_t n, const T* x, const T* y) {
    double s = 0;
    for (int64_t i = 0; i < n; i++) s += double(x[i]) * double(y[i]);
    return s;
}

template <class T>
double sum_squares(int64_t n, const T* x) {
    return dot(n, x, x);
}

template <class T>
void column_sums(int64_t R, int64_t C, const T* x, T* y, bool accumulate) {
    for (int64_t c = 0; c < C; c++) {
        double s = accumulate ? y[c] : 0;
        for (int64_t r = 0; r < R; r++) s += x[r * C + c];
        y[c] = T(s);
    }
}

template double sum(int64_t, const float*);
template double sum(int64_t, const double*);
template double dot(int64_t, const float*, const float*);
template double dot(int64_t, const double*, const double*);
template double sum_squares(int64_t, const float*);
template double sum_squares(int64_t, const double*);
template void column_sums(int64_t, int64_t, const float*, float*, bool);
template void column_sums(int64_t, int64_t, const double*, double*, bool);

}  // namespace unroll::kernels
