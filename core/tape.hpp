#pragma once
#include <deque>
#include <initializer_list>
#include <vector>

#include "core/arena.hpp"
#include "core/record.hpp"

namespace unroll {

class Backprop;

/// What one record added to the gradient of one value.
struct Contribution {
    int slot;
    Tensor value;
};

/// One contribution to a gradient that is a sum over time (Tape::keep_terms).
struct Term {
    int step;  // time step of the record that added it, -1 outside of Tape::steps
    const Record* record;
    Tensor value;
};

/// A Wengert list held in the hand: operations on its Vars append records, backward runs them in reverse, one gradient
/// a value. Append order is topological order, so there is no sort and no recursion. One tape serves one backward pass;
/// build a new one (or clear()) for the next. Nothing outside of it decides what is recorded. Belongs to one thread.
class Tape {
  public:
    enum class Mode { recording, forward_only };
    explicit Tape(Mode mode = Mode::recording);
    ~Tape();
    Tape(const Tape&) = delete;
    Tape& operator=(const Tape&) = delete;

    /// A leaf that shares the parameter's storage; the same parameter enters once, however often it is watched.
    Var watch(const Parameter& p, Where at = {});
    /// A leaf whose gradient can be read: an input or an initial state.
    Var input(const Tensor& x, const char* name = "", Where at = {});
    /// A value without gradient.
    Var constant(const Tensor& x, Where at = {});

    /// Runs the records backward from a scalar loss. The same as `Backprop bp(tape, loss); while (bp.step()) {}`.
    /// Throws Error on a second backward, a loss of several elements, of another tape, or NaN or infinite.
    void backward(const Var& loss, Where at = {});

    /// dL/dp after (or in the middle of) backward; zeros where nothing flowed to it. After backward no two gradients
    /// share memory. Throws Error for a parameter or Var that is not on this tape, or whose gradient was released.
    Tensor grad(const Parameter& p, Where at = {});
    Tensor grad(const Var& v, Where at = {});
    /// The gradient itself, to change after backward (clipping).
    Tensor& mutable_grad(const Parameter& p, Where at = {});
    /// Intermediate gradients are released as soon as they have been passed on, except those asked for before backward.
    void keep_grad(const Var& v, Where at = {});
    /// Keep each contribution to the gradient of a reused value with its time step; ask before backward. A
    /// whole-sequence operation contributes one term in all: the terms of a sum over t exist for composed cells.
    void keep_terms(const Var& v, Where at = {});
    void keep_terms(const Parameter& p, Where at = {}) { keep_terms(watch(p), at); }
    std::vector<Term> terms(const Var& v, Where at = {});
    std::vector<Term> terms(const Parameter& p, Where at = {}) { return terms(watch(p), at); }

    /// `for (int t : tape.steps(T))` counts 0 .. T-1 (or T-1 .. 0) and marks what is recorded in the loop with its t.
    class Steps;
    Steps steps(int T, Where at = {});
    Steps steps_reversed(int T, Where at = {});

    /// A name for printing, stepping and traces.
    void name(const Var& v, const char* name);
    /// The name given, the parameter's name, or "" .
    const char* name_of(int slot) const;
    /// Keep a handle on every value recorded from now on, for those who step through them; else a value lives as long
    /// as a record or the reader needs it.
    void keep_values() { keep_values_ = true; }
    /// The value of a slot; nullptr where it was not kept.
    const Tensor* value_of(int slot) const;
    int slots() const { return int(slots_.size()); }

    int size() const { return int(records_.size()); }
    const Record& record(int i) const { return *records_[size_t(i)]; }
    bool recording() const { return mode_ == Mode::recording; }
    /// Forgets everything recorded, for the next pass. A Var of the last one is refused from then on; carry its value.
    void clear();
    /// Number of the pass being recorded, another one for each tape and each clear() of the thread.
    uint32_t pass() const { return pass_; }

