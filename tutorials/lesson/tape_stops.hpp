#pragma once
#include "core/backprop.hpp"
#include "tutorials/lesson/stepper.hpp"

namespace unroll::lesson {

/// Record i as it was made: its equation, the reader's line, what its symbols are, and the values they have.
Stop forward_stop(const Tape& tape, int i);
/// The record that `bp` has just run backward: its gradient's equation and what it added to which gradient.
Stop backward_stop(const Tape& tape, const Backprop& bp);
/// Every named value in the tape's first `slots` slots, with its gradient so far.
std::vector<Stepper::Value> named_values(const Tape& tape, int slots);

}  // namespace unroll::lesson
