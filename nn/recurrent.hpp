#pragma once
#include <fmt/format.h>

#include <array>
#include <vector>

#include "core/bptt/rnn.hpp"
#include "core/ops/dropout.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/shape.hpp"
#include "core/random.hpp"
#include "nn/module.hpp"

/// A recurrent layer is a scan of a cell over time. A cell is a Module with
///     static constexpr int states = 1;                                   // h; an LSTM has 2: h and C
///     using Options = ...;                                               // with the fields of RnnOptions that the
///     layer reads Cell(const Options&, Generator&); States<states> step(const Operand& x, const States<states>& s)
///     const;   // x [B, D], states [B, H]; the first is the output
/// and, where it has one, the whole sequence as a single fast operation:
///     Scanned<states> sequence(const Var& x, const States<states>& s, const SequenceOptions&) const;
/// A reader's own cell needs no more to be stacked, run in both directions, and over sequences of unequal lengths.
namespace unroll {

template <int N>
using States = std::array<Var, N>;

/// y [T, B, H]: the outputs of all steps; last: the states after the last step, each [B, H].
template <int N>
struct Scanned {
    Var y;
    States<N> last;
};

/// Ones where step t lies within the sequence, zeros past its end, as a column [B, 1].
Tensor within(const Ids& lengths, int64_t t, DType dtype);

/// The cell's step for t = 1 .. T (T .. 1 in reverse), one recorded operation after another. x [T, B, D].
template <class Cell>
Scanned<Cell::states> scan(const Cell& cell, const Var& x, States<Cell::states> s,
                           const SequenceOptions& options = {}) {
    Tape& tape = *x.tape();
    const int T = static_cast<int>(x.dim(0));
    std::vector<Var, PoolAllocator<Var>> y(static_cast<size_t>(T));
    for (int t : options.reverse ? tape.steps_reversed(T) : tape.steps(T)) {
        States<Cell::states> next = cell.step(row(x, t), s);
        Var& y_t = y[static_cast<size_t>(t)];
        y_t = next[0];
        if (options.lengths.defined()) {  // past its end a sequence's state stays, and its output is zero
            const Tensor inside = within(options.lengths, t, x.dtype());
            const Tensor outside = 1.0 - inside;
            y_t = next[0] * inside;
            for (size_t i = 0; i < next.size(); i++) {
                const Var moved = next[i] * inside;
                next[i] = moved + s[i] * outside;
            }
        }
        s = std::move(next);
    }
    return {stack(y), std::move(s)};
}

/// Stacked and bidirectional layers of one kind of cell: parameters layer0.*, layer0_reverse.*, layer1.*, ...
template <class Cell>
class Recurrent : public Module {
  public:
    using Options = typename Cell::Options;

    struct Output {
        Var y;  // [T, B, H]; both directions side by side, [h(f); h(b)], make it [T, B, 2H]
        States<Cell::states>
            last;  // [layers * directions, B, H]: layer 0 forward, layer 0 reverse, layer 1 forward, ...
    };
    struct Call {
        States<Cell::states> initial = {};  // [layers * directions, B, H]; zeros where not given
        Ids lengths = {};                   // [B]; all T where not given
        Generator* dropout = nullptr;       // given in training: dropout between the layers draws from it
        bool composed = false;              // the cell's steps one by one, even where it has a whole-sequence operation
    };

    Recurrent() = default;
    Recurrent(const Options& options, Generator& gen, Where at = {}) : options_(options) {
        if (options.input_size < 1 || options.hidden_size < 1 || options.num_layers < 1)
            fail("Recurrent", at,
                 fmt::format("input_size {}, hidden_size {}, num_layers {}: each must be 1 or more", options.input_size,
                             options.hidden_size, options.num_layers));
        if (!(options.dropout >= 0 && options.dropout < 1))
            fail("Recurrent", at, fmt::format("dropout {}: expected 0 <= p < 1", options.dropout));
        Options cell = options;
        for (int64_t layer = 0; layer < options.num_layers; layer++) {
            for (int64_t d = 0; d < directions(); d++) cells_.push_back(Cell(cell, gen));
            cell.input_size = directions() * options.hidden_size;
        }
    }

