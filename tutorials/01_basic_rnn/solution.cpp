// One solution of the exercises of chapter 01; exercise.hpp has the equations.
#include <algorithm>
#include <cmath>

#include "tutorials/01_basic_rnn/exercise.hpp"

namespace unroll::exercise {

// --- 1.1, 1.2: one step

Tensor rnn_step_forward(const Tensor& x_t, const Tensor& h_before, const Weights& w) {
    const Tensor a_t = matmul(h_before, transposed(w.W_hh)) + matmul(x_t, transposed(w.W_xh)) + w.b_h;
    return tanh(a_t);
}

StepGradients rnn_step_backward(const Tensor& dh_t, const Tensor& x_t, const Tensor& h_before, const Tensor& h_t,
                                const Weights& w) {
    const Tensor delta = dh_t * (1.0 - h_t * h_t);
    StepGradients d;
    d.dx_t = matmul(delta, w.W_xh);
    d.dh_before = matmul(delta, w.W_hh);
    d.dW_hh = matmul(transposed(delta), h_before);
    d.dW_xh = matmul(transposed(delta), x_t);
    d.db_h = sum(delta, 0);
    return d;
}

// --- 1.3, 1.4: the sequence

Tensor rnn_forward(const Tensor& x, const Tensor& h_0, const Weights& w) {
    std::vector<Tensor> h;
    Tensor state = h_0;
    for (int64_t t = 0; t < x.dim(0); t++) {
        state = tanh(matmul(state, transposed(w.W_hh)) + matmul(x[t], transposed(w.W_xh)) + w.b_h);
        h.push_back(state);
    }
    return stack(h);
}

Gradients rnn_backward(const Tensor& dy, const Tensor& dh_T, const Tensor& x, const Tensor& h_0, const Tensor& h,
                       const Weights& w) {
    const int64_t T = x.dim(0);
    Gradients g;
    g.dx = Tensor::zeros(x.shape(), DType::f64);
    g.dW_hh = Tensor::zeros(w.W_hh.shape(), DType::f64);
    g.dW_xh = Tensor::zeros(w.W_xh.shape(), DType::f64);
    g.db_h = Tensor::zeros(w.b_h.shape(), DType::f64);
    Tensor dh_next = dh_T;  // what comes back from behind step t
    for (int64_t t = T - 1; t >= 0; t--) {
        const Tensor h_before = t > 0 ? h[t - 1] : h_0;
        const Tensor dh = dy[t] + dh_next;
        const Tensor delta = dh * (1.0 - h[t] * h[t]);
        g.dx[t].copy_from(matmul(delta, w.W_xh));
        g.dW_hh += matmul(transposed(delta), h_before);
        g.dW_xh += matmul(transposed(delta), x[t]);
        g.db_h += sum(delta, 0);
        dh_next = matmul(delta, w.W_hh);
    }
    g.dh_0 = dh_next;
    return g;
}

// --- 1.5: the loss

SequenceLoss sequence_loss(const Tensor& scores, const Ids& targets) {
    const int64_t V = scores.dim(2), rows = scores.dim(0) * scores.dim(1);
    const double share = 1 / static_cast<double>(rows);
    SequenceLoss result{0, Tensor::zeros(scores.shape(), DType::f64)};
    for (int64_t r = 0; r < rows; r++) {
        const double* z = scores.data<double>() + r * V;
        double* d = result.dscores.mutable_data<double>() + r * V;
        const double largest = *std::max_element(z, z + V);
        double sum = 0;
        for (int64_t v = 0; v < V; v++) sum += std::exp(z[v] - largest);
        result.L -= share * (z[targets[r]] - largest - std::log(sum));
        for (int64_t v = 0; v < V; v++) d[v] = share * std::exp(z[v] - largest) / sum;
        d[targets[r]] -= share;
    }
    return result;
}

// --- 1.6: what is left of a change after t - k steps

Jacobian jacobian(const Tensor& states, const Tensor& W_hh, double norm, int k, int t) {
    const int64_t H = W_hh.dim(0);
    Tensor J = Tensor::zeros({H, H}, DType::f64);
    for (int64_t j = 0; j < H; j++) J.set({j, j}, 1);
    double largest = 0;
    for (int i = k + 1; i <= t; i++) {
        const Tensor slope = 1.0 - states[i] * states[i];  // σ'(a_i)
        for (int64_t j = 0; j < H; j++) largest = std::max(largest, slope.at({j}));
        const Tensor factor = slope.reshape({H, 1}) * W_hh;
        J = matmul(factor, J);
    }
    return {J, std::pow(norm * largest, t - k)};
}

// --- 1.7, 1.8: the language model's words, and its chunks

Tensor word_vectors(const Tensor& E, const Ids& words, int start) {
    const int64_t T = words.shape()[0], B = words.shape()[1], D = E.dim(1);
    Tensor x = Tensor::zeros({T, B, D}, DType::f64);
    for (int64_t t = 0; t < T; t++)
        for (int64_t b = 0; b < B; b++) {
            const int word = t == 0 ? start : words[(t - 1) * B + b];
            x[t][b].copy_from(E[word]);
        }
    return x;
}

Tensor word_vectors_backward(const Tensor& dx, const Ids& words, int start, int V) {
    const int64_t T = dx.dim(0), B = dx.dim(1), D = dx.dim(2);
    Tensor dE = Tensor::zeros({V, D}, DType::f64);
    for (int64_t t = 0; t < T; t++)
        for (int64_t b = 0; b < B; b++) {
            const int input = t > 0 ? words[(t - 1) * B + b] : start;
            Tensor row = dE[input];
            row += dx[t][b];
        }
    return dE;
}

Truncated truncated_bptt(const Layer& layer, const Tensor& x, const Tensor& dy, const Tensor& h_0, int n) {
    const int64_t T = x.dim(0);
    Truncated sums;
    std::vector<Tensor> states;
    Tensor carried = h_0;
    for (int64_t begin = 0; begin < T; begin += n) {
        const int64_t end = std::min(begin + n, T);
        const Tensor h = layer.forward(x.slice(begin, end), carried);
        const Tensor nothing = Tensor::zeros(h_0.shape(), DType::f64);
        const Gradients g = layer.backward(dy.slice(begin, end), nothing, x.slice(begin, end), carried, h);
        sums.dW_hh = begin == 0 ? g.dW_hh : sums.dW_hh + g.dW_hh;
        sums.dW_xh = begin == 0 ? g.dW_xh : sums.dW_xh + g.dW_xh;
        sums.db_h = begin == 0 ? g.db_h : sums.db_h + g.db_h;
        carried = h[end - begin - 1];
        states.push_back(h);
    }
    sums.h = concat(states, 0);
    return sums;
}

}  // namespace unroll::exercise
