#pragma once
#include <functional>
#include <vector>

#include "core/ids.hpp"
#include "core/tensor.hpp"

/// The most probable output, argmax_y P(y | x), word by word: greedily, or by beam search           (book: Beam Search)
namespace unroll {

/// One step of whatever model: N outputs so far are taken on by a word each, words [N], and what may follow is scored,
/// [N, V]; the softmax of a row is P(next word | x, words so far). Row n goes on from row parents[n] of the call
/// before, whose state it takes; at the first call from the start of sentence parents[n]. A step serves one search.
using DecoderStep = std::function<Tensor(const Ids& words, const Ids& parents)>;

/// score(y) = log P(y | x) / lp(|y|), |y| the words with the end. Without it (exponent α = 0) short outputs win, since
/// each word makes an output less probable.
enum class LengthPenalty {
    plain,  // lp(n) = n^α: at α = 1 the mean of a word
    gnmt  // lp(n) = ((5 + n) / 6)^α                                                             (Wu et al. 2016, (14))
};

struct DecodeOptions {
    int32_t start = 1, end = 2;       // words
    std::vector<int32_t> never = {};  // words that are not produced: unknown, padding
    int64_t max_length = 100;         // |y|, the end included; what has not ended then is an output too
    int64_t beam_width = 4;           // k
    LengthPenalty penalty = LengthPenalty::plain;
    double exponent = 1;  // α, 0 or more
    int64_t n_best = 1;   // outputs for a sentence, at most k; fewer where fewer have a probability
};

struct Hypothesis {
    std::vector<int32_t> words = {};     // without start and end
    std::vector<double> log_probs = {};  // of each word, and of the end where it has ended
    double log_prob = 0, score = 0;      // their sum, and that over lp
    bool ended = false;
    int node = -1;  // its last in the tree
};

/// What was in the beam: parent is -1 for the first words.
struct BeamNode {
    int parent, step;
    int32_t word;
    double log_prob;  // of all words up to this one
};

struct Decoded {
    std::vector<Hypothesis> best;  // the best first
    std::vector<BeamNode> tree;    // all that was ever in the beam, a step after the other, the more probable first
};

/// H_t = top-k of all h ⊕ y, h ∈ H_{t-1}, y ∈ V. A hypothesis that has ended is never taken on, and keeps its place
/// among the k. The search ends where all have ended, where no other can become better than the best that have, or
/// after max_length words; the answer is the best by score of those that have ended and, at the limit, of the others.
/// With k of V^max_length or more nothing is left out: then it is the argmax. Throws Error for a k, n_best or
/// max_length below 1, n_best above k, a negative α, and scores of another shape or without a probability.
std::vector<Decoded> beam_search(const DecoderStep& step, int64_t sentences, const DecodeOptions& options = {},
                                 Where at = {});

/// The most probable word at each step: beam search with k = 1, at less cost. A step takes nothing from the heap.
std::vector<Hypothesis> greedy_search(const DecoderStep& step, int64_t sentences, const DecodeOptions& options = {},
                                      Where at = {});

}  // namespace unroll
