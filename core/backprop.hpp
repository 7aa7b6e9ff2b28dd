#pragma once
#include <vector>

#include "core/tape.hpp"

namespace unroll {

/// The backward pass, one record at a time, for those who want to watch:
/// `Backprop bp(tape, loss); while (bp.step()) puts(bp.record().gradient());`
class Backprop {
  public:
    struct Options {
        bool observe = false;  // keep every gradient, and list what each record added
    };
    Backprop(Tape& tape, const Var& loss, Where at = {}) : Backprop(tape, loss, Options{}, at) {}
    Backprop(Tape& tape, const Var& loss, Options options, Where at = {});

    /// Runs the backward of the next record that a gradient has reached; false when none is left. Throws Error after
    /// the tape's clear().
    bool step();
    /// The record that step() has just run, and its index on the tape. Throws Error where it has run none.
    const Record& record() const;
    int index() const { return index_; }
    /// What it added to which gradient (observe only).
    const std::vector<Contribution>& contributions() const { return contributions_; }

  private:
    friend class Tape;
    Tape& tape_;
    uint32_t pass_;
    int index_;
    std::vector<Contribution> contributions_;
    Symbols symbols_;
};

}  // namespace unroll
