#pragma once

#include <array>
#include <vector>

#include "core/bptt/scan.hpp"
#include "core/ops/dropout.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/shape.hpp"
#include "core/random.hpp"
#include "nn/module.hpp"

/// A recurrent layer is a scan of a cell over time. A cell is a Module with
///     using Options = ...;                            // with the fields of RnnOptions that the layer reads
///     static constexpr bool has_cell_state = false;   // true where the state is h and C, as an LSTM's
///     Cell(const Options&, Generator&);
///     States step(const Operand& x, const States& s) const;   // x [B, D], states [B, H]
/// and, where it has one, the whole sequence as a single fast operation:
///     Scanned sequence(const Var& x, const States& s, const SequenceOptions&) const;
/// A reader's own cell needs no more to be stacked, run in both directions, and over sequences of unequal lengths.
namespace unroll {

/// What a cell hands from step to step. C has no value (given(C) is false) for a cell without a cell state.
struct States {
    Var h, C;
    template <class F>
    void each(F f) {
        f(h), f(C);
    }
};
inline bool given(const Var& v) { return v.tape() != nullptr; }

/// The numbers of States, to carry them to another pass: from chunk to chunk, or from word to word.
struct StateValues {
    Tensor h, C;
    StateValues() = default;
    StateValues(const States& s) : h(s.h.value()), C(s.C.value()) {}
    /// As values without gradient: truncated BPTT cuts here. Undefined tensors stay not given, which means zeros.
    States on(Tape& tape) const {
        return {h.defined() ? tape.constant(h) : Var(), C.defined() ? tape.constant(C) : Var()};
    }
};

/// y [T, B, H]: the outputs of all steps; last: the states after the last step, each [B, H].
struct Scanned {
    Var y;
    States last;
};

/// Ones where step t lies within the sequence, zeros past its end, as a column [B, 1].
Tensor within(const Ids& lengths, int64_t t, DType dtype);

/// Past its end a sequence's state stays: next where `inside` [B, 1] is 1, before where it is 0.
States pass_through(const States& before, const States& next, const Tensor& inside);

/// Throws Error unless x is [T, B, D] with T of 1 or more, the initial states that are given are of shape `state` and
/// of x's dtype, C among them only where has_cell_state, and the lengths 0 to T. With words [T, B], x is a table.
void check_call(const char* layer, const Var& x, int64_t D, const States& initial, const Shape& state,
                bool has_cell_state, const Ids& lengths, Where at, const Ids& words = {});

/// The cell's step for t = 1 .. T (T .. 1 in reverse), one recorded operation after another. x [T, B, D].
template <class Cell>
Scanned scan(const Cell& cell, const Var& x, States s, const SequenceOptions& options = {}) {
    Tape& tape = *x.tape();
    const int T = int(x.dim(0));
    std::vector<Var, PoolAllocator<Var>> y(static_cast<size_t>(T));
    for (int t : options.reverse ? tape.steps_reversed(T) : tape.steps(T)) {
        States next = cell.step(row(x, t), s);
        Var& y_t = y[size_t(t)];
        y_t = next.h;
        if (options.lengths.defined()) {
            const Tensor inside = within(options.lengths, t, x.dtype());
            y_t = next.h * inside;  // past its end a sequence's output is zero
            next = pass_through(s, next, inside);
        }
        s = std::move(next);
    }
    return {stack(y), std::move(s)};
}

struct RecurrentOutput {
    Var y;        // [T, B, H]; both directions side by side, [h(f); h(b)], make it [T, B, 2H]
    States last;  // [layers * directions, B, H]: layer 0 forward, layer 0 reverse, layer 1 forward, ...
};

struct RecurrentCall {
    States initial = {};           // [layers * directions, B, H]; zeros where not given
    Ids lengths = {};              // [B]; all T where not given
    Generator* dropout = nullptr;  // given in training: dropout between the layers draws from it
    bool composed = false;         // the cell's steps one by one, even where it has a whole-sequence operation
    Ids words = {};                // [T, B]; where given, x is projection() of the vectors of all words, a row a word
};

/// What models hold: a recurrent layer of whatever cell.
class RecurrentLayer : public Module {
  public:
    using Output = RecurrentOutput;
    using Call = RecurrentCall;

    /// x [T, B, D].
    virtual Output operator()(const Var& x, const Call& call = {}, Where at = {}) const = 0;
    virtual int64_t output_size() const = 0;  // H times directions
    /// W_xh x of the first layer for rows x [.., D], for Call::words; not given by a layer of two directions, or of
    /// a cell without W_xh and whole-sequence operation.
    virtual Var projection(const Var& x) const = 0;
};

/// The layer over words, x_t = E_{w_t} with ids [T, B] and E [V, D]. Where they are more than V, no projection is
/// computed twice: W_xh E_w is looked up in a table of V rows.
RecurrentOutput over_words(const RecurrentLayer& layer, const Var& E, const Ids& words, RecurrentCall call = {},
                           Where at = {});

/// Stacked and bidirectional layers of one kind of cell: parameters layer0.*, layer0_reverse.*, layer1.*, ...
template <class Cell>
class Recurrent : public RecurrentLayer {
  public:
    using Options = typename Cell::Options;

