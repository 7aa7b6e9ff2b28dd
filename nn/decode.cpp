#include "nn/decode.hpp"

#include <algorithm>
#include <cmath>

#include "core/kernels/softmax.hpp"
#include "core/ops/rows.hpp"

namespace unroll {
namespace {

void check(const char* name, const DecodeOptions& o, Where at) {
    if (o.max_length < 1 || o.beam_width < 1 || o.n_best < 1 || o.n_best > o.beam_width)
        fail(name, at, "max_length {}, beam_width {}, n_best {}: expected 1 or more, and n_best at most beam_width",
             o.max_length, o.beam_width, o.n_best);
    if (!(o.exponent >= 0)) fail(name, at, "exponent {}: expected 0 or more", o.exponent);
}

/// Words and their parents, one for each row of a call.
struct Rows {
    Ids words, parents;
    explicit Rows(int64_t n) : words(Ids::empty({{n, 'N'}})), parents(Ids::empty({{n, 'N'}})) {}
    void set(int64_t n, int32_t word, int64_t parent) {
        words.mutable_data()[n] = word, parents.mutable_data()[n] = int32_t(parent);
    }
};

Tensor scores_of(const char* name, const DecoderStep& step, const Rows& rows, const DecodeOptions& o, Where at) {
    Tensor x = step(rows.words, rows.parents);
    if (x.rank() != 2 || x.dim(0) != rows.words.size() || o.end < 0 || o.end >= x.dim(1))
        fail(name, at, "the step gave scores {}, expected [N={}, V] with the end, {}, among the V words",
             x.shape().str(), rows.words.size(), o.end);
    return x;
}

/// The largest score, and what is left of log Σ exp(x_v) without it: log P(v) = x_v - max - log_sum.
template <class T>
std::pair<double, double> normalizer(const char* name, int64_t V, const T* x, Where at) {
    const kernels::Normalizer z = kernels::softmax<T>(V, x, nullptr);
    if (!std::isfinite(z.max) || !std::isfinite(z.sum))
        fail(name, at, "the step gave scores that are NaN, infinite, or -inf throughout");
    return {z.max, std::log(z.sum)};
}

bool never(const DecodeOptions& o, int64_t word) {
    return std::find(o.never.begin(), o.never.end(), static_cast<int32_t>(word)) != o.never.end();
}

constexpr const char* nothing_left = "no word can follow: all that have a probability are never to be produced";

double score_of(const DecodeOptions& o, double log_prob, int64_t length) {
    const auto n = static_cast<double>(length);
    return log_prob / std::pow(o.penalty == LengthPenalty::gnmt ? (5 + n) / 6 : n, o.exponent);
}

struct Candidate {
    double log_prob;
    int64_t row;
    int32_t word;
    /// The more probable first; of equals the one of the better hypothesis, then of the smaller word.
    bool operator<(const Candidate& other) const {
        if (log_prob != other.log_prob) return log_prob > other.log_prob;
        return row != other.row ? row < other.row : word < other.word;
    }
};

/// The search for one sentence.
struct Beam {
    struct Live {
        int node;     // -1: nothing yet
        int64_t row;  // of the last call
    };
    std::vector<Live> live;  // the more probable first
    std::vector<int> ended;  // nodes
    std::vector<BeamNode> tree;
    bool done = false;

    double score(const DecodeOptions& o, int node) const {
        return score_of(o, tree[size_t(node)].log_prob, tree[size_t(node)].step + 1);
    }

    /// The k - |ended| best of all extensions; rows first, first + 1, .. of the scores are those of `live`.
    std::vector<Candidate> choose(const Tensor& scores, int64_t first, const DecodeOptions& o, Where at) const {
        const size_t places = size_t(o.beam_width) - ended.size();
        std::vector<Candidate> best;  // a heap, the worst on top
        const int64_t V = scores.dim(1);
        dispatch(scores.dtype(), [&]<class T>(T) {
            for (size_t i = 0; i < live.size(); i++) {
                const int64_t row = first + int64_t(i);
                const T* x = scores.data<T>() + row * V;
                const double before = live[i].node < 0 ? 0 : tree[size_t(live[i].node)].log_prob;
                const auto [largest, log_sum] = normalizer("beam_search", V, x, at);
                const double base = before - largest - log_sum;
                for (int64_t v = 0; v < V; v++) {
                    const Candidate c{base + double(x[v]), row, int32_t(v)};
                    const bool full = best.size() == places;
                    if ((full && !(c < best.front())) || c.log_prob == -INFINITY || never(o, v)) continue;
                    if (full) std::pop_heap(best.begin(), best.end()), best.pop_back();
                    best.push_back(c);
                    std::push_heap(best.begin(), best.end());
                }
            }
        });
        std::sort_heap(best.begin(), best.end());
        return best;
    }

    void advance(const Tensor& scores, int64_t first, int step, const DecodeOptions& o, Where at) {
        std::vector<Live> next;
        for (const Candidate& c : choose(scores, first, o, at)) {
            const int node = int(tree.size());
            tree.push_back({live[size_t(c.row - first)].node, step, c.word, c.log_prob});
            if (c.word == o.end)
                ended.push_back(node);
            else
                next.push_back({node, c.row});
        }
        live = std::move(next);
        if (live.empty() && ended.empty()) fail("beam_search", at, nothing_left);
        done = live.empty() || step + 1 == o.max_length || cannot_improve(o);
    }

