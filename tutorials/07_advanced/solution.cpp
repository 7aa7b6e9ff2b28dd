// One solution of the exercises of chapter 07; exercise.hpp has the equations.
#include <algorithm>
#include <cmath>

#include "tutorials/07_advanced/exercise.hpp"

namespace unroll::exercise {
namespace {

/// 1 where step t lies within the sequence, 0 behind its end, as a column [B, 1].
Tensor within(const Ids& lengths, int64_t t) {
    Tensor column = Tensor::zeros({lengths.size(), 1}, DType::f64);
    for (int64_t b = 0; b < lengths.size(); b++) column.set({b, 0}, t < lengths[b] ? 1 : 0);
    return column;
}

Tensor next_state(const Tensor& x_t, const Tensor& before, const Weights& w) {
    return tanh(matmul(before, transposed(w.W_hh)) + matmul(x_t, transposed(w.W_xh)) + w.b_h);
}

WeightGradients no_gradients(const Weights& w) {
    return {Tensor::zeros(w.W_hh.shape(), DType::f64), Tensor::zeros(w.W_xh.shape(), DType::f64),
            Tensor::zeros(w.b_h.shape(), DType::f64)};
}

}  // namespace

// --- 7.1 to 7.3: both directions

Tensor reverse_by_lengths(const Tensor& x, const Ids& lengths) {
    Tensor y = x.clone();
    for (int64_t t = 0; t < x.dim(0); t++)
        for (int64_t b = 0; b < x.dim(1); b++)
            if (t < lengths[b]) y[t][b].copy_from(x[lengths[b] - 1 - t][b]);
    return y;
}

Bidirectional bidirectional_forward(const Tensor& x, const Ids& lengths, const Tensor& h_0, const Weights& f,
                                    const Weights& b) {
    const int64_t T = x.dim(0);
    std::vector<Tensor> y_f(T), y_b(T);
    Tensor h_f = h_0[0], h_b = h_0[1];
    for (int64_t t = 0; t < T; t++) {
        const Tensor in = within(lengths, t);
        h_f = next_state(x[t], h_f, f) * in + h_f * (1.0 - in);
        y_f[t] = h_f * in;
    }
    for (int64_t t = T - 1; t >= 0; t--) {
        const Tensor in_b = within(lengths, t);
        h_b = next_state(x[t], h_b, b) * in_b + h_b * (1.0 - in_b);
        y_b[t] = h_b * in_b;
    }
    return {concat(stack(y_f), stack(y_b)), stack({h_f, h_b})};
}

namespace {

struct Walked {
    Tensor dx, dh_0;
    WeightGradients d;
};

/// One direction of 7.3; dy and y [T, B, H] are its half.
Walked walk_back(const Tensor& dy, const Tensor& dlast, const Tensor& x, const Ids& lengths, const Tensor& h_0,
                 const Tensor& y, const Weights& w, bool reverse) {
    const int64_t T = x.dim(0), B = x.dim(1);
    Walked g{Tensor::zeros(x.shape(), DType::f64), {}, no_gradients(w)};
    Tensor dh_next = dlast;
    for (int64_t i = 0; i < T; i++) {
        const int64_t t = reverse ? i : T - 1 - i;
        const int64_t before = reverse ? t + 1 : t - 1;
        Tensor h_before = h_0.clone();
        for (int64_t b = 0; b < B; b++)
            if (before >= 0 && before < lengths[b]) h_before[b].copy_from(y[before][b]);
        const Tensor in = within(lengths, t);
        const Tensor delta = (dy[t] + dh_next) * in * (1.0 - y[t] * y[t]);
        g.dx[t].copy_from(matmul(delta, w.W_xh));
        g.d.dW_hh += matmul(transposed(delta), h_before);
        g.d.dW_xh += matmul(transposed(delta), x[t]);
        g.d.db_h += sum(delta, 0);
        dh_next = matmul(delta, w.W_hh) + dh_next * (1.0 - in);
    }
    g.dh_0 = dh_next;
    return g;
}

}  // namespace

BidirectionalGradients bidirectional_backward(const Tensor& dy, const Tensor& dlast, const Tensor& x,
                                              const Ids& lengths, const Tensor& h_0, const Tensor& y, const Weights& f,
                                              const Weights& b) {
    const int64_t H = h_0.dim(2);
    const Walked g_f = walk_back(columns(dy, 0, H), dlast[0], x, lengths, h_0[0], columns(y, 0, H), f, false);
    const Walked g_b = walk_back(columns(dy, H, 2 * H), dlast[1], x, lengths, h_0[1], columns(y, H, 2 * H), b, true);
    return {g_f.dx + g_b.dx, stack({g_f.dh_0, g_b.dh_0}), g_f.d, g_b.d};
}

// --- 7.4, 7.5: layers above each other

Tensor deep_forward(const Tensor& x, const Tensor& h_0, const std::vector<Weights>& layers) {
    std::vector<Tensor> all;
    Tensor below = x;
    for (size_t l = 0; l < layers.size(); l++) {
        std::vector<Tensor> h;
        Tensor state = h_0[l];
        for (int64_t t = 0; t < x.dim(0); t++) {
            state = next_state(below[t], state, layers[l]);
            h.push_back(state);
        }
        below = stack(h);
        all.push_back(below);
    }
    return stack(all);
}

DeepGradients deep_backward(const Tensor& dy, const Tensor& dlast, const Tensor& x, const Tensor& h_0, const Tensor& h,
                            const std::vector<Weights>& layers) {
    const int64_t L = h.dim(0), T = h.dim(1);
    DeepGradients g{{}, Tensor::zeros(h_0.shape(), DType::f64), std::vector<WeightGradients>(L)};
    Tensor from_above = dy;
    for (int64_t l = L - 1; l >= 0; l--) {
        const Weights& w = layers[l];
        WeightGradients& d = g.layers[l] = no_gradients(w);
        const Tensor below = l > 0 ? h[l - 1] : x;
        Tensor down = Tensor::zeros(below.shape(), DType::f64);
        Tensor from_later = dlast[l];
        for (int64_t t = T - 1; t >= 0; t--) {
            const Tensor h_t = h[l][t], h_before_t = t > 0 ? h[l][t - 1] : h_0[l];
            const Tensor delta = (from_above[t] + from_later) * (1.0 - h_t * h_t);
            d.dW_hh += matmul(transposed(delta), h_before_t);
            d.dW_xh += matmul(transposed(delta), below[t]);
            d.db_h += sum(delta, 0);
            down[t].copy_from(matmul(delta, w.W_xh));
            from_later = matmul(delta, w.W_hh);
        }
        g.dh_0[l].copy_from(from_later);
        from_above = down;
    }
    g.dx = from_above;
    return g;
}

// --- 7.6 to 7.8: attention

/// The scores of one state in each sequence of the batch, [B].
static Tensor score(const Tensor& q, const Tensor& h, const ScoreWeights& w) {
    if (w.kind == Score::dot) return sum(q * h, 1);
    if (w.kind == Score::general) return sum(q * matmul(h, transposed(w.W_a)), 1);
    const Tensor hidden = tanh(matmul(concat(q, h), transposed(w.W_a)));
    return sum(hidden * w.v_a, 1);
}

Attended attention(const Tensor& q, const Tensor& states, const Ids& lengths, const ScoreWeights& w) {
    const int64_t N = states.dim(0), B = states.dim(1);
    std::vector<Tensor> e;
    for (int64_t i = 0; i < N; i++) e.push_back(score(q, states[i], w));
    Attended r{Tensor::zeros({B, N}, DType::f64), Tensor::zeros(q.shape(), DType::f64)};
    for (int64_t b = 0; b < B; b++) {
        double largest = -INFINITY, total = 0;
        for (int64_t i = 0; i < lengths[b]; i++) largest = std::max(largest, e[i].at({b}));
        for (int64_t i = 0; i < lengths[b]; i++) total += std::exp(e[i].at({b}) - largest);
        for (int64_t i = 0; i < lengths[b]; i++) r.alpha.set({b, i}, std::exp(e[i].at({b}) - largest) / total);
    }
    for (int64_t i = 0; i < N; i++) r.c += states[i] * columns(r.alpha, i, i + 1);
    return r;
}

AttentionGradients attention_backward(const Tensor& dc, const Tensor& q, const Tensor& states, const Tensor& alpha) {
    const int64_t N = states.dim(0), B = states.dim(1);
    AttentionGradients g{Tensor::zeros(q.shape(), DType::f64), Tensor::zeros(states.shape(), DType::f64)};
    std::vector<Tensor> dalpha;                         // each a column [B, 1]
    Tensor common = Tensor::zeros({B, 1}, DType::f64);  // Σ_j α_j dα_j
    for (int64_t j = 0; j < N; j++) {
        dalpha.push_back(sum(dc * states[j], 1).reshape({B, 1}));
        common += columns(alpha, j, j + 1) * dalpha[j];
    }
    for (int64_t i = 0; i < N; i++) {
        const Tensor a = columns(alpha, i, i + 1);
        const Tensor de = a * (dalpha[i] - common);
        g.dq += states[i] * de;
        g.dstates[i].copy_from(dc * a + q * de);
    }
    return g;
}

AttentionStates attention_rnn(const Attention& attention, const Tensor& x, const Tensor& h_0, const Weights& w) {
    std::vector<Tensor> h, c;
    Tensor state_before = h_0;
    for (int64_t t = 0; t < x.dim(0); t++) {
        const Tensor memory = t == 0 ? stack({h_0}) : stack(h);
        const Tensor c_t = attention(state_before, memory).c;
        const Tensor h_t = next_state(concat(x[t], c_t), state_before, w);
        h.push_back(h_t);
        c.push_back(c_t);
        state_before = h_t;
    }
    return {stack(h), stack(c)};
}

}  // namespace unroll::exercise
