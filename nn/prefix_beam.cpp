#include "nn/prefix_beam.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace unroll {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

double log_add(double a, double b) {
    const double most = std::max(a, b);
    return most == -infinity ? most : most + std::log1p(std::exp(std::min(a, b) - most));
}

void check(const char* operation, const Tensor& log_probs, int32_t blank, Where at) {
    const Shape& s = log_probs.shape();
    if (!log_probs.defined() || s.rank() != 2 || s[0] < 1)
        fail(operation, at, "log_probs {}, expected [T, C] with T of 1 or more", s.str());
    if (blank < 0 || blank >= s[1]) fail(operation, at, "the blank is {}: not a class of {}", blank, s.str());
    for (const double y : log_probs.to_vector())
        if (!(y < infinity)) fail(operation, at, "log_probs hold {}", y);
}

/// All prefixes ever taken on, as a tree: one is the way from the root to its node.
struct Node {
    int parent;
    int32_t label;
    double bonus;  // what score adds to log P(w | a)
    std::map<int32_t, int> children = {};
};

std::vector<int32_t> labels_of(const std::vector<Node>& tree, int node) {
    std::vector<int32_t> labels;
    for (; node != 0; node = tree[size_t(node)].parent) labels.push_back(tree[size_t(node)].label);
    std::reverse(labels.begin(), labels.end());
    return labels;
}

/// log of the probability of all paths so far that give a prefix: those that end in a blank, and in its last label.
struct Ends {
    double blank = -infinity, label = -infinity;
    double both() const { return log_add(blank, label); }
};

int child(std::vector<Node>& tree, int parent, int32_t label, const PrefixBeamOptions& o, Where at) {
    const auto found = tree[size_t(parent)].children.find(label);
    if (found != tree[size_t(parent)].children.end()) return found->second;
    double bonus = tree[size_t(parent)].bonus + o.penalty;
    if (!o.log_prior.empty()) bonus -= o.log_prior[size_t(label)];
    if (o.language_model && o.weight != 0) bonus += o.weight * o.language_model(labels_of(tree, parent), label);
    if (!(bonus < infinity)) fail("prefix_beam", at, "log P of label {} comes to {}", label, bonus);
    const int node = int(tree.size());
    tree[size_t(parent)].children[label] = node;
    tree.push_back({parent, label, bonus});
    return node;
}

}  // namespace

std::vector<Labelling> prefix_beam(const Tensor& log_probs, const PrefixBeamOptions& o, Where at) {
    check("prefix_beam", log_probs, o.blank, at);
    const int64_t T = log_probs.dim(0), C = log_probs.dim(1);
    if (o.width < 1 || (!o.log_prior.empty() && int64_t(o.log_prior.size()) != C))
        fail("prefix_beam", at, "width {}, log_prior of {} classes: expected 1 or more, and {}", o.width,
             o.log_prior.size(), C);
    for (size_t k = 0; k < o.log_prior.size(); k++)
        if (int64_t(k) != o.blank && !std::isfinite(o.log_prior[k]))
            fail("prefix_beam", at, "log_prior of class {} is {}", k, o.log_prior[k]);
    const std::vector<double> y = log_probs.to_vector();
    std::vector<Node> tree = {{-1, o.blank, 0}};
    std::vector<std::pair<int, Ends>> beam = {{0, {.blank = 0}}};
    const auto score = [&](const auto& entry) { return entry.second.both() + tree[size_t(entry.first)].bonus; };
    for (int64_t t = 0; t < T; t++) {
        const double* y_t = y.data() + t * C;
        std::map<int, Ends> next;  // by node, so that ties fall the same way everywhere
        for (const auto& [node, ends] : beam) {
            const int32_t last = node == 0 ? -1 : tree[size_t(node)].label;
            Ends& stays = next[node];
            stays.blank = log_add(stays.blank, ends.both() + y_t[o.blank]);
            if (node != 0) stays.label = log_add(stays.label, ends.label + y_t[last]);
            for (int32_t k = 0; k < C; k++) {
                const double from = k == last ? ends.blank : ends.both();  // a label again needs a blank between
                if (k == o.blank || from + y_t[k] == -infinity) continue;
                Ends& longer = next[child(tree, node, k, o, at)];
                longer.label = log_add(longer.label, from + y_t[k]);
            }
        }
        beam.assign(next.begin(), next.end());
        std::erase_if(beam, [&](const auto& entry) { return !(score(entry) > -infinity); });
        std::stable_sort(beam.begin(), beam.end(), [&](const auto& a, const auto& b) { return score(a) > score(b); });
        if (int64_t(beam.size()) > o.width) beam.resize(size_t(o.width));
    }
    std::vector<Labelling> found;
    for (const auto& entry : beam) found.push_back({labels_of(tree, entry.first), entry.second.both(), score(entry)});
    return found;
}

std::vector<int32_t> best_path(const Tensor& log_probs, int32_t blank, Where at) {
    check("best_path", log_probs, blank, at);
    const int64_t T = log_probs.dim(0), C = log_probs.dim(1);
    const std::vector<double> y = log_probs.to_vector();
    std::vector<int32_t> labels;
    int32_t before = blank;
    for (int64_t t = 0; t < T; t++) {
        const auto row = y.begin() + t * C;
        const auto k = int32_t(std::max_element(row, row + C) - row);
        if (k != blank && k != before) labels.push_back(k);
        before = k;
    }
    return labels;
}

std::vector<int32_t> align(const Tensor& log_probs, const std::vector<int32_t>& labels, int32_t blank, Where at) {
    check("align", log_probs, blank, at);
    const int64_t T = log_probs.dim(0), C = log_probs.dim(1);
    std::vector<int32_t> places = {blank};  // blank, label, blank, label, .., blank
    for (const int32_t k : labels) {
        if (k < 0 || k >= C || k == blank) fail("align", at, "label {}: not a class of {}", k, log_probs.shape().str());
        places.insert(places.end(), {k, blank});
    }
    const auto S = int64_t(places.size());
    std::vector<double> best(size_t(S), -infinity), next(best);
    std::vector<int8_t> back(size_t(T * S));  // how many places a path moved on
    best[0] = 0;
    for (int64_t t = 0; t < T; t++) {
        for (int64_t s = 0; s < S; s++) {
            const auto k = size_t(s);
            double from = best[k];
            for (int8_t move = 1; move <= std::min<int64_t>(2, s); move++)
                if ((move == 1 || (places[k] != blank && places[k] != places[k - 2])) && best[k - size_t(move)] > from)
                    from = best[k - size_t(move)], back[size_t(t * S + s)] = move;
            next[k] = from + log_probs.at({t, places[k]});
        }
        std::swap(best, next);
    }
    int64_t s = S > 1 && best[size_t(S - 2)] > best[size_t(S - 1)] ? S - 2 : S - 1;
    if (best[size_t(s)] == -infinity) fail("align", at, "{} labels have no path in {} steps", labels.size(), T);
    std::vector<int32_t> path(static_cast<size_t>(T));
    for (int64_t t = T - 1; t >= 0; s -= back[size_t(t * S + s)], t--) path[size_t(t)] = places[size_t(s)];
    return path;
}

}  // namespace unroll