    /// log P only falls, and divided by the largest penalty it looks best: no hypothesis can end above that.
    bool cannot_improve(const DecodeOptions& o) {
        if (ended.size() < size_t(o.n_best)) return false;
        const auto nth = ended.begin() + (o.n_best - 1);
        std::nth_element(ended.begin(), nth, ended.end(), [&](int a, int b) { return score(o, a) > score(o, b); });
        return score(o, *nth) >= score_of(o, tree[size_t(live[0].node)].log_prob, o.max_length);
    }

    Decoded result(const DecodeOptions& o) {
        std::vector<int> all = ended;
        for (const Live& h : live)
            if (tree[size_t(h.node)].step + 1 == o.max_length) all.push_back(h.node);
        std::sort(all.begin(), all.end(),
                  [&](int a, int b) { return score(o, a) != score(o, b) ? score(o, a) > score(o, b) : a < b; });
        all.resize(std::min(all.size(), size_t(o.n_best)));
        Decoded decoded;
        for (int node : all) {
            Hypothesis h{.log_prob = tree[size_t(node)].log_prob, .score = score(o, node), .node = node};
            h.ended = tree[size_t(node)].word == o.end;
            for (int i = node; i >= 0; i = tree[size_t(i)].parent) {
                const BeamNode& n = tree[size_t(i)];
                if (i != node || !h.ended) h.words.push_back(n.word);
                h.log_probs.push_back(n.log_prob - (n.parent < 0 ? 0 : tree[size_t(n.parent)].log_prob));
            }
            std::reverse(h.words.begin(), h.words.end());
            std::reverse(h.log_probs.begin(), h.log_probs.end());
            decoded.best.push_back(std::move(h));
        }
        decoded.tree = std::move(tree);
        return decoded;
    }
};

}  // namespace

std::vector<Decoded> beam_search(const DecoderStep& step, int64_t sentences, const DecodeOptions& options, Where at) {
    check("beam_search", options, at);
    std::vector<Beam> beams(static_cast<size_t>(sentences));
    for (int64_t b = 0; b < sentences; b++) beams[size_t(b)].live = {{-1, b}};
    for (int t = 0;; t++) {
        std::vector<int64_t> first;
        int64_t N = 0;
        for (const Beam& beam : beams) first.push_back(N), N += beam.done ? 0 : int64_t(beam.live.size());
        if (N == 0) break;
        Rows rows(N);
        for (size_t b = 0; b < beams.size(); b++)
            for (size_t i = 0; !beams[b].done && i < beams[b].live.size(); i++) {
                const auto [node, row] = beams[b].live[i];
                rows.set(first[b] + int64_t(i), node < 0 ? options.start : beams[b].tree[size_t(node)].word, row);
            }
        const Tensor scores = scores_of("beam_search", step, rows, options, at);
        each_row(sentences, std::min(options.beam_width, N) * scores.dim(1), [&](int64_t b) {
            Beam& beam = beams[size_t(b)];
            if (!beam.done) beam.advance(scores, first[size_t(b)], t, options, at);
        });
    }
    std::vector<Decoded> decoded;
    for (Beam& beam : beams) decoded.push_back(beam.result(options));
    return decoded;
}

std::vector<Hypothesis> greedy_search(const DecoderStep& step, int64_t sentences, const DecodeOptions& options,
                                      Where at) {
    check("greedy_search", options, at);
    std::vector<Hypothesis> found(static_cast<size_t>(sentences));
    std::vector<int64_t> sentence;  // of each row
    std::vector<Candidate> best(found.size());
    Rows rows(sentences);
    for (int64_t b = 0; b < sentences; b++) {
        rows.set(b, options.start, b);
        sentence.push_back(b);
        found[size_t(b)].words.reserve(size_t(std::min<int64_t>(options.max_length, 1024)));
        found[size_t(b)].log_probs.reserve(found[size_t(b)].words.capacity());
    }
    for (int64_t t = 0, N = sentences; t < options.max_length && N > 0; t++) {
        const Tensor scores = scores_of("greedy_search", step, rows, options, at);
        const int64_t V = scores.dim(1);
        dispatch(scores.dtype(), [&]<class T>(T) {
            each_row(N, V, [&](int64_t n) {
                const T* x = scores.data<T>() + n * V;
                const auto [largest, log_sum] = normalizer("greedy_search", V, x, at);
                int64_t word = std::find(x, x + V, T(largest)) - x;
                if (never(options, word)) {
                    word = -1;
                    for (int64_t v = 0; v < V; v++)
                        if (x[v] > (word < 0 ? T(-INFINITY) : x[word]) && !never(options, v)) word = v;
                }
                if (word < 0) fail("greedy_search", at, nothing_left);
                best[size_t(n)] = {double(x[word]) - largest - log_sum, n, int32_t(word)};
            });
        });
        Rows next(N);
        int64_t kept = 0;
        for (int64_t n = 0; n < N; n++) {
            const Candidate& c = best[size_t(n)];
            Hypothesis& h = found[size_t(sentence[size_t(n)])];
            h.log_probs.push_back(c.log_prob);
            h.log_prob += c.log_prob;
            h.score = score_of(options, h.log_prob, t + 1);
            h.ended = c.word == options.end;
            if (h.ended) continue;
            h.words.push_back(c.word);
            sentence[size_t(kept)] = sentence[size_t(n)];
            next.set(kept++, c.word, n);
        }
        rows.words = next.words.slice(0, kept);
        rows.parents = next.parents.slice(0, kept);
        N = kept;
    }
    return found;
}

}  // namespace unroll
