#include "core/record.hpp"

#include "core/tape.hpp"

namespace unroll {

void check_not_empty(const char* operation, const Tensor& x, Where at) {
    if (!x.defined()) fail(operation, at, "an operand is an empty Tensor");
}

Tape& tape_of(const char* operation, std::initializer_list<const Operand*> operands) {
    Tape* tape = nullptr;
    for (const Operand* x : operands) {
        const Var* v = x->var();
        if (v == nullptr) {
            check_not_empty(operation, x->value(), x->at);
            continue;
        }
        if (v->tape() == nullptr) fail(operation, x->at, "an operand is an empty Var");
        if (tape != nullptr && v->tape() != tape) fail(operation, x->at, "the operands are on two different tapes");
        tape = v->tape();
        if (v->slot() >= 0 && v->pass() != tape->pass())
            fail(operation, x->at,
                 "an operand was recorded on an earlier tape, or before clear(): carry its value on by "
                 "tape.input(h.value())");
    }
    if (tape == nullptr)
        fail(operation, (*operands.begin())->at,
             "no operand is on a tape: enter one by tape.input(x), or by tape.watch(W) for a parameter");
    return *tape;
}

Edge Recording::input(const Operand& x) {
    const Edge e{tape.enter(x)};
    wanted = wanted || e.slot >= 0;
    return e;
}

Saved Recording::saved(const Operand& x) { return Saved(input(x), x.value()); }

Edge Recording::output(const Tensor& y) {
    const int slot = wanted && tape.recording() ? tape.new_slot(y) : -1;
    outputs[size_t(count++)] = Var(y, &tape, slot, tape.pass());
    return Edge{slot};
}

}  // namespace unroll
