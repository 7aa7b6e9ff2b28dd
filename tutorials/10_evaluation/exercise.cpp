// Your solutions to the exercises of chapter 10. exercise.hpp tells what each function has to do; replace its `throw`.
// `tutorials/start 10 --exercise` grades this file as often as you like.
#include "tutorials/10_evaluation/exercise.hpp"

namespace unroll::exercise {

Matches clipped_matches(const Ids& hypothesis, const std::vector<Ids>& references, int n) {
    throw Unimplemented("exercise 10.1: clipped_matches");
}

Brevity brevity_penalty(const std::vector<Ids>& hypotheses, const std::vector<std::vector<Ids>>& references) {
    throw Unimplemented("exercise 10.2: brevity_penalty");
}

double corpus_bleu(const Tensor& matches, const Tensor& totals, double penalty, const Tensor& weights) {
    throw Unimplemented("exercise 10.3: corpus_bleu");
}

double sentence_bleu(const Tensor& matches, const Tensor& totals, double penalty) {
    throw Unimplemented("exercise 10.4: sentence_bleu");
}

double rouge_n_book(const Ids& prediction, const std::vector<Ids>& references, int n) {
    throw Unimplemented("exercise 10.5: rouge_n_book");
}

Rouge rouge_n(const Ids& prediction, const std::vector<Ids>& references, int n) {
    throw Unimplemented("exercise 10.5: rouge_n");
}

Tensor lcs_table(const Ids& a, const Ids& b) { throw Unimplemented("exercise 10.6: lcs_table"); }

Rouge rouge_l(const Tensor& table) { throw Unimplemented("exercise 10.6: rouge_l"); }

Perplexity perplexity(const std::vector<Tensor>& log_p, const std::vector<Ids>& lengths) {
    throw Unimplemented("exercise 10.7: perplexity");
}

Interval paired_interval(const Tensor& a, const Tensor& b, const Ids& draws, double confidence) {
    throw Unimplemented("exercise 10.8: paired_interval");
}

}  // namespace unroll::exercise
