#pragma once
#include <algorithm>
#include <cstring>

#include "core/ids.hpp"
#include "core/kernels/gemm.hpp"
#include "core/kernels/parallel.hpp"
#include "core/ops/elementwise.hpp"
#include "core/tape.hpp"

namespace unroll {

struct SequenceOptions {
    bool reverse = false;
    Ids lengths = {};  // [B]; undefined: all T (see Scan)
    // [T, B]; where given, x is a table [V, G*H] whose row w is W_xh x_t for the word w: W_xh has no part in the
    // operation
    Ids words = {};
};

/// The walk over time that every whole-sequence operation shares. T time steps, B sequences, forward or reverse, and
/// optional lengths [B] with the meaning of PyTorch's packed sequences: a sequence's outputs past its end are zero, its
/// final state is the one after its own last step, and the reverse direction starts at its own last step. Inside the
/// operation this needs one rule only: past a sequence's end the state passes through unchanged, and so does its
/// gradient.
///
/// States are kept as [T+1, B, H]: h_0 first and h_T last, in the order of time for the forward direction, and the
/// other way round for the reverse one (h_0 in slot T). So the outputs, and the states before each step, are both
/// slices.
struct Scan {
    int64_t T, B;
    bool reverse = false;
    Ids lengths;     // undefined: all T
    Ids words = {};  // where given, x is a table of their projections

    /// Of x [T, B, D], or of the words [T, B].
    Scan(const Shape& x, const SequenceOptions& options);
    /// Throws Error unless lengths are B numbers of 0 to T.
    void check(const char* operation, Where at) const;
    bool has_table() const { return words.defined(); }

    int64_t time(int64_t step) const { return reverse ? T - 1 - step : step; }  // of the step-th update
    int64_t before(int64_t t) const { return reverse ? t + 1 : t; }  // slot of the state that step t starts from
    int64_t after(int64_t t) const { return reverse ? t : t + 1; }   // slot of the state that it makes
    int64_t first_slot() const { return reverse ? T : 0; }           // h_0
    int64_t last_slot() const { return reverse ? 0 : T; }            // h_T
    bool past_end(int64_t t, int64_t b) const { return lengths.defined() && t >= lengths[b]; }

    /// The states after all steps, and before all steps, as [T, B, H] views of [T+1, B, H].
    Tensor states_after(const Tensor& states) const { return reverse ? states.slice(0, T) : states.slice(1, T + 1); }
    Tensor states_before(const Tensor& states) const { return reverse ? states.slice(1, T + 1) : states.slice(0, T); }

    /// Calls body(first row, end row) for slices of the batch, one a thread: a worker takes its rows through all T
    /// steps, so nobody waits for anybody within a sequence. Rows don't depend on each other: the bits are those of one
    /// thread.
    template <class Body>
    void for_slices(Body body) const {
        const int64_t slices = std::min<int64_t>(B, kernels::threads());
        kernels::parallel(slices, [&](int64_t i) {
            body(kernels::chunk_begin(B, slices, i), kernels::chunk_begin(B, slices, i + 1));
        });
    }

    /// Calls body(b) for those of rows first .. end-1 that are not past their end at step t.
    template <class Body>
    void for_rows(int64_t t, int64_t first, int64_t end, Body body) const {
        for (int64_t b = first; b < end; b++)
            if (!past_end(t, b)) body(b);
    }

    /// Rows past their end at step t, of rows first .. end-1: to [., H] takes what `from` has, or zeros where it is
    /// null.
    template <class T>
    void pass_through(int64_t t, int64_t first, int64_t end, int64_t H, const T* from, T* to) const {
        if (!lengths.defined()) return;
        for (int64_t b = first; b < end; b++) {
            if (!past_end(t, b)) continue;
            if (from != nullptr)
                std::memcpy(to + b * H, from + b * H, static_cast<size_t>(H) * sizeof(T));
            else
                std::memset(to + b * H, 0, static_cast<size_t>(H) * sizeof(T));
        }
    }

    /// W_xh x_t of all steps, [T, B, N]; where x is a table, room for it.
    Tensor projection(const Tensor& x, const Tensor& W_xh, Tape& tape) const;
    /// Where x is a table: takes the rows of words first .. end-1 of step t to a_t, just before they are needed.
    template <class T>
    void look_up(int64_t t, int64_t first, int64_t end, int64_t N, const Tensor& x, T* a_t) const {
        if (!has_table()) return;
        for (int64_t b = first; b < end; b++) std::copy_n(x.data<T>() + words[t * B + b] * N, N, a_t + b * N);
    }
    /// dx and dW_xh from da = d(W_xh x_t) of all steps.
    void projection_backward(Tape& tape, const Tensor& da, const Saved& x, const Saved& W_xh) const;

    /// [T+1, B, H] with h_0 in its place, the others not initialised.
    Tensor states_from(const Tensor& h_0) const;
    /// The outputs: the states after each step; with lengths a copy of them, zero past each end.
    Tensor outputs(const Tensor& states) const;
};

/// Throws Error naming `role` unless the operand has this shape, and the dtype of x, at whose line the error is.
void expect_shape(const char* operation, const Operand& x, const Operand& operand, const char* role,
                  const Shape& shape);

/// Throws Error unless x is [T, B, D] and W_xh [GH, D], or x is a table [V, GH] of which all words are rows.
void expect_input(const char* operation, const Operand& x, const Operand& W_xh, Dim GH, const Ids& words);

/// A weight W [K, N], or its transpose, packed for the duration of one sequence: the tape's packed form where it has
/// one.
class Packed {
  public:
    Packed(const Tensor& W, bool transposed, Tape* tape);

    /// y += x W (y = x W unless `accumulate`) for rows of x [.., K] and of y [.., N], ldx and ldy numbers apart. A
    /// worker's slice of the batch is done on its own thread; what nobody has split is split over threads.
    template <class T>
    void multiply(int64_t rows, const T* x, int64_t ldx, T* y, int64_t ldy, bool accumulate) const {
        kernels::gemm_packed_parallel<T>(rows, N, K, x, ldx, static_cast<const T*>(form_), y, ldy, accumulate);
    }

    const int64_t K, N;

  private:
    Tensor own_;
    const void* form_;
};

/// y [.., N] = x [.., K] W, for all rows and time steps at once.
Tensor project(const Tensor& x, const Packed& W);

/// Σ a ⊙ c over all rows c [N] of C, with a the N numbers from `column` on of each row of A.
Tensor sum_of_rows(const Tensor& A, int64_t column, const Tensor& C);

/// dW rows first .. first+M-1 += Σ a bᵀ over all rows of b [.., N], with a the M numbers from `column` on of each row
/// of A [.., lda].
void add_products(Tensor& dW, int64_t first, int64_t M, const Tensor& A, int64_t column, const Tensor& b);

}  // namespace unroll
