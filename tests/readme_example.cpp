#include "core/ops/reductions.hpp"
#include "core/print.hpp"
#include "nn/rnn.hpp"
using namespace unroll;

int main() {
    Generator gen(1);
    Rnn rnn({.input_size = 3, .hidden_size = 4}, gen);
    Tape tape;
    Var x = tape.input(Tensor::full({7, 2, 3}, 0.5).named("TBD"));  // 7 time steps, 2 sequences, 3 inputs
    Rnn::Output h = rnn(x);                                         // h.y [T, B, H], h.last.h [layers, B, H]
    tape.backward(mean(h.y));                                       // back through time
    print("dL/dW_hh", tape.grad(rnn.cell(0).W_hh));
    print("dL/dx", tape.grad(x));
}
