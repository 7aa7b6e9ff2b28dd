// One solution of the exercises of chapter 09; exercise.hpp has the equations.
#include <algorithm>
#include <cmath>

#include "tutorials/09_applications/exercise.hpp"

namespace unroll::exercise {

// --- 9.1, 9.2: the mixture

Tensor copy_distribution(const Tensor& generated, const Tensor& alpha, const Tensor& p_gen, const Ids& source,
                         int64_t W) {
    const int64_t B = generated.dim(0), V = generated.dim(1), S = alpha.dim(1);
    Tensor P = Tensor::zeros({B, W}, DType::f64);
    for (int64_t b = 0; b < B; b++) {
        const double p = p_gen.at({b});
        for (int64_t v = 0; v < V; v++) P.set({b, v}, p * generated.at({b, v}));
        for (int64_t s = 0; s < S; s++) {
            const int64_t w = source[s * B + b];
            P.set({b, w}, P.at({b, w}) + (1 - p) * alpha.at({b, s}));
        }
    }
    return P;
}

CopyGradients copy_backward(const Tensor& dP, const Tensor& generated, const Tensor& alpha, const Tensor& p_gen,
                            const Ids& source) {
    const int64_t B = generated.dim(0), V = generated.dim(1), S = alpha.dim(1);
    CopyGradients d{Tensor::zeros({B, V}, DType::f64), Tensor::zeros({B, S}, DType::f64),
                    Tensor::zeros({B}, DType::f64)};
    for (int64_t b = 0; b < B; b++) {
        const double p = p_gen.at({b});
        double dp = 0;
        for (int64_t v = 0; v < V; v++) {
            d.dgenerated.set({b, v}, p * dP.at({b, v}));
            dp += generated.at({b, v}) * dP.at({b, v});
        }
        for (int64_t s = 0; s < S; s++) {
            const double dP_w = dP.at({b, source[s * B + b]});
            d.dalpha.set({b, s}, (1 - p) * dP_w);
            dp -= alpha.at({b, s}) * dP_w;
        }
        d.dp_gen.set({b}, dp);
    }
    return d;
}

// --- 9.3, 9.4: the same with logarithms

static double log_sigmoid(double g) { return std::min(g, 0.0) - std::log(1 + std::exp(-std::abs(g))); }

static double log_add(double a, double b) {
    const double m = std::max(a, b);
    return m == -INFINITY ? m : m + std::log(std::exp(a - m) + std::exp(b - m));
}

Mixture mixture_loss(const Tensor& x, const Tensor& g, const Tensor& e, const Ids& source, const Ids& lengths,
                     const Ids& targets) {
    const int64_t B = x.dim(0), V = x.dim(1);
    const Tensor log_generated = log_softmax(x);
    Mixture m{0, Tensor::zeros({B}, DType::f64)};
    for (int64_t b = 0; b < B; b++) {
        const int32_t w = targets[b];
        double all = -INFINITY, here = -INFINITY;
        for (int64_t s = 0; s < lengths[b]; s++) {
            all = log_add(all, e.at({b, s}));
            if (source[s * B + b] == w) here = log_add(here, e.at({b, s}));
        }
        const double gate = g.at({b});
        const double first = w < V ? log_sigmoid(gate) + log_generated.at({b, w}) : -INFINITY;
        const double log_P = log_add(first, log_sigmoid(-gate) + here - all);
        m.loss -= log_P;
        m.reason.set({b}, std::exp(first - log_P));
    }
    return m;
}

MixtureGradients mixture_gradient(const Tensor& x, const Tensor& g, const Tensor& e, const Ids& source,
                                  const Ids& lengths, const Ids& targets, const Tensor& reason) {
    const int64_t B = x.dim(0), V = x.dim(1), S = e.dim(1);
    const Tensor generated = softmax(x), p_gen = sigmoid(g);
    MixtureGradients d{Tensor::zeros({B, V}, DType::f64), Tensor::zeros({B}, DType::f64),
                       Tensor::zeros({B, S}, DType::f64)};
    for (int64_t b = 0; b < B; b++) {
        const int32_t w = targets[b];
        const double r = reason.at({b});
        for (int64_t v = 0; v < V; v++) d.dx.set({b, v}, r * (generated.at({b, v}) - (v == w)));
        d.dg.set({b}, p_gen.at({b}) - r);
        double largest = -INFINITY, all = 0, here = 0;
        for (int64_t s = 0; s < lengths[b]; s++) largest = std::max(largest, e.at({b, s}));
        for (int64_t s = 0; s < lengths[b]; s++) {
            const double part = std::exp(e.at({b, s}) - largest);
            all += part;
            if (source[s * B + b] == w) here += part;
        }
        for (int64_t s = 0; s < lengths[b] && here > 0; s++) {
            const double part = std::exp(e.at({b, s}) - largest);
            const double share = source[s * B + b] == w ? part / here : 0;
            d.de.set({b, s}, (1 - r) * (part / all - share));
        }
    }
    return d;
}

// --- 9.5, 9.6: scoring and choosing

PairScore score_pair(const Tensor& logits, const Ids& targets, int32_t end) {
    const Tensor log_p = log_softmax(logits);
    PairScore score{{}, 0};
    for (int64_t t = 0; t < targets.size(); t++) {
        score.words.push_back(log_p.at({t, targets[t]}));
        score.total += score.words.back();
        if (targets[t] == end) break;
    }
    return score;
}

Choice choose(const Tensor& log_probs, const Ids& lengths, double exponent) {
    Choice best{0, -INFINITY};
    for (int64_t n = 0; n < lengths.size(); n++) {
        const double score = log_probs.at({n}) / std::pow(lengths[n] + 1, exponent);
        if (score > best.score) best = {n, score};
    }
    return best;
}

// --- 9.7, 9.8: what to beat, and by which measure

static bool among(int32_t word, const Ids& words) {
    return std::find(words.data(), words.data() + words.size(), word) != words.data() + words.size();
}

std::vector<double> what_it_is(const Ids& sentence, const Ids& verbs, const Ids& articles) {
    const int64_t n = sentence.size();
    int64_t begin = 0;
    for (int64_t i = 0; i < std::min<int64_t>(8, n); i++)
        if (among(sentence[i], verbs)) {
            begin = i + 1;
            break;
        }
    if (begin > 0 && begin < n && among(sentence[begin], articles)) begin++;
    const int64_t last = std::min(n, begin + 12);
    std::vector<double> summary;
    for (int64_t i = begin; i < last; i++) summary.push_back(sentence[i]);
    return summary;
}

Rouge rouge_1(const Ids& prediction, const Ids& reference) {
    std::vector<int32_t> left(reference.data(), reference.data() + reference.size());
    double matches = 0;
    for (int64_t i = 0; i < prediction.size(); i++) {
        const auto found = std::find(left.begin(), left.end(), prediction[i]);
        if (found == left.end()) continue;
        matches++;
        left.erase(found);
    }
    const double precision = matches / double(prediction.size()), recall = matches / double(reference.size());
    return {precision, recall, matches > 0 ? 2 * precision * recall / (precision + recall) : 0};
}

// --- 9.9, 9.10: CTC

/// The class at place s, and whether a path may come to it straight from place s - 2.
static int32_t at_place(const Ids& labels, int64_t s) { return s % 2 == 0 ? 0 : labels[s / 2]; }
static bool may_skip(const Ids& labels, int64_t s) {
    return s % 2 == 1 && s >= 3 && labels[s / 2] != labels[s / 2 - 1];
}

CtcAlpha ctc_alpha(const Tensor& y, const Ids& labels) {
    const int64_t T = y.dim(0), S = 2 * labels.size() + 1;
    Tensor alpha = Tensor::zeros({T, S}, DType::f64);
    for (int64_t t = 0; t < T; t++)
        for (int64_t s = 0; s < S; s++) {
            double from = t == 0 ? double(s < 2) : alpha.at({t - 1, s});
            if (t > 0 && s >= 1) from += alpha.at({t - 1, s - 1});
            if (t > 0 && may_skip(labels, s)) from += alpha.at({t - 1, s - 2});
            alpha.set({t, s}, from * y.at({t, at_place(labels, s)}));
        }
    const double P = alpha.at({T - 1, S - 1}) + alpha.at({T - 1, S - 2});
    return {alpha, -std::log(P)};
}

CtcGradient ctc_gradient(const Tensor& y, const Ids& labels, const Tensor& alpha) {
    const int64_t T = y.dim(0), S = alpha.dim(1);
    CtcGradient d{Tensor::zeros({T, S}, DType::f64), y.clone()};
    const double total = alpha.at({T - 1, S - 1}) + alpha.at({T - 1, S - 2});
    for (int64_t t = T - 1; t >= 0; t--)
        for (int64_t s = 0; s < S; s++) {
            double follows = t == T - 1 ? double(s >= S - 2) : 0;
            for (int64_t to = s; t < T - 1 && to <= std::min(s + 2, S - 1); to++)
                if (to < s + 2 || may_skip(labels, to))
                    follows += y.at({t + 1, at_place(labels, to)}) * d.beta.at({t + 1, to});
            d.beta.set({t, s}, follows);
            const int32_t k = at_place(labels, s);
            d.dx.set({t, k}, d.dx.at({t, k}) - alpha.at({t, s}) * follows / total);
        }
    return d;
}

// --- 9.11, 9.12: searching, and counting what was heard wrong

PrefixStep prefix_step(const Tensor& ends_blank, const Tensor& ends_label, const Ids& last, const Tensor& y,
                       const Tensor& language, const Ids& known) {
    const int64_t N = last.size(), C = y.dim(0);
    PrefixStep step{Tensor::zeros({N}, DType::f64), Tensor::zeros({N}, DType::f64), Tensor::zeros({N, C}, DType::f64)};
    for (int64_t n = 0; n < N; n++)
        if (last[n] != 0) step.label.set({n}, ends_label.at({n}) * y.at({last[n]}));
    for (int64_t n = 0; n < N; n++) {
        step.blank.set({n}, (ends_blank.at({n}) + ends_label.at({n})) * y.at({0}));
        for (int64_t k = 1; k < C; k++) {
            const double from = ends_blank.at({n}) + (k != last[n] ? ends_label.at({n}) : 0);
            const double p = from * y.at({k}) * language.at({n, k});
            const int64_t there = known[n * C + k];
            if (there < 0)
                step.longer.set({n, k}, p);
            else
                step.label.set({there}, step.label.at({there}) + p);
        }
    }
    return step;
}

Edits edit_distance(const Ids& hypothesis, const Ids& reference) {
    const auto cost = [](const Edits& e) { return e.substitutions + e.insertions + e.deletions; };
    const auto better = [&](const Edits& a, const Edits& b) {
        return cost(a) < cost(b) || (cost(a) == cost(b) && a.substitutions > b.substitutions);
    };
    const auto n = size_t(reference.size());
    std::vector<Edits> before(n + 1), row(n + 1);
    for (size_t j = 0; j <= n; j++) before[j] = {0, 0, double(j)};
    for (int64_t i = 0; i < hypothesis.size(); i++) {
        row[0] = {0, double(i + 1), 0};
        for (size_t j = 1; j <= n; j++) {
            Edits best = before[j - 1];
            if (hypothesis[i] != reference[int64_t(j) - 1]) best.substitutions++;
            Edits more = before[j], missing = row[j - 1];
            more.insertions++, missing.deletions++;
            if (better(more, best)) best = more;
            if (better(missing, best)) best = missing;
            row[j] = best;
        }
        before = row;
    }
    return before[n];
}

}  // namespace unroll::exercise
