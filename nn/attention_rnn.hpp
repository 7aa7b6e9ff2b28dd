#pragma once
#include "nn/attention.hpp"
#include "nn/recurrent.hpp"

namespace unroll {

/// A recurrent layer that looks back:                                                       (book: Attention RNN)
///     c_t = Attention(h_{t-1}, {h_1, .., h_{t-1}}),   h_t = RNN(h_{t-1}, [x_t, c_t]),   t = 1 .. T
/// The book's set holds all states, h_1 .. h_T; those that there are at step t are the ones before it, and at t = 1
/// there is h_0 alone. In the other form the set is given with the call: the states of an encoder, or of a first pass.
/// RNN is any cell of nn/recurrent.hpp. The states so far cost T² / 2 B H numbers on the tape.
template <class Cell>
class AttentionRnn : public Module {
  public:
    struct Options {
        typename Cell::Options cell = {};  // input_size is that of x_t alone
        Score score = Score::dot;
        int64_t attention_size = 0;  // A, for concat
        int64_t key_size = 0;        // He, of a given set; 0: hidden_size, as the states so far have it
    };
    struct Call {
        States initial = {};   // [B, H]; zeros where not given
        Ids lengths = {};      // [B], of x; all T where not given
        Var set = {};          // [S, B, He]; the states so far where not given
        Ids set_lengths = {};  // [B], of a given set
    };
    struct Output {
        Var y;                                         // [T, B, H]
        States last;                                   // [B, H]
        std::vector<Var, PoolAllocator<Var>> weights;  // of each step [B, S], S = max(1, t - 1) for the states so far
    };

    AttentionRnn(const Options& options, Generator& gen, Where at = {})
        : attention({.query_size = options.cell.hidden_size,
                     .key_size = key_size(options),
                     .score = options.score,
                     .attention_size = options.attention_size,
                     .dtype = options.cell.dtype},
                    gen, at),
          cell(cell_options(options, at), gen),
          input_size_(options.cell.input_size) {}

    /// x [T, B, D].
    Output operator()(const Var& x, const Call& call = {}, Where at = {}) const {
        const Shape state{x.shape().rank() > 1 ? x.shape().dim(1) : Dim(0), {attention.options().query_size, 'H'}};
        check_call("AttentionRnn", x, input_size_, call.initial, state, Cell::has_cell_state, call.lengths, at);
        if (call.set_lengths.defined() && !given(call.set))
            fail("AttentionRnn", at, "lengths of a set are given, but no set");
        Tape& tape = *x.tape();
        const int T = int(x.dim(0));
        States s = call.initial;
        if (!given(s.h)) s.h = tape.constant(Tensor::zeros(state, x.dtype()));
        if (!given(s.C) && Cell::has_cell_state) s.C = tape.constant(Tensor::zeros(state, x.dtype()));
        Attention::Keys set;
        if (given(call.set)) set = attention.prepare(call.set, call.set_lengths, at);
        std::vector<Var, PoolAllocator<Var>> y, weights;
        for (int t : tape.steps(T)) {  // from 0: s.h is h_t here, and the set before it {h_1 .. h_t}
            if (!given(call.set))
                set = t < 2 ? attention.prepare(reshape(s.h, state.prepend({1, 'S'}))) : attention.extended(set, s.h);
            const Attention::Output attended = attention(s.h, set, at);
            States next = cell.step(concat(row(x, t), attended.context), s);
            y.push_back(next.h);
            if (call.lengths.defined()) {  // as in scan
                const Tensor inside = within(call.lengths, t, x.dtype());
                y.back() = next.h * inside;
                next = pass_through(s, next, inside);
            }
            weights.push_back(attended.weights);
            s = std::move(next);
        }
        return {stack(y), std::move(s), std::move(weights)};
    }

    void visit(Visitor& v) override {
        v("attention", attention);
        v("cell", cell);
    }
    std::string pretty() const override { return fmt::format("{} with {}", cell.pretty(), attention.pretty()); }

    Attention attention;
    Cell cell;

  private:
    static int64_t key_size(const Options& options) {
        return options.key_size > 0 ? options.key_size : options.cell.hidden_size;
    }
    static typename Cell::Options cell_options(const Options& options, Where at) {
        if (options.cell.input_size < 1)
            fail("AttentionRnn", at, "input_size {}: expected 1 or more", options.cell.input_size);
        if (options.cell.num_layers != 1 || options.cell.bidirectional || options.cell.dropout != 0)
            fail("AttentionRnn", at, "layers, directions and dropout are not for it: it runs one cell forward");
        typename Cell::Options cell = options.cell;
        cell.input_size += key_size(options);
        return cell;
    }

    int64_t input_size_;
};

}  // namespace unroll
