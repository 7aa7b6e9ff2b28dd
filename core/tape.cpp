#include "core/tape.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/kernels/gemm.hpp"

namespace unroll {

static constexpr size_t block_bytes = size_t{1} << 16;

Tape::Tape(Mode mode) : mode_(mode) {}

Tape::~Tape() { clear(); }

void Tape::clear() {
    for (Record* r : records_) r->~Record();
    for (Storage* block : blocks_) Storage::release(block);
    records_.clear();
    slots_.clear();
    watched_.clear();
    terms_.clear();
    blocks_.clear();
    block_ = used_ = 0;
    step_ = -1;
    backward_started_ = false;
    observer_ = nullptr;
}

void* Tape::allocate(size_t bytes) {
    bytes = (bytes + 15) / 16 * 16;
    if (blocks_.empty() || used_ + bytes > static_cast<size_t>(blocks_[block_]->bytes)) {
        if (!blocks_.empty()) block_++;
        if (block_ == blocks_.size()) blocks_.push_back(Storage::acquire(std::max(block_bytes, bytes)));
        if (bytes > static_cast<size_t>(blocks_[block_]->bytes)) {  // a kept block that is too small for a large array
            Storage::release(blocks_[block_]);
            blocks_[block_] = Storage::acquire(bytes);
        }
        used_ = 0;
    }
    void* p = static_cast<char*>(blocks_[block_]->data()) + used_;
    used_ += bytes;
    return p;
}

Var Tape::watch(const Parameter& p) { return Var(p.value, this, enter(Operand(p))); }

Var Tape::input(const Tensor& x, const char* name) {
    if (!recording()) return constant(x);
    const int slot = new_slot(x);
    slots_[static_cast<size_t>(slot)].leaf = true;
    Var v(x, this, slot);
    this->name(v, name);
    return v;
}

Var Tape::constant(const Tensor& x) { return Var(x, this, -1); }

int Tape::new_slot(const Tensor& value) {
    Slot s;
    s.shape = value.shape();
    s.dtype = value.dtype();
    if (keep_values_) s.value = value;
    slots_.push_back(std::move(s));
    return static_cast<int>(slots_.size()) - 1;
}

Tape::Watched* Tape::find(const Tensor& parameter) {
    const Storage* s = parameter.storage();
    if (s == nullptr || !s->parameter || s->hint < 0 || static_cast<size_t>(s->hint) >= watched_.size()) return nullptr;
    Watched& w = watched_[static_cast<size_t>(s->hint)];
    return w.value.same_storage(parameter) && w.value.size() == parameter.size() ? &w : nullptr;
}

int Tape::enter(const Operand& x) {
    if (x.var() != nullptr) return x.var()->slot();
    const Storage* s = x.value().storage();
    if (x.parameter() == nullptr) {
        if (recording() && s != nullptr && s->parameter)
            fail("operand", x.at,
                 fmt::format("the tensor {} is the value of a parameter: no gradient would reach it. Pass the "
                             "Parameter itself (W, not W.value), or a clone()",
                             x.shape().str()));
        return -1;
    }
    if (const Watched* w = find(x.value())) return w->slot;
    // Seen by another tape since: the hint points elsewhere.
    int index = 0;
    while (index < static_cast<int>(watched_.size()) &&
           !watched_[static_cast<size_t>(index)].value.same_storage(x.value()))
        index++;
    s->hint = index;
    if (index < static_cast<int>(watched_.size())) return watched_[static_cast<size_t>(index)].slot;
    Watched w{x.value(), -1, {}, {}, {}, 0};
    if (recording()) {
        w.slot = new_slot(x.value());
        Slot& slot = slots_.back();
        slot.leaf = true;
        slot.watched = index;
        name(Var(x.value(), this, w.slot), x.parameter()->name.c_str());
    }
    watched_.push_back(std::move(w));
    return watched_.back().slot;
}

void Tape::finish(Record* r, Recording& recording, Mark before) {
    if (!this->recording() || !recording.wanted) {  // nothing to go back to: the values are all that is needed
        r->~Record();
        block_ = before.block;
        used_ = before.used;
        return;
    }
    r->where = recording.at;
    r->step = step_;
    r->first_output = recording.outputs[0].slot();
    r->outputs = recording.count;
    records_.push_back(r);
}

void Tape::name(const Var& v, const char* name) {
    if (v.slot() < 0 || *name == 0) return;
    const size_t n = std::strlen(name) + 1;
    slots_[static_cast<size_t>(v.slot())].name = static_cast<char*>(std::memcpy(allocate(n), name, n));
}

const char* Tape::name_of(int slot) const { return slot < 0 ? "" : slots_[static_cast<size_t>(slot)].name; }

const Tensor* Tape::value_of(int slot) const {
    if (slot < 0) return nullptr;
    const Slot& s = slots_[static_cast<size_t>(slot)];
    if (s.value.defined()) return &s.value;
    return s.watched >= 0 ? &watched_[static_cast<size_t>(s.watched)].value : nullptr;
}

const void* Tape::packed(const Tensor& W, bool transposed) {
    Watched* w = W.rank() == 2 ? find(W) : nullptr;
    if (w == nullptr || !(w->value.shape() == W.shape())) return nullptr;
    Tensor& form = w->packed[transposed];
    if (!form.defined() || w->packed_version[transposed] != W.version()) {
        const int64_t K = W.dim(transposed ? 1 : 0), N = W.dim(transposed ? 0 : 1);
        dispatch(W.dtype(), [&](auto zero) {
            using T = decltype(zero);
            form = Tensor::empty({kernels::packed_size<T>(K, N)}, W.dtype());
            kernels::pack<T>(transposed, K, N, W.data<T>(), W.dim(1), form.mutable_data<T>());
        });
        w->packed_version[transposed] = W.version();
    }
    return dispatch(W.dtype(), [&](auto zero) -> const void* { return form.data<decltype(zero)>(); });
}

Tape& tape_of(const char* operation, std::initializer_list<const Operand*> operands) {
    Tape* tape = nullptr;
    for (const Operand* x : operands) {
        Tape* its = x->var() != nullptr ? x->var()->tape() : nullptr;
        if (x->var() != nullptr && its == nullptr) fail(operation, x->at, "an operand is an empty Var");
        if (tape != nullptr && its != nullptr && its != tape)
            fail(operation, x->at, "the operands are on two different tapes");
        if (its != nullptr) tape = its;
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
    outputs[static_cast<size_t>(count++)] = Var(y, &tape, slot);
    return Edge{slot};
}

}  // namespace unroll
