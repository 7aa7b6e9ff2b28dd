#pragma once
#include "core/ids.hpp"
#include "core/random.hpp"
#include "nn/module.hpp"

namespace unroll {

/// How well a query q (a decoder's state) and a key k (an encoder's) fit           (book: Scoring Functions)
enum class Score {
    dot,      // q · k
    general,  // q W_a k
    concat    // v_a · tanh(W_a [q; k])
};

struct AttentionOptions {
    int64_t query_size = 0, key_size = 0;  // Hd, He
    Score score = Score::dot;
    int64_t attention_size = 0;  // A, for concat
    DType dtype = DType::f32;
};

/// Global attention (Bahdanau et al. 2015; Luong et al. 2015):
///     e_{t,i} = score(q_t, k_i),   α_t = softmax(e_t),   c_t = Σ_i α_{t,i} k_i           (book: Global Attention)
/// W_a: general [Hd, He], concat [A, Hd+He]; v_a [A]. They start uniform in ±1/√n, n the numbers that a sum goes over.
class Attention : public Module {
  public:
    /// A source: what a query meets, computed once for all of them.
    struct Keys {
        Var side;      // what of the score depends on the keys alone: k, W_a k or W_k k, [S, B, ..]
        Var values;    // [S, B, He]
        Var W_q, W_k;  // [A, Hd] and [A, He], for concat: W_a [q; k] = W_q q + W_k k
        Ids lengths;
    };
    struct Output {
        Var context;  // c [.., B, He]
        Var weights;  // α [.., B, S]; past a source's length exactly 0
        Var scores;   // e [.., B, S]
    };

    Attention() = default;
    Attention(const AttentionOptions& options, Generator& gen, Where at = {});

    /// keys [S, B, He]; lengths [B], each 1 to S (not defined: all S).
    Keys prepare(const Var& keys, const Ids& lengths = {}, Where at = {}) const;
    /// The same source, of no given lengths, with one more key [B, He] at its end.
    Keys extended(const Keys& source, const Var& key, Where at = {}) const;
    /// query [B, Hd], or those of all steps at once, [T, B, Hd].
    Output operator()(const Var& query, const Keys& source, Where at = {}) const;

    const AttentionOptions& options() const { return options_; }
    void visit(Visitor& v) override;
    std::string pretty() const override;

    Parameter W_a, v_a;

  private:
    Var side(const Var& keys, const Var& W_k) const;

    AttentionOptions options_;
};

}  // namespace unroll