    // ---- for records ----------------------------------------------------------------------------------------------
    /// Gradient of a symbol so far; nullptr where nothing has flowed to it.
    const Tensor* gradient(const Edge& e) const;
    static bool wants(const Edge& e) { return e.slot >= 0; }
    /// dx += g. The first gradient is kept as it is given, later ones are added: in place only where nobody shares it.
    void add(const Edge& x, Tensor g);
    /// The gradient of x to add into, zeroed at first use: for slices and embedding rows.
    Tensor& sum(const Edge& x);
    /// dW += aᵀ b, with a [R, M], b [R, N], W [M, N]. Products of a parameter wait and are added up in blocks of rows.
    void add_product(const Edge& W, const Tensor& a, const Tensor& b);
    /// The packed form of W (of its transpose) for kernels::gemm_packed, kept while the parameter is unchanged; nullptr
    /// for a value that is neither a watched parameter nor rows of one.
    const void* packed(const Tensor& W, bool transposed);

    /// Constructs R(recording, arguments...) in the arena, keeps it where a gradient is wanted, and returns its
    /// outputs.
    template <class R, class... Arguments>
    std::array<Var, 3> record_all(Where at, const Arguments&... arguments) {
        Recording recording(*this, at);
        const Arena::Mark before = arena_.mark();
        Record* r = new (arena_.allocate(sizeof(R))) R(recording, arguments...);
        finish(r, recording, before);
        return std::move(recording.outputs);
    }
    /// The same for the usual operation with one output.
    template <class R, class... Arguments>
    Var record(Where at, const Arguments&... arguments) {
        Recording recording(*this, at);
        const Arena::Mark before = arena_.mark();
        Record* r = new (arena_.allocate(sizeof(R))) R(recording, arguments...);
        finish(r, recording, before);
        return std::move(recording.outputs[0]);
    }

  private:
    friend class Backprop;
    friend class Recording;
    template <class T>
    using Pooled = std::vector<T, PoolAllocator<T>>;
    struct Slot {  // what the tape knows of one value
        Slot(const Shape& shape, DType dtype) : shape(shape), dtype(dtype) {}
        Shape shape;
        DType dtype;
        Tensor gradient;
        const char* name = "";
        int watched = -1;  // index of the parameter
        bool leaf = false, keep = false, released = false, keep_terms = false;
    };
    struct Product {
        Tensor a, b;  // waits to be added to dW as aᵀ b
        int step;
        const Record* record;
    };
    struct PackedForm {
        Tensor W;  // a parameter, or rows of it
        bool transposed;
        uint32_t version;
        Tensor form;
    };
    struct Watched {  // a parameter
        Tensor value;
        int slot;
        Pooled<PackedForm> packed;
        Pooled<Product> waiting;
        int64_t waiting_rows;
    };
    struct Kept {
        int slot;
        Term term;
    };
    void finish(Record* r, Recording& recording, Arena::Mark before);
    int enter(const Operand& x);
    void name(int slot, const char* name);
    int new_slot(const Tensor& value);
    Watched* find(const Tensor& parameter);
    Slot& own(const Var& v, const char* operation, Where at);
    void add_up(Watched& w);
    void keep_term(int slot, const Tensor& value, int step, const Record* record);
    Tensor product(const Tensor& a, const Tensor& b) const;

    Mode mode_;
    uint32_t pass_;
    Backprop* observer_ = nullptr;
    int step_ = -1;                    // time step being recorded
    const Record* current_ = nullptr;  // record whose backward runs
    bool backward_started_ = false;
    bool keep_values_ = false;
    Pooled<Record*> records_;
    Pooled<Slot> slots_;
    Pooled<Tensor> values_;  // of the slots, for keep_values
    Pooled<Watched> watched_;
    Pooled<Kept> terms_;
    std::deque<Contribution, PoolAllocator<Contribution>> sums_;  // given out by sum() to a record that is watched
    Arena arena_;                                                 // of the records
};

/// Throws Error for a Tensor that was never given numbers.
void check_not_empty(const char* operation, const Tensor& x, Where at);

/// The tape a record goes to: that of the operands, which must be one. Throws Error where none is on a tape.
Tape& tape_of(const char* operation, std::initializer_list<const Operand*> operands);

template <class T>
T* Recording::array(int64_t n) {
    return static_cast<T*>(tape.arena_.allocate(size_t(n) * sizeof(T)));
}

}  // namespace unroll

#include "core/steps.hpp"  // Tape::Steps
