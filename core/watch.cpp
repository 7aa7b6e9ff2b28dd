// Parameters on a tape: how they enter it, and their packed forms.

#include <algorithm>

#include "core/kernels/gemm.hpp"
#include "core/tape.hpp"

namespace unroll {

Var Tape::watch(const Parameter& p, Where at) {
    check_not_empty("watch", p.value, at);
    return Var(p.value, this, enter(Operand(p)), pass_);
}

Tape::Watched* Tape::find(const Tensor& parameter) {
    const Storage* s = parameter.storage();
    if (s == nullptr || !s->parameter) return nullptr;
    const auto same = [&](const Watched& w) { return w.value.same_numbers(parameter); };
    if (size_t(s->hint) < watched_.size() && same(watched_[size_t(s->hint)])) return &watched_[size_t(s->hint)];
    // Never seen here, or by another tape since: the hint is about that one.
    const auto w = std::find_if(watched_.begin(), watched_.end(), same);
    if (w == watched_.end()) return nullptr;
    s->hint = int32_t(w - watched_.begin());
    return &*w;
}

int Tape::enter(const Operand& x) {
    if (x.var() != nullptr) return x.var()->slot();
    const Storage* s = x.value().storage();
    if (x.parameter() == nullptr) {
        if (recording() && s != nullptr && s->parameter)
            fail("operand", x.at,
                 "the tensor {} is the value of a parameter: no gradient would reach it. Pass the "
                 "Parameter itself (W, not W.value), or a clone()",
                 x.shape().str());
        return -1;
    }
    if (const Watched* w = find(x.value())) {
        if (!(w->value.shape() == x.shape()))
            fail("operand", x.at, "{} has its numbers in common with {} {}: a shared parameter has one shape",
                 x.label("a parameter"), w->slot < 0 ? "one" : slots_[size_t(w->slot)].name, w->value.shape().str());
        return w->slot;
    }
    Watched w{x.value(), -1, {}, {}, 0};
    s->hint = int32_t(watched_.size());
    if (recording()) {
        w.slot = new_slot(x.value());
        Slot& slot = slots_.back();
        slot.leaf = true;
        slot.watched = s->hint;
        name(w.slot, x.parameter()->name.c_str());
    }
    watched_.push_back(std::move(w));
    return watched_.back().slot;
}

const void* Tape::packed(const Tensor& W, bool transposed) {
    if (W.rank() != 2 || !W.storage()->parameter) return nullptr;
    const auto holds = [&](const Watched& w) { return w.value.same_storage(W); };
    const size_t hint = size_t(W.storage()->hint);
    const auto w = hint < watched_.size() && holds(watched_[hint])
                       ? watched_.begin() + std::ptrdiff_t(hint)
                       : std::find_if(watched_.begin(), watched_.end(), holds);
    if (w == watched_.end()) return nullptr;
    const auto same = [&](const PackedForm& p) {
        return p.W.same_numbers(W) && p.W.shape() == W.shape() && p.transposed == transposed;
    };
    auto p = std::find_if(w->packed.begin(), w->packed.end(), same);
    if (p == w->packed.end()) p = w->packed.insert(p, {W, transposed, 0, {}});
    return dispatch(W.dtype(), [&]<class T>(T) -> const void* {
        if (!p->form.defined() || p->version != W.version()) {
            const int64_t K = W.dim(transposed ? 1 : 0), N = W.dim(transposed ? 0 : 1);
            p->form = Tensor::empty({kernels::packed_size<T>(K, N)}, W.dtype());
            kernels::pack<T>(transposed, K, N, W.data<T>(), W.dim(1), p->form.template mutable_data<T>());
            p->version = W.version();
        }
        return p->form.template data<T>();
    });
}

}  // namespace unroll