    Recurrent() = default;
    Recurrent(const Options& options, Generator& gen, Where at = {}) : options_(options) {
        if (options.input_size < 1 || options.hidden_size < 1 || options.num_layers < 1)
            fail("Recurrent", at, "input_size {}, hidden_size {}, num_layers {}: each must be 1 or more",
                 options.input_size, options.hidden_size, options.num_layers);
        if (!(options.dropout >= 0 && options.dropout < 1))
            fail("Recurrent", at, "dropout {}: expected 0 <= p < 1", options.dropout);
        Options cell = options;
        for (int64_t layer = 0; layer < options.num_layers; layer++) {
            for (int64_t d = 0; d < directions(); d++) cells_.push_back(Cell(cell, gen));
            cell.input_size = directions() * options.hidden_size;
        }
    }

    Output operator()(const Var& x, const Call& call = {}, Where at = {}) const override {
        const bool table = call.words.defined();
        if (table && (!has_table || options_.bidirectional || call.composed))
            fail("Recurrent", at, "words for a table: only a whole-sequence operation of one direction takes it");
        const Shape& batch = table ? call.words.shape() : x.shape();
        const Dim B = batch.rank() > 1 ? batch.dim(1) : Dim(0), H{options_.hidden_size, 'H'};
        check_call("Recurrent", x, options_.input_size, call.initial, {{options_.num_layers * directions(), 'L'}, B, H},
                   Cell::has_cell_state, call.lengths, at, call.words);
        if constexpr (requires(const Cell& c) { c.W_hh; })
            common_dtype("Recurrent", x.value(), cells_[0].W_hh.value, at);
        const Tensor zeros = Tensor::zeros({B, H}, x.dtype());
        const auto initial = [&](const Var& s, int64_t index) {
            return given(s) ? row(s, index) : x.tape()->constant(zeros);
        };
        Var input = x;
        std::vector<Var, PoolAllocator<Var>> last_h, last_C;
        for (int64_t layer = 0; layer < options_.num_layers; layer++) {
            std::array<Var, 2> y;
            for (int64_t d = 0; d < directions(); d++) {  // h^f_t = RNN(h^f_{t-1}, x_t), h^b_t = RNN(h^b_{t+1}, x_t)
                const int64_t index = layer * directions() + d;
                States s{initial(call.initial.h, index), {}};
                if (Cell::has_cell_state) s.C = initial(call.initial.C, index);
                Scanned out =
                    run(cells_[size_t(index)], input, s,
                        {.reverse = d == 1, .lengths = call.lengths, .words = layer == 0 ? call.words : Ids()},
                        call.composed);
                y[size_t(d)] = std::move(out.y);
                last_h.push_back(std::move(out.last.h));
                if (Cell::has_cell_state) last_C.push_back(std::move(out.last.C));
            }
            input = directions() == 2 ? concat(y[0], y[1]) : y[0];
            if (call.dropout != nullptr && options_.dropout > 0 && layer + 1 < options_.num_layers)
                input = options_.variational ? variational_dropout(input, options_.dropout, *call.dropout)
                                             : dropout(input, options_.dropout, *call.dropout);
        }
        return {input, {stack(last_h, 'L'), Cell::has_cell_state ? stack(last_C, 'L') : Var()}};
    }

    const Options& options() const { return options_; }
    int64_t directions() const { return options_.bidirectional ? 2 : 1; }
    int64_t output_size() const override { return directions() * options_.hidden_size; }
    Cell& cell(int64_t layer, bool reverse = false, Where at = {}) {
        if (layer < 0 || layer * directions() >= int64_t(cells_.size()) || (reverse && !options_.bidirectional))
            fail("Recurrent", at, "cell({}, {}): there are {} layers of {} directions", layer, reverse,
                 options_.num_layers, directions());
        return cells_[size_t(layer * directions() + reverse)];
    }

    Var projection(const Var& x) const override {
        if constexpr (has_table)
            if (!options_.bidirectional) return matmul(x, transposed(cells_[0].W_xh));
        return {};
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
    static constexpr bool has_table = requires(const Cell& cell, Var x, States s, SequenceOptions o) {
        cell.W_xh;
        cell.sequence(x, s, o);
    };

    static Scanned run(const Cell& cell, const Var& x, const States& s, const SequenceOptions& options, bool composed) {
        if constexpr (requires { cell.sequence(x, s, options); })
            if (!composed) return cell.sequence(x, s, options);
        return scan(cell, x, s, options);
    }

    Options options_;
    std::vector<Cell> cells_;
};

}  // namespace unroll
