// One solution of the exercises of chapter 06; exercise.hpp has the equations.
#include <algorithm>
#include <cmath>

#include "tutorials/06_seq2seq/exercise.hpp"

namespace unroll::exercise {

// --- 6.1: what a decoder is shown

Forced teacher_forcing(const Ids& words, const Ids& lengths, int start, int end, int pad) {
    const int64_t T = words.shape()[0], B = words.shape()[1];
    Forced f{Ids::empty({T + 1, B}), Ids::empty({T + 1, B})};
    for (int64_t t = 0; t <= T; t++)
        for (int64_t b = 0; b < B; b++) {
            const int64_t n = lengths[b];
            f.inputs.mutable_data()[t * B + b] = t == 0 ? start : t <= n ? words[(t - 1) * B + b] : pad;
            f.targets.mutable_data()[t * B + b] = t < n ? words[t * B + b] : t == n ? end : pad;
        }
    return f;
}

// --- 6.2, 6.3: the three scores

Tensor scores(const Tensor& q, const Tensor& s, const ScoreWeights& w) {
    std::vector<Tensor> e;
    for (int64_t i = 0; i < s.dim(0); i++) {
        Tensor e_i;
        if (w.kind == Score::dot) e_i = sum(q * s[i], 1);
        if (w.kind == Score::general) e_i = sum(q * matmul(s[i], transposed(w.W_a)), 1);
        if (w.kind == Score::concat) e_i = sum(tanh(matmul(concat(q, s[i]), transposed(w.W_a))) * w.v_a, 1);
        e.push_back(e_i.reshape({q.dim(0), 1}));
    }
    return concat(e, 1);
}

ScoreGradients scores_backward(const Tensor& de, const Tensor& q, const Tensor& s, const ScoreWeights& w) {
    const int64_t H = q.dim(1);
    ScoreGradients d{Tensor::zeros(q.shape(), DType::f64), Tensor::zeros(s.shape(), DType::f64), {}, {}};
    if (w.kind != Score::dot) d.dW_a = Tensor::zeros(w.W_a.shape(), DType::f64);
    if (w.kind == Score::concat) d.dv_a = Tensor::zeros(w.v_a.shape(), DType::f64);
    for (int64_t i = 0; i < s.dim(0); i++) {
        const Tensor de_i = columns(de, i, i + 1);
        if (w.kind == Score::dot) {
            d.dq += s[i] * de_i;
            d.ds[i].copy_from(q * de_i);
        } else if (w.kind == Score::general) {
            d.dq += matmul(s[i], transposed(w.W_a)) * de_i;
            d.ds[i].copy_from(matmul(q, w.W_a) * de_i);
            d.dW_a += matmul(transposed(q * de_i), s[i]);
        } else {
            const Tensor both = concat(q, s[i]);
            const Tensor u = tanh(matmul(both, transposed(w.W_a)));
            const Tensor g = (1.0 - u * u) * w.v_a * de_i;
            const Tensor d_both = matmul(g, w.W_a);
            d.dq += columns(d_both, 0, H);
            d.ds[i].copy_from(columns(d_both, H, 2 * H));
            d.dW_a += matmul(transposed(g), both);
            d.dv_a += sum(u * de_i, 0);
        }
    }
    return d;
}

// --- 6.4, 6.5: attention

Attended attention(const Tensor& e, const Tensor& s, const Ids& lengths) {
    const int64_t B = e.dim(0), S = e.dim(1);
    Attended a{Tensor::zeros({B, S}, DType::f64), Tensor::zeros(s[0].shape(), DType::f64)};
    for (int64_t b = 0; b < B; b++) {
        const int64_t n = lengths[b];
        double largest = e.at({b, 0}), total = 0;
        for (int64_t i = 0; i < n; i++) largest = std::max(largest, e.at({b, i}));
        for (int64_t i = 0; i < n; i++) total += std::exp(e.at({b, i}) - largest);
        for (int64_t i = 0; i < n; i++) a.alpha.set({b, i}, std::exp(e.at({b, i}) - largest) / total);
    }
    for (int64_t i = 0; i < S; i++) a.c += s[i] * columns(a.alpha, i, i + 1);
    return a;
}

AttentionGradients attention_backward(const Tensor& dc, const Tensor& s, const Tensor& alpha) {
    const int64_t B = dc.dim(0), S = s.dim(0);
    AttentionGradients d{{}, Tensor::zeros(s.shape(), DType::f64)};
    std::vector<Tensor> dalpha;
    for (int64_t i = 0; i < S; i++) {
        dalpha.push_back(sum(dc * s[i], 1).reshape({B, 1}));
        d.ds[i].copy_from(dc * columns(alpha, i, i + 1));
    }
    const Tensor all = concat(dalpha, 1);
    const Tensor mean = sum(alpha * all, 1).reshape({B, 1});
    d.de = alpha * (all - mean);
    return d;
}

// --- 6.6: one step of the decoder

DecoderStep decoder_step(const Look& look, const Tensor& y_before, const Tensor& h_before, const DecoderWeights& w) {
    DecoderStep s;
    s.c = look(h_before);
    const Tensor x = concat(y_before, s.c);
    s.h = tanh(matmul(h_before, transposed(w.W_hh)) + matmul(x, transposed(w.W_xh)) + w.b_h);
    const Tensor odds = exp(matmul(s.h, transposed(w.W_out)) + w.b_out);
    s.p = odds / sum(odds, 1).reshape({odds.dim(0), 1});
    return s;
}

// --- 6.7, 6.8: the search

Normalised normalised(const std::vector<double>& log_probs, const std::vector<int>& lengths, double alpha) {
    Normalised n{{}, {}, 0};
    for (size_t i = 0; i < log_probs.size(); i++) {
        n.plain.push_back(log_probs[i] / std::pow(lengths[i], alpha));
        n.gnmt.push_back(log_probs[i] / std::pow((5.0 + lengths[i]) / 6.0, alpha));
        if (n.plain[i] > n.plain[n.best]) n.best = static_cast<int>(i);
    }
    return n;
}

Extended beam_step(const std::vector<double>& log_probs, const Tensor& log_p, int k, int ended, int end) {
    struct Candidate {
        double log_prob;
        int parent, word;
    };
    std::vector<Candidate> all;
    for (int h = 0; h < log_p.dim(0); h++)
        for (int v = 0; v < log_p.dim(1); v++) all.push_back({log_probs[h] + log_p.at({h, v}), h, v});
    std::stable_sort(all.begin(), all.end(),
                     [](const Candidate& a, const Candidate& b) { return a.log_prob > b.log_prob; });
    const size_t places = k - ended;
    if (all.size() > places) all.resize(places);
    Extended next;
    for (const Candidate& c : all) {
        if (c.word == end) {
            next.ended_parents.push_back(c.parent);
            next.ended_log_probs.push_back(c.log_prob);
        } else {
            next.parents.push_back(c.parent);
            next.words.push_back(c.word);
            next.log_probs.push_back(c.log_prob);
        }
    }
    return next;
}

}  // namespace unroll::exercise
