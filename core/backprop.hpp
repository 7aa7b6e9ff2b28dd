#pragma once
#include <vector>

#include "core/tape.hpp"

namespace unroll {

/// The backward pass, one record at a time, for those who want to watch:
/// `Backprop bp(tape, loss); while (bp.step()) print(bp.record().gradient());`
class Backprop {
  public:
    struct Options {
        bool observe = false;  // keep every gradient, and list what each record added
    };
    Backprop(Tape& tape, const Var& loss, Where at = {}) : Backprop(tape, loss, Options{}, at) {}
    Backprop(Tape& tape, const Var& loss, Options options, Where at = {});

    /// Runs the backward of the next record that a gradient has reached; false when none is left.
    bool step();
    /// The record that step() has just run, and its index on the tape.
    const Record& record() const { return tape_.record(index_); }
    int index() const { return index_; }
    /// What it added to which gradient (observe only).
    const std::vector<Contribution>& contributions() const { return contributions_; }

  private:
    friend class Tape;
    Tape& tape_;
    int index_;
    std::vector<Contribution> contributions_;
    Symbols symbols_;
};

}  // namespace unroll
