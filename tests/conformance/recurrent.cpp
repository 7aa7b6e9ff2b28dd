#include "core/ops/elementwise.hpp"
#include "nn/linear.hpp"
#include "nn/rnn.hpp"
#include "tests/conformance/case.hpp"

namespace unroll::conformance {

/// PyTorch has two biases where one would do; their gradients are equal.
struct Biases {
    std::string input, hidden;
    Parameter sum;
};

void rnn(Case& c) {
    const std::string nonlinearity = c.has_setting("nonlinearity") ? c.word("nonlinearity") : "tanh";
    if (nonlinearity != "tanh" && nonlinearity != "relu")
        throw Error("the nonlinearity " + nonlinearity + " is not known");
    Generator gen(1);
    Rnn layer({.input_size = c.whole("input_size", 0),
               .hidden_size = c.whole("hidden_size", 0),
               .activation = nonlinearity == "tanh" ? Activation::tanh : Activation::relu,
               .dtype = c.dtype,
               .num_layers = c.whole("num_layers", 1),
               .bidirectional = c.truth("bidirectional", false)},
              gen);
    std::vector<Biases> biases;
    for (int64_t l = 0; l < c.whole("num_layers", 1); l++)
        for (int64_t d = 0; d < layer.directions(); d++) {
            RnnCell& cell = layer.cell(l, d == 1);
            const std::string suffix = "_l" + std::to_string(l) + (d == 1 ? "_reverse" : "");
            cell.W_xh = c.parameter("weight_ih" + suffix);
            cell.W_hh = c.parameter("weight_hh" + suffix);
            const std::string input = "bias_ih" + suffix, hidden = "bias_hh" + suffix;
            cell.b_h = Parameter("b_h", c.tensor("param." + input) + c.tensor("param." + hidden));
            biases.push_back({input, hidden, cell.b_h});
        }
    Rnn::Call call;
    if (c.has("in.h0")) call.initial.h = c.input("h0");
    if (c.has("in.lengths")) call.lengths = c.ids("in.lengths");
    const Rnn::Output out = layer(c.input("x"), call);
    c.output("y", out.y);
    c.output("hT", out.last.h);
    c.backward();
    for (const Biases& b : biases) {
        c.give("grad.param." + b.input, c.tape.grad(b.sum));
        c.give("grad.param." + b.hidden, c.tape.grad(b.sum));
    }
}

void textbook_rnn(Case& c) {
    const Parameter W_hh = c.parameter("W_hh"), W_xh = c.parameter("W_xh"), b_h = c.parameter("b_h");
    Generator gen(1);
    RnnCell cell({.input_size = W_xh.value.dim(-1), .hidden_size = W_hh.value.dim(-1), .dtype = c.dtype}, gen);
    cell.W_hh = W_hh, cell.W_xh = W_xh, cell.b_h = b_h;
    Linear output;
    output.W = c.parameter("W_hy");
    output.b = c.parameter("b_y");
    const Var x = c.input("x"), h_0 = c.input("h0");
    const Scanned h = scan(cell, x, {h_0, {}});
    c.output("y", sigmoid(output(h.y)));
    c.output("hT", h.last.h);
    c.backward();
}

}  // namespace unroll::conformance
