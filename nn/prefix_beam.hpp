#pragma once
#include <functional>
#include <vector>

#include "core/tensor.hpp"

/// From P(class | step) of a model trained by CTC to labels. log_probs is [T, C] everywhere, log softmax of the scores.
namespace unroll {

/// log P(next | the labels before it). Called once for each that comes into question.
using LabelModel = std::function<double(const std::vector<int32_t>& before, int32_t next)>;

struct PrefixBeamOptions {
    int64_t width = 12;  // prefixes kept from step to step
    int32_t blank = 0;
    std::vector<double> log_prior = {};  // of each class as the training had it; divided out where it is given
    LabelModel language_model = {};
    double weight = 1;   // of its logarithm
    double penalty = 0;  // added for each label: above 0 for longer outputs
};

struct Labelling {
    std::vector<int32_t> labels;
    double log_prob;  // log P(w | a), over all paths that give them that were kept
    double score;     // log P(w | a) - Σ log_prior(w_i) + weight Σ log P(w_i | w_1 .. w_{i-1}) + penalty |w|
};

/// The noisy channel's argmax_w P(a | w) P(w), by Bayes' rule argmax_w P(w | a) / P_training(w) P(w): prefix beam
/// search. The best first, at most `width`, none whose probability is 0; P(w | a) is a sum over paths, so two paths of
/// one prefix are added up where they meet. Wide enough it is exact. (Graves 2012, "Supervised sequence labelling",
/// 7.5; Hannun et al. 2014) Throws Error for a width below 1, a blank or log_prior that doesn't fit C.
std::vector<Labelling> prefix_beam(const Tensor& log_probs, const PrefixBeamOptions& options = {}, Where at = {});

/// The most probable class of each step, equal neighbours merged and blanks left out: nearly always the labels that
/// prefix_beam finds without a language model.
std::vector<int32_t> best_path(const Tensor& log_probs, int32_t blank = 0, Where at = {});

/// The most probable path that gives these labels, a class a step (Viterbi). Throws Error where no path can: T steps
/// must hold the labels, and a blank between equal ones.
std::vector<int32_t> align(const Tensor& log_probs, const std::vector<int32_t>& labels, int32_t blank = 0,
                           Where at = {});

}  // namespace unroll
