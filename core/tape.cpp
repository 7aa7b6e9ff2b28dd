#include "core/tape.hpp"

#include <cstring>

namespace unroll {

static uint32_t next_pass() {
    static thread_local uint32_t pass = 0;
    return ++pass;
}

Tape::Tape(Mode mode) : mode_(mode), pass_(next_pass()) {}

Tape::~Tape() { clear(); }

void Tape::clear() {
    for (Record* r : records_) r->~Record();
    records_.clear();
    slots_.clear();
    values_.clear();
    watched_.clear();
    terms_.clear();
    arena_.clear();
    step_ = -1;
    backward_started_ = false;
    observer_ = nullptr;
    pass_ = next_pass();
}

Var Tape::input(const Tensor& x, const char* name, Where at) {
    check_not_empty("input", x, at);
    if (!recording()) return constant(x);
    const int slot = new_slot(x);
    slots_[size_t(slot)].leaf = true;
    this->name(slot, name);
    return Var(x, this, slot, pass_);
}

Var Tape::constant(const Tensor& x, Where at) {
    check_not_empty("constant", x, at);
    return Var(x, this, -1, pass_);
}

static int checked_length(int T, Where at) {
    if (T < 0) fail("steps", at, "T is {}, expected 0 or more", T);
    return T;
}
Tape::Steps Tape::steps(int T, Where at) { return Steps(*this, 0, checked_length(T, at), 1); }
Tape::Steps Tape::steps_reversed(int T, Where at) { return Steps(*this, checked_length(T, at) - 1, -1, -1); }

int Tape::new_slot(const Tensor& value) {
    slots_.emplace_back(value.shape(), value.dtype());
    if (keep_values_) {
        values_.resize(slots_.size());
        values_.back() = value;
    }
    return int(slots_.size()) - 1;
}

void Tape::finish(Record* r, Recording& recording, Arena::Mark before) {
    if (!this->recording() || !recording.wanted) {  // nothing to go back to: the values are all that is needed
        r->~Record();
        arena_.rewind(before);
        return;
    }
    r->where = recording.at;
    r->step = step_;
    r->first_output = recording.outputs[0].slot();
    r->outputs = recording.count;
    records_.push_back(r);
}

void Tape::name(const Var& v, const char* name) {
    if (v.tape() != this || v.pass() != pass_)
        throw Error("Tape::name: the value {} is not on this tape", v.shape().str());
    this->name(v.slot(), name);
}

void Tape::name(int slot, const char* name) {
    if (slot < 0 || *name == 0) return;
    const size_t n = std::strlen(name) + 1;
    slots_[size_t(slot)].name = static_cast<char*>(std::memcpy(arena_.allocate(n), name, n));
}

const char* Tape::name_of(int slot) const { return slot < 0 || slot >= slots() ? "" : slots_[size_t(slot)].name; }

const Tensor* Tape::value_of(int slot) const {
    if (slot < 0 || slot >= slots()) return nullptr;
    const Slot& s = slots_[size_t(slot)];
    if (size_t(slot) < values_.size() && values_[size_t(slot)].defined()) return &values_[size_t(slot)];
    return s.watched >= 0 ? &watched_[size_t(s.watched)].value : nullptr;
}

}  // namespace unroll
