#pragma once
#include <string>

#include "core/tensor.hpp"

namespace unroll {

class Tape;

/// What training changes: a name and a tensor whose storage it shares. Copies are the same parameter: a tape knows
/// it by its place in memory, of one shape wherever it is used. Its gradient lives on the tape: `tape.grad(W)`.
struct Parameter {
    std::string name;
    Tensor value;

    Parameter() = default;
    Parameter(std::string name, Tensor value) : name(std::move(name)), value(std::move(value)) {
        if (!this->value.defined()) throw Error("Parameter " + this->name + ": its value is an empty Tensor");
        this->value.mark_parameter();
    }
};

/// A value on a tape: made by Tape::input, Tape::watch or an operation.
class Var {
  public:
    Var() = default;
    Var(Tensor value, Tape* tape, int slot, uint32_t pass)
        : value_(std::move(value)), tape_(tape), slot_(slot), pass_(pass) {}

    const Tensor& value() const { return value_; }
    const Shape& shape() const { return value_.shape(); }
    int64_t dim(int i) const { return value_.dim(i); }
    DType dtype() const { return value_.dtype(); }
    double item(Where at = {}) const { return value_.item(at); }
    Tape* tape() const { return tape_; }
    /// Where the tape keeps its gradient; -1 for a value that no gradient flows to.
    int slot() const { return slot_; }
    /// Which of all passes it was recorded in: a tape, or its place in memory, may serve another one since.
    uint32_t pass() const { return pass_; }

  private:
    Tensor value_;
    Tape* tape_ = nullptr;
    int slot_ = -1;
    uint32_t pass_ = 0;
};

/// What an operation takes: a Var, a Parameter (which enters the other operand's tape by itself) or a Tensor (a
/// constant). Made where the operation is called, so it knows the reader's line. Lives for that call only.
class Operand {
  public:
    Operand(const Var& v, Where at = {}) : at(at), value_(&v.value()), var_(&v) {}
    Operand(const Parameter& p, Where at = {}) : at(at), value_(&p.value), parameter_(&p) {}
    Operand(const Tensor& t, Where at = {}) : at(at), value_(&t) {}

    const Tensor& value() const { return *value_; }
    const Shape& shape() const { return value_->shape(); }
    const Var* var() const { return var_; }
    const Parameter* parameter() const { return parameter_; }
    /// "lstm.W_hh [H=4, D=5]": the parameter's own name, else the role it has in the operation.
    std::string label(const char* role) const {
        return (parameter_ != nullptr ? parameter_->name : role) + (" " + shape().str());
    }

    Where at;

  private:
    const Tensor* value_;
    const Var* var_ = nullptr;
    const Parameter* parameter_ = nullptr;
};

}  // namespace unroll
