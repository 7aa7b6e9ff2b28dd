// One solution of the exercises of chapter 02; exercise.hpp has the equations.
#include <algorithm>

#include "tutorials/02_lstm/exercise.hpp"

namespace unroll::exercise {

// --- 2.1, 2.2: one step

Step lstm_step_forward(const Tensor& x_t, const Tensor& h_before, const Tensor& C_before, const Weights& w) {
    const int64_t H = h_before.dim(1);
    const Tensor a_t = matmul(concat(h_before, x_t), transposed(w.W)) + w.b;
    Step s;
    s.f = sigmoid(columns(a_t, 0, H));
    s.i = sigmoid(columns(a_t, H, 2 * H));
    s.candidate = tanh(columns(a_t, 2 * H, 3 * H));
    s.o = sigmoid(columns(a_t, 3 * H, 4 * H));
    s.C = s.f * C_before + s.i * s.candidate;
    s.h = s.o * tanh(s.C);
    return s;
}

StepGradients lstm_step_backward(const Tensor& dh_t, const Tensor& dC_t, const Tensor& x_t, const Tensor& h_before,
                                 const Tensor& C_before, const Step& s, const Weights& w) {
    const int64_t H = h_before.dim(1), D = x_t.dim(1);
    const Tensor squashed = tanh(s.C);
    const Tensor dC = dC_t + dh_t * s.o * (1.0 - squashed * squashed);
    const Tensor df = dC * C_before;
    const Tensor di = dC * s.candidate;
    const Tensor dcandidate = dC * s.i;
    const Tensor d_o = dh_t * squashed;
    const Tensor delta_f = df * s.f * (1.0 - s.f);
    const Tensor delta_i = di * s.i * (1.0 - s.i);
    const Tensor delta_C = dcandidate * (1.0 - s.candidate * s.candidate);
    const Tensor delta_o = d_o * s.o * (1.0 - s.o);
    const Tensor delta = concat({delta_f, delta_i, delta_C, delta_o});
    const Tensor dhx = matmul(delta, w.W);
    StepGradients d;
    d.dh_before = columns(dhx, 0, H);
    d.dx_t = columns(dhx, H, H + D);
    d.dC_before = dC * s.f;
    d.dW = matmul(transposed(delta), concat(h_before, x_t));
    d.db = sum(delta, 0);
    return d;
}

// --- 2.3, 2.4: the sequence

Step lstm_forward(const Tensor& x, const Tensor& h_0, const Tensor& C_0, const Weights& w) {
    const int64_t T = x.dim(0), H = h_0.dim(1);
    std::vector<Tensor> f, i, candidate, o, C, h;
    Tensor h_before = h_0, C_before = C_0;
    for (int64_t t = 0; t < T; t++) {
        const Tensor a = matmul(concat(h_before, x[t]), transposed(w.W)) + w.b;
        f.push_back(sigmoid(columns(a, 0, H)));
        i.push_back(sigmoid(columns(a, H, 2 * H)));
        candidate.push_back(tanh(columns(a, 2 * H, 3 * H)));
        o.push_back(sigmoid(columns(a, 3 * H, 4 * H)));
        C.push_back(f.back() * C_before + i.back() * candidate.back());
        h.push_back(o.back() * tanh(C.back()));
        h_before = h.back();
        C_before = C.back();
    }
    return {stack(f), stack(i), stack(candidate), stack(o), stack(C), stack(h)};
}

Gradients lstm_backward(const Tensor& dy, const Tensor& dh_T, const Tensor& dC_T, const Tensor& x, const Tensor& h_0,
                        const Tensor& C_0, const Step& s, const Weights& w) {
    const int64_t T = x.dim(0), D = x.dim(2), H = h_0.dim(1);
    Gradients g;
    g.dx = Tensor::zeros(x.shape(), DType::f64);
    g.dW = Tensor::zeros(w.W.shape(), DType::f64);
    g.db = Tensor::zeros(w.b.shape(), DType::f64);
    Tensor dh_next = dh_T, dC_next = dC_T;  // what comes back from behind step t
    for (int64_t t = T - 1; t >= 0; t--) {
        const Tensor f = s.f[t], i = s.i[t], candidate = s.candidate[t], o = s.o[t], tanh_C = tanh(s.C[t]);
        const Tensor h_before = t > 0 ? s.h[t - 1] : h_0;
        const Tensor C_before = t > 0 ? s.C[t - 1] : C_0;
        const Tensor dh = dy[t] + dh_next;
        const Tensor dC = dC_next + dh * o * (1.0 - tanh_C * tanh_C);
        const Tensor delta = concat({dC * C_before * f * (1.0 - f), dC * candidate * i * (1.0 - i),
                                     dC * i * (1.0 - candidate * candidate), dh * tanh_C * o * (1.0 - o)});
        g.dW += matmul(transposed(delta), concat(h_before, x[t]));
        g.db += sum(delta, 0);
        const Tensor dhx = matmul(delta, w.W);
        g.dx[t].copy_from(columns(dhx, H, H + D));
        dh_next = columns(dhx, 0, H);
        dC_next = dC * f;
    }
    g.dh_0 = dh_next;
    g.dC_0 = dC_next;
    return g;
}

// --- 2.5: peephole

Step peephole_step_forward(const Tensor& x_t, const Tensor& h_before, const Tensor& C_before,
                           const PeepholeWeights& w) {
    const int64_t H = h_before.dim(1);
    const Tensor P_f = w.P.slice(0, H), P_i = w.P.slice(H, 2 * H), P_o = w.P.slice(2 * H, 3 * H);
    const Tensor a_t = matmul(concat(h_before, x_t), transposed(w.W)) + w.b;
    Step s;
    s.f = sigmoid(columns(a_t, 0, H) + matmul(C_before, transposed(P_f)));
    s.i = sigmoid(columns(a_t, H, 2 * H) + matmul(C_before, transposed(P_i)));
    s.candidate = tanh(columns(a_t, 2 * H, 3 * H));
    s.C = s.f * C_before + s.i * s.candidate;
    s.o = sigmoid(columns(a_t, 3 * H, 4 * H) + matmul(s.C, transposed(P_o)));
    s.h = s.o * tanh(s.C);
    return s;
}

PeepholeGradients peephole_step_backward(const Tensor& dh_t, const Tensor& dC_t, const Tensor& x_t,
                                         const Tensor& h_before, const Tensor& C_before, const Step& s,
                                         const PeepholeWeights& w) {
    const int64_t H = h_before.dim(1), D = x_t.dim(1);
    const Tensor P_f = w.P.slice(0, H), P_i = w.P.slice(H, 2 * H), P_o = w.P.slice(2 * H, 3 * H);
    const Tensor tanh_C = tanh(s.C);
    const Tensor delta_o = dh_t * tanh_C * s.o * (1.0 - s.o);
    const Tensor through_h = dh_t * s.o * (1.0 - tanh_C * tanh_C), through_o = matmul(delta_o, P_o);
    const Tensor dC = dC_t + through_h + through_o;
    const Tensor delta_f = dC * C_before * s.f * (1.0 - s.f);
    const Tensor delta_i = dC * s.candidate * s.i * (1.0 - s.i);
    const Tensor delta_C = dC * s.i * (1.0 - s.candidate * s.candidate);
    const Tensor through_f = matmul(delta_f, P_f), through_i = matmul(delta_i, P_i);
    const Tensor dP_f = matmul(transposed(delta_f), C_before), dP_i = matmul(transposed(delta_i), C_before);
    const Tensor dP_o = matmul(transposed(delta_o), s.C);
    const Tensor delta = concat({delta_f, delta_i, delta_C, delta_o});
    const Tensor dhx = matmul(delta, w.W);
    PeepholeGradients d;
    d.dh_before = columns(dhx, 0, H);
    d.dx_t = columns(dhx, H, H + D);
    d.dC_before = dC * s.f + through_f + through_i;
    d.dW = matmul(transposed(delta), concat(h_before, x_t));
    d.db = sum(delta, 0);
    d.dP = concat({dP_f, dP_i, dP_o}, 0);
    return d;
}

// --- 2.6: coupled

Step coupled_step_forward(const Tensor& x_t, const Tensor& h_before, const Tensor& C_before, const Weights& w) {
    const int64_t H = h_before.dim(1);
    const Tensor a_t = matmul(concat(h_before, x_t), transposed(w.W)) + w.b;
    const Tensor i = sigmoid(columns(a_t, 0, H)), candidate = tanh(columns(a_t, H, 2 * H));
    const Tensor o = sigmoid(columns(a_t, 2 * H, 3 * H)), f = 1.0 - i;
    const Tensor C = f * C_before + i * candidate;
    return {f, i, candidate, o, C, o * tanh(C)};
}

StepGradients coupled_step_backward(const Tensor& dh_t, const Tensor& dC_t, const Tensor& x_t, const Tensor& h_before,
                                    const Tensor& C_before, const Step& s, const Weights& w) {
    const int64_t H = h_before.dim(1), D = x_t.dim(1);
    const Tensor tanh_C = tanh(s.C);
    const Tensor dC = dC_t + dh_t * s.o * (1.0 - tanh_C * tanh_C);
    const Tensor di = dC * (s.candidate - C_before);  // C_t = C_{t-1} + i_t ⊙ (C̃_t - C_{t-1})
    const Tensor dcandidate = dC * s.i;
    const Tensor d_o = dh_t * tanh_C;
    const Tensor delta =
        concat({di * s.i * (1.0 - s.i), dcandidate * (1.0 - s.candidate * s.candidate), d_o * s.o * (1.0 - s.o)});
    const Tensor dhx = matmul(delta, w.W);
    const Tensor dC_before = dC * s.f;
    return {columns(dhx, H, H + D), columns(dhx, 0, H), dC_before, matmul(transposed(delta), concat(h_before, x_t)),
            sum(delta, 0)};
}

// --- 2.7, 2.8: another library's weights, and chunks

Weights from_pytorch(const PyTorchWeights& p) {
    const int64_t H = p.weight_hh.dim(1);
    const Tensor W = concat({p.weight_hh, p.weight_ih}, 1);
    const Tensor b = p.bias_ih + p.bias_hh;
    std::vector<Tensor> W_blocks, b_blocks;
    for (int64_t block : {1, 0, 2, 3}) {  // f, i, C̃, o of i, f, g, o
        W_blocks.push_back(W.slice(block * H, (block + 1) * H));
        b_blocks.push_back(b.slice(block * H, (block + 1) * H));
    }
    return {concat(W_blocks, 0), concat(b_blocks, 0)};
}

Truncated truncated_bptt(const Layer& layer, const Tensor& x, const Tensor& dy, const Tensor& h_0, const Tensor& C_0,
                         int n) {
    const int64_t T = x.dim(0);
    Truncated sums;
    std::vector<Tensor> h, C;
    Tensor carried_h = h_0, carried_C = C_0;
    for (int64_t begin = 0; begin < T; begin += n) {
        const int64_t end = std::min(begin + n, T);
        const States s = layer.forward(x.slice(begin, end), carried_h, carried_C);
        const Tensor nothing = Tensor::zeros(h_0.shape(), DType::f64);
        const Gradients g =
            layer.backward(dy.slice(begin, end), nothing, nothing, x.slice(begin, end), carried_h, carried_C);
        sums.dW = begin == 0 ? g.dW : sums.dW + g.dW;
        sums.db = begin == 0 ? g.db : sums.db + g.db;
        h.push_back(s.h);
        C.push_back(s.C);
        carried_h = s.h[end - begin - 1];
        carried_C = s.C[end - begin - 1];
    }
    sums.h = concat(h, 0);
    sums.C = concat(C, 0);
    return sums;
}

}  // namespace unroll::exercise
