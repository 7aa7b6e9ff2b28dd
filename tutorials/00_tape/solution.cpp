// One solution of the exercises of chapter 00; exercise.hpp has the equations.
#include <algorithm>
#include <cmath>

#include "tutorials/00_tape/exercise.hpp"

namespace unroll::exercise {

Tensor linear(const Tensor& x, const Tensor& W) {
    const int64_t R = x.dim(0), K = x.dim(1), N = W.dim(0);
    Tensor y = Tensor::zeros({R, N}, DType::f64);
    for (int64_t r = 0; r < R; r++)
        for (int64_t n = 0; n < N; n++) {
            double sum = 0;
            for (int64_t k = 0; k < K; k++) sum += x.data<double>()[r * K + k] * W.data<double>()[n * K + k];
            y.set({r, n}, sum);
        }
    return y;
}

LinearGradients linear_backward(const Tensor& dy, const Tensor& x, const Tensor& W) {
    Tensor db = Tensor::zeros({W.dim(0)}, DType::f64);
    for (int64_t r = 0; r < dy.dim(0); r++) db += dy[r];
    return {matmul(dy, W), matmul(transposed(dy), x), db};
}

Tensor tanh_backward(const Tensor& dy, const Tensor& y) { return dy * (1.0 - y * y); }

CrossEntropy cross_entropy(const Tensor& z, const Ids& targets) {
    const int64_t R = z.dim(0), V = z.dim(1);
    CrossEntropy result{Tensor::zeros({R, V}, DType::f64), 0};
    for (int64_t r = 0; r < R; r++) {
        const double* row = z.data<double>() + r * V;
        double* p = result.p.mutable_data<double>() + r * V;
        const double largest = *std::max_element(row, row + V);
        double sum = 0;
        for (int64_t v = 0; v < V; v++) sum += p[v] = std::exp(row[v] - largest);
        for (int64_t v = 0; v < V; v++) p[v] /= sum;
        result.loss -= (row[targets[r]] - largest - std::log(sum)) / static_cast<double>(R);
    }
    return result;
}

Tensor cross_entropy_backward(double dloss, const Tensor& p, const Ids& targets) {
    const int64_t R = p.dim(0);
    Tensor dz = p.clone();
    for (int64_t r = 0; r < R; r++) dz.set({r, targets[r]}, p.at({r, targets[r]}) - 1);
    return dz * (dloss / static_cast<double>(R));
}

std::vector<double> run(const List& list, const std::vector<double>& inputs) {
    std::vector<double> values;
    size_t next_input = 0;
    for (const Line& line : list) {
        const double a = line.a < 0 ? 0 : values[line.a];
        const double b = line.b < 0 ? 0 : values[line.b];
        switch (line.op) {
            case Op::input:
                values.push_back(inputs[next_input++]);
                break;
            case Op::add:
                values.push_back(a + b);
                break;
            case Op::sub:
                values.push_back(a - b);
                break;
            case Op::mul:
                values.push_back(a * b);
                break;
            case Op::tanh:
                values.push_back(std::tanh(a));
                break;
        }
    }
    return values;
}

std::vector<double> run_backward(const List& list, const std::vector<double>& values, int output) {
    std::vector<double> d(list.size(), 0.0);
    d[output] = 1;
    for (int i = output; i >= 0; i--) {
        const auto [op, a, b] = list[i];
        switch (op) {
            case Op::input:
                break;
            case Op::add:
                d[a] += d[i];
                d[b] += d[i];
                break;
            case Op::sub:
                d[a] += d[i];
                d[b] -= d[i];
                break;
            case Op::mul:
                d[a] += d[i] * values[b];
                d[b] += d[i] * values[a];
                break;
            case Op::tanh:
                d[a] += d[i] * (1 - values[i] * values[i]);
                break;
        }
    }
    return d;
}

Tensor numeric_gradient(const std::function<double(const Tensor&)>& f, const Tensor& x, double h) {
    Tensor gradient = Tensor::zeros(x.shape(), DType::f64);
    Tensor moved = x.clone();
    for (int64_t i = 0; i < x.size(); i++) {
        moved.set_flat(i, x.flat(i) + h);
        const double above = f(moved);
        moved.set_flat(i, x.flat(i) - h);
        const double below = f(moved);
        moved.set_flat(i, x.flat(i));
        gradient.set_flat(i, (above - below) / (2 * h));
    }
    return gradient;
}

}  // namespace unroll::exercise
