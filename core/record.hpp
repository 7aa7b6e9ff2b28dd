#pragma once
#include <array>
#include <vector>

#include "core/tensor.hpp"
#include "core/var.hpp"

namespace unroll {

/// A symbol of an operation's equation: where the tape keeps its gradient. Nothing flows to slot -1.
struct Edge {
    int slot = -1;
};

/// A symbol whose value is needed again in the backward pass.
struct Saved : Edge {
    Tensor value;
    uint32_t version = 0;  // of the storage, when it was saved

    Saved() = default;
    Saved(Edge edge, const Tensor& value) : Edge(edge), value(value), version(value.version()) {}
    operator const Tensor&() const { return value; }
};

/// The symbols of one record, in the order of its equation.
class Symbols {
  public:
    struct Item {
        const char* name;
        int slot;
        const Tensor* saved;  // nullptr where only the gradient's place is kept
        uint32_t version;
        bool output;
    };
    std::vector<Item, PoolAllocator<Item>> items;

    Symbols& in(const char* name, const Edge& e) { return push({name, e.slot, nullptr, 0, false}); }
    Symbols& in(const char* name, const Saved& s) {
        return push({name, s.slot, s.value.defined() ? &s.value : nullptr, s.version, false});
    }
    Symbols& out(const char* name, const Edge& e) { return push({name, e.slot, nullptr, 0, true}); }
    Symbols& out(const char* name, const Saved& s) {
        return push({name, s.slot, s.value.defined() ? &s.value : nullptr, s.version, true});
    }

  private:
    Symbols& push(Item item) {
        items.push_back(item);
        return *this;
    }
};

/// One recorded operation, in the tape's arena. A subclass (namespace unroll::ops) names its symbols as members and
/// holds the forward equation directly above the one `backward` that writes all its input gradients. A backward calls
/// named functions only, no lambda: `break Tanh::backward` must be one place.
struct Record {
    virtual ~Record() = default;
    struct Text {
        const char *name, *equation, *gradient;  // "tanh", "y = tanh(x)", "dx += dy ⊙ (1 - y²)"
    };
    virtual Text text() const = 0;
    const char* name() const { return text().name; }
    const char* equation() const { return text().equation; }
    const char* gradient() const { return text().gradient; }
    virtual void symbols(Symbols& list) const = 0;
    /// Called once, in reverse order of recording, when at least one output has a gradient.
    virtual void backward(Tape& tape) = 0;

    Where where;
    int step = -1;          // time step it was recorded in (Tape::steps), -1 outside
    int first_output = -1;  // its outputs have consecutive slots
    int outputs = 0;
    const Tensor* dy = nullptr;  // gradient of the first output, set before backward is called; null where it got none
};

/// What a record's constructor is given to connect itself to the tape.
class Recording {
  public:
    Recording(Tape& tape, Where at) : tape(tape), at(at) {}

    Edge input(const Operand& x);   // only its gradient is needed
    Saved saved(const Operand& x);  // its value is needed in backward
    Edge output(const Tensor& y);
    Saved saved_output(const Tensor& y) { return Saved(output(y), y); }
    /// Room in the arena for n plain objects, as long-lived as the record.
    template <class T>
    T* array(int64_t n);

    Tape& tape;
    Where at;
    bool wanted = false;  // whether a gradient flows to any input
    std::array<Var, 3> outputs;
    int count = 0;
};

namespace ops {

/// Of one operand x, with one result y; no value is needed again in backward.
struct OneToOne : Record {
    Edge x, y;
    OneToOne(Recording& r, const Operand& x, const Tensor& y) : x(r.input(x)), y(r.output(y)) {}
    void symbols(Symbols& list) const override { list.in("x", x).out("y", y); }
};

/// The same where backward is told by y.
struct OfOutput : Record {
    Edge x;
    Saved y;
    OfOutput(Recording& r, const Operand& x, const Tensor& y) : x(r.input(x)), y(r.saved_output(y)) {}
    void symbols(Symbols& list) const override { list.in("x", x).out("y", y); }
};

}  // namespace ops

}  // namespace unroll
