// A chain of operations with known numbers, and variables that hold nothing or nonsense: what test_printers.py looks
// at.
#include <cstring>

#include "core/bptt/lstm.hpp"
#include "core/bptt/rnn.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/reductions.hpp"
#include "core/tape.hpp"

using namespace unroll;

/// Where the test looks at its caller's variables.
__attribute__((noinline)) void look(const void* p) { asm volatile("" : : "r"(p) : "memory"); }

/// Memory that never was what it is taken for.
template <class T>
struct Raw {
    alignas(64) unsigned char bytes[sizeof(T)];
    const T& filled(int byte) {
        std::memset(bytes, byte, sizeof bytes);
        return *reinterpret_cast<const T*>(bytes);
    }
};

static void nonsense() {
    Raw<Tensor> raw_a, raw_b, raw_c;
    Raw<Ids> raw_ids;
    Raw<Var> raw_var;
    Raw<Shape> raw_shape;
    Raw<Parameter> raw_parameter;
    Raw<Saved> raw_saved;
    Raw<Tape> raw_tape;
    const Tensor &ones = raw_a.filled(0xFF), &letters = raw_b.filled('A'), &zeros = raw_c.filled(0);
    const Tensor real = Tensor::of({1, 2});
    Raw<Tensor> raw_wild;  // sane but for its pointer
    std::memcpy(raw_wild.bytes, static_cast<const void*>(&real), sizeof(Tensor));
    const uintptr_t nowhere = uintptr_t{64} << 40;
    std::memcpy(raw_wild.bytes, &nowhere, sizeof nowhere);
    const Tensor& wild = *reinterpret_cast<const Tensor*>(raw_wild.bytes);
    Raw<Tensor> raw_long;  // sane, but longer than its storage
    const Shape long_shape{1000};
    std::memcpy(raw_long.bytes, static_cast<const void*>(&real), sizeof(Tensor));
    std::memcpy(raw_long.bytes + 2 * sizeof(void*), static_cast<const void*>(&long_shape), sizeof(Shape));
    const Tensor& too_long = *reinterpret_cast<const Tensor*>(raw_long.bytes);
    Raw<Shape> raw_negative;
    const int64_t minus_five = -5;
    std::memcpy(raw_negative.bytes, static_cast<const void*>(&long_shape), sizeof(Shape));
    std::memcpy(raw_negative.bytes, &minus_five, sizeof minus_five);
    const Shape& negative = *reinterpret_cast<const Shape*>(raw_negative.bytes);
    Raw<Tensor> raw_gone;
    {
        const Tensor dead = Tensor::of({3, 4, 5});
        std::memcpy(raw_gone.bytes, static_cast<const void*>(&dead), sizeof(Tensor));
    }
    const Tensor& gone = *reinterpret_cast<const Tensor*>(raw_gone.bytes);
    const Ids& ids = raw_ids.filled(0xFF);
    const Var& var = raw_var.filled('A');
    const Shape& shape = raw_shape.filled(0xFF);
    const Parameter& parameter = raw_parameter.filled('A');
    const Saved& saved = raw_saved.filled(0xFF);
    const Tape& bad_tape = raw_tape.filled('A');
    const Tensor *null_pointer = nullptr, *bad_pointer = reinterpret_cast<const Tensor*>(16);
    const void* all[] = {&ones, &letters, &zeros,     &wild,  &too_long, &negative,     &gone,       &ids,
                         &var,  &shape,   &parameter, &saved, &bad_tape, &null_pointer, &bad_pointer};
    look(all);
}

static void values() {
    const Tensor scalar = Tensor::full({}, 0.5, DType::f64), none, no_elements = Tensor::zeros({{0, 'T'}, 3});
    Tensor odd = Tensor::of({1e-7, -1e10, -0.0, 0});
    odd.mutable_data<float>()[3] = __builtin_nanf("");
    Tensor large = Tensor::zeros({{30, 'T'}, {4, 'B'}, {16, 'H'}});
    for (int64_t i = 0; i < large.size(); i++) large.set_flat(i, static_cast<double>(i));
    const Tensor row = large[1][2];
    const Ids ids({1, -100, 3, 4}, Shape{{2, 'T'}, {2, 'B'}});
    const Shape shape{{7, 'T'}, {3, 'B'}, 5};
    const void* all[] = {&scalar, &none, &no_elements, &odd, &large, &row, &ids, &shape};
    look(all);
}

int main() {
    Tape tape;
    const Parameter W("cell.W", Tensor::of({{1, 0}, {0, 2}, {0.5, 0.5}}, DType::f64).named("HD"));
    const Var x = tape.input(Tensor::of({{0.5, -0.25}, {0, 1}}, DType::f64).named("BD"));
    Var y;
    for (int t : tape.steps(2)) {
        const Var a = matmul(x, transposed(W));
        if (t == 1) y = tanh(a);
    }
    const Var h_0 = tape.input(Tensor::zeros({{1, 'B'}, {3, 'H'}}, DType::f64));
    const Parameter W_hh("W_hh", Tensor::zeros({{3, 'H'}, {3, 'H'}}, DType::f64)),
        b_h("b_h", Tensor::zeros({{3, 'H'}}, DType::f64));
    const RnnVars states = rnn_sequence(x.value().reshape({{2, 'T'}, {1, 'B'}, {2, 'D'}}), h_0, W, W_hh, b_h);
    const Parameter W_xh("W_xh", Tensor::zeros({12, {2, 'D'}}, DType::f64)),
        W_gates("W_gates", Tensor::zeros({12, {3, 'H'}}, DType::f64)), b("b", Tensor::zeros({12}, DType::f64));
    const LstmVars lstm =
        lstm_sequence(x.value().reshape({{2, 'T'}, {1, 'B'}, {2, 'D'}}), h_0, h_0, {W_xh, W_gates, b});
    const Var loss = sum(y) + sum(states.y) + sum(lstm.h_T);
    const void* all[] = {&W, &x, &y, &loss, &tape};
    look(all);
    tape.backward(loss);
    nonsense();
    values();
}
