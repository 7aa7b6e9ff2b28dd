// One solution of the exercises of chapter 04; exercise.hpp has the equations.
#include <algorithm>
#include <cmath>

#include "tutorials/04_language_models/exercise.hpp"

namespace unroll::exercise {

// --- 4.1, 4.2: the loss of a batch, and of a text

Loss cross_entropy_padded(const Tensor& scores, const Ids& targets, int padding) {
    const int64_t N = scores.dim(0), V = scores.dim(1);
    Loss loss{0, 0, Tensor::zeros({N, V}, DType::f64)};
    for (int64_t n = 0; n < N; n++) loss.counted += targets[n] != padding;
    for (int64_t n = 0; n < N; n++) {
        if (targets[n] == padding) continue;
        double largest = scores.at({n, 0});
        for (int64_t v = 1; v < V; v++) largest = std::max(largest, scores.at({n, v}));
        double total = 0;
        for (int64_t v = 0; v < V; v++) total += std::exp(scores.at({n, v}) - largest);
        loss.L += (largest + std::log(total) - scores.at({n, targets[n]})) / loss.counted;
        for (int64_t v = 0; v < V; v++) {
            const double p = std::exp(scores.at({n, v}) - largest) / total;
            loss.dscores.set({n, v}, (p - (v == targets[n] ? 1 : 0)) / loss.counted);
        }
    }
    return loss;
}

double perplexity(const std::vector<BatchLoss>& batches) {
    double nats = 0, words = 0;
    for (const BatchLoss& batch : batches) {
        if (batch.words == 0) continue;
        nats += batch.mean_nats * batch.words;
        words += batch.words;
    }
    return std::exp(nats / words);
}

// --- 4.3: streams

StreamBatch stream_batch(const Ids& text, int B, int T, int k) {
    const int length = static_cast<int>(text.size()) / B;
    std::vector<int32_t> inputs, targets;
    for (int t = 0; t < T; t++)
        for (int b = 0; b < B; b++) {
            const int at = b * length + k * T + t;
            inputs.push_back(text[at]);
            targets.push_back(text[at + 1]);
        }
    return {Ids(inputs, {T, B}), Ids(targets, {T, B}), (length - 1) / T};
}

// --- 4.4: one matrix for two uses

TiedGradients tied_backward(const Tensor& dx, const Tensor& dscores, const Ids& words, const Tensor& h,
                            const Tensor& E) {
    TiedGradients d;
    d.dE = matmul(transposed(dscores), h);
    for (int64_t n = 0; n < words.size(); n++)
        for (int64_t i = 0; i < E.dim(1); i++) {
            const double predicted = d.dE.at({words[n], i});
            d.dE.set({words[n], i}, predicted + dx.at({n, i}));
        }
    d.db = sum(dscores, 0);
    d.dh = matmul(dscores, E);
    return d;
}

// --- 4.5: a long text

TextScore score_text(const Model& model, const Ids& text, const Tensor& start, int T) {
    const int64_t n = text.size() - 1;
    double nats = 0;
    Tensor state = start;
    for (int64_t begin = 0; begin < n; begin += T) {
        const int64_t end = std::min(begin + T, n);
        const Read r = model(text.slice(begin, end), state);
        for (int64_t i = begin; i < end; i++) {
            const Tensor s = r.scores.row(i - begin);
            double largest = s.flat(0), total = 0;
            for (int64_t v = 1; v < s.size(); v++) largest = std::max(largest, s.flat(v));
            for (int64_t v = 0; v < s.size(); v++) total += std::exp(s.flat(v) - largest);
            nats += largest + std::log(total) - s.flat(text[i + 1]);
        }
        state = r.state;
    }
    return {nats / static_cast<double>(n), state};
}

// --- 4.6, 4.7: drawing a word

Tensor with_temperature(const Tensor& scores, double temperature) {
    const int64_t V = scores.size();
    int64_t best = 0;
    for (int64_t v = 1; v < V; v++)
        if (scores.flat(v) > scores.flat(best)) best = v;
    Tensor p = Tensor::zeros({V}, DType::f64);
    if (temperature == 0) {
        p.set_flat(best, 1);
        return p;
    }
    double total = 0;
    for (int64_t v = 0; v < V; v++) {
        p.set_flat(v, std::exp((scores.flat(v) - scores.flat(best)) / temperature));
        total += p.flat(v);
    }
    return p / total;
}

Tensor keep_probable(const Tensor& p, int k, double top_p) {
    std::vector<int64_t> order;
    for (int64_t v = 0; v < p.size(); v++) order.push_back(v);
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return p.flat(a) > p.flat(b); });
    if (k > 0 && k < static_cast<int>(order.size())) order.resize(static_cast<size_t>(k));
    double left = 0;
    for (int64_t v : order) left += p.flat(v);
    double nucleus = 0;
    Tensor kept = Tensor::zeros({p.size()}, DType::f64);
    for (int64_t v : order) {
        kept.set_flat(v, p.flat(v));
        nucleus += p.flat(v);
        if (nucleus >= top_p * left) break;
    }
    return kept / nucleus;
}

// --- 4.8: a given sentence

SentenceScore score_sentence(const Tensor& scores, const Ids& words) {
    SentenceScore score{{}, {}, 0};
    for (int64_t t = 0; t < words.size(); t++) {
        const Tensor s = scores.row(t);
        double largest = s.flat(0), total = 0;
        for (int64_t v = 1; v < s.size(); v++) largest = std::max(largest, s.flat(v));
        int rank = 0;
        for (int64_t v = 0; v < s.size(); v++) {
            total += std::exp(s.flat(v) - largest);
            rank += s.flat(v) > s.flat(words[t]);
        }
        score.surprise.push_back(largest + std::log(total) - s.flat(words[t]));
        score.rank.push_back(rank);
        score.log_p -= score.surprise.back();
    }
    return score;
}

}  // namespace unroll::exercise
