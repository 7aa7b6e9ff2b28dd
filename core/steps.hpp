#pragma once
#include "core/tape.hpp"

namespace unroll {

/// Counts time steps and marks what is recorded meanwhile; the mark ends with the loop.
class Tape::Steps {
  public:
    Steps(Tape& tape, int first, int end, int stride)
        : tape_(tape), first_(first), end_(end), stride_(stride), outer_(tape.step_) {}
    ~Steps() { tape_.step_ = outer_; }
    Steps(const Steps&) = delete;
    Steps& operator=(const Steps&) = delete;
    struct Iterator {
        Tape* tape;
        int t, stride;
        int operator*() const { return tape->step_ = t; }
        Iterator& operator++() { return t += stride, *this; }
        bool operator!=(const Iterator& other) const { return t != other.t; }
    };
    Iterator begin() const { return {&tape_, first_, stride_}; }
    Iterator end() const { return {&tape_, end_, stride_}; }

  private:
    Tape& tape_;
    int first_, end_, stride_;
    int outer_;  // step of the loop around this one
};

}  // namespace unroll
