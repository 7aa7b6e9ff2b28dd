// The backward half of Tape, and Backprop.
#include "core/backprop.hpp"

#include <algorithm>
#include <cmath>

#include "core/kernels/gemm.hpp"
#include "core/kernels/parallel.hpp"

namespace unroll {

static constexpr int64_t rows_to_add_up = 512;  // of waiting products: a GEMM of this depth runs near the peak

const Tensor* Tape::gradient(const Edge& e) const {
    if (e.slot < 0) return nullptr;
    const Tensor& g = slots_[size_t(e.slot)].gradient;
    return g.defined() ? &g : nullptr;
}

void Tape::keep_term(int slot, const Tensor& value, int step, const Record* record) {
    terms_.push_back({slot, {step, record, value.clone()}});
}

void Tape::add(const Edge& x, Tensor g) {
    if (x.slot < 0) return;
    Slot& s = slots_[size_t(x.slot)];
    if (!(g.shape() == s.shape) || g.dtype() != s.dtype)
        fail(current_->name(), current_->where, "its backward gives a gradient {} {} to a value {} {}", g.shape().str(),
             to_string(g.dtype()), s.shape.str(), to_string(s.dtype));
    if (observer_ != nullptr) observer_->contributions_.push_back({x.slot, g.clone()});
    if (s.keep_terms) keep_term(x.slot, g, current_->step, current_);
    if (!s.gradient.defined()) {
        s.gradient = std::move(g);
        return;
    }
    if (!s.gradient.sole_owner()) std::swap(s.gradient, g);  // shared with another gradient: must not change
    if (!s.gradient.sole_owner()) s.gradient = s.gradient.clone();
    s.gradient += g;
}

Tensor& Tape::sum(const Edge& x) {
    Slot& s = slots_[size_t(x.slot)];
    if (observer_ != nullptr || s.keep_terms)
        return sums_.emplace_back(Contribution{x.slot, Tensor::zeros(s.shape, s.dtype)}).value;
    if (!s.gradient.defined())
        s.gradient = Tensor::zeros(s.shape, s.dtype);
    else if (!s.gradient.sole_owner())
        s.gradient = s.gradient.clone();
    return s.gradient;
}

Tensor Tape::product(const Tensor& a, const Tensor& b) const {
    const int64_t M = a.dim(-1), N = b.dim(-1);
    Tensor y = Tensor::empty({M, N}, a.dtype());
    dispatch(a.dtype(), [&]<class T>(T) {
        kernels::gemm<T>(true, false, M, N, a.shape().rows(), a.data<T>(), M, b.data<T>(), N, y.mutable_data<T>(), N,
                         false);
    });
    return y;
}

void Tape::add_product(const Edge& W, const Tensor& a, const Tensor& b) {
    if (W.slot < 0) return;
    const Slot& s = slots_[size_t(W.slot)];
    if (s.watched < 0 || observer_ != nullptr) return add(W, product(a, b).reshape(s.shape));
    Watched& w = watched_[size_t(s.watched)];
    w.waiting.push_back({a, b, current_->step, current_});
    w.waiting_rows += a.shape().rows();
    if (w.waiting_rows >= rows_to_add_up) add_up(w);
}

void Tape::add_up(Watched& w) {
    if (w.waiting.empty()) return;
    Slot& s = slots_[size_t(w.slot)];
    if (s.keep_terms)
        for (const Product& p : w.waiting) keep_term(w.slot, product(p.a, p.b), p.step, p.record);
    const int64_t M = s.shape[0], N = s.shape[1];
    dispatch(s.dtype, [&]<class T>(T) {
        Tensor a = w.waiting[0].a, b = w.waiting[0].b;
        if (w.waiting.size() > 1) {  // side by side in memory: one deep GEMM in place of many shallow ones
            a = Tensor::empty({w.waiting_rows, M}, s.dtype);
            b = Tensor::empty({w.waiting_rows, N}, s.dtype);
            T* to[] = {a.mutable_data<T>(), b.mutable_data<T>()};
            kernels::parallel(2, [&](int64_t side) {
                for (const Product& p : w.waiting) {
                    const Tensor& from = side == 0 ? p.a : p.b;
                    to[side] = std::copy_n(from.data<T>(), from.size(), to[side]);
                }
            });
        }
        Tensor& dW = s.gradient;
        const bool first = !dW.defined();
        if (first || !dW.sole_owner()) dW = first ? Tensor::empty(s.shape, s.dtype) : dW.clone();
        kernels::gemm<T>(true, false, M, N, w.waiting_rows, a.data<T>(), M, b.data<T>(), N, dW.mutable_data<T>(), N,
                         !first);
    });
    w.waiting.clear();
    w.waiting_rows = 0;
}

Tape::Slot& Tape::own(const Var& v, const char* operation, Where at) {
    if (v.tape() != this || v.pass() != pass_) fail(operation, at, "the value {} is not on this tape", v.shape().str());
    if (v.slot() < 0) fail(operation, at, "the value {} is a constant: no gradient flows to it", v.shape().str());
    return slots_[size_t(v.slot())];
}

void Tape::keep_grad(const Var& v, Where at) { own(v, "keep_grad", at).keep = true; }

void Tape::keep_terms(const Var& v, Where at) {
    Slot& s = own(v, "keep_terms", at);
    if (backward_started_) fail("keep_terms", at, "backward has begun: ask for the terms before it");
    s.keep_terms = true;
}

std::vector<Term> Tape::terms(const Var& v, Where at) {
    const Slot& s = own(v, "terms", at);
    if (!s.keep_terms) fail("terms", at, "nothing was kept: call tape.keep_terms(...) before backward");
    if (s.watched >= 0) add_up(watched_[size_t(s.watched)]);
    std::vector<Term> found;
    for (const Kept& kept : terms_)
        if (kept.slot == v.slot()) found.push_back(kept.term);
    return found;
}

Tensor Tape::grad(const Var& v, Where at) {
    Slot& s = own(v, "grad", at);
    if (!backward_started_) fail("grad", at, "there are no gradients before backward");
    if (s.released)
        fail("grad", at,
             "the gradient of {} {} was released once it had been passed on: ask for it with "
             "tape.keep_grad({}) before backward",
             *s.name != 0 ? s.name : "this intermediate value", s.shape.str(), *s.name != 0 ? s.name : "h");
    if (s.watched >= 0) add_up(watched_[size_t(s.watched)]);
    return s.gradient.defined() ? s.gradient : Tensor::zeros(s.shape, s.dtype);
}

Tensor Tape::grad(const Parameter& p, Where at) {
    const Watched* w = find(p.value);
    if (w == nullptr) fail("grad", at, "{} {} took no part in what this tape recorded", p.name, p.value.shape().str());
    return grad(Var(p.value, this, w->slot, pass_), at);
}

Tensor& Tape::mutable_grad(const Parameter& p, Where at) {
    Tensor g = grad(p, at);
    Tensor& kept = slots_[size_t(find(p.value)->slot)].gradient;
    if (!kept.defined()) kept = std::move(g);
    g = {};
    if (!kept.sole_owner()) kept = kept.clone();
    return kept;
}

void Tape::backward(const Var& loss, Where at) {
    Backprop bp(*this, loss, at);
    while (bp.step()) {
    }
}

/// The first value saved by a record that is NaN or infinite, for the message.
static std::string first_nonfinite(const Tape& tape) {
    Symbols symbols;
    for (int i = 0; i < tape.size(); i++) {
        symbols.items.clear();
        tape.record(i).symbols(symbols);
        for (const Symbols::Item& item : symbols.items)
            if (item.saved != nullptr && has_nonfinite(*item.saved))
                return fmt::format("; the first such value kept is {} of record {}, {} ({})", item.name, i,
                                   tape.record(i).equation(), to_string(tape.record(i).where));
    }
    return "";
}

Backprop::Backprop(Tape& tape, const Var& loss, Options options, Where at)
    : tape_(tape), pass_(tape.pass()), index_(tape.size()) {
    if (!tape.recording()) fail("backward", at, "this tape is forward-only: it keeps no records");
    Tape::Slot& s = tape.own(loss, "backward", at);
    if (tape.backward_started_)
        fail("backward", at,
             "this tape has run backward already: record the forward pass again on a new tape, or clear() it");
    if (loss.value().size() != 1)
        fail("backward", at, "the loss is {}, expected a single number: sum or average it", loss.shape().str());
    if (!std::isfinite(loss.item()))
        fail("backward", at, "the loss is {}{}", std::isnan(loss.item()) ? NAN : loss.item(), first_nonfinite(tape));
    tape.backward_started_ = true;
    tape.observer_ = options.observe ? this : nullptr;
    s.gradient = Tensor::full(s.shape, 1.0, s.dtype);
}

const Record& Backprop::record() const {
    if (index_ < 0 || index_ >= tape_.size()) throw Error("Backprop::record: no step() has run a record");
    return tape_.record(index_);
}

bool Backprop::step() {
    contributions_.clear();
    if (pass_ != tape_.pass()) throw Error("Backprop::step: the tape was cleared since");
    while (--index_ >= 0) {
        Record& r = *tape_.records_[size_t(index_)];
        bool reached = false;
        for (int i = 0; i < r.outputs; i++) reached = reached || tape_.gradient(Edge{r.first_output + i}) != nullptr;
        if (!reached) continue;
        symbols_.items.clear();
        r.symbols(symbols_);
        for (const Symbols::Item& item : symbols_.items)
            if (item.saved != nullptr && item.version != item.saved->version())
                fail(r.name(), r.where, "{} was changed after it was saved for the backward pass", item.name);
        r.dy = tape_.gradient(Edge{r.first_output});
        tape_.current_ = &r;
        r.backward(tape_);
        for (Contribution& c : tape_.sums_) tape_.add(Edge{c.slot}, std::move(c.value));
        tape_.sums_.clear();
        for (int i = 0; i < r.outputs && tape_.observer_ == nullptr; i++) {
            Tape::Slot& s = tape_.slots_[size_t(r.first_output + i)];
            if (s.keep) continue;
            s.gradient = {};
            s.released = true;
        }
        return true;
    }
    for (Tape::Watched& w : tape_.watched_) tape_.add_up(w);
    for (Tape::Slot& s : tape_.slots_)  // what is left belongs to the reader, who may change one of them
        if (s.gradient.defined() && !s.gradient.sole_owner()) s.gradient = s.gradient.clone();
    tape_.current_ = nullptr;
    tape_.observer_ = nullptr;
    return false;
}

}  // namespace unroll
