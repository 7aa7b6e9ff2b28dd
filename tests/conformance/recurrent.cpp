// Recurrent layers as PyTorch has them, and the book's cells with its separate matrices.
#include "core/ops/elementwise.hpp"
#include "core/ops/shape.hpp"
#include "nn/book.hpp"
#include "nn/gru.hpp"
#include "nn/linear.hpp"
#include "nn/lstm.hpp"
#include "nn/pytorch.hpp"
#include "nn/rnn.hpp"
#include "tests/conformance/case.hpp"

namespace unroll::conformance {

/// A layer of PyTorch's: the parameters come in, and their gradients go out, the way nn/pytorch.hpp says.
template <class Layer>
static void torch_layer(Case& c, typename Layer::Options options) {
    options.input_size = c.whole("input_size", 0);
    options.hidden_size = c.whole("hidden_size", 0);
    options.num_layers = c.whole("num_layers", 1);
    options.bidirectional = c.truth("bidirectional", false);
    options.dtype = c.dtype;
    Generator gen(1);
    Layer layer(options, gen), gradients(options, gen);
    from_pytorch(c.file(), layer, "param.");
    RecurrentCall call{.composed = c.composed};
    if (c.has("in.h0")) call.initial.h = c.input("h0");
    if (c.has("in.c0")) call.initial.C = c.input("c0");
    if (c.has("in.lengths")) call.lengths = c.ids("in.lengths");
    const RecurrentOutput out = layer(c.input("x"), call);
    c.output("y", out.y);
    c.output("hT", out.last.h);
    if (given(out.last.C)) c.output("cT", out.last.C);
    if (!c.backward()) return;

    const std::vector<Parameter> from = parameters(layer), to = parameters(gradients);
    for (size_t i = 0; i < to.size(); i++) Tensor(to[i].value).copy_from(c.tape.grad(from[i]));
    const SafeTensors file = to_pytorch(gradients, "grad.param.");
    for (const auto& [name, value] : file.tensors) c.give(name, file.tensor(name));
    // PyTorch has two biases where one would do. Their gradients are equal, but for n of a GRU (its last third), which
    // are two here as well.
    for (const auto& [name, value] : file.tensors) {
        const size_t bias = name.find("bias_ih");
        if (bias == std::string::npos) continue;
        std::string other = name;
        other.replace(bias, 7, "bias_hh");
        Tensor g = file.tensor(name).clone();
        if (std::is_same_v<Layer, Gru>) {
            const int64_t H = options.hidden_size;
            g.slice(2 * H, 3 * H).copy_from(file.tensor(other).slice(2 * H, 3 * H));
        }
        c.give(other, g);
    }
}

void rnn(Case& c) {
    const std::string nonlinearity = c.has_setting("nonlinearity") ? c.word("nonlinearity") : "tanh";
    if (nonlinearity != "tanh" && nonlinearity != "relu")
        throw Error("the nonlinearity " + nonlinearity + " is not known");
    torch_layer<Rnn>(c, {.activation = nonlinearity == "tanh" ? Activation::tanh : Activation::relu});
}
void lstm(Case& c) { torch_layer<Lstm>(c, {}); }
void gru(Case& c) { torch_layer<Gru>(c, {.reset_after = true}); }

/// One layer of a cell whose matrices are the book's: in by from_book, and their gradients out by to_book.
template <class Cell>
static void textbook(Case& c, typename Cell::Options options, const std::string& candidate) {
    const Shape candidate_shape = c.tensor("param.W_" + candidate).shape();
    options.hidden_size = candidate_shape[0];
    options.input_size = candidate_shape[-1] - candidate_shape[0];
    options.dtype = c.dtype;
    Generator gen(1);
    Recurrent<Cell> layer(options, gen);
    Cell& cell = layer.cell(0);
    Weights book;
    for (const char gate : std::string(cell.gates()))
        for (const char* name : {"W_", "b_"})
            book[std::string(name) + gate] = c.tensor(std::string("param.") + name + gate);
    const Weights weights = from_book(cell.gates(), book);
    for (const Parameter& p : parameters(cell)) Tensor(p.value).copy_from(weights.at(p.name));
    RecurrentCall call{.composed = c.composed};
    const auto state = [&](const char* name) {
        const Var s = c.input(name);
        return reshape(s, s.shape().prepend({1, 'L'}));
    };
    if (c.has("in.h0")) call.initial.h = state("h0");
    if (c.has("in.c0")) call.initial.C = state("c0");
    if (c.has("in.lengths")) call.lengths = c.ids("in.lengths");
    const RecurrentOutput out = layer(c.input("x"), call);
    c.output("y", out.y);
    c.output("hT", row(out.last.h, 0));
    if (given(out.last.C)) c.output("cT", row(out.last.C, 0));
    if (!c.backward()) return;
    Weights gradients;
    for (const Parameter& p : parameters(cell)) gradients[p.name] = c.tape.grad(p);
    for (const auto& [name, value] : to_book(cell.gates(), gradients)) c.give("grad.param." + name, value);
}

void textbook_lstm(Case& c) { textbook<LstmCell>(c, {}, "C"); }
void textbook_coupled_lstm(Case& c) { textbook<LstmCell>(c, {.coupled = true}, "C"); }
void textbook_peephole_lstm(Case& c) { textbook<LstmCell>(c, {.peephole = Peephole::full}, "C"); }
void textbook_gru(Case& c) { textbook<GruCell>(c, {}, "h"); }

void textbook_rnn(Case& c) {
    const Parameter W_hh = c.parameter("W_hh"), W_xh = c.parameter("W_xh"), b_h = c.parameter("b_h");
    Generator gen(1);
    RnnCell cell({.input_size = W_xh.value.dim(-1), .hidden_size = W_hh.value.dim(-1), .dtype = c.dtype}, gen);
    cell.W_hh = W_hh, cell.W_xh = W_xh, cell.b_h = b_h;
    Linear output;
    output.W = c.parameter("W_hy");
    output.b = c.parameter("b_y");
    const Var x = c.input("x");
    const int64_t T = x.dim(0), B = x.dim(1);
    const States start{
        c.has("in.h0") ? c.input("h0") : c.tape.constant(Tensor::zeros({B, W_hh.value.dim(-1)}, c.dtype)), {}};
    const SequenceOptions options{.lengths = c.has("in.lengths") ? c.ids("in.lengths") : Ids()};
    const Scanned h = c.composed ? scan(cell, x, start, options) : cell.sequence(x, start, options);
    Tensor inside = Tensor::full({T, B, 1}, 1, c.dtype);
    for (int64_t i = 0; options.lengths.defined() && i < T * B; i++)
        inside.set_flat(i, i / B < options.lengths[i % B] ? 1 : 0);
    c.output("y", sigmoid(output(h.y)) * inside);
    c.output("hT", h.last.h);
    c.backward();
}

}  // namespace unroll::conformance