    /// x [T, B, D].
    Output operator()(const Var& x, const Call& call = {}, Where at = {}) const {
        check(x, call, at);
        const Dim B = x.shape().dim(1), H{options_.hidden_size, 'H'};
        Var input = x;
        std::array<std::vector<Var, PoolAllocator<Var>>, Cell::states> last;
        for (int64_t layer = 0; layer < options_.num_layers; layer++) {
            std::array<Var, 2> y;
            for (int64_t d = 0; d < directions(); d++) {
                const int64_t index = layer * directions() + d;
                States<Cell::states> s;
                for (size_t i = 0; i < s.size(); i++)
                    s[i] = given(call.initial[i]) ? row(call.initial[i], index)
                                                  : x.tape()->constant(Tensor::zeros({B, H}, x.dtype()));
                Scanned<Cell::states> out = run(cells_[static_cast<size_t>(index)], input, s,
                                                {.reverse = d == 1, .lengths = call.lengths}, call.composed);
                y[static_cast<size_t>(d)] = std::move(out.y);
                for (size_t i = 0; i < s.size(); i++) last[i].push_back(std::move(out.last[i]));
            }
            input = directions() == 2 ? concat(y[0], y[1]) : y[0];
            if (call.dropout != nullptr && options_.dropout > 0 && layer + 1 < options_.num_layers)
                input = dropout(input, options_.dropout, *call.dropout);
        }
        Output out{input, {}};
        for (size_t i = 0; i < last.size(); i++) out.last[i] = stack(last[i]);
        return out;
    }

    const Options& options() const { return options_; }
    int64_t directions() const { return options_.bidirectional ? 2 : 1; }
    Cell& cell(int64_t layer, bool reverse = false) {
        return cells_[static_cast<size_t>(layer * directions() + reverse)];
    }

    void visit(Visitor& v) override {
        for (int64_t layer = 0; layer < options_.num_layers; layer++) {
            v(fmt::format("layer{}", layer).c_str(), cell(layer));
            if (options_.bidirectional) v(fmt::format("layer{}_reverse", layer).c_str(), cell(layer, true));
        }
    }
    std::string pretty() const override {
        return fmt::format("{}, {} layer{}{}", cells_.empty() ? "empty" : cells_[0].pretty(), options_.num_layers,
                           options_.num_layers == 1 ? "" : "s", options_.bidirectional ? ", both directions" : "");
    }

  private:
    static bool given(const Var& v) { return v.tape() != nullptr; }

    static Scanned<Cell::states> run(const Cell& cell, const Var& x, const States<Cell::states>& s,
                                     const SequenceOptions& options, bool composed) {
        if constexpr (requires { cell.sequence(x, s, options); })
            if (!composed) return cell.sequence(x, s, options);
        return scan(cell, x, s, options);
    }

    void check(const Var& x, const Call& call, Where at) const {
        if (x.tape() == nullptr || x.shape().rank() != 3 || x.dim(2) != options_.input_size || x.dim(0) < 1)
            fail("Recurrent", at,
                 fmt::format("x is {}, expected [T, B, D={}] with at least one time step", x.shape().str(),
                             options_.input_size));
        const Shape expected{{options_.num_layers * directions(), 'L'}, x.shape().dim(1), {options_.hidden_size, 'H'}};
        for (const Var& s : call.initial)
            if (given(s) && !(s.shape() == expected))
                fail("Recurrent", at,
                     fmt::format("an initial state is {}, expected {} (layers times directions first)", s.shape().str(),
                                 expected.str()));
        Scan{x.dim(0), x.dim(1), false, call.lengths}.check("Recurrent", at);
    }

    Options options_;
    std::vector<Cell> cells_;
};

}  // namespace unroll
