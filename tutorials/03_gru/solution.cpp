// One solution of the exercises of chapter 03; exercise.hpp has the equations.
#include "tutorials/03_gru/exercise.hpp"

namespace unroll::exercise {

// --- 3.1, 3.2: one step

Step gru_step_forward(const Tensor& x_t, const Tensor& h_before, const Weights& w) {
    const Tensor hx = concat(h_before, x_t);
    Step s;
    s.z = sigmoid(matmul(hx, transposed(w.W_z)) + w.b_z);
    s.r = sigmoid(matmul(hx, transposed(w.W_r)) + w.b_r);
    s.h_tilde = tanh(matmul(concat(s.r * h_before, x_t), transposed(w.W_h)) + w.b_h);
    s.h = (1.0 - s.z) * h_before + s.z * s.h_tilde;
    return s;
}

StepGradients gru_step_backward(const Tensor& dh_t, const Tensor& x_t, const Tensor& h_before, const Step& s,
                                const Weights& w) {
    const int64_t H = h_before.dim(1), D = x_t.dim(1);
    const Tensor hx = concat(h_before, x_t), rhx = concat(s.r * h_before, x_t);
    const Tensor delta_h = dh_t * s.z * (1.0 - s.h_tilde * s.h_tilde);
    const Tensor delta_z = dh_t * (s.h_tilde - h_before) * s.z * (1.0 - s.z);
    const Tensor d_rhx = matmul(delta_h, w.W_h);
    const Tensor g = columns(d_rhx, 0, H);
    const Tensor delta_r = g * h_before * s.r * (1.0 - s.r);
    const Tensor d_hx = matmul(delta_z, w.W_z) + matmul(delta_r, w.W_r);
    StepGradients d;
    d.dh_before = dh_t * (1.0 - s.z) + s.r * g + columns(d_hx, 0, H);
    d.dx_t = columns(d_hx, H, H + D) + columns(d_rhx, H, H + D);
    d.dW_z = matmul(transposed(delta_z), hx);
    d.dW_r = matmul(transposed(delta_r), hx);
    d.dW_h = matmul(transposed(delta_h), rhx);
    d.db_z = sum(delta_z, 0);
    d.db_r = sum(delta_r, 0);
    d.db_h = sum(delta_h, 0);
    return d;
}

// --- 3.3, 3.4: the sequence

Sequence gru_forward(const Tensor& x, const Tensor& h_0, const Weights& w) {
    std::vector<Tensor> zs, rs, candidates, states;
    Tensor h = h_0;
    for (int64_t t = 0; t < x.dim(0); t++) {
        const Tensor x_t = x[t];
        const Tensor hx = concat(h, x_t);
        const Tensor z = sigmoid(matmul(hx, transposed(w.W_z)) + w.b_z);
        const Tensor r = sigmoid(matmul(hx, transposed(w.W_r)) + w.b_r);
        const Tensor candidate = tanh(matmul(concat(r * h, x_t), transposed(w.W_h)) + w.b_h);
        h = (1.0 - z) * h + z * candidate;
        zs.push_back(z);
        rs.push_back(r);
        candidates.push_back(candidate);
        states.push_back(h);
    }
    return {stack(zs), stack(rs), stack(candidates), stack(states)};
}

Gradients gru_backward(const Tensor& dy, const Tensor& dh_T, const Tensor& x, const Tensor& h_0, const Sequence& s,
                       const Weights& w) {
    const int64_t T = x.dim(0), H = h_0.dim(1), D = x.dim(2);
    const auto zeros = [](const Tensor& like) { return Tensor::zeros(like.shape(), DType::f64); };
    Gradients g{zeros(x), {}, zeros(w.W_z), zeros(w.W_r), zeros(w.W_h), zeros(w.b_z), zeros(w.b_r), zeros(w.b_h)};
    Tensor dh_next = dh_T;  // what comes back from behind step t
    for (int64_t t = T - 1; t >= 0; t--) {
        const Tensor h_before = t > 0 ? s.h[t - 1] : h_0;
        const Tensor z = s.z[t], r = s.r[t], candidate = s.h_tilde[t];
        const Tensor dh = dy[t] + dh_next;
        const Tensor delta_h = dh * z * (1.0 - candidate * candidate);
        const Tensor delta_z = dh * (candidate - h_before) * z * (1.0 - z);
        const Tensor d_rhx = matmul(delta_h, w.W_h);
        const Tensor d_rh = columns(d_rhx, 0, H);
        const Tensor delta_r = d_rh * h_before * r * (1.0 - r);
        const Tensor d_hx = matmul(delta_z, w.W_z) + matmul(delta_r, w.W_r);
        const Tensor hx = concat(h_before, x[t]);
        g.dx[t].copy_from(columns(d_hx, H, H + D) + columns(d_rhx, H, H + D));
        g.dW_z += matmul(transposed(delta_z), hx);
        g.dW_r += matmul(transposed(delta_r), hx);
        g.dW_h += matmul(transposed(delta_h), concat(r * h_before, x[t]));
        g.db_z += sum(delta_z, 0);
        g.db_r += sum(delta_r, 0);
        g.db_h += sum(delta_h, 0);
        dh_next = dh * (1.0 - z) + d_rh * r + columns(d_hx, 0, H);
    }
    g.dh_0 = dh_next;
    return g;
}

// --- 3.5, 3.6: reset after the matrix, and PyTorch's weights

StepAfter reset_after_forward(const Tensor& x_t, const Tensor& h_before, const StackedWeights& w) {
    const int64_t H = h_before.dim(1);
    const Tensor a = matmul(x_t, transposed(w.W_xh)) + w.b;
    const Tensor p = matmul(h_before, transposed(w.W_hh));
    StepAfter s;
    s.z = sigmoid(columns(a, 0, H) + columns(p, 0, H));
    s.r = sigmoid(columns(a, H, 2 * H) + columns(p, H, 2 * H));
    s.q = columns(p, 2 * H, 3 * H) + w.b_hh;
    s.h_tilde = tanh(columns(a, 2 * H, 3 * H) + s.r * s.q);
    s.h = (1.0 - s.z) * h_before + s.z * s.h_tilde;
    return s;
}

StackedGradients reset_after_backward(const Tensor& dh_t, const Tensor& x_t, const Tensor& h_before, const StepAfter& s,
                                      const StackedWeights& w) {
    const Tensor delta_h = dh_t * s.z * (1.0 - s.h_tilde * s.h_tilde);
    const Tensor delta_z = dh_t * (s.h_tilde - h_before) * s.z * (1.0 - s.z);
    const Tensor delta_r = delta_h * s.q * s.r * (1.0 - s.r);
    const Tensor dq = delta_h * s.r;
    const Tensor da = concat({delta_z, delta_r, delta_h}), dp = concat({delta_z, delta_r, dq});
    StackedGradients d;
    d.dx_t = matmul(da, w.W_xh);
    d.dh_before = dh_t * (1.0 - s.z) + matmul(dp, w.W_hh);
    d.dW_xh = matmul(transposed(da), x_t);
    d.dW_hh = matmul(transposed(dp), h_before);
    d.db = sum(da, 0);
    d.db_hh = sum(dq, 0);
    return d;
}

StackedWeights from_pytorch(const PyTorchWeights& p) {
    const int64_t H = p.weight_hh.dim(1);
    const auto reordered = [H](const Tensor& t) {
        const Tensor r = t.slice(0, H), z = t.slice(H, 2 * H), n = t.slice(2 * H, 3 * H);
        return concat({-z, r, n}, 0);
    };
    const Tensor both = p.bias_ih + p.bias_hh;
    const Tensor b = concat({both.slice(0, 2 * H), p.bias_ih.slice(2 * H, 3 * H)}, 0);
    StackedWeights w;
    w.W_xh = reordered(p.weight_ih);
    w.W_hh = reordered(p.weight_hh);
    w.b = reordered(b);
    w.b_hh = p.bias_hh.slice(2 * H, 3 * H).clone();
    return w;
}

// --- 3.7, 3.8: sizes, and what a state is made of

Counts parameter_counts(int D, int H, int layers) {
    double rnn = 0;
    for (int layer = 0; layer < layers; layer++) {
        const int inputs = layer == 0 ? D : H;
        rnn += H * (H + inputs + 1);
    }
    return {rnn, 4 * rnn, 3 * rnn, 3 * rnn + layers * H};
}

int largest_gru(double parameters, int D) {
    int H = 0;
    while (3.0 * (H + 1) * (H + 1 + D + 1) <= parameters) H++;
    return H;
}

Memory memory(const Tensor& z, const Tensor& h_tilde, const Tensor& h_0) {
    const int64_t T = z.dim(0), H = z.dim(1);
    Memory m{Tensor::zeros({T + 1, H}, DType::f64), Tensor::zeros({H}, DType::f64)};
    Tensor kept = Tensor::full({H}, 1, DType::f64);  // Π (1 - z) of the steps behind t
    for (int64_t t = T - 1; t >= 0; t--) {
        const Tensor weight = z[t] * kept;
        m.weights[t + 1].copy_from(weight);
        m.h_T += weight * h_tilde[t];
        kept = kept * (1.0 - z[t]);
    }
    m.weights[0].copy_from(kept);
    m.h_T += kept * h_0;
    return m;
}

}  // namespace unroll::exercise
